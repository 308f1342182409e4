"""The simulation: an event loop on virtual time around the same ``Node.step`` as everywhere else.

Reading order: :meth:`Simulation.run` takes the next thing that happens off a heap; ``_deliver``,
``_fire`` and ``_invoke`` hand it to a node; ``_carry_out`` does what the node asks for.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from heapq import heappop, heappush
from random import Random
from typing import Any, NoReturn, Protocol

from common.contract.calls import describe
from common.contract.effects import (
    Broadcast,
    CancelTimer,
    Effect,
    Forget,
    Note,
    Return,
    Save,
    Send,
    SetTimer,
)
from common.contract.events import Event, Fire, Invoke, Key, NodeId, Receive, Start
from common.contract.node import Node
from common.contract.observer import Observer
from common.contract.rules import check_step
from common.sim.disk import SimulatedDisk
from common.sim.host import Factory, Host
from common.sim.network import Link, LinkModel, Network
from common.values import faults
from common.values.errors import BadInput, ContractError, LabError
from common.values.faults import Fault, Schedule
from common.values.history import History, Operation, Outcome, Unknown
from common.values.units import US, show_time

Behaviour = Callable[[Random, NodeId, object], Iterable[object]]
"""What a Byzantine node sends in place of a message: ``(random, to, message) -> messages``."""

DISK_LATENCY = 500 * US
HONEST = "honest"
"""The behaviour of ``faults.Corrupt`` that makes a node follow its protocol again."""

MAX_EVENTS = 5_000_000
"""A run that takes more events than this is stopped as one that never comes to rest."""


class Monitor(Protocol):
    """A check on the whole world after each step, such as an invariant."""

    def check(self, at: int, nodes: Mapping[NodeId, Node]) -> None:
        """Look at all nodes that are up, at world time ``at`` in microseconds."""


class EventLimit(LabError):
    """The run took more events than it may; usually a protocol that sends or retries forever."""

    exit_code = 1


class Simulation:
    """A cluster and its clients in virtual time.

    Args:
        nodes: the members of the cluster: how to make each node, by id.
        clients: the clients: how to make each, by id. Their peers are all members.
        seed: together with the code and the schedule it decides everything that happens.
        link: how every link behaves at first.
        schedule: what goes wrong, and when.
        observers: who is told of everything that happens; without any the run is much faster.
        monitors: who looks at the whole world after each step.
        behaviours: Byzantine behaviours by the name that ``faults.Corrupt`` gives them.
        disk_latency: how long a flush takes, in microseconds.
        sends_wait_for_disk: the contract's rule that nothing leaves a node before what it saved
            in the same step is durable. One exercise turns it off to see what breaks.
        check_handlers: check the rules of the contract at every n-th step (0: never): the same
            event on a copy of the node gives the same effects, and nothing mutable leaves it.
        max_events: bound on the events of the whole run.

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
    ) -> None:
        self.now = 0
        self.events = 0
        self.history = History()
        self.on_return: list[Callable[[NodeId, Operation], None]] = []
        self._seed = seed
        self._random = Random(f"{seed}/network")
        self._draw = self._random.random
        self._observers = list(observers)
        self._monitors = list(monitors)
        self._behaviours = dict(behaviours or {})
        self._waits = sends_wait_for_disk
        self._check_every = check_handlers
        self._watched = bool(observers or monitors or check_handlers)
        self._max_events = max_events
        self._network = Network(link or LinkModel(), bool(observers))
        self._queue: list[tuple[int, int, Callable[..., None], Any, Any, Any]] = []
        self._sequence = 0
        self._messages = 0
        self._hosts: dict[NodeId, Host] = {}
        members = tuple(nodes)
        for id, factory in {**nodes, **(clients or {})}.items():
            peers = tuple(member for member in members if member != id)
            self._hosts[id] = Host(id, peers, factory, SimulatedDisk(disk_latency))
        self.members, self.clients = members, tuple(clients or {})
        self._plan(schedule or Schedule())
        for host in self._hosts.values():
            self._at(0, self._start, host)

    # What a test or a demo does with it.

    @property
    def nodes(self) -> dict[NodeId, Node]:
        """The nodes that are up, clients too, by id."""
        return {id: host.node for id, host in self._hosts.items() if host.node is not None}

    def call(self, client: NodeId, operation: object) -> Operation:
        """Let a client begin an operation now; its outcome is filled in as the run goes on."""
        host = self._host(client)
        function, key, argument = describe(operation)
        busy = any(call.returned_at is None for call in host.calls.values())
        process = f"{client}/{len(self.history)}" if busy else client
        written = self.history.invoke(process, function, key, argument, self.now)
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

    def run(self, until: int) -> None:
        """Let everything happen up to and including the world's time ``until`` (microseconds).

        Raises:
            ContractError: a node broke the contract.
            EventLimit: the run took more than ``max_events``.
        """
        queue = self._queue
        limit = self._max_events
        events = self.events
        try:
            while queue and queue[0][0] <= until:
                self.now, _, action, one, two, three = heappop(queue)
                events += 1
                if events > limit:
                    self._too_many()
                action(one, two, three)
        finally:
            self.events = events
        self.now = max(self.now, until)

    def run_until(self, goal: Callable[[], bool], limit: int) -> bool:
        """Run until ``goal()`` holds, or the world's time is ``limit``; says whether it holds."""
        queue = self._queue
        while not goal():
            if not queue or queue[0][0] > limit:
                self.now = max(self.now, limit)
                return goal()
            self.run(queue[0][0])
        return True

    def on_disk(self, id: NodeId) -> Mapping[Key, object]:
        """What the disk of a node holds durably just now, by key."""
        host = self._host(id)
        host.disk.settle(self.now)
        return host.disk.contents()

    # What happens to nodes.

    def _start(self, host: Host, *_: object) -> None:
        host.paused = False
        host.release_at = self.now
        host.node = host.factory(host.id, host.peers)
        host.node.seed(f"{self._seed}/{host.id}/{host.life}")
        self._step(host, Start(host.clock(self.now), host.disk.contents()))

    def _deliver(self, link: Link, event: Receive, number: int) -> None:
        host = link.target
        if host.node is None:
            self._drop(event.sender, host.id, number, "crashed")
        elif link.blocked:
            self._drop(event.sender, host.id, number, link.why)
        elif host.paused:
            host.backlog.append((self._deliver, link, event, number))
        else:
            now = self.now
            event.now = host.clock(now) if host.drift else now + host.offset
            if self._watched:
                self._step(host, event, number)
            else:
                self._carry_out(host, host.node.step(event))

    def _fire(self, host: Host, life: int, effect: SetTimer) -> None:
        if host.life != life or effect.id not in host.timers:
            return
        if host.paused:
            host.backlog.append((self._fire, host, life, effect))
            return
        host.timers.discard(effect.id)
        self._step(host, Fire(host.clock(self.now), effect.id, effect.timer))

    def _invoke(self, host: Host, operation: object, written: Operation) -> None:
        if host.node is None:
            self._end(host, written, Unknown("the client is down"))
        elif host.paused:
            host.backlog.append((self._invoke, host, operation, written))
        else:
            call = host.next_call()
            host.calls[call] = written
            for observer in self._observers:
                observer.called(self.now, host.id, written)
            self._step(host, Invoke(host.clock(self.now), call, operation))

    def _step(self, host: Host, event: Event, number: int | None = None) -> None:
        node = host.node
        assert node is not None, "only a living node takes a step"
        checked = self._check_every and self.events % self._check_every == 0
        effects = check_step(node, event) if checked else node.step(event)
        if self._observers:
            status = node.status()
            for observer in self._observers:
                observer.stepped(self.now, host.id, event, number, status)
        self._carry_out(host, effects)
        if self._monitors:
            nodes = self.nodes
            for monitor in self._monitors:
                monitor.check(self.now, nodes)

    # What nodes ask for.

    def _carry_out(self, host: Host, effects: list[Effect]) -> None:
        saves = False
        for effect in effects:
            if isinstance(effect, SetTimer):
                self._set_timer(host, effect)
            elif isinstance(effect, CancelTimer):
                host.timers.discard(effect.id)
            elif isinstance(effect, (Save, Forget)):
                saves = True
        if saves:
            self._write(host, [e for e in effects if isinstance(e, Save | Forget)])
        if host.release_at > self.now:
            self._at(host.release_at, self._release, host, host.life, effects)
        else:
            self._release(host, host.life, effects)

    def _release(self, host: Host, life: int, effects: list[Effect]) -> None:
        """Carry out what others can see; the saves before it are durable by now."""
        if host.life != life:
            return
        for effect in effects:
            if isinstance(effect, Send):
                self._send(host, effect.to, effect.message)
            elif isinstance(effect, Broadcast):
                for to in effect.to:
                    self._send(host, to, effect.message)
            elif isinstance(effect, Return):
                self._returned(host, effect.call, effect.outcome)
            elif isinstance(effect, Note):
                for observer in self._observers:
                    observer.noted(self.now, host.id, effect.text, effect.fields)

    def _send(self, host: Host, to: NodeId, message: object) -> None:
        link = host.links.get(to) or self._new_link(host, to)
        if host.behaviour:
            for forged in self._behaviours[host.behaviour](self._random, to, message):
                self._transmit(host, link, forged)
        elif link.plain:
            now = self.now
            self._sequence = sequence = self._sequence + 1
            at = now + link.least + int(self._draw() * link.span)
            event = Receive(now, host.id, message)
            heappush(self._queue, (at, sequence, self._deliver, link, event, 0))
        else:
            self._transmit(host, link, message)

    def _transmit(self, host: Host, link: Link, message: object) -> None:
        self._messages = number = self._messages + 1
        for observer in self._observers:
            observer.sent(self.now, host.id, link.target.id, message, number)
        fate = link.fate(self.now, self._draw, message)
        if isinstance(fate, str):
            self._drop(host.id, link.target.id, number, fate)
            return
        for at in fate:
            self._at(at, self._deliver, link, Receive(self.now, host.id, message), number)

    def _set_timer(self, host: Host, effect: SetTimer) -> None:
        host.timers.add(effect.id)
        self._at(self.now + host.real_time(effect.after), self._fire, host, host.life, effect)

    def _write(self, host: Host, changes: list[Save | Forget]) -> None:
        durable_at = host.disk.write(self.now, changes)
        if self._waits:
            host.release_at = max(host.release_at, durable_at)
        if self._observers:
            self._at(durable_at, self._saved, host, host.life, changes)

    def _saved(self, host: Host, life: int, changes: Sequence[Save | Forget]) -> None:
        if host.life == life:
            for observer in self._observers:
                observer.saved(self.now, host.id, changes)

    def _returned(self, host: Host, call: int, outcome: Outcome) -> None:
        written = host.calls.pop(call, None)
        if written is None:
            raise ContractError(
                f"node {host.id}: finish({call}, {outcome}): that call is not under way: "
                "each call ends once, and in the life in which it began"
            )
        self._end(host, written, outcome)

    def _end(self, host: Host, written: Operation, outcome: Outcome) -> None:
        if written.returned_at is not None:
            return
        self.history.finish(written, outcome, self.now)
        for observer in self._observers:
            observer.returned(self.now, host.id, written)
        for told in self.on_return:
            told(host.id, written)

    # What goes wrong.

    def _plan(self, schedule: Schedule) -> None:
        schedule.check_nodes(tuple(self._hosts))
        for fault in schedule:
            if isinstance(fault, faults.Corrupt) and fault.behaviour != HONEST:
                self._known_behaviour(fault.behaviour)
            self._at(fault.at, self._fail, fault)

    def _fail(self, fault: Fault, *_: object) -> None:
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
            case faults.Corrupt(_, node, behaviour):
                self._hosts[node].behaviour = self._known_behaviour(behaviour)
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

    def _resume(self, host: Host) -> None:
        host.paused = False
        waiting, host.backlog = host.backlog, []
        for action, one, two, three in waiting:
            self._at(self.now, action, one, two, three)

    # Helpers.

    def _at(
        self,
        at: int,
        action: Callable[..., None],
        one: Any = None,
        two: Any = None,
        three: Any = None,
    ) -> None:
        self._sequence += 1
        heappush(self._queue, (max(at, self.now), self._sequence, action, one, two, three))

    def _act(self, action: Callable[[], None], *_: object) -> None:
        action()

    def _drop(self, sender: NodeId, to: NodeId, number: int, why: str) -> None:
        for observer in self._observers:
            observer.dropped(self.now, sender, to, number, why)

    def _new_link(self, host: Host, to: NodeId) -> Link:
        target = self._hosts.get(to)
        if target is None:
            raise ContractError(
                f"node {host.id} sends to {to!r}, which is not in this cluster: "
                f"there are {', '.join(self._hosts)}"
            )
        link = host.links[to] = self._network.link(host.id, target)
        return link

    def _host(self, id: NodeId) -> Host:
        if id not in self._hosts:
            raise BadInput(f"there is no node {id!r} here: there are {', '.join(self._hosts)}")
        return self._hosts[id]

    def _known_behaviour(self, name: str) -> str:
        if name == HONEST:
            return ""
        if name not in self._behaviours:
            known = ", ".join([HONEST, *self._behaviours])
            raise BadInput(f"there is no Byzantine behaviour {name!r} here: there are {known}")
        return name

    def _too_many(self) -> NoReturn:
        raise EventLimit(
            f"the run took more than {self._max_events:,} events by {show_time(self.now)} of "
            "virtual time: some node sends or retries without end"
        )
