"""One machine by hand: a test speaks to it in the place of all others, and sees what it says.

:class:`Desk` is the machine of the coordinator, :class:`Bench` that of a worker. Their hands are a
front, which the test plays too.
"""

from collections.abc import Mapping
from typing import Any

from common.contract.effects import Broadcast, Effect, Forget, Return, Save, Send, SetTimer
from common.contract.events import Event, Fire, Invoke, NodeId, Receive, Start
from common.contract.wrapped import Inner, InnerTimer
from common.values.history import Ok
from common.values.units import MS
from tests.stage6_compute.mapreduce.lab import MapreduceLab

NAME = "mapreduce"
"""Under which the coordinator and the workers are within their machines."""


class ByHand:
    """A machine whose world is the test.

    Args:
        lab: what is tested.
        node: the machine, made.
        saved: what is on its disk.

    Attributes:
        disk: what is saved now.
        heard: what it has said since :meth:`said` was last asked, with to whom.
        orders: what the front was given since :meth:`ordered` was last asked.
        now: the time.
    """

    def __init__(
        self, lab: MapreduceLab, node: Any, saved: Mapping[Any, Any] | None = None
    ) -> None:
        self.lab = lab
        self.node = node
        self.now = 0
        self.disk: dict[Any, Any] = dict(saved or {})
        self.heard: list[tuple[NodeId, Any]] = []
        self.orders: list[Any] = []
        self._timers: dict[str, Fire] = {}
        self._calls = 0
        self._step(Start(0, dict(self.disk)))
        self._take_orders()

    def pass_time(self, time: int) -> None:
        """Some time passes."""
        self.now += time

    def hear(self, sender: NodeId, message: object) -> None:
        """A message arrives for the node within the machine."""
        self._step(Receive(self.now, sender, Inner(NAME, message)))

    def hear_client(self, sender: NodeId, message: object) -> None:
        """A message of a client arrives."""
        self._step(Receive(self.now, sender, message))

    def invoke(self, operation: object) -> None:
        """The front says something."""
        self._calls += 1
        self._step(Invoke(self.now, self._calls, operation))

    def fire(self, kind: str) -> None:
        """The timer of this class that was set last fires."""
        set_before = self._timers[kind]
        self._step(Fire(self.now, set_before.id, set_before.timer))

    def said(self, kind: type, to: NodeId | None = None) -> list[Any]:
        """What it has said of this kind (to somebody) since this was asked before."""
        chosen = [(name, message) for name, message in self.heard
                  if isinstance(message, kind) and to in (None, name)]  # fmt: skip
        self.heard = [each for each in self.heard if each not in chosen]
        return [message for _, message in chosen]

    def ordered(self, kind: type) -> list[Any]:
        """Which orders of this kind the front was given since this was asked before."""
        chosen = [order for order in self.orders if isinstance(order, kind)]
        self.orders = [order for order in self.orders if not isinstance(order, kind)]
        return chosen

    def _step(self, event: Event) -> None:
        effects: list[Effect] = self.node.step(event)
        for effect in effects:
            match effect:
                case Send(to, message):
                    self.heard.append((to, _bare(message)))
                case Broadcast(to, message):
                    self.heard += [(each, _bare(message)) for each in to]
                case SetTimer(id, _, InnerTimer(_, timer) as whole):
                    self._timers[type(timer).__name__] = Fire(0, id, whole)
                case Save(key, value):
                    self.disk[key] = value
                case Forget(key):
                    self.disk.pop(key, None)
                case Return(_, Ok(value)) if value is not None:
                    self.orders.append(value)
                    self._take_orders()

    def _take_orders(self) -> None:
        self.invoke(self.lab.NextOrder())


def _bare(message: object) -> object:
    return message.message if isinstance(message, Inner) else message


class Desk(ByHand):
    """The coordinator's machine, n1; the test is the workers, the client c1, and the front.

    Args:
        lab: what is tested.
        workers: how many workers there are: n2, n3 ...
        saved: what is on its disk.
        there: whether the workers have been heard of already.
        config: of the machine; there are no backups unless it says when.
    """

    def __init__(
        self,
        lab: MapreduceLab,
        workers: int = 2,
        saved: Mapping[Any, Any] | None = None,
        *,
        there: bool = True,
        **config: Any,
    ) -> None:
        self.workers = tuple(f"n{number}" for number in range(2, workers + 2))
        config.setdefault("backup_after", None)
        node = lab.Machine("n1", self.workers, hands="front", **config)
        super().__init__(lab, node, saved)
        self.publishes = True
        """Whether the front puts outputs in their places at once."""
        self.published: list[Any] = []
        """What it was ordered to put there."""
        for worker in self.workers if there else ():
            self.pong(worker)
        if saved and there:
            self.tick()  # now it knows what workers have under way
            self.said(lab.Ping)

    def submit(self, number: int = 1, client: NodeId = "c1", **job: Any) -> None:
        """The client submits a job: :func:`a_job`."""
        self.hear_client(client, self.lab.Submit(number, a_job(self.lab, **job)))

    def pong(self, worker: NodeId, *running: Any, life: int = 0) -> None:
        """A worker answers a ping."""
        self.hear(worker, self.lab.Pong(life, running))

    def tick(self, times: int = 1) -> None:
        """It is time to ping, so many times."""
        for _ in range(times):
            self.fire("Tick")

    def assigned(self) -> dict[NodeId, Any]:
        """Who was given which work since this was asked before; one each at most."""
        given: dict[NodeId, Any] = {}
        for to, message in list(self.heard):
            if isinstance(message, self.lab.Assign):
                given.setdefault(to, message.work)
                assert given[to] == message.work, f"{to} was given two things to do at once"
        self.said(self.lab.Assign)
        return given

    def report(self, worker: NodeId, work: Any, result: Any = None, *, life: int = 0) -> None:
        """A worker reports how its work ended: it is done, unless a result is given."""
        ended = done(self.lab, work) if result is None else result
        self.hear(worker, self.lab.Report(life, work.task, work.attempt, ended))
        self._publish()

    def _publish(self) -> None:
        while self.publishes and (orders := self.ordered(self.lab.Publish)):
            self.published += orders
            for order in orders:
                self.invoke(self.lab.Published(order.task))

    def work_off(self, most: int = 100) -> list[Any]:
        """Everybody works until there is no more to do; returns what was done, in order."""
        worked: list[Any] = []
        given = self.assigned()
        while given:
            for worker, work in given.items():
                self.report(worker, work)
                worked.append(work)
                self.pass_time(1 * MS)
            assert len(worked) <= most, f"there is no end: {most} attempts, and always another one"
            given = self.assigned()
        return worked


class Bench(ByHand):
    """A worker's machine, n2; the test is the coordinator n1, and the front."""

    def __init__(self, lab: MapreduceLab, saved: Mapping[Any, Any] | None = None) -> None:
        super().__init__(lab, lab.Machine("n2", ("n1", "n3"), hands="front"), saved)

    def assign(self, work: Any) -> None:
        """The coordinator gives it something to do."""
        self.hear("n1", self.lab.Assign(work))

    def ping(self, *jobs: int, below: int = 100) -> Any:
        """The coordinator pings; returns the Pong."""
        self.hear("n1", self.lab.Ping(jobs, below))
        (pong,) = self.said(self.lab.Pong, "n1")
        return pong

    def end(self, attempt: int, result: Any) -> None:
        """The front says how an attempt ended."""
        self.invoke(self.lab.Reported(attempt, result))


def a_job(
    lab: MapreduceLab,
    *,
    maps: int = 2,
    reduces: int = 1,
    output: str = "out",
    hosts: Mapping[int, tuple[NodeId, ...]] | None = None,
    skip: bool = False,
) -> Any:
    """A job with splits called "split 0", "split 1" ..."""
    there = hosts or {}
    splits = tuple(lab.Split(f"split {index}", there.get(index, ())) for index in range(maps))
    return lab.Job("word-count", output, splits, reduces, skip)


def done(lab: MapreduceLab, work: Any) -> Any:
    """What somebody who has done this reports: a line that names the part, and counts one."""
    if work.task.phase == "map":
        return lab.Done((), (("maps", 1),))
    return lab.Done((f"part {work.task.index}",), (("reduces", 1),))


def tasks(given: Mapping[NodeId, Any]) -> dict[NodeId, tuple[str, int]]:
    """Who was given which task, as phase and index."""
    return {worker: (work.task.phase, work.task.index) for worker, work in given.items()}


def running(lab: MapreduceLab, work: Any) -> Any:
    """What a worker says that does this work."""
    return lab.Running(work.task, work.attempt)


def some_work(lab: MapreduceLab, attempt: int, phase: Any = "map", job: int = 1) -> Any:
    """Something to do."""
    return lab.Work(lab.Task(job, phase, 0), attempt, "word-count", "out", 1)
