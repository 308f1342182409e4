"""What can happen to a node: it starts, a message arrives, a timer fires, a client asks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from common.contract.wrapped import InnerKey

NodeId: TypeAlias = str
"""The name of a node, unique in its cluster: ``n1``, ``c2``."""

TimerId: TypeAlias = int
"""Names one setting of a timer within one life of a node."""

CallId: TypeAlias = int
"""Names one operation of a client within one life of the node that was asked."""

Key: TypeAlias = str | bytes | tuple[str | int | bytes, ...]
"""Under what a node saves a value: ``"term"``, ``("log", 17)``, ``b"\\x00\\xff"``."""

SavedKey: TypeAlias = Key | InnerKey
"""A key as a world sees it: one of the node's own, or one of a subnode's."""


@dataclass(slots=True)
class Start:
    """The node begins a life, the first one or another after a crash.

    Attributes:
        now: the node's own clock, in microseconds.
        saved: everything that earlier lives made durable, by key.
    """

    now: int
    saved: Mapping[SavedKey, object]


@dataclass(slots=True)
class Receive:
    """A message arrives. ``now`` is the node's own clock, in microseconds."""

    now: int
    sender: NodeId
    message: object


@dataclass(slots=True)
class Fire:
    """A timer that the node set in this life fires. ``now`` is its own clock, in microseconds."""

    now: int
    id: TimerId
    timer: object


@dataclass(slots=True)
class Invoke:
    """A client asks for an operation; the node answers it by ``finish(call, outcome)``."""

    now: int
    call: CallId
    operation: object


Event: TypeAlias = Start | Receive | Fire | Invoke
