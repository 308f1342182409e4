"""A path through the worlds of an instance, told to observers as if it happened.

There is no time in the explorer. For the picture each choice takes a millisecond; the nodes' own
clocks show 0 throughout, as they did in the search.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import common.check.explorer.choices as choices
from common.check.explorer.choices import Choice
from common.check.explorer.instance import Instance, WorldView
from common.check.explorer.local import Step
from common.check.explorer.system import Entry, Move, NodeSystem
from common.contract.calls import describe
from common.contract.effects import Broadcast, Deliver, Forget, Note, Return, Save, Send
from common.contract.events import Invoke, NodeId
from common.contract.observer import Observer
from common.values import faults
from common.values.errors import BadInput
from common.values.history import History, Operation
from common.values.units import MS

CHOICE_TAKES = 1 * MS
"""Microseconds between one choice and the next in a replayed trace."""


def replay(
    instance: Instance, path: Sequence[Choice], observers: Sequence[Observer] = ()
) -> WorldView:
    """Take the choices of ``path`` one after the other and tell ``observers`` what happens.

    Args:
        instance: the instance that the path was found in.
        path: the choices, from the beginning.
        observers: who is told, such as a recorder of traces.

    Returns:
        The world at the end of the path.

    Raises:
        BadInput: a choice is not possible when its turn comes, because the path was found with
            another instance or other code.
    """
    run = Run(NodeSystem(instance), observers)
    for number, choice in enumerate(path, 1):
        if not run.choose(choice):
            raise BadInput(
                f"choice {number} ({choice}) is not possible here: the path was found with "
                "another instance or other code; explore again"
            )
    return run.view()


def describe_path(system: NodeSystem, path: Iterable[Move]) -> tuple[Choice, ...]:
    """The choices that the search's moves stand for."""
    run = Run(system, ())
    return tuple([run.take(move) for move in path])


@dataclass(slots=True)
class _InFlight:
    """A copy of a message under way: its number in the run, and in the system."""

    number: int
    message: int


class Run:
    """One run of an instance, choice by choice.

    Args:
        system: the transition system of the instance.
        observers: who is told what happens, from the start of the nodes on.
    """

    def __init__(self, system: NodeSystem, observers: Sequence[Observer]) -> None:
        self._system = system
        self._observers = observers
        self._at = 0
        self._last_number = 0
        self._in_flight: list[_InFlight] = []
        self._history = History()
        self._under_way: dict[NodeId, Operation] = {}
        (self._world,) = system.initial()
        for fault in system.instance.liars:
            self._tell_fault(fault)
        for id, entry in zip(system.ids, system.starts, strict=True):
            self._tell_step(id, entry, None)

    def view(self) -> WorldView:
        """The world as it is now."""
        return self._system.view(self._world)

    def possible(self) -> list[Choice]:
        """The choices there are now."""
        return [self._choice(move) for move, _ in self._system.successors(self._world)]

    def choose(self, choice: Choice) -> bool:
        """Take a choice; False, and nothing happens, if it is not there to take."""
        for move, _ in self._system.successors(self._world):
            if self._choice(move) == choice:
                self.take(move)
                return True
        return False

    def take(self, move: Move) -> Choice:
        """Take a move of the system's own and say which choice it was."""
        system = self._system
        after = system.next(self._world, move)
        choice = self._choice(move)
        entry = system.entry(self._world, move)
        self._at += CHOICE_TAKES
        match choice:
            case choices.Lose(number, source, target, _):
                self._in_flight.remove(self._copy(move[1]))
                up = target in self.view()
                for observer in self._observers:
                    why = "loss" if up else "crashed"
                    observer.dropped(self._at, source, target, number, why)
            case choices.Duplicate():
                self._in_flight.append(self._copy(move[1]))
            case choices.Deliver(number, _, target, _):
                if system.instance.bounds.duplicates is not None:
                    self._in_flight.remove(self._copy(move[1]))
                self._tell_step(target, entry, number)
            case choices.Crash(node):
                self._tell_fault(faults.Crash(self._at, node))
                self._tell_end(node, entry)
            case choices.Restart(node):
                self._tell_fault(faults.Restart(self._at, node))
                self._tell_step(node, entry, None)
            case choices.Fire(node, _) | choices.Call(node, _):
                self._tell_step(node, entry, None)
        self._world = after
        return choice

    def _choice(self, move: Move) -> Choice:
        """What a move is called in this run."""
        system = self._system
        kind, operand = move[:2]
        if kind in _MESSAGE_CHOICES:
            packet = system.packets[operand]
            number = self._copy(operand).number
            made = _MESSAGE_CHOICES[kind]
            return made(number, packet.source, packet.target, repr(packet.message))
        node = system.ids[operand]
        if kind == "crash":
            return choices.Crash(node)
        if kind == "restart":
            return choices.Restart(node)
        entry = system.entry(self._world, move)
        assert entry is not None, "timers and calls are steps"
        event = entry.step.event
        if isinstance(event, Invoke):
            return choices.Call(node, repr(event.operation))
        return choices.Fire(node, repr(getattr(event, "timer", None)))

    def _copy(self, message: int) -> _InFlight:
        """The oldest copy under way of a message; equal messages are not told apart."""
        return next(copy for copy in self._in_flight if copy.message == message)

    # What observers are told.

    def _tell_step(self, node: NodeId, entry: Entry | None, number: int | None) -> None:
        assert entry is not None, "losses and duplicates are no steps"
        step = entry.step
        assert step.event is not None, "a crash is not an event that a node sees"
        if isinstance(step.event, Invoke):
            self._tell_call(node, step.event)
        after = step.after
        status = {} if after.node is None else after.node.full_status()
        for observer in self._observers:
            observer.stepped(self._at, node, step.event, number, status)
            if after.problem:
                observer.noted(self._at, node, after.problem, {})
        if changes := [part for part in step.effects if isinstance(part, Save | Forget)]:
            for observer in self._observers:
                observer.saved(self._at, node, changes)
        self._tell_effects(node, entry)

    def _tell_effects(self, node: NodeId, entry: Entry) -> None:
        lying = bool(self._system.instance.liars)
        numbers = iter(entry.sends)
        for effect in entry.step.effects:
            match effect:
                case Send() | Broadcast() if lying:
                    continue
                case Send():
                    self._tell_send(node, next(numbers))
                case Broadcast(everyone):
                    for _ in everyone:
                        self._tell_send(node, next(numbers))
                case Note(text, fields):
                    for observer in self._observers:
                        observer.noted(self._at, node, text, fields)
                case Deliver(value):
                    for observer in self._observers:
                        observer.noted(self._at, node, f"delivers {value!r}", {})
                case Return():
                    self._tell_end(node, entry)
        for known in numbers if lying else ():  # more or less than was asked for
            self._tell_send(node, known)

    def _tell_send(self, node: NodeId, known: int) -> None:
        self._last_number += 1
        self._in_flight.append(_InFlight(self._last_number, known))
        packet = self._system.packets[known]
        for observer in self._observers:
            observer.sent(self._at, node, packet.target, packet.message, self._last_number)

    def _tell_call(self, node: NodeId, event: Invoke) -> None:
        operation = self._history.invoke(node, *describe(event.operation), self._at)
        self._under_way[node] = operation
        for observer in self._observers:
            observer.called(self._at, node, operation)

    def _tell_end(self, node: NodeId, entry: Entry | None) -> None:
        step: Step | None = entry.step if entry else None
        if step is None or step.outcome is None:
            return
        operation = self._under_way.pop(node)
        self._history.finish(operation, step.outcome, self._at)
        for observer in self._observers:
            observer.returned(self._at, node, operation)

    def _tell_fault(self, fault: faults.Fault) -> None:
        for observer in self._observers:
            observer.failed(self._at, fault)


_MESSAGE_CHOICES: dict[str, type[choices.Deliver | choices.Lose | choices.Duplicate]] = {
    "deliver": choices.Deliver,
    "lose": choices.Lose,
    "duplicate": choices.Duplicate,
}
