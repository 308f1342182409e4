"""Floor 1: the contract between a protocol and the world it runs in.

A protocol file imports from here and from :mod:`common.values`, and from nothing else of ours.
"""

from common.contract.application import Application, AtMostOnce, CommandBatch, Numbered
from common.contract.asking import Asker, begin_life
from common.contract.effects import (
    Broadcast,
    CancelTimer,
    Deliver,
    Effect,
    Forget,
    Note,
    Return,
    Save,
    Send,
    SetTimer,
)
from common.contract.events import CallId, Event, Fire, Invoke, NodeId, Receive, Start, TimerId
from common.contract.handlers import on
from common.contract.kinds import delivery, message, operation, record, timer
from common.contract.node import Node
from common.contract.signing import Signed, digest
from common.contract.wrapped import Inner, InnerKey, InnerTimer

__all__ = [
    "Application",
    "Asker",
    "AtMostOnce",
    "Broadcast",
    "CallId",
    "CancelTimer",
    "CommandBatch",
    "Deliver",
    "Effect",
    "Event",
    "Fire",
    "Forget",
    "Inner",
    "InnerKey",
    "InnerTimer",
    "Invoke",
    "Node",
    "NodeId",
    "Note",
    "Numbered",
    "Receive",
    "Return",
    "Save",
    "Send",
    "SetTimer",
    "Signed",
    "Start",
    "TimerId",
    "begin_life",
    "delivery",
    "digest",
    "message",
    "on",
    "operation",
    "record",
    "timer",
]
