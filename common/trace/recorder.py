"""The recorder: an observer of a world that writes down what it sees, line by line.

It keeps nothing of what it wrote, so a run of any length can be recorded: memory is bounded by the
nodes, the messages under way and the operations under way.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TextIO

from common.contract.effects import Forget, Save
from common.contract.events import Event as NodeEvent
from common.contract.events import Fire, Invoke, NodeId, Receive
from common.contract.kinds import kind_of
from common.contract.names import full_name, shortest_names
from common.contract.node import Node
from common.contract.observer import Observer
from common.contract.schema import classes_of
from common.contract.signing import VOID, Signed
from common.contract.wrapped import unwrapped
from common.trace.causality import Clocks
from common.trace.format import Event, Meta, to_line
from common.trace.plain import body_of, plain
from common.values.errors import BadInput
from common.values.faults import Fault, fault_to_plain
from common.values.history import Failed, Ok, Operation, Unknown

MAX_OPEN_CALLS = 10_000
"""Operations under way whose number is remembered; above it the oldest is forgotten."""


def open_trace(path: Path) -> TextIO:
    """Open a trace file for writing; pass its ``write`` to a :class:`Recorder`.

    Raises:
        BadInput: the file cannot be written.
    """
    try:  # a lone surrogate in somebody's text becomes its JSON escape, not an error
        return path.open("w", encoding="utf-8", errors="backslashreplace", newline="\n")
    except OSError as error:
        raise BadInput(f"the trace {path} cannot be written: {error.strerror}") from None


class Recorder(Observer):
    """Writes a trace.

    Args:
        write: called with each line, line end included: ``file.write`` or ``lines.append``.
        meta: the header, written at once.
        nodes: how the nodes are made. The messages of those that are classes are known by it from
            the beginning, so that two of one name are told apart by the rule for wires.
        clocks: whether to write vector clocks. A process of a live run records without them: it
            does not see the others' clocks, and :func:`common.trace.merge.merge` computes them.
    """

    def __init__(
        self,
        write: Callable[[str], object],
        meta: Meta,
        *,
        nodes: Iterable[object] = (),
        clocks: bool = True,
    ) -> None:
        self._write = write
        classes: list[Any] = [
            each for each in nodes if isinstance(each, type) and issubclass(each, Node)
        ]
        self._names = _Names(_names_of(*dict.fromkeys(classes)))
        self._clocks = Clocks() if clocks else None
        self._states: dict[NodeId, Any] = {}
        self._calls: dict[int, tuple[int, Operation]] = {}
        self._last_call = 0
        write(to_line(meta.to_plain()))

    def stepped(
        self,
        at: int,
        node: NodeId,
        event: NodeEvent,
        number: int | None,
        status: Mapping[str, object],
    ) -> None:
        """A node took an event. ``number`` is that of the message, for a Receive."""
        line: Event = {"t": at, "node": node, "kind": "start"}
        state = plain(status)
        changed = state != self._states.get(node, {})
        match event:
            case Receive(_, sender, message):
                kind, _ = self._names.typed(message)
                line |= {"kind": "recv", "msg": number, "frm": sender, "type": kind}
            case Fire(_, _, timer):
                kind, bare = self._names.typed(timer)
                line |= {"kind": "timer", "type": kind, "body": body_of(bare)}
            case Invoke(_, _, operation):
                if not changed:
                    return
                line |= {"kind": "step", "type": self._names[type(operation)]}
        if changed:
            self._states[node] = line["state"] = state
        self._put(line)

    def sent(self, at: int, node: NodeId, to: NodeId, message: object, number: int) -> None:
        """A message left its sender; ``number`` is unique in the run."""
        kind, bare = self._names.typed(message)
        line: Event = {"t": at, "node": node, "kind": "send", "msg": number, "to": to}
        line |= {"type": kind, "body": body_of(bare)}
        self._put(line)

    def dropped(self, at: int, node: NodeId, to: NodeId, number: int, why: str) -> None:
        """The message ``number`` of ``node`` to ``to`` will not arrive (again)."""
        self._put({"t": at, "node": node, "kind": "drop", "msg": number, "to": to, "why": why})

    def saved(self, at: int, node: NodeId, changes: Sequence[Save | Forget]) -> None:
        """The changes of a step of ``node`` have become durable."""
        keys = plain([_shown_key(change.key) for change in changes])
        self._put({"t": at, "node": node, "kind": "save", "keys": keys})

    def noted(self, at: int, node: NodeId, text: str, fields: Mapping[str, object]) -> None:
        """A node left an annotation."""
        line = {"t": at, "node": node, "kind": "note", "text": plain(text), "fields": plain(fields)}
        self._put(line)

    def failed(self, at: int, fault: Fault) -> None:
        """A fault of the schedule happens now (see :mod:`common.values.faults`)."""
        parts = fault_to_plain(fault)
        del parts["at"]
        line = {"t": at, "node": parts.pop("node", None), "kind": parts.pop("fault"), **parts}
        self._put(line)

    def called(self, at: int, node: NodeId, operation: Operation) -> None:
        """A client's operation begins at ``node``."""
        self._last_call += 1
        if len(self._calls) >= MAX_OPEN_CALLS:
            del self._calls[next(iter(self._calls))]
        self._calls[id(operation)] = (self._last_call, operation)
        line: Event = {"t": at, "node": node, "kind": "invoke", "call": self._last_call}
        line |= {"client": operation.process, "op": operation.function}
        line |= {"key": plain(operation.key), "value": plain(operation.argument)}
        self._put(line)

    def returned(self, at: int, node: NodeId, operation: Operation) -> None:
        """A client's operation at ``node`` ended; its ``outcome`` says how."""
        number, _ = self._calls.pop(id(operation), (0, operation))
        line: Event = {"t": at, "node": node, "kind": "return", "call": number}
        line |= {"client": operation.process, "op": operation.function}
        match operation.outcome:
            case Ok(value):
                line |= {"outcome": "ok", "value": plain(value)}
            case Failed(reason):
                line |= {"outcome": "fail", "value": reason}
            case Unknown(reason):
                line |= {"outcome": "info", "value": reason}
        self._put(line)

    def verdict(
        self,
        at: int,
        node: NodeId | None,
        property: str,
        result: str,
        sentence: str,
        *,
        calls: Sequence[int] = (),
        seen_at: int | None = None,
    ) -> None:
        """What a checker said of the run.

        Args:
            at: when it was said: mostly at the end of the run.
            node: where, or None.
            property: its name, such as ``linearizable``.
            result: ``yes``, ``no`` or ``unknown``.
            sentence: for a person, what was expected and what was found.
            calls: for a no, the numbers of the clients' operations that prove it, from 1 in the
                order in which they were begun.
            seen_at: for a no, when it was first to be seen, if operations do not tell.
        """
        line: Event = {"t": at, "node": node, "kind": "verdict", "property": property}
        line |= {"result": result, "sentence": sentence}
        if calls:
            line["calls"] = list(calls)
        if seen_at is not None:
            line["at"] = seen_at
        self._put(line)

    def _put(self, line: Event) -> None:
        if self._clocks is not None and (clock := self._clocks.of(line)) is not None:
            line["clock"] = clock
        self._write(to_line(line))


def _is_node_class(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, Node)


@cache
def _names_of(*nodes: Any) -> Mapping[type, str]:
    """What the classes are called that these node classes exchange."""
    by_full_name = {full_name(kind): kind for kind in classes_of(*nodes)}
    names = shortest_names(by_full_name)
    return {kind: names[full] for full, kind in by_full_name.items()}


class _Names(dict[type, str]):
    """What classes are called in the trace; one that nobody announced gets a name when it comes."""

    def __missing__(self, kind: type) -> str:
        full = full_name(kind)
        names = shortest_names([full, *map(full_name, self)])
        short = kind.__name__
        self[kind] = name = names[full] if short in self.values() else short
        return name

    def typed(self, value: object) -> tuple[str, object]:
        """The type of a message or timer, after its subnode's name, and the bare one.

        What is signed is shown as if it were not: that is for all messages of such a protocol.
        """
        path, bare = unwrapped(value)
        void = ""
        if isinstance(bare, Signed) and kind_of(type(bare.content)):
            void = " (void)" if bare.signature == VOID else ""
            bare = bare.content
        name = self[type(bare)] + void
        return (f"{path}/{name}" if path else name), bare


def _shown_key(key: object) -> object:
    """A key as a trace has it: one of a subnode begins with the subnode's name."""
    path, bare = unwrapped(key)
    match bare:
        case _ if not path:
            return key
        case str():
            return f"{path}/{bare}"
        case (str(first), *rest):
            return (f"{path}/{first}", *rest)
    return (f"{path}/", bare)
