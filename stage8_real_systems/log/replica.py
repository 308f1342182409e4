"""Part 4, one replica of one partition: its log, and what is the same whether it leads or follows.

The replicas of a partition are nodes within the brokers that keep them. One leads: producers write
to it, and the others fetch from it, as consumers do. The *high watermark* is the offset up to which
all in-sync replicas have the log; only what is below it is committed, and only that may be read.

Who leads, and who is in sync, the controller decides (``metadata``). What it has decided comes in
by :meth:`Replica.assume`, in order, perhaps late. So a leader may have been deposed and not know
it. It does no harm: it can commit nothing, since the others do not fetch in its epoch any more.

Kafka writes to the page cache and lets the copies on other machines stand for the disk. Here each
batch is saved, so it is on this replica's disk before anybody hears that it is there.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping

from common.contract import Node, NodeId, TimerId
from common.contract.shown import shown_log
from common.values.units import MS
from stage8_real_systems.log.batches import NOBODY, Batch
from stage8_real_systems.log.compaction import compact
from stage8_real_systems.log.epochs import Epochs
from stage8_real_systems.log.messages import Moved, PartitionState
from stage8_real_systems.log.producers import Producers
from stage8_real_systems.log.storage import SEGMENT_BYTES, Log

NOBODY_LEADS = PartitionState((), (), "", -1, -1)


class Replica(Node, ABC):
    """The state of a replica.

    Args:
        id: the broker that keeps it.
        peers: all other brokers.
        min_isr: so many in-sync replicas have to have a batch before a producer that wants all of
            them is told (``acks=all``).
        fetch_again: how long a follower waits for an answer, in microseconds; it is also how often
            a leader hears of it at least.
        lag_time: how long a follower may lag behind and stay in sync, in microseconds.
        fetch_bytes: about how many bytes a leader sends at once.
        segment_bytes: of the log.
        retention_bytes: how large the log may be; 0 for any size.
        compacted: whether the log is compacted by key.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        min_isr: int = 2,
        fetch_again: int = 100 * MS,
        lag_time: int = 400 * MS,
        fetch_bytes: int = 1024 * 1024,
        segment_bytes: int = SEGMENT_BYTES,
        retention_bytes: int = 0,
        compacted: bool = False,
    ) -> None:
        super().__init__(id, peers)
        self.min_isr = min_isr
        self.fetch_again = fetch_again
        self.lag_time = lag_time
        self.fetch_bytes = fetch_bytes
        self.retention_bytes = retention_bytes
        self.compacted = compacted
        self.state = NOBODY_LEADS
        """What the controller has decided, as far as this replica knows."""

        # On disk: each batch, under ("batch", base offset).
        self.log = Log(segment_bytes=segment_bytes)
        # What follows from the log.
        self.epochs = Epochs()
        self.producers = Producers()
        self.clean_to = 0
        """Up to where the log is compacted."""

        self.high_watermark = 0
        """Below it, everything is committed. It may be behind what a leader knows, never ahead."""
        self.timer: TimerId = 0
        """Of the present role: FetchDue of a follower, LagCheck of a leader."""

    def on_start(self) -> None:
        """The log is as it was. How much of it is committed, others have to tell."""
        saved: dict[int, Batch] = {}
        for entry in self.saved.items():
            match entry:
                case ("batch", int(offset)), Batch() as batch:
                    saved[offset] = batch
        for base_offset in sorted(saved):
            if base_offset != self.log.end:
                self.log.begin_at(base_offset)  # the first one, after retention
            self._note(saved[base_offset])
        self.high_watermark = self.log.start

    def status(self) -> Mapping[str, object]:
        """Role, epoch, and how far the log goes."""
        return {
            "role": "leader" if self.leads else "follower",
            "epoch": self.state.epoch,
            "isr": ",".join(self.state.isr),
            "end": self.log.end,
            "high_watermark": self.high_watermark,
            "log": shown_log(
                "epoch", self.epochs.starts, self.log.end - 1, self.high_watermark - 1
            ),
        }

    @property
    def leads(self) -> bool:
        """Whether this replica leads, as far as it knows."""
        return self.state.leader == self.id

    # What the controller has decided.

    def assume(self, state: PartitionState) -> None:
        """Do from now on what the controller has decided; of an older decision, nothing."""
        if state.version <= self.state.version:
            return
        before, self.state = self.state, state
        if state.epoch > before.epoch:
            self.cancel_timer(self.timer)
            if self.leads:
                self.begin_to_lead()
            elif state.leader:
                self.begin_to_follow()
        elif self.leads:
            self.isr_changed()
        self.deliver(Moved())

    @abstractmethod
    def begin_to_lead(self) -> None:
        """Leading: a new epoch, and this replica leads in it."""

    @abstractmethod
    def begin_to_follow(self) -> None:
        """Following: a new epoch, and another one leads in it."""

    @abstractmethod
    def isr_changed(self) -> None:
        """Leading: the controller has answered: these are in sync."""

    # The log. It is changed here and nowhere else, with what is on disk, and what follows from it.

    def append(self, batch: Batch) -> None:
        """Put a placed batch at the end."""
        self.save(("batch", batch.base_offset), batch)
        self._note(batch)

    def _note(self, batch: Batch) -> None:
        self.log.append(batch)
        self.epochs.note(batch.epoch, batch.base_offset)
        if batch.producer != NOBODY:
            self.producers.note(batch)

    def truncate(self, offset: int) -> None:
        """Cut off what is beyond ``offset``: the leader has it not, so it is not committed."""
        assert offset >= self.high_watermark, f"{offset} is below {self.high_watermark}: committed"
        gone = self.log.truncate(offset)
        for base_offset in gone:
            self.forget(("batch", base_offset))
        if gone:
            self.note(f"cuts its log at {offset}", batches=len(gone))
            self.epochs.truncate(offset)
            self.producers = Producers(self.log.batches())

    def begin_at(self, offset: int) -> None:
        """Throw the log away: the leader has nothing before ``offset`` any more."""
        for base_offset in self.log.begin_at(offset):
            self.forget(("batch", base_offset))
        self.epochs, self.producers = Epochs(), Producers()
        self.high_watermark = offset

    def advance_to(self, high_watermark: int) -> None:
        """More is committed: those who wait for it may have it, and old segments may go."""
        if high_watermark <= self.high_watermark:
            return
        self.high_watermark = high_watermark
        self._clean()
        self.deliver(Moved())

    def _clean(self) -> None:
        """Drop or compact full segments, as far as they are committed."""
        if len(self.log.segments) == 1:
            return
        if self.compacted:
            changed, self.clean_to = compact(self.log, self.high_watermark, self.clean_to)
            for batch in changed:
                self.save(("batch", batch.base_offset), batch)
        elif self.retention_bytes:
            gone = self.log.retain(bytes=self.retention_bytes, since=0, below=self.high_watermark)
            for base_offset in gone:
                self.forget(("batch", base_offset))
            self.epochs.begin_at(self.log.start)
