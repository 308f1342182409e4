"""A machine of the cluster: the coordinator is on one, a worker is on each of the others.

The coordinator and the workers are nodes within it, under one name, so they speak with each other.
The machine stands between them and everything else: clients, and the hands that do the work.

There are two kinds of hands. In memory (``inmemory.py``) they are a node within the machine, too.
With real data they are outside: processes that the front of the machine starts (``front/``). The
front takes orders by :class:`NextOrder`, one after the other, and says by :class:`Reported` and
:class:`Published` what has become of them.
"""

from collections import deque
from collections.abc import Mapping
from typing import TypeAlias

from common.contract import CallId, Node, NodeId, on, operation
from common.values.errors import BadInput
from common.values.history import Ok
from common.values.units import MS
from stage6_compute.mapreduce.books import Rules
from stage6_compute.mapreduce.coordinator import Coordinator
from stage6_compute.mapreduce.inmemory import Ended, InMemory
from stage6_compute.mapreduce.messages import (
    Drop,
    Execute,
    Publish,
    Reply,
    Result,
    Stop,
    Submit,
    Task,
)
from stage6_compute.mapreduce.worker import Worker

Order: TypeAlias = Execute | Stop | Drop | Publish

MAX_ORDERS = 100_000
"""So many orders wait for a front at most; a node that nobody takes them from stops."""


@operation
class NextOrder:
    """A front wants the next order. Ends with Ok(order) once there is one."""


@operation
class Reported:
    """A front says how the work on an attempt has ended. Ends with Ok()."""

    attempt: int
    result: Result


@operation
class Published:
    """A front has put the output of a reduce in its place, or says why not. Ends with Ok()."""

    task: Task
    why_not: str = ""


class Machine(Node):
    """A machine of the cluster.

    Args:
        id: the name of this node.
        peers: the other machines.
        coordinator: where the coordinator is; "" for the machine whose name comes first.
        hands: ``memory``, or ``front`` for processes beside this one.
        slots: how many attempts a worker may have under way at once.
        ping_every: microseconds between two pings.
        most_missed: a worker that misses so many pings in a row is taken for dead.
        locality_wait, backup_after: in microseconds, as in
            :class:`~stage6_compute.mapreduce.books.Rules`.
        slow, most_failures, skip_after: likewise.
        work_time, fetch_time: as of :class:`~stage6_compute.mapreduce.inmemory.InMemory`.
    """

    subnodes = (Coordinator, Worker, InMemory)
    carries = (Execute, Stop, Drop, Publish)

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        coordinator: NodeId = "",
        hands: str = "memory",
        slots: int = 1,
        ping_every: int = 100 * MS,
        most_missed: int = 10,
        locality_wait: int = Rules.locality_wait,
        backup_after: int | None = Rules.backup_after,
        slow: int = Rules.slow,
        most_failures: int = Rules.most_failures,
        skip_after: int = Rules.skip_after,
        work_time: int = 10 * MS,
        fetch_time: int = 50 * MS,
    ) -> None:
        super().__init__(id, peers)
        if hands not in ("memory", "front"):
            raise BadInput(f"hands is {hands!r}: say memory or front")
        self.coordinator: Coordinator | None = None
        self.worker: Worker | None = None
        self.memory: InMemory | None = None
        """Where the work is done; None where a front does it."""
        self.orders: deque[Order] = deque()
        """For the front, in order, not yet taken."""
        self.takers: deque[CallId] = deque()
        """The front's calls that wait for an order. Only one of the two queues holds something."""
        there = coordinator or min(id, *self.peers)
        if id == there:
            rules = Rules(locality_wait, backup_after, slow, most_failures, skip_after)
            made = Coordinator(
                id,
                self.peers,
                slots=slots,
                ping_every=ping_every,
                most_missed=most_missed,
                rules=rules,
            )
            self.coordinator = self.subnode("mapreduce", made)
        else:
            worker = Worker(id, self.peers, coordinator=there)
            self.worker = self.subnode("mapreduce", worker)
        if hands == "memory":
            memory = InMemory(id, self.peers, work_time=work_time, fetch_time=fetch_time)
            self.memory = self.subnode("hands", memory)

    def status(self) -> Mapping[str, object]:
        """What it is."""
        return {"is": "worker" if self.coordinator is None else "coordinator"}

    # Between clients and the coordinator.

    @on(Submit)
    def submitted(self, submit: Submit, sender: NodeId) -> None:
        """A client wants a job: that is for the coordinator, and nobody else."""
        if self.coordinator is None:
            self.note(f"{sender} submits a job here, and the coordinator is elsewhere")
        else:
            self.coordinator.submit(submit, sender)

    @on(Reply)
    def replied(self, reply: Reply, subnode: str) -> None:
        """The coordinator has an answer."""
        self.send(reply.client, reply.answer)

    # Between the worker and its hands in memory.

    @on(Execute, Stop, Drop, Publish)
    def ordered(self, order: Order, subnode: str) -> None:
        """Something is to be done: by the hands in memory, or else by the front.

        In memory there is nothing to publish: the coordinator has the output.
        """
        memory = self.memory
        if memory is None:
            self.order(order)
            return
        match order:
            case Execute(work):
                memory.execute(work)
            case Stop(attempt):
                memory.stop(attempt)
            case Drop(job):
                memory.drop(job)
            case Publish(task):
                self.published(task)

    @on(Ended)
    def work_ended(self, ended: Ended, subnode: str) -> None:
        """The hands in memory have done something."""
        self.reported(ended.attempt, ended.result)

    def reported(self, attempt: int, result: Result) -> None:
        """The work on an attempt has ended: that is for the worker."""
        if self.worker is not None:
            self.worker.ended(attempt, result)

    def published(self, task: Task, why_not: str = "") -> None:
        """An output is in its place, or cannot be: that is for the coordinator."""
        if self.coordinator is not None:
            self.coordinator.published(task, why_not)

    # Between the worker and a front.

    def order(self, order: Order) -> None:
        """Hand an order to the front, or keep it until the front asks."""
        if self.takers:
            self.finish(self.takers.popleft(), Ok(order))
        else:
            assert len(self.orders) < MAX_ORDERS, f"{MAX_ORDERS} orders, and no front takes them"
            self.orders.append(order)

    @on(NextOrder)
    def next_order(self, operation: NextOrder, call: CallId) -> None:
        """The front wants an order: give it the oldest, or let it wait."""
        if self.orders:
            self.finish(call, Ok(self.orders.popleft()))
        else:
            self.takers.append(call)

    @on(Reported)
    def front_reported(self, operation: Reported, call: CallId) -> None:
        """The front says how an attempt ended."""
        self.reported(operation.attempt, operation.result)
        self.finish(call, Ok())

    @on(Published)
    def front_published(self, operation: Published, call: CallId) -> None:
        """The front says that an output is in its place."""
        self.published(operation.task, operation.why_not)
        self.finish(call, Ok())
