"""The event loop of the simulation: a heap of what happens next, and the nodes it happens to.

Reading order: :meth:`Engine.run` takes the next thing off the heap; ``_deliver``, ``_fire`` and
``_invoke`` hand it to a node; ``_carry_out`` does what the node asks for. Who reads this for the
protocol's sake needs only that: the same ``Node.step`` as everywhere else, and virtual time.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from heapq import heappop, heappush
from random import Random
from typing import Any, NoReturn, Protocol

from common.contract.checked import CheckedEffects, Checker
from common.contract.effects import (
    Broadcast,
    CancelTimer,
    Deliver,
    Effect,
    Forget,
    Note,
    Return,
    Save,
    Send,
    SetTimer,
)
from common.contract.events import Event, Fire, Invoke, NodeId, Receive, Start
from common.contract.lies import Behaviour, Later, Liar
from common.contract.node import Node
from common.contract.observer import Observer
from common.contract.rules import check_effect, check_effects, check_step
from common.contract.signing import Notary
from common.sim.host import Host
from common.sim.network import OTHER_HALF, Link, LinkModel, Network
from common.values.brief import brief
from common.values.errors import ContractError, LabError
from common.values.faults import twin_of
from common.values.history import History, Operation, Outcome, Unknown
from common.values.units import show_time

MAX_PENDING = 100_000
"""So many messages and timers may be under way; each takes some 260 bytes."""


class Monitor(Protocol):
    """A check on the whole world after each step, such as an invariant."""

    def check(self, at: int, nodes: Mapping[NodeId, Node]) -> None:
        """Look at all honest nodes that are up, at world time ``at`` in microseconds."""


class EventLimit(LabError):
    """The run took more events than it may; usually a protocol that sends or retries forever."""

    exit_code = 1


class Engine:
    """The mechanics of a simulation; :class:`common.sim.simulation.Simulation` is its public face.

    Its arguments are described there.

    Attributes:
        now: the world's time in microseconds.
        events: how many events have happened.
        history: the clients' operations.
        on_return: called with ``(client, operation)`` when an operation has ended.
    """

    def __init__(
        self,
        seed: int | str,
        link: LinkModel,
        observers: Sequence[Observer],
        monitors: Sequence[Monitor],
        behaviours: Mapping[str, Behaviour],
        sends_wait_for_disk: bool,
        check_handlers: int,
        max_events: int,
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
        self._behaviours = dict(behaviours)
        self._waits = sends_wait_for_disk
        self._check_every = check_handlers
        self._steps = 0
        self._watched = bool(observers or monitors or check_handlers)
        self._max_events = max_events
        self._network: Network[Host] = Network(link)
        self._notary: Notary | None = None
        self._queue: list[tuple[int, int, Callable[..., None], Any, Any, Any]] = []
        self._sequence = 0
        self._messages = 0
        self._hosts: dict[NodeId, Host] = {}

    @property
    def nodes(self) -> dict[NodeId, Node]:
        """The nodes that are up, clients too, by id."""
        return {id: host.node for id, host in self._hosts.items() if host.node is not None}

    @property
    def honest(self) -> dict[NodeId, Node]:
        """The nodes that are up and have always been honest. Nothing holds of the others."""
        hosts = self._hosts.items()
        return {id: host.node for id, host in hosts if host.node is not None and not host.byzantine}

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

    # What happens to nodes.

    def _start(self, host: Host, *_: object) -> None:
        host.paused = False
        host.release_at, host.held = self.now, 0
        host.node = host.factory(host.identity, host.peers)
        host.node.seed(f"{self._seed}/{host.id}/{host.life}")
        if self._check_every and isinstance(host.node, Node):
            host.node.check_by(Checker(partial(self._check_asked, host)))
        if host.node.signs and self._notary is None:
            self._notary = Notary()
        self._step(host, Start(host.clock(self.now), host.disk.contents()))

    def _deliver(self, link: Link[Host], event: Receive, number: int) -> None:
        host = link.target
        if host.node is None:
            self._drop(link.source, host.id, number, "crashed")
        elif link.blocked:
            self._drop(link.source, host.id, number, link.why)
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
        event = Fire(host.clock(self.now), effect.id, effect.timer)
        if self._watched or host.node is None:
            self._step(host, event)
        else:
            self._carry_out(host, host.node.step(event))

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
        self._steps += 1
        doubled = self._check_every and self._steps % self._check_every == 0
        effects = check_step(node, event) if doubled else node.step(event)
        if effects and self._check_every and not isinstance(effects, CheckedEffects):
            check_effects(node, effects)
        if self._observers:
            status = node.full_status()
            for observer in self._observers:
                observer.stepped(self.now, host.id, event, number, status)
        self._carry_out(host, effects)
        if self._monitors:
            nodes = self.honest
            for monitor in self._monitors:
                monitor.check(self.now, nodes)

    # What nodes ask for.

    def _check_asked(self, host: Host, effect: Effect) -> None:
        """Check an effect while the handler that asks for it still runs, so that its line is known.

        (A judged node is at the other end of a pipe: its effects are checked when they arrive.)
        """
        assert host.node is not None, "only a living node asks"
        check_effect(host.node, effect)
        if isinstance(effect, Send) and effect.to not in host.links:
            self._target(host, effect.to)
        elif isinstance(effect, Return) and effect.call not in host.calls:
            self._not_under_way(host, effect)

    def _carry_out(self, host: Host, effects: list[Effect]) -> None:
        saves = False
        for effect in effects:
            if type(effect) is SetTimer:
                self._set_timer(host, effect)
            elif type(effect) is CancelTimer:
                host.timers.discard(effect.id)
            elif type(effect) is Save or type(effect) is Forget:
                saves = True
        if saves:
            self._write(host, [e for e in effects if isinstance(e, Save | Forget)])
        if host.held or host.release_at > self.now:  # nothing overtakes what waits for the disk
            host.held += 1
            self._at(host.release_at, self._release_held, host, host.life, effects)
        else:
            self._release(host, host.life, effects)

    def _release_held(self, host: Host, life: int, effects: list[Effect]) -> None:
        if host.life == life:
            host.held -= 1
            self._release(host, life, effects)

    def _release(self, host: Host, life: int, effects: list[Effect]) -> None:
        """Carry out what others can see; the saves before it are durable by now."""
        if host.life != life:
            return
        for effect in effects:
            if type(effect) is Send:
                self._send(host, effect.to, effect.message)
            elif type(effect) is Broadcast:
                for to in effect.to:
                    self._send(host, to, effect.message)
            elif type(effect) is Return:
                self._returned(host, effect.call, effect.outcome)
            elif type(effect) is Note:
                for observer in self._observers:
                    observer.noted(self.now, host.id, effect.text, effect.fields)
            elif type(effect) is Deliver:
                for observer in self._observers:
                    observer.noted(self.now, host.id, f"delivers {effect.value!r}", {})
        if len(self._queue) > MAX_PENDING:
            self._too_many()

    def _send(self, host: Host, to: NodeId, message: object) -> None:
        link = host.links.get(to) or self._new_link(host, to)
        if host.behaviour:
            self._lie(host, link, to, message)
        elif link.plain and self._notary is None:
            now = self.now
            number = self._tell_sent(host, link, message) if self._observers else 0
            self._sequence = sequence = self._sequence + 1
            at = now + link.least + int(self._draw() * link.span)
            event = Receive(now, host.identity, message)
            heappush(self._queue, (at, sequence, self._deliver, link, event, number))
        else:
            self._transmit(host, link, message)

    def _lie(self, host: Host, link: Link[Host], to: NodeId, message: object) -> None:
        """Send what a Byzantine node's behaviour makes of a message."""
        if host.lied_to and to not in host.lied_to:
            self._transmit(host, link, message)
            return
        assert host.node is not None, "only a living node sends"
        liar = Liar(host.identity, host.node, self._random)
        for told in self._behaviours[host.behaviour](liar, to, message):
            if isinstance(told, Later):
                self._at(self.now + told.after, self._transmit, host, link, told.message)
            else:
                self._transmit(host, link, told)

    def _transmit(self, host: Host, link: Link[Host], message: object) -> None:
        if self._notary is not None:
            message = self._notary.pass_on(host.identity, message)
        for each in (link,) if link.twin is None else (link, link.twin):
            if each.why != OTHER_HALF:
                self._transmit_one(host, each, message)

    def _transmit_one(self, host: Host, link: Link[Host], message: object) -> None:
        number = self._tell_sent(host, link, message)
        fate = link.fate(self.now, self._draw, message)
        if isinstance(fate, str):
            self._drop(host.id, link.target.id, number, fate)
            return
        for at in fate:
            self._at(at, self._deliver, link, Receive(self.now, host.identity, message), number)

    def _tell_sent(self, host: Host, link: Link[Host], message: object) -> int:
        """Tell the observers that a message leaves; returns its number."""
        self._messages = number = self._messages + 1
        for observer in self._observers:
            observer.sent(self.now, host.id, link.target.id, message, number)
        return number

    def _set_timer(self, host: Host, effect: SetTimer) -> None:
        host.timers.add(effect.id)
        self._sequence = sequence = self._sequence + 1
        at = self.now + (host.real_time(effect.after) if host.drift else effect.after)
        heappush(self._queue, (at, sequence, self._fire, host, host.life, effect))

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
            self._not_under_way(host, Return(call, outcome))
        self._end(host, written, outcome)

    def _end(self, host: Host, written: Operation, outcome: Outcome) -> None:
        if written.returned_at is not None:
            return
        self.history.finish(written, outcome, self.now)
        if isinstance(outcome, Unknown):
            host.process = f"{host.id}/{len(self.history)}"
        for observer in self._observers:
            observer.returned(self.now, host.id, written)
        for told in self.on_return:
            told(host.id, written)

    # Helpers.

    def _at(
        self,
        at: int,
        action: Callable[..., None],
        one: Any = None,
        two: Any = None,
        three: Any = None,
    ) -> None:
        self._sequence = sequence = self._sequence + 1
        at = at if at > self.now else self.now
        heappush(self._queue, (at, sequence, action, one, two, three))

    def _drop(self, sender: NodeId, to: NodeId, number: int, why: str) -> None:
        for observer in self._observers:
            observer.dropped(self.now, sender, to, number, why)

    def _new_link(self, host: Host, to: NodeId) -> Link[Host]:
        link = host.links[to] = self._network.link(host.id, self._target(host, to))
        twin = self._hosts.get(twin_of(to))
        if twin is not None and to != host.identity:
            link.twin = self._network.link(host.id, twin)
            link.settle()
        return link

    def _target(self, host: Host, to: NodeId) -> Host:
        if to == host.identity:  # a half that speaks to itself
            return host
        found = self._hosts.get(to)
        if found is None or found.identity != to:
            known = ", ".join(dict.fromkeys(each.identity for each in self._hosts.values()))
            raise ContractError(
                f"node {host.id} sends to {brief(to)}, which is not in this cluster: there are "
                f"{known}"
            )
        return found

    def _not_under_way(self, host: Host, asked: Return) -> NoReturn:
        raise ContractError(
            f"node {host.id}: finish({asked.call}, {brief(asked.outcome)}): that call is not under "
            "way: each call ends once, and in the life in which it began"
        )

    def _too_many(self) -> NoReturn:
        raise EventLimit(
            f"the run took more than {self._max_events:,} events by {show_time(self.now)} of "
            f"virtual time, or has {MAX_PENDING:,} to come: some node sends or retries without end"
        )
