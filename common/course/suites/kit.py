"""What graded suites say again and again: let things fail, ask, wait, and see what must hold then.

It is part of the handout, as all of ``common`` is, and says the same in the student's process and
judged: it looks at histories, messages and effects, never into a node. A function is here once two
suites need it. What is special about a lab stays with its suite: who is in its cluster, what its
clients choose, a second version of it that is dumb on purpose.

Clients come first, as in ``simulation.call(client, operation)``.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from random import Random
from typing import Any, NamedTuple, TypeVar

from common.check.linearizability import check_linearizability
from common.check.model import Model
from common.check.verdict import Answer, Verdict
from common.contract.effects import (
    Broadcast,
    CancelTimer,
    Effect,
    Forget,
    Return,
    Save,
    Send,
    SetTimer,
)
from common.contract.events import Event, Fire, Invoke, NodeId, Receive, Start, TimerId
from common.contract.observer import Observer
from common.sim.chaos import random_schedule
from common.sim.network import LinkModel
from common.sim.simulation import Simulation
from common.sim.workload import Workload
from common.values.faults import Crash, Fault, Link, Restart
from common.values.history import QUESTIONS, History, Ok, Operation, Outcome
from common.values.units import MS, SECOND, show_time

Kind = TypeVar("Kind")

SOON = 3 * SECOND
"""Several elections, and several attempts of a client, fit into this time."""

STEADY = LinkModel(latency=(2 * MS, 2 * MS))
"""A network in which nothing overtakes anything."""

NEARLY_ALL = 0.9
"""So many of all operations end with Ok when there is a calm in which to ask again."""


def names(count: int) -> tuple[NodeId, ...]:
    """n1, n2 ..."""
    return tuple(f"n{number}" for number in range(1, count + 1))


# What goes wrong.


def trouble(
    seed: int | str,
    kinds: Sequence[str],
    *,
    hit: Sequence[NodeId],
    others: Sequence[NodeId] = (),
    until: int,
    troubles: int = 6,
) -> list[Fault]:
    """Faults drawn from the seed, which end in a calm.

    Args:
        seed: decides, together with the kinds, what is drawn.
        kinds: of :data:`common.sim.chaos.KINDS`; one that is named twice is drawn twice as often.
        hit: the nodes that they hit.
        others: nodes, such as clients, that partitions put on one side or the other; those that
            are hit need not be left out.
        until: when the calm begins, in microseconds.
        troubles: how many are drawn.
    """
    random = Random(f"{seed}/{kinds}")
    spared = [node for node in others if node not in hit]
    return list(random_schedule(random, hit, until, kinds=kinds, troubles=troubles, others=spared))


def crash(simulation: Simulation, *nodes: NodeId) -> None:
    """Let these nodes crash now."""
    for node in nodes:
        simulation.inject(Crash(simulation.now, node))


def restart(simulation: Simulation, *nodes: NodeId) -> None:
    """Let these nodes come back now."""
    for node in nodes:
        simulation.inject(Restart(simulation.now, node))


def crash_and_restart(simulation: Simulation, *nodes: NodeId) -> None:
    """Let the power fail at all of these nodes at once, and come back."""
    crash(simulation, *nodes)
    restart(simulation, *nodes)


def restart_all(simulation: Simulation) -> None:
    """Let the power fail at all members at once, and come back."""
    crash_and_restart(simulation, *simulation.members)


def linked(at: int, link: LinkModel) -> Link:
    """All links are like this from then on: so trouble ends, and nothing is left to luck."""
    return Link(
        at, latency=link.latency, loss=link.loss, duplicate=link.duplicate, reorder=link.reorder
    )


# Asking, and waiting for the answer.


def run_until(simulation: Simulation, goal: Callable[[], bool], within: int = SOON) -> None:
    """Go on until ``goal()`` holds, which must be soon."""
    reached = simulation.run_until(goal, simulation.now + within)
    assert reached, f"it did not come to that within {show_time(within)}"


def has_ended(simulation: Simulation, asked: Operation, within: int = SOON) -> bool:
    """Go on until an operation has ended, for so long at most; says whether it has."""
    return simulation.run_until(lambda: asked.returned_at is not None, simulation.now + within)


def wait_for(simulation: Simulation, asked: Operation, within: int = SOON) -> None:
    """Go on until an operation has ended, in whatever way."""
    assert has_ended(simulation, asked, within), f"{asked} had no end after {show_time(within)}"


def ask(simulation: Simulation, client: NodeId, operation: object, within: int = SOON) -> Operation:
    """Let a client ask now, and go on until it is told how that ended."""
    asked = simulation.call(client, operation)
    wait_for(simulation, asked, within)
    return asked


def ask_ok(simulation: Simulation, client: NodeId, operation: object, within: int = SOON) -> Any:
    """Let a client ask for what nothing stands in the way of; returns what it is told."""
    return value_of(ask(simulation, client, operation, within))


def value_of(asked: Operation) -> Any:
    """What a client was told by an operation that must have ended with Ok."""
    assert isinstance(asked.outcome, Ok), f"{asked}, though nothing stands in its way"
    return asked.outcome.value


# What must hold.


def must_be_ok(*operations: Operation, within: int = SOON) -> None:
    """Check that there are operations, and that each ended with Ok in time."""
    assert operations, "no operation was asked for in that time: the test shows nothing"
    for asked in operations:
        value_of(asked)
        assert asked.returned_at is not None, "what has an outcome has returned"
        took = asked.returned_at - asked.invoked_at
        assert took <= within, f"{asked} took {show_time(took)}, more than {show_time(within)}"


def must_end(
    simulation: Simulation, *workloads: Workload, limit: int, fine: float = NEARLY_ALL
) -> None:
    """Check that in the calm clients get through all that they want to ask.

    Args:
        simulation: where they ask; its faults are over long before the limit.
        workloads: what they ask.
        limit: when they must be through, in microseconds.
        fine: the least part of all operations that has to end with Ok.
    """
    ended = simulation.run_until(lambda: all(each.done for each in workloads), limit)
    assert ended, f"at {show_time(limit)}, long after the last fault, somebody still waits"
    count = len(simulation.history)
    told = sum(isinstance(each.outcome, Ok) for each in simulation.history)
    assert told >= fine * count, f"of {count} operations only {told} ended with ok"


def must_hold(verdict: Verdict, stories: object = "") -> None:
    """Check that a checker says yes.

    Args:
        verdict: what it says.
        stories: who told whom what, where nodes lie (:class:`common.check.stories.Stories`).
    """
    assert verdict.answer is Answer.YES, f"{verdict.sentence}\n{stories}".rstrip()


def must_be_linearizable(history: Iterable[Operation], model: Model) -> None:
    """Check that clients were told what one single copy would have told them.

    And that it says something: some question was answered with something that had been written.

    Args:
        history: what clients asked for; operations that the model does not know are left out.
        model: what the copy is.
    """
    asked = [each for each in history if each.function in model.functions]
    must_hold(check_linearizability(History(asked), model))
    assert any(
        each.function in QUESTIONS
        and isinstance(each.outcome, Ok)
        and each.outcome.value not in (None, "")
        for each in asked
    ), "no question was answered with anything that was written: doing nothing is no store"


# What is seen of nodes.


class Sent(NamedTuple):
    """A message that left its sender."""

    at: int
    sender: NodeId
    to: NodeId
    message: Any


class Wire(Observer):
    """Watches a simulation, and remembers its messages.

    Attributes:
        sent_messages: what left, in order.
        received: time, node and message of what arrived, in order.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self.sent_messages: list[Sent] = []
        self.received: list[tuple[int, NodeId, Any]] = []

    def sent(self, at: int, node: NodeId, to: NodeId, message: object, number: int) -> None:
        """A message leaves."""
        self.sent_messages.append(Sent(at, node, to, message))

    def stepped(
        self, at: int, node: NodeId, event: Event, number: int | None, status: Mapping[str, object]
    ) -> None:
        """A message may have arrived."""
        if isinstance(event, Receive):
            self.received.append((at, node, event.message))

    def of(self, kind: type[Kind]) -> list[Kind]:
        """The messages of a class, in the order in which they left."""
        return [each.message for each in self.sent_messages if isinstance(each.message, kind)]

    def between(self, nodes: Collection[NodeId]) -> list[Sent]:
        """What these nodes sent each other."""
        return [each for each in self.sent_messages if each.sender in nodes and each.to in nodes]

    def times_of(self, kind: type) -> list[int]:
        """When messages of a class left."""
        return [each.at for each in self.sent_messages if isinstance(each.message, kind)]


def effects_of(kind: type, effects: Iterable[Effect]) -> list[Any]:
    """Those effects of a step that are of one class."""
    return [effect for effect in effects if isinstance(effect, kind)]


# One node, of which the test is the world.


class ByHand:
    """A node whose world is the test: for the sentences of a paper that are about one node.

    What it saves is on ``disk``, and its timers wait until the test lets time pass. A suite's own
    class inherits from this one, and adds the words in which its tests speak.

    Args:
        node: new.
        saved: what earlier lives have saved.
        now: when this life begins.
        seed: of its random numbers; "" for those that it has by its name.

    Attributes:
        now: the time of the next event, in microseconds.
        disk: what is saved, by key.
        timers: when each one is due, and what comes back then, by id.
        effects: all that the latest step has asked for.
        calls: how often a person has asked.
        ended: how calls have ended, in order.
    """

    def __init__(
        self, node: Any, saved: Mapping[Any, Any] | None = None, *, now: int = 0, seed: str = ""
    ) -> None:
        self.now = now
        self.disk: dict[Any, Any] = dict(saved or {})
        self.ended: list[Outcome] = []
        self.calls = 0
        self.at_start = self.begin(node, seed)
        """What was sent when this life began."""

    def begin(self, node: Any, seed: str = "") -> list[Sent]:
        """Begin a life with what is on disk, as after a crash; what is sent then."""
        self.node = node
        self.timers: dict[TimerId, tuple[int, Any]] = {}
        if seed:
            node.seed(seed)
        return self.step(Start(self.now, dict(self.disk)))

    def receive(self, sender: NodeId, message: object) -> list[Sent]:
        """Let a message arrive; what is sent then."""
        return self.step(Receive(self.now, sender, message))

    def invoke(self, operation: object) -> list[Sent]:
        """Let a person ask, under the next number: 1, 2, 3 ...; what is sent then."""
        self.calls += 1
        return self.step(Invoke(self.now, self.calls, operation))

    def fire(self, id: TimerId) -> list[Sent]:
        """Let a timer fire, and time pass until it is due; what is sent then."""
        due, timer = self.timers.pop(id)
        self.now = max(self.now, due)
        return self.step(Fire(self.now, id, timer))

    def wait(self, time: int) -> list[Sent]:
        """Let so much time pass, in microseconds; what is sent meanwhile."""
        until, sent = self.now + time, list[Sent]()
        while due := [(at, id) for id, (at, _) in self.timers.items() if at <= until]:
            sent += self.fire(min(due)[1])
        self.now = until
        return sent

    def step(self, event: Event) -> list[Sent]:
        """Let something happen; what is sent then, and to whom, in order."""
        self.effects: list[Effect] = list(self.node.step(event))
        sent: list[Sent] = []
        for effect in self.effects:
            match effect:
                case Send(to, message):
                    sent.append(Sent(self.now, self.node.id, to, message))
                case Broadcast(several, message):
                    sent += [Sent(self.now, self.node.id, to, message) for to in several]
                case Save(key, value):
                    self.disk[key] = value
                case Forget(key):
                    self.disk.pop(key, None)
                case SetTimer(id, after, timer):
                    self.timers[id] = (self.now + after, timer)
                case CancelTimer(id):
                    self.timers.pop(id, None)
                case Return(_, outcome):
                    self.ended.append(outcome)
        return sent


class Alone(ByHand):
    """The same for suites that look at all effects of a step, and let no time pass.

    Attributes:
        started: the effects of the first step.
    """

    def begin(self, node: Any, seed: str = "") -> list[Sent]:
        """Begin a life with what is on disk, as after a crash; what is sent then."""
        told = super().begin(node, seed)
        self.started = self.effects
        return told

    def gets(self, sender: NodeId, message: object) -> list[Effect]:
        """A message arrives."""
        self.receive(sender, message)
        return self.effects

    def does(self, operation: object) -> list[Effect]:
        """A person asks for something."""
        self.invoke(operation)
        return self.effects

    def fires(self, timer: object) -> list[Effect]:
        """A timer fires: the latest one that is like this."""
        id = max((id for id, (_, each) in self.timers.items() if each == timer), default=0)
        self.timers.pop(id, None)
        self.step(Fire(self.now, id, timer))
        return self.effects


def sent(effects: Iterable[Effect]) -> list[tuple[NodeId, Any]]:
    """What is sent to whom in a step, in order; what is told to all is told to each of them."""
    found: list[tuple[NodeId, Any]] = []
    for effect in effects:
        if isinstance(effect, Send):
            found.append((effect.to, effect.message))
        elif isinstance(effect, Broadcast):
            found += [(to, effect.message) for to in effect.to]
    return found
