"""Every step of every node of a test, also of one that no simulation moves.

A test may feed a single node by hand. Its steps are noted here, and make a trace like any other.
"""

import pdb
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from common.contract.effects import Broadcast, Effect, Forget, Note, Save, Send
from common.contract.events import Event, Fire, Invoke, NodeId, Receive, Start
from common.contract.node import Node
from common.trace.format import Meta
from common.trace.recorder import Recorder

REMEMBERED = 2_000
"""So many of the last steps are kept."""

NOT_THE_STUDENTS = ["common", "common.*", "contextlib", "_pytest.*", "pluggy.*", "tests.*"]
"""Modules in which the debugger does not stop by itself."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step that a node took.

    Attributes:
        node: which node.
        event: what happened to it.
        effects: what it asked for; None if it raised an error.
        status: what it showed of itself afterwards.
    """

    node: NodeId
    event: Event
    effects: list[Effect] | None
    status: dict[str, object]


@dataclass(slots=True)
class StepLog:
    """What nodes did in one run of a test.

    Attributes:
        stop_at: at which step a debugger stops in the handler, counted from 1; 0 for never.
        count: how many steps there were.
        last: the last of them.
    """

    stop_at: int = 0
    count: int = 0
    last: deque[Step] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Note each step as long as the block lasts."""
        plain = Node.step

        def step(node: Node, event: Event) -> list[Effect]:
            self.count += 1
            try:
                effects = take(node, event)
            except BaseException:
                self.last.append(Step(node.id, event, None, {}))
                raise
            self.last.append(Step(node.id, event, effects, dict(node.full_status())))
            return effects

        def take(node: Node, event: Event) -> list[Effect]:
            if self.count != self.stop_at:
                return plain(node, event)
            return pdb.Pdb(skip=NOT_THE_STUDENTS).runcall(plain, node, event) or []

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Node, "step", step)
            yield

    def present(self) -> list[Step]:
        """The steps since the node that stepped last was made with an empty disk."""
        steps = list(self.last)
        for number in range(len(steps) - 1, -1, -1):
            match steps[number]:
                case Step(node, Start(_, saved)) if node == steps[-1].node and not saved:
                    return steps[number:]
        return steps

    def trace(self, lab: str) -> list[str]:
        """Those steps as a trace: what each node was given, and what it asked for."""
        lines: list[str] = []
        steps = self.present()
        names = list(dict.fromkeys(step.node for step in steps))
        others = {s.event.sender for s in steps if isinstance(s.event, Receive)}
        others |= {e.to for s in steps for e in s.effects or () if isinstance(e, Send)}
        meta = Meta(lab=lab, nodes=(*names, *sorted(others - set(names))), world="by hand")
        recorder = Recorder(lines.append, meta, clocks=False)
        number = 0
        for step in steps:
            now, received = step.event.now, None
            if isinstance(step.event, Receive):
                number = received = number + 1
                recorder.sent(now, step.event.sender, step.node, step.event.message, number)
            recorder.stepped(now, step.node, step.event, received, step.status)
            for effect in step.effects or ():
                match effect:
                    case Send(to, message):
                        number += 1
                        recorder.sent(now, step.node, to, message, number)
                    case Broadcast(targets, message):
                        for to in targets:
                            number += 1
                            recorder.sent(now, step.node, to, message, number)
                    case Note(text, fields):
                        recorder.noted(now, step.node, text, fields)
            changes = [each for each in step.effects or () if isinstance(each, Save | Forget)]
            if changes:
                recorder.saved(now, step.node, changes)
        return lines


def describe(event: Event) -> str:
    """An event in words: what a node took."""
    match event:
        case Receive(_, sender, message):
            return f"{type(message).__name__} of {sender}"
        case Fire(_, _, timer):
            return f"its timer {type(timer).__name__}"
        case Invoke(_, _, operation):
            return f"the client's {type(operation).__name__}"
    return "its start"
