"""Floor 1: the contract between a protocol and the world it runs in.

A protocol file imports from here and from :mod:`common.values`, and from nothing else of ours.
"""

from common.contract.application import Application, AtMostOnce, CommandBatch, Numbered
from common.contract.asking import Asker, begin_life
from common.contract.effects import (
    Broadcast,
    CancelTimer,
    Effect,
    Forget,
    Note,
    Return,
    Save,
    Send,
    SetTimer,
)
from common.contract.events import CallId, Event, Fire, Invoke, NodeId, Receive, Start, TimerId
from common.contract.kinds import message, operation, record, timer
from common.contract.node import Node, on

__all__ = [
    "Application",
    "Asker",
    "AtMostOnce",
    "Broadcast",
    "CallId",
    "CancelTimer",
    "CommandBatch",
    "Effect",
    "Event",
    "Fire",
    "Forget",
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
    "Start",
    "TimerId",
    "begin_life",
    "message",
    "on",
    "operation",
    "record",
    "timer",
]
