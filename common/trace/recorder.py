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
from common.trace.as_json import Quoted, body_json, fields_json, json_of
from common.trace.causality import Clock, Clocks
from common.trace.format import Meta, encode, ended, to_line
from common.trace.plain import plain
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
        self._types = _Types(_names_of(*dict.fromkeys(classes)))
        self._quoted = Quoted()
        self._clocks = Clocks() if clocks else None
        self._states: dict[NodeId, Any] = {}
        self._calls: dict[int, tuple[int, Operation]] = {}
        self._last_call = 0
        write(to_line(meta.to_plain()))

    # Each method writes the fields of its kind as JSON, and _put what all lines have around them.

    def stepped(
        self,
        at: int,
        node: NodeId,
        event: NodeEvent,
        number: int | None,
        status: Mapping[str, object],
    ) -> None:
        """A node took an event. ``number`` is that of the message, for a Receive."""
        state = plain(status) if status else {}
        changed = state != self._states.get(node, {})
        if isinstance(event, Receive):
            kind, _ = self._types.of(event.message)
            fields = f'"recv","msg":{json_of(number)},"frm":{self._quoted[event.sender]}'
            fields += f',"type":{kind}'
        elif isinstance(event, Fire):
            kind, bare = self._types.of(event.timer)
            fields = f'"timer","type":{kind},"body":{body_json(bare)}'
        elif isinstance(event, Invoke):
            if not changed:
                return
            kind, _ = self._types.of(event.operation)
            fields = f'"step","type":{kind}'
        else:
            fields = '"start"'
        if changed:
            self._states[node] = state
            fields += f',"state":{fields_json(state)}'
        if self._clocks and isinstance(event, Receive):
            self._put(at, node, fields, self._clocks.receive(node, number))
        else:
            self._put(at, node, fields, self._tick(node))

    def sent(self, at: int, node: NodeId, to: NodeId, message: object, number: int) -> None:
        """A message left its sender; ``number`` is unique in the run."""
        kind, bare = self._types.of(message)
        fields = f'"send","msg":{number},"to":{self._quoted[to]},"type":{kind}'
        fields += f',"body":{body_json(bare)}'
        clock = self._clocks.send(node, number) if self._clocks else None
        self._put(at, node, fields, clock)

    def dropped(self, at: int, node: NodeId, to: NodeId, number: int, why: str) -> None:
        """The message ``number`` of ``node`` to ``to`` will not arrive (again)."""
        fields = f'"drop","msg":{number},"to":{self._quoted[to]},"why":{encode(why)}'
        clock = self._clocks.lose(node, number) if self._clocks else None
        self._put(at, node, fields, clock)

    def saved(self, at: int, node: NodeId, changes: Sequence[Save | Forget]) -> None:
        """The changes of a step of ``node`` have become durable."""
        keys = json_of([_shown_key(change.key) for change in changes])
        self._put(at, node, f'"save","keys":{keys}', self._tick(node))

    def noted(self, at: int, node: NodeId, text: str, fields: Mapping[str, object]) -> None:
        """A node left an annotation."""
        said = f'"note","text":{json_of(text)},"fields":{json_of(fields)}'
        self._put(at, node, said, self._tick(node))

    def failed(self, at: int, fault: Fault) -> None:
        """A fault of the schedule happens now (see :mod:`common.values.faults`)."""
        parts = fault_to_plain(fault)
        del parts["at"]
        node = parts.pop("node", None)
        kind = parts.pop("fault")
        self._put(at, node, _fields(kind, parts), self._tick(node) if node else None)

    def called(self, at: int, node: NodeId, operation: Operation) -> None:
        """A client's operation begins at ``node``."""
        self._last_call += 1
        if len(self._calls) >= MAX_OPEN_CALLS:
            del self._calls[next(iter(self._calls))]
        self._calls[id(operation)] = (self._last_call, operation)
        fields = f'"invoke","call":{self._last_call}{_asked(operation)}'
        fields += f',"key":{json_of(operation.key)},"value":{json_of(operation.argument)}'
        self._put(at, node, fields, self._tick(node))

    def returned(self, at: int, node: NodeId, operation: Operation) -> None:
        """A client's operation at ``node`` ended; its ``outcome`` says how."""
        number, _ = self._calls.pop(id(operation), (0, operation))
        fields = f'"return","call":{number}{_asked(operation)}'
        match operation.outcome:
            case Ok(value):
                fields += f',"outcome":"ok","value":{json_of(value)}'
            case Failed(reason):
                fields += f',"outcome":"fail","value":{encode(reason)}'
            case Unknown(reason):
                fields += f',"outcome":"info","value":{encode(reason)}'
        self._put(at, node, fields, self._tick(node))

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
        parts: dict[str, object] = {"property": property, "result": result, "sentence": sentence}
        if calls:
            parts["calls"] = list(calls)
        if seen_at is not None:
            parts["at"] = seen_at
        self._put(at, node, _fields("verdict", parts))

    def _tick(self, node: NodeId) -> Clock | None:
        return None if self._clocks is None else self._clocks.tick(node)

    def _put(self, at: int, node: NodeId | None, fields: str, clock: Clock | None = None) -> None:
        line = f'{{"t":{at},"node":{self._quoted[node]},"kind":{fields}'
        self._write(ended(f'{line},"clock":{clock.as_json()}}}' if clock else f"{line}}}"))


def _fields(kind: str, parts: Mapping[str, object]) -> str:
    """A kind, and its fields, as they follow ``"kind":``."""
    return encode(kind) + (f",{encode(parts)[1:-1]}" if parts else "")


def _asked(operation: Operation) -> str:
    return f',"client":{encode(operation.process)},"op":{encode(operation.function)}'


def _is_node_class(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, Node)


@cache
def _names_of(*nodes: Any) -> Mapping[type, str]:
    """What the classes are called that these node classes exchange."""
    by_full_name = {full_name(kind): kind for kind in classes_of(*nodes)}
    names = shortest_names(by_full_name)
    return {kind: names[full] for full, kind in by_full_name.items()}


class _Types:
    """What classes are called in the trace; one that nobody announced gets a name when it comes."""

    def __init__(self, names: Mapping[type, str]) -> None:
        self._names = dict(names)
        self._quoted: dict[type, str] = {}

    def of(self, value: object) -> tuple[str, object]:
        """The type of a message, timer or operation, as JSON, and the bare one.

        The name of its subnode is before it. What is signed is shown as if it were not: that is
        for all messages of such a protocol.
        """
        kind = type(value)
        quoted = self._quoted.get(kind)
        if quoted is not None:
            return quoted, value
        path, bare = unwrapped(value)
        void = ""
        if isinstance(bare, Signed) and kind_of(type(bare.content)):
            void = " (void)" if bare.signature == VOID else ""
            bare = bare.content
        name = self._name(type(bare)) + void
        quoted = encode(f"{path}/{name}" if path else name)
        if bare is value:
            self._quoted[kind] = quoted
        return quoted, bare

    def _name(self, kind: type) -> str:
        name = self._names.get(kind)
        if name is None:
            names = shortest_names([full_name(each) for each in (kind, *self._names)])
            short = kind.__name__
            name = names[full_name(kind)] if short in self._names.values() else short
            self._names[kind] = name
        return name


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
