"""One node on real sockets: events in, ``step``, effects out. No decision of the protocol is here.

Reading order: :meth:`Host._take` lets an event happen to the node; :meth:`Host._carry_out` sorts
its effects; :meth:`Host._release` does what can be seen outside, once the saves are durable.

Timers are set and cancelled at once, even while the step's saves wait for the disk: only the node
itself sees a timer, and what the timer's own step sends stands in the queue behind those saves.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from random import Random

from common.codec import Codec
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
from common.contract.events import (
    CallId,
    Event,
    Fire,
    Invoke,
    NodeId,
    Receive,
    SavedKey,
    Start,
)
from common.contract.lies import Behaviour
from common.contract.node import Node
from common.contract.observer import Observer
from common.runtime.carrier import Address, Carrier
from common.runtime.clock import Clock
from common.runtime.commit import Changes, GroupCommit, Storage
from common.runtime.datagrams import TRIES, Datagrams
from common.runtime.handshake import Identity
from common.runtime.links import Links
from common.runtime.lying import Lying
from common.runtime.raised import raised
from common.runtime.timers import Timers
from common.runtime.transport import Transport
from common.runtime.wire import NUMBER_BYTES, number_of, pack, unpack
from common.values import faults
from common.values.errors import BadInput, ContractError, LabError
from common.values.history import Outcome

COUNTERS = ("steps", "messages_sent", "messages_received", "messages_dropped")
"""What a host counts since its start."""


class Host:
    """The world of one node.

    Args:
        node: made, not started.
        identity: under which it connects to others.
        codec: of its messages.
        numbers: for its messages, as :func:`common.runtime.wire.numbers` gives them.
        clock: the world's and its own.
        seed: of its random numbers, and of what happens on its links.
        by_datagram: the peers that it reaches by UDP; all others, by TCP.
        storage: where its saves go; None where it has no disk (clients), and they are forgotten.
        observer: is told of everything, for a trace; None for nobody.
        log: takes one sentence for people.
        on_return: takes the outcome of a client's operation.
        on_failure: told once when the node cannot go on, because its code broke the contract or
            its disk failed; nothing happens to the node after that.
        behaviours: the ways in which it can be told to lie, by name; none unless given.

    Attributes:
        transport, links: for status reports and tests.
        carriers: what carries messages to some peers in another way than ``transport`` does; the
            first one that reaches a peer has its messages.
    """

    def __init__(
        self,
        node: Node,
        identity: Identity,
        codec: Codec,
        *,
        numbers: Iterator[int],
        clock: Clock,
        seed: str,
        log: Callable[[str], None],
        on_return: Callable[[CallId, Outcome], None],
        on_failure: Callable[[LabError], None],
        by_datagram: Collection[NodeId] = (),
        storage: Storage | None = None,
        observer: Observer | None = None,
        behaviours: Mapping[str, Behaviour] | None = None,
    ) -> None:
        self.node = node
        self.clock = clock
        self.failed = False
        largest = codec.max_size + NUMBER_BYTES
        self.transport = Transport(identity, self._frame_arrived, self._frame_dropped, log, largest)
        self.carriers: list[Carrier] = []
        self._datagrams: Datagrams | None = None
        if by_datagram:
            self._datagrams = Datagrams(
                identity, by_datagram, codec.encode, self._frame_arrived, self.dropped, log
            )
            self.carriers.append(self._datagrams)
        self.links = Links(
            node.id, Random(f"{seed}/links"), self.transport.loop, self._forward, self.dropped
        )
        self.commits = (
            None if storage is None else GroupCommit(storage, self._durable, self._broken)
        )
        self._lying = Lying(node, behaviours or {}, Random(f"{seed}/lies"))
        self._id = node.id
        self._counters = dict.fromkeys(COUNTERS, 0)
        self._encode, self._decode = codec.encode, codec.decode
        self._numbers = numbers
        self._observer = observer
        self._log = log
        self._on_return = on_return
        self._on_failure = on_failure
        self._timers = Timers(self.transport.loop, self._fire, self._arrivals)
        node.seed(seed)

    # Its way to others.

    async def listen(self, host: str, port: int) -> int:
        """Accept connections, answer none before :meth:`start`, and receive datagrams.

        Returns:
            The port, which is the same for both; the system chooses it where ``port`` is 0.

        Raises:
            BadInput: the address cannot be used, for instance because the port is taken.
        """
        if self._datagrams is None:
            return await self.transport.listen(host, port, hold=True)
        for tries_left in reversed(range(TRIES)):
            chosen = self._datagrams.bind(host, port)
            try:
                return await self.transport.listen(host, chosen, hold=True)
            except BadInput:
                if port or not tries_left:
                    raise
        raise AssertionError("the last try returned or raised")

    def know(self, book: Mapping[NodeId, Address]) -> None:
        """Learn where peers listen, or have moved to."""
        self.transport.know(book)
        for carrier in self.carriers:
            carrier.know(book)

    @property
    def counters(self) -> dict[str, int]:
        """What was counted since the start, by name."""
        counted = {**self._counters, **self.transport.counters}
        for carrier in self.carriers:
            counted |= carrier.counters
        return counted

    # Events.

    def start(self, saved: Mapping[SavedKey, object]) -> None:
        """Begin the node's life with what earlier ones saved, and take what peers send."""
        self._take(Start(self.clock.local(), saved), None)
        self.transport.release()
        for carrier in self.carriers:
            carrier.release()

    def invoke(self, call: CallId, operation: object) -> None:
        """Let a client's operation happen to the node; ``on_return`` gets its outcome."""
        self._take(Invoke(self.clock.local(), call, operation), None)

    def status(self) -> Mapping[str, object]:
        """What the node's ``full_status()`` says.

        Raises:
            ContractError: it raised something instead.
        """
        try:
            return self.node.full_status()
        except Exception as error:  # whatever a student's status() may raise
            what = f"{type(error).__name__}: {error}"
            name = type(self.node).__name__
            raise ContractError(f"node {self._id} ({name}): status() raised {what}") from None

    def _frame_arrived(self, sender: NodeId, payload: bytes) -> None:
        number, body = unpack(payload)
        message = self._decode(body)
        self._counters["messages_received"] += 1
        self._take(Receive(self.clock.local(), sender, message), number)

    def arrived(self, sender: NodeId, message: object, number: int = 0) -> None:
        """Let a message happen to the node that came in no frame of ours.

        Where it has no number its sender keeps no trace, so the sending is written down here. Nor
        does such a sender know of our faults, so a partition is kept here too.
        """
        if self.links.parted(sender):
            self._counters["messages_dropped"] += 1
            return
        self._counters["messages_received"] += 1
        if not number:
            number = next(self._numbers)
            if self._observer is not None:
                self._observer.sent(self.clock.world(), sender, self._id, message, number)
        self._take(Receive(self.clock.local(), sender, message), number)

    def _to_itself(self, number: int, message: object) -> None:
        self._take(Receive(self.clock.local(), self._id, message), number)

    def _fire(self, effect: SetTimer) -> None:
        self._take(Fire(self.clock.local(), effect.id, effect.timer), None)

    def _take(self, event: Event, number: int | None) -> None:
        if self.failed:
            return
        self._counters["steps"] += 1
        try:
            effects = self.node.step(event)
            if self._observer is not None:
                now, status = self.clock.world(), self.status()
                self._observer.stepped(now, self._id, event, number, status)
            if effects:
                self._carry_out(effects)
        except LabError as error:
            self._fail(error)
        except Exception as error:  # whatever a student's handler may raise
            self._fail(ContractError(raised(self.node, event, error)))

    # Effects.

    def _carry_out(self, effects: list[Effect]) -> None:
        commits = self.commits
        first = effects[0]
        if len(effects) == 1 and first.__class__ is Send and (commits is None or not commits.busy):
            self._send(first.to, first.message, None)  # most steps: nothing to sort
            return
        changes: list[Save | Forget] = []
        for effect in effects:
            kind = effect.__class__
            if kind is SetTimer:
                self._set_timer(effect)  # type: ignore[arg-type]
            elif kind is CancelTimer:
                self._timers.cancel(effect.id)  # type: ignore[union-attr]
            elif kind is Save or kind is Forget:
                changes.append(effect)  # type: ignore[arg-type]
        if commits is None:
            self._release(effects)
        elif changes:
            commits.write(changes, effects)
        elif not commits.behind(effects):
            self._release(effects)

    def _release(self, effects: list[Effect]) -> None:
        for effect in effects:
            kind = effect.__class__
            if kind is Send:
                self._send(effect.to, effect.message, None)  # type: ignore[union-attr, arg-type]
            elif kind is Broadcast:
                self._broadcast(effect)  # type: ignore[arg-type]
            elif kind is Return:
                self._on_return(effect.call, effect.outcome)  # type: ignore[union-attr]
            elif kind is Note:
                self._note(effect.text, effect.fields)  # type: ignore[union-attr]
            elif kind is Deliver:
                self._note(f"delivers {effect.value!r}", {})  # type: ignore[union-attr]

    def _durable(self, effects: list[Effect], changes: Changes) -> None:
        if self.failed:
            return
        if changes and self._observer is not None:
            self._observer.saved(self.clock.world(), self._id, changes)
        try:
            self._release(effects)
        except LabError as error:  # a message that its codec cannot write
            self._fail(error)

    def _broadcast(self, effect: Broadcast) -> None:
        body = self._encode(effect.message)
        for to in effect.to:
            self._send(to, effect.message, body)

    def _send(
        self, to: NodeId, message: object, body: bytes | None, rewritten: bool = False
    ) -> None:
        if self._lying.active and not rewritten:
            self._lying.say(to, message, self._send, self.transport.loop)
            return
        number = next(self._numbers)
        self._counters["messages_sent"] += 1
        if self._observer is not None:
            self._observer.sent(self.clock.world(), self._id, to, message, number)
        if to == self._id:
            self.transport.loop.call_soon(self._to_itself, number, message)
            return
        for carrier in self.carriers:
            if carrier.reaches(to):
                frame = carrier.pack(to, message, number)
                if self.links.active:
                    self.links.send(to, frame, number)
                else:
                    carrier.send(to, frame, number)
                return
        frame = pack(number, self._encode(message) if body is None else body)
        if self.links.active:
            self.links.send(to, frame, number)
        else:
            self.transport.send(to, frame)

    def _note(self, text: str, fields: Mapping[str, object]) -> None:
        if self._observer is not None:
            self._observer.noted(self.clock.world(), self._id, text, fields)

    def _set_timer(self, effect: SetTimer) -> None:
        if effect.after == 0:  # what the same step sends is on its way before this timer fires
            self.transport.flush_soon()
        self._timers.set(effect, self.clock.seconds(effect.after))

    def _arrivals(self) -> int:
        return self.transport.reads + self._counters["messages_received"]

    # Frames that leave, or do not.

    def _carrier(self, to: NodeId) -> Carrier | None:
        """What carries messages to a peer, if it is something else than the transport."""
        for carrier in self.carriers:
            if carrier.reaches(to):
                return carrier
        return None

    def _forward(self, to: NodeId, frame: bytes, number: int) -> None:
        carrier = self._carrier(to)
        if carrier is not None:
            carrier.send(to, frame, number)
        else:
            self.transport.send(to, frame)

    def _frame_dropped(self, to: NodeId, frame: bytes, why: str) -> None:
        self.dropped(to, number_of(frame), why)

    def dropped(self, to: NodeId, number: int, why: str) -> None:
        """A message will not arrive."""
        self._counters["messages_dropped"] += 1
        if self._observer is not None:
            self._observer.dropped(self.clock.world(), self._id, to, number, why)

    # Faults, and the end.

    def apply(self, fault: faults.Fault) -> None:
        """Carry out a fault that concerns this node's links, clock, disk or honesty.

        Raises:
            ContractError: the fault is of a kind that a live node cannot carry out by itself.
        """
        match fault:
            case faults.Link() | faults.Partition() | faults.Block() | faults.Heal():
                self.links.apply(fault)
            case faults.Clock():
                self.clock.set(fault)
            case faults.Disk(_, _, latency):
                if self.commits is not None:
                    self.commits.latency = latency
            case faults.Corrupt():
                self._lying.apply(fault)
            case _:
                raise ContractError(f"{fault} is not for a node to carry out: the launcher does")

    async def close(self) -> None:
        """End this life: no more timers, no more connections; a flush under way is finished."""
        self.failed = True
        self._timers.clear()
        if self.commits is not None:
            self.commits.close()
        for carrier in self.carriers:
            carrier.end()
        await self.transport.close()

    def _broken(self, error: Exception) -> None:
        if isinstance(error, LabError):
            self._fail(error)
        else:
            self._fail(LabError(f"node {self._id}: its disk failed: {error}"))

    def _fail(self, error: LabError) -> None:
        if not self.failed:
            self.failed = True
            self._on_failure(error)
