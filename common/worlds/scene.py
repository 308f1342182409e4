"""A scene: a simulation that is recorded while it runs, and judged when it has run.

    scene = WORLDS.scene("store", Size(members=5, clients=3), seed=seed)
    scene.begin(Work(next_append, count=12))
    scene.inject(Crash(scene.now, "n1"))
    scene.work()                             # until every client has asked for everything
    scene.check(report, "linearizable")      # into the trace, and into the report
    scene.trace(report, "raftkv-killed", "a server is killed")

It *is* a :class:`~common.sim.simulation.Simulation`: whatever can be done with one can be done
with it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypedDict, Unpack

from common.check.stories import Stories
from common.check.verdict import Answer, Verdict, weighed
from common.contract.events import NodeId
from common.contract.lies import Behaviour
from common.contract.observer import Observer
from common.sim import LinkModel, Monitor, Simulation, Workload
from common.sim.host import Factory
from common.sim.workload import Choose
from common.trace.format import Meta
from common.trace.recorder import Recorder
from common.values.faults import Schedule
from common.values.history import History, Operation
from common.values.report import Report
from common.values.units import MS, SECOND

Check: TypeAlias = Callable[[History], Verdict]
"""Judges a history."""

LIMIT = 20 * SECOND
"""How long a scene waits for clients unless told otherwise, in virtual microseconds."""


def calls_of(window: Iterable[Operation], history: History) -> tuple[int, ...]:
    """The numbers that a trace gives to the operations of a proof.

    A checker may have looked at a copy; a client has one operation under way at a time, so who
    asked and when is enough.
    """
    numbers = {(each.process, each.invoked_at): n for n, each in enumerate(history, 1)}
    found = (numbers.get((each.process, each.invoked_at), 0) for each in window)
    return tuple(number for number in found if number)


def _weighing(check: Check) -> Check:
    """The check, whose yes shows nothing where nothing was done."""
    return lambda history: weighed(check(history), history)


@dataclass(frozen=True, slots=True)
class Work:
    """What clients ask for, one operation after the other.

    Attributes:
        choose: makes the next operation: ``(random, client, number) -> operation``.
        count: how many operations each client asks for; a live cluster's ask until they are told
            to stop.
        think: least and greatest pause between two operations, in microseconds.
        patience: how long a client waits for an answer, in microseconds.
    """

    choose: Choose
    count: int = 20
    think: tuple[int, int] = (10 * MS, 100 * MS)
    patience: int = 4 * SECOND


class Options(TypedDict, total=False):
    """What else a scene hands on to its simulation; see there."""

    link: LinkModel | None
    schedule: Schedule | None
    monitors: Sequence[Monitor]
    behaviours: Mapping[str, Behaviour] | None
    disk_latency: int
    sends_wait_for_disk: bool
    check_handlers: int
    max_events: int


class Scene(Simulation):
    """A recorded, judged simulation.

    Args:
        lab: the lab's id, for the header of the trace.
        nodes: the members: how to make each node, by id.
        clients: the clients: how to make each, by id.
        seed: decides everything that is drawn by chance.
        checks: what is to be said of its history, by the name of the property.
        observers: who is told of everything that happens, besides the recorder.
        recorded: whether there is a trace; without one a run is much faster.
        options: as of a simulation.

    Attributes:
        checks: what is to be said of its history; a yes that rests on nothing is unknown here.
        stories: what Byzantine nodes told whom.
    """

    def __init__(
        self,
        lab: str,
        nodes: Mapping[NodeId, Factory],
        clients: Mapping[NodeId, Factory] | None = None,
        *,
        seed: int | str = 0,
        checks: Mapping[str, Check] | None = None,
        observers: Sequence[Observer] = (),
        recorded: bool = True,
        **options: Unpack[Options],
    ) -> None:
        self.checks = {name: _weighing(check) for name, check in (checks or {}).items()}
        self._lines: list[str] = []
        self._workloads: list[Workload] = []
        lanes = (options.get("schedule") or Schedule()).halved(nodes)
        meta = Meta(lab=lab, nodes=lanes, clients=tuple(clients or ()), seed=seed)
        factories = [*nodes.values(), *(clients or {}).values()]
        self._recorder = Recorder(self._lines.append, meta, nodes=factories)
        liars = (options.get("schedule") or Schedule()).byzantine
        self.stories = Stories(liars)
        told = [self._recorder, *observers] if recorded else list(observers)
        if recorded or liars:
            told.append(self.stories)
        super().__init__(nodes, clients, seed=seed, observers=told, **options)

    # What clients do.

    def begin(self, work: Work, clients: Sequence[NodeId] | None = None, start: int = 0) -> None:
        """Let clients work from now on; time passes only when the scene runs.

        Args:
            work: what they ask for.
            clients: which of them; all unless given. Members may be asked as well.
            start: when they begin, in microseconds.
        """
        workload = Workload(
            self,
            work.choose,
            clients=clients,
            count=work.count,
            start=start,
            think=work.think,
            patience=work.patience,
        )
        self._workloads.append(workload)

    def work(self, limit: int = LIMIT) -> bool:
        """Run until all work is done, or the time is ``limit``; says whether it is done."""
        return self.run_until(lambda: all(each.done for each in self._workloads), limit)

    def ask(self, client: NodeId, operation: object, limit: int = LIMIT) -> Operation:
        """Let a client ask for one operation, and run until it has ended, ``limit`` at most."""
        asked = self.call(client, operation)
        self.run_until(lambda: asked.returned_at is not None, self.now + limit)
        return asked

    # What comes of it.

    @property
    def lines(self) -> str:
        """The trace so far."""
        return "".join(self._lines)

    def verdicts(self) -> dict[str, Verdict]:
        """What the checks say of this run, by the name of the property."""
        return {name: check(self.history) for name, check in self.checks.items()}

    def judged(self, name: str, verdict: Verdict, node: NodeId | None = None) -> Verdict:
        """Write a verdict into the trace, and return it; a yes that shows nothing is unknown.

        Args:
            name: of the property.
            verdict: what a checker said of this run.
            node: where, if it is about one node.
        """
        verdict = weighed(verdict)
        self._recorder.verdict(
            self.now,
            node or verdict.node,
            name,
            verdict.answer.value,
            verdict.sentence,
            calls=calls_of(verdict.window, self.history),
            seen_at=verdict.at,
        )
        return verdict

    def check(self, report: Report, name: str, about: str = "") -> Verdict:
        """Judge the history, and write the verdict into the trace and into a report.

        Where it says no, and somebody lied, the report shows who was told what.

        Args:
            report: where people read it.
            name: of one of the checks.
            about: what the report calls the property; its name unless given.
        """
        verdict = self.judged(name, self.checks[name](self.history))
        report.judged(about or name, verdict.answer.value, verdict.sentence)
        if verdict.answer is Answer.NO:
            report.parts += self.stories.tables()
        return verdict

    def trace(self, report: Report, name: str, title: str) -> None:
        """Hand the trace to a report: under the name of its file, and a title."""
        report.trace(name, title, self.lines)
