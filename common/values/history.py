"""Histories: what clients asked for, and what they were told.

A history is the only evidence that a checker believes. Each client operation is *invoked* at one
time and *ends* at a later one in one of three ways:

* :class:`Ok`: it happened, exactly once, and this is its result;
* :class:`Failed`: it certainly did not happen and never will;
* :class:`Unknown`: it may have happened, may still happen at any later time, or never.

An operation that has not ended when the history does is the same as unknown. (Herlihy and Wing
1990, section 2, call it *pending*; Jepsen calls the three ``:ok``, ``:fail``, ``:info``.)
"""

import json
from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from typing import TypeAlias

from common.values.errors import BadInput


@dataclass(frozen=True, slots=True)
class Ok:
    """The operation happened, and ``value`` is its result (None for a plain acknowledgement)."""

    value: object = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The operation certainly did not happen. ``reason`` is for people."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody on this side can tell whether the operation happened. ``reason`` is for people."""

    reason: str = ""


Outcome: TypeAlias = Ok | Failed | Unknown

QUESTIONS = frozenset({"read", "get", "dequeue"})
"""Functions whose result None is an answer, not a plain acknowledgement."""


@dataclass(slots=True)
class Operation:
    """One client operation, from invocation to return.

    Attributes:
        process: the client; a process has at most one operation under way at a time.
        function: what was asked, in lower case with dashes: ``read``, ``compare-and-set`` ...
        key: which object it is about, or None where there is but one.
        argument: what was passed: None, one value, or a tuple of them.
        invoked_at: time of the invocation, in microseconds (only the order matters to checkers).
        returned_at: time of the return, or None while the operation is under way.
        outcome: how it ended; :class:`Unknown` while it is under way.
    """

    process: str
    function: str
    key: object
    argument: object
    invoked_at: int
    returned_at: int | None = None
    outcome: Outcome = field(default_factory=lambda: Unknown("still under way"))

    def __str__(self) -> str:
        subject = "" if self.key is None else f"{self.key!r}"
        given = "" if self.argument is None else f"{self.argument!r}"
        asked = f"{self.function}({', '.join(part for part in (subject, given) if part)})"
        match self.outcome:
            case Ok(value):
                nothing = "nothing" if self.function in QUESTIONS else "ok"
                told = nothing if value is None else f"{value!r}"
            case Failed(reason):
                told = f"failed {reason}".strip()
            case Unknown(reason):
                told = f"unknown {reason}".strip()
        return f"{self.process} {asked} -> {told}"


class History:
    """The operations of a run, in the order of their invocations."""

    def __init__(self, operations: Iterable[Operation] = ()) -> None:
        self.operations: list[Operation] = list(operations)

    def __iter__(self) -> Iterator[Operation]:
        return iter(self.operations)

    def __len__(self) -> int:
        return len(self.operations)

    def invoke(
        self, process: str, function: str, key: object, argument: object, at: int
    ) -> Operation:
        """Record that ``process`` asks for something at time ``at``; returns the open operation."""
        operation = Operation(process, function, key, argument, at)
        self.operations.append(operation)
        return operation

    def finish(self, operation: Operation, outcome: Outcome, at: int) -> None:
        """Record how an operation of this history ended, at time ``at``.

        The first ending stands: an operation ends once.
        """
        if operation.returned_at is None:
            operation.outcome = outcome
            operation.returned_at = at

    def to_jsonl(self) -> str:
        """The history as JSON Lines, an invocation and a return per operation, in time order.

        Each line has ``process``, ``type`` (``invoke``, ``ok``, ``fail``, ``info``), ``f``,
        ``key``, ``value``, ``time`` (microseconds) and ``op`` (joins the two lines). The format
        is described in ``docs/reference/histories.md``.
        """
        lines: list[tuple[int, int, int, dict[str, object]]] = []
        for number, operation in enumerate(self.operations):
            shared = {"process": operation.process, "f": operation.function, "key": operation.key}
            invoked: dict[str, object] = {"op": number, "type": "invoke", **shared}
            invoked |= {"value": operation.argument, "time": operation.invoked_at}
            lines.append((operation.invoked_at, number, 0, invoked))
            if operation.returned_at is None:
                continue
            match operation.outcome:
                case Ok(value):
                    ended: dict[str, object] = {"type": "ok", **shared, "value": value}
                case Failed(reason):
                    ended = {"type": "fail", **shared, "value": operation.argument, "error": reason}
                case Unknown(reason):
                    ended = {"type": "info", **shared, "value": operation.argument, "error": reason}
            lines.append(
                (
                    operation.returned_at,
                    number,
                    1,
                    {"op": number, **ended, "time": operation.returned_at},
                )
            )
        lines.sort(key=lambda line: line[:3])
        return "".join(json.dumps(line[3], default=_as_plain) + "\n" for line in lines)


def _as_plain(value: object) -> object:
    """What JSON has no form for: records by their fields, bytes in base64, as in traces."""
    if is_dataclass(value) and not isinstance(value, type):
        parts = {field.name: getattr(value, field.name) for field in fields(value)}
        return {"$type": type(value).__name__, **parts}
    if isinstance(value, bytes):
        return {"$bytes": b64encode(value).decode()}
    raise BadInput(
        f"a history holds {value!r}, which JSON cannot carry: use numbers, text, lists or nothing"
    )
