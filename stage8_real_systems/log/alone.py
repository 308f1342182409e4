"""Replicas without brokers: the smallest cluster in which a log can be lost.

Here each replica is a node of its own, and one node more is a controller that is never lost. So a
test, the explorer and a reader see the protocol of a partition and nothing else. What a replica
does is what it does within a broker (``partition``); what a controller decides, ``metadata`` says.
"""

from common.contract import CallId, Node, NodeId, begin_life, message, on, operation, timer
from common.contract.asking import NUMBERS_OF_A_LIFE
from common.values.history import Failed, Ok, Unknown
from common.values.units import MS
from stage8_real_systems.log.batches import Batch, batch_of, unpack
from stage8_real_systems.log.messages import PartitionState
from stage8_real_systems.log.metadata import AlterIsr, Fence, Metadata, Register
from stage8_real_systems.log.partition import Partition
from stage8_real_systems.log.requests import ALL, CreateTopic, Refused

REMIND_EVERY = 20 * MS
"""How often the controller says what is decided."""


@message
class Appoint:
    """The controller says what is decided, to a replica in its life of this number."""

    life: int
    state: PartitionState | None


@message
class Arrived:
    """A replica has begun a life of which the controller does not know."""

    life: int


@message
class IsrWish:
    """A leader wants other in-sync replicas."""

    isr: tuple[NodeId, ...]
    epoch: int
    version: int


@timer
class RemindDue:
    """It is time for the controller to say again what is decided."""


@operation
class Append:
    """Append ``text``; the result is its offset, once ``acks`` have it."""

    text: str
    acks: int = ALL


@operation
class Contents:
    """What is below the high watermark of this replica? Pairs of an offset and a text."""


@operation
class FenceBroker:
    """Let the controller take this broker for dead."""

    broker: NodeId


class LoneReplica(Partition):
    """A replica that is a node of its own."""

    def on_start(self) -> None:
        """Begin a life; what was decided, the controller says."""
        super().on_start()
        self.life = begin_life(self) // NUMBERS_OF_A_LIFE + 1
        self.controller: NodeId | None = None
        self.waiting: list[tuple[CallId, Batch, int]] = []
        """Who waits for a batch to be committed, and in which epoch that was appended."""

    @on(Appoint)
    def appointed(self, decision: Appoint, sender: NodeId) -> None:
        """Do what is decided, unless it was decided about an earlier life."""
        self.controller = sender
        if decision.life != self.life:
            self.send(sender, Arrived(self.life))
        elif decision.state is not None:
            self.assume(decision.state)
            if self.leads and self.joining:
                self.want((*self.state.isr, *self.joining))  # the first such wish may be lost
            self.tell_waiting()

    @on(Append)
    def append_asked(self, request: Append, call: CallId) -> None:
        """Append, if this replica leads."""
        taken = self.take(batch_of(("k", request.text)), request.acks)
        if isinstance(taken, Refused):
            self.finish(call, Failed(taken.error.name))
        elif request.acks != ALL:
            self.finish(call, Ok(taken.base_offset))
        else:
            self.waiting.append((call, taken, self.state.epoch))
            self.tell_waiting()

    @on(Contents)
    def contents_asked(self, request: Contents, call: CallId) -> None:
        """Tell what a consumer could read here."""
        found = self.log.read(self.log.start, self.fetch_bytes, self.high_watermark)
        self.finish(call, Ok(tuple((each.base_offset, text_of(each)) for each in found)))

    def advance_to(self, high_watermark: int) -> None:
        """More is committed."""
        super().advance_to(high_watermark)
        self.tell_waiting()

    def tell_waiting(self) -> None:
        """Tell those whose batch is committed, and those of whose batch nobody knows any more."""
        waiting, self.waiting = self.waiting, []
        for call, batch, epoch in waiting:
            if epoch != self.state.epoch:
                self.finish(call, Unknown("another leader"))
            elif batch.next_offset <= self.high_watermark:
                self.finish(call, Ok(batch.base_offset))
            else:
                self.waiting.append((call, batch, epoch))

    def want(self, isr: tuple[NodeId, ...]) -> None:
        """Ask the controller for other in-sync replicas."""
        if self.controller is not None:
            self.send(self.controller, IsrWish(isr, self.state.epoch, self.state.version))


class LoneController(Node):
    """A controller for one partition on all of its peers; it makes it when all have arrived."""

    def on_start(self) -> None:
        """Nothing is decided."""
        self.metadata = Metadata(replication=len(self.peers))
        self.tell_all()

    def tell_all(self) -> None:
        """Say what is decided, now and again."""
        state = self.metadata.find("t", 0)
        for replica in self.peers:
            self.send(replica, Appoint(self.metadata.lives.get(replica, 0), state))
        self.set_timer(REMIND_EVERY, RemindDue())

    @on(RemindDue)
    def reminded(self, timer: RemindDue) -> None:
        """Say it again."""
        self.tell_all()

    @on(Arrived)
    def arrived(self, news: Arrived, sender: NodeId) -> None:
        """A replica is there, perhaps again."""
        if self.metadata.lives.get(sender, 0) < news.life:
            self.metadata.apply(Register(sender, news.life))
            if len(self.metadata.alive) == len(self.peers):
                self.metadata.apply(CreateTopic("t", 1))

    @on(IsrWish)
    def isr_wished(self, wish: IsrWish, sender: NodeId) -> None:
        """Let others be in sync, if the wish is about what is decided now."""
        self.metadata.apply(AlterIsr("t", 0, wish.isr, wish.epoch, wish.version))

    @on(FenceBroker)
    def fence_asked(self, request: FenceBroker, call: CallId) -> None:
        """Take a broker for dead; it counts again when it arrives in another life."""
        life = self.metadata.lives.get(request.broker, 0)
        self.metadata.apply(Fence(request.broker, life))
        self.finish(call, Ok())


def text_of(batch: Batch) -> str:
    """The text of a batch that an Append has made."""
    return unpack(batch.payload)[0].value or ""
