"""The trace format, schema 1: JSON Lines, one event a line, times in microseconds.

The first line is the header::

    {"kind":"meta","schema":1,"lab":"echo","seed":7,"nodes":["n1","n2"],"clients":["c1"],
     "unit":"us","world":"simulator"}

It holds no date and no fact about the machine, so that a simulated run gives the same bytes
everywhere; only a live world adds ``"started"``. Every other line is an event: ``t``, ``node``,
``kind``, the fields of that kind (:data:`KINDS`), and last, where there is one, ``state`` (the
node's ``status()``, only when it changed) and ``clock``::

    {"t":12,"node":"n1","kind":"send","msg":1,"to":"n2","type":"Ping","body":{"text":"hi"},
     "clock":{"n1":2}}
    {"t":63,"node":"n2","kind":"recv","msg":1,"frm":"n1","type":"Ping","clock":{"n1":2,"n2":1}}

``msg`` joins a send with what became of it: no, one or several ``recv`` (a duplicate), perhaps a
``drop``. ``node`` is None for what happens to the world as a whole (a partition); those events
have no clock. A drop belongs to the sender. ``call`` joins ``invoke`` with ``return``.

What belongs to a subnode (:mod:`common.contract.subnodes`) has its name before it: a ``type`` of
``shard-7/Vote``, a key ``shard-7/term``, a field ``shard-7/role`` of ``state``.

Values inside ``body``, ``state``, ``fields`` and ``value`` are plain JSON as
:mod:`common.trace.plain` makes it.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

SCHEMA = 1
"""The version of the format that this code writes, and the only one that it reads."""

Event: TypeAlias = dict[str, Any]
"""One line of a trace but the first."""

_INT, _TEXT, _DICT, _LIST = (int,), (str,), (dict,), (list,)
_NUMBER = (int, float)
_MAYBE_INT, _MAYBE_TEXT = (int, type(None)), (str, type(None))
_ANY = (object,)

KINDS: Mapping[str, Mapping[str, tuple[type, ...]]] = {
    "start": {},
    "send": {"msg": _INT, "to": _TEXT, "type": _TEXT, "body": _DICT},
    "recv": {"msg": _MAYBE_INT, "frm": _TEXT, "type": _TEXT},
    "drop": {"msg": _INT, "to": _TEXT, "why": _TEXT},
    "timer": {"type": _TEXT, "body": _DICT},
    "step": {"type": _TEXT},
    "save": {"keys": _LIST},
    "note": {"text": _TEXT, "fields": _DICT},
    "invoke": {"call": _INT, "client": _TEXT, "op": _TEXT, "key": _ANY, "value": _ANY},
    "return": {"call": _INT, "client": _TEXT, "op": _TEXT, "outcome": _TEXT, "value": _ANY},
    "crash": {},
    "restart": {},
    "pause": {},
    "resume": {},
    "partition": {"groups": _LIST},
    "block": {"source": _TEXT, "target": _TEXT},
    "heal": {},
    "link": {},
    "clock": {},
    "disk": {"latency": _NUMBER},
    "corrupt": {"behaviour": _TEXT},
    "twin": {"halves": _LIST},
    "verdict": {"property": _TEXT, "result": _TEXT, "sentence": _TEXT},
}
"""The kinds of event, and for each the fields that it must have, with their JSON types.

``step`` is a client's operation reaching the node, written only where that changed the node's
state. ``outcome`` is ``ok``, ``fail`` or ``info`` (unknown), as in histories. From ``crash`` to
``twin`` they are the faults of :mod:`common.values.faults`. ``verdict`` is what a checker said
of the run: ``yes``, ``no`` or ``unknown``, with a sentence. It may name what it blames:
``calls``, the numbers of the operations that prove it, and ``at``, when it was first to be seen.
"""

WORLD_KINDS = frozenset({"partition", "block", "heal", "link"})
"""The kinds whose ``node`` is always None."""

encode = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), allow_nan=False, check_circular=False
).encode
"""Plain values as the JSON of a trace. They are trees (:mod:`common.trace.plain` makes them)."""

_LINE_ENDS = {ord(end): f"\\u{ord(end):04x}" for end in "\x85\u2028\u2029"}
"""Line ends in the eyes of ``str.splitlines`` that JSON leaves as they are, and how it escapes."""


def to_line(plain: Mapping[str, Any]) -> str:
    """One line of a trace file, with its line end.

    There is no other line end in it: ``str.splitlines`` would also split at those of Unicode.
    """
    return ended(encode(plain))


def ended(line: str) -> str:
    """The JSON of one line, with its line end, and no other in it."""
    return (line if line.isascii() else line.translate(_LINE_ENDS)) + "\n"


@dataclass(frozen=True, slots=True)
class Meta:
    """The header of a trace.

    Attributes:
        lab: the lab that ran.
        nodes: the lanes of the picture, in order, without the clients.
        clients: those nodes that play clients, in order.
        seed: what the run replays from, or None for a live one.
        world: ``simulator``, ``sockets`` ...
        started: date and time of a live run's start (ISO 8601), else None.
    """

    lab: str
    nodes: tuple[str, ...]
    clients: tuple[str, ...] = ()
    seed: int | str | None = None
    world: str = "simulator"
    started: str | None = None

    def to_plain(self) -> dict[str, Any]:
        """The header as the object that its line holds."""
        plain: dict[str, Any] = {"kind": "meta", "schema": SCHEMA, "lab": self.lab}
        plain |= {"seed": self.seed, "nodes": list(self.nodes), "clients": list(self.clients)}
        plain |= {"unit": "us", "world": self.world}
        if self.started is not None:
            plain["started"] = self.started
        return plain


@dataclass(slots=True)
class Trace:
    """A whole trace in memory: its header and its events, in the order in which they happened."""

    meta: Meta
    events: list[Event] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """The lines of the file, each with its line end."""
        yield to_line(self.meta.to_plain())
        yield from map(to_line, self.events)
