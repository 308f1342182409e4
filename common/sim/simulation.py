"""The simulation: what a test, a demo or a workload does with a cluster in virtual time.

:mod:`common.sim.engine` has the event loop; here are its public face and what goes wrong.
"""

from collections.abc import Callable, Mapping, Sequence
from random import Random

from common.contract.calls import describe
from common.contract.events import NodeId, SavedKey
from common.contract.lies import Behaviour, known_behaviour
from common.contract.observer import Observer
from common.sim.disk import SimulatedDisk
from common.sim.engine import Engine, Monitor
from common.sim.host import Factory, Host
from common.sim.network import LinkModel
from common.values import faults
from common.values.errors import BadInput
from common.values.faults import HONEST, Fault, Schedule, twin_of
from common.values.history import Operation, Outcome, Unknown
from common.values.units import US

DISK_LATENCY = 500 * US
MAX_EVENTS = 5_000_000
"""A run that takes more events than this is stopped as one that never comes to rest."""


class Simulation(Engine):
    """A cluster and its clients in virtual time.

    Args:
        nodes: the members of the cluster: how to make each node, by id.
        clients: the clients: how to make each, by id. Their peers are all members.
        seed: together with the code and the schedule it decides everything that happens.
        link: how every link behaves at first.
        schedule: what goes wrong, and when.
        observers: who is told of everything that happens; without any the run is much faster.
        monitors: who looks at all honest nodes after each step.
        behaviours: Byzantine behaviours by the name that ``faults.Corrupt`` gives them.
        disk_latency: how long a flush takes, in microseconds.
        sends_wait_for_disk: the contract's rule that nothing leaves a node before what it saved
            in the same step is durable. One exercise turns it off to see what breaks.
        check_handlers: check that nothing mutable leaves a node, and at every n-th step that the
            same event on a copy gives the same effects (0: check neither).
        max_events: bound on the events of the whole run.
        peers: the peers that every node is told of, itself among them; its own where None is given.
            Thousands of nodes share one tuple then.

    Raises:
        BadInput: the schedule names a node or a behaviour that is not there.
    """

    def __init__(
        self,
        nodes: Mapping[NodeId, Factory],
        clients: Mapping[NodeId, Factory] | None = None,
        *,
        seed: int | str = 0,
        link: LinkModel | None = None,
        schedule: Schedule | None = None,
        observers: Sequence[Observer] = (),
        monitors: Sequence[Monitor] = (),
        behaviours: Mapping[str, Behaviour] | None = None,
        disk_latency: int = DISK_LATENCY,
        sends_wait_for_disk: bool = True,
        check_handlers: int = 0,
        max_events: int = MAX_EVENTS,
        peers: tuple[NodeId, ...] | None = None,
    ) -> None:
        super().__init__(
            seed,
            link or LinkModel(),
            observers,
            monitors,
            behaviours or {},
            sends_wait_for_disk,
            check_handlers,
            max_events,
        )
        members = tuple(nodes)
        for id, factory in {**nodes, **(clients or {})}.items():
            known = peers or tuple(member for member in members if member != id)
            self._hosts[id] = Host(id, known, factory, SimulatedDisk(disk_latency))
        self.members, self.clients = members, tuple(clients or {})
        for host in self._hosts.values():
            self._at(0, self._start, host)
        self._plan(schedule or Schedule())

    # What a test or a demo does with it.

    def call(self, client: NodeId, operation: object) -> Operation:
        """Let a client begin an operation now; its outcome is filled in as the run goes on.

        A process of a history has one operation at a time. So a client that has one under way, or
        one whose outcome is unknown and that may still happen, goes on as another process.
        """
        host = self._host(client)
        function, key, argument = describe(operation)
        if any(call.returned_at is None for call in host.calls.values()):
            host.process = f"{client}/{len(self.history)}"
        written = self.history.invoke(host.process, function, key, argument, self.now)
        self._at(self.now, self._invoke, host, operation, written)
        return written

    def later(self, at: int, action: Callable[[], None]) -> None:
        """Call ``action`` when the world's time is ``at`` microseconds."""
        self._at(at, self._act, action)

    def abandon(self, client: NodeId, operation: Operation, outcome: Outcome) -> None:
        """End an operation on the client's behalf; what its node says of it later is ignored."""
        self._end(self._host(client), operation, outcome)

    def random_for(self, purpose: str) -> Random:
        """Random numbers for a purpose of their own, decided by the seed of the run."""
        return Random(f"{self._seed}/{purpose}")

    def inject(self, fault: Fault) -> None:
        """Let a fault happen now, whatever its own time says."""
        Schedule((fault,)).check_nodes(tuple(self._hosts))
        self._fail(fault)

    def run_until(self, goal: Callable[[], bool], limit: int) -> bool:
        """Run until ``goal()`` holds, or the world's time is ``limit``; says whether it holds."""
        queue = self._queue
        while not goal():
            if not queue or queue[0][0] > limit:
                self.now = max(self.now, limit)
                return goal()
            self.run(queue[0][0])
        return True

    def on_disk(self, id: NodeId) -> Mapping[SavedKey, object]:
        """What the disk of a node holds durably just now, by key."""
        host = self._host(id)
        host.disk.settle(self.now)
        return host.disk.contents()

    # What goes wrong.

    def _plan(self, schedule: Schedule) -> None:
        schedule.check_nodes(tuple(self._hosts))
        for fault in schedule:
            if isinstance(fault, faults.Corrupt):
                known_behaviour(fault.behaviour, [HONEST, *self._behaviours])
                if fault.at == 0:  # before it starts, and says something true
                    self._corrupt(self._hosts[fault.node], fault.behaviour, fault.to)
            if isinstance(fault, faults.Twin) and fault.at == 0:
                self._fail(fault)  # before its first half starts, and speaks to everyone
            else:
                self._at(fault.at, self._fail, fault)

    def _fail(self, fault: Fault, *_: object) -> None:
        if getattr(fault, "node", self.members[0]) not in self._hosts:
            return  # a second half that is not there
        match fault:
            case faults.Crash(_, node):
                happened = self._crash(self._hosts[node])
            case faults.Restart(_, node):
                happened = self._hosts[node].node is None
            case faults.Pause(_, node):
                host = self._hosts[node]
                happened = host.node is not None and not host.paused
                host.paused = host.node is not None
            case faults.Resume(_, node):
                happened = self._hosts[node].paused
            case _:
                happened = True
        if not happened:
            return
        for observer in self._observers:
            observer.failed(self.now, fault)
        match fault:
            case faults.Restart(_, node):
                self._start(self._hosts[node])
            case faults.Resume(_, node):
                self._resume(self._hosts[node])
            case faults.Clock(_, node, skew, drift):
                self._hosts[node].set_clock(self.now, skew, drift)
            case faults.Disk(_, node, latency):
                self._hosts[node].disk.latency = latency
            case faults.Corrupt(_, node, behaviour, lied_to):
                self._corrupt(self._hosts[node], behaviour, lied_to)
            case faults.Twin(_, node, halves):
                self._twin(self._hosts[node], halves)
            case faults.Partition() | faults.Block() | faults.Heal() | faults.Link():
                self._network.apply(fault)

    def _crash(self, host: Host) -> bool:
        if host.node is None:
            return False
        host.disk.crash(self.now, self._random)
        host.node = None
        host.life += 1
        host.paused = False
        host.backlog.clear()
        host.timers.clear()
        lost = list(host.calls.values())
        host.calls.clear()
        for written in lost:
            self._end(host, written, Unknown("the client crashed"))
        return True

    def _corrupt(self, host: Host, behaviour: str, lied_to: tuple[NodeId, ...]) -> None:
        known_behaviour(behaviour, [HONEST, *self._behaviours])
        honest = behaviour == HONEST
        host.behaviour, host.lied_to = ("", ()) if honest else (behaviour, lied_to)
        host.byzantine |= not honest

    def _twin(self, first: Host, halves: tuple[tuple[NodeId, ...], tuple[NodeId, ...]]) -> None:
        name = twin_of(first.id)
        if name not in self._hosts:
            disk = SimulatedDisk(first.disk.latency, self.on_disk(first.id))
            second = Host(name, first.peers, first.factory, disk, identity=first.id)
            self._hosts[name] = second
            first.byzantine = second.byzantine = True
            for host in self._hosts.values():
                if first.id in host.links and host is not first:
                    link = host.links[first.id]
                    link.twin = self._network.link(host.id, second)
                    link.settle()
            self._at(self.now, self._start, second)
        self._network.halve(first.id, name, halves)

    def _resume(self, host: Host) -> None:
        host.paused = False
        waiting, host.backlog = host.backlog, []
        for action, one, two, three in waiting:
            self._at(self.now, action, one, two, three)

    # Helpers.

    def _act(self, action: Callable[[], None], *_: object) -> None:
        action()

    def _host(self, id: NodeId) -> Host:
        if id not in self._hosts:
            raise BadInput(f"there is no node {id!r} here: there are {', '.join(self._hosts)}")
        return self._hosts[id]
