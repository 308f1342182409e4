"""What producers and consumers ask of a broker about the partitions that it leads."""

from typing import Any

from common.contract import NodeId, on, timer
from stage8_real_systems.log.batches import Batch
from stage8_real_systems.log.desk import Desk
from stage8_real_systems.log.partition import Partition
from stage8_real_systems.log.purgatory import Caller, Purgatory, Waiting
from stage8_real_systems.log.requests import (
    ALL,
    EARLIEST,
    LATEST,
    OFFSETS_TOPIC,
    Done,
    EndOfEpoch,
    EpochEnd,
    Error,
    Fetch,
    Fetched,
    FetchedPart,
    FetchPart,
    ListOffset,
    Offset,
    Produce,
    Produced,
    Refused,
)
from stage8_real_systems.log.segments import size_of

MOST_BATCH_BYTES = 1024 * 1024
"""Of one batch."""
MOST_WAITING = 5_000
"""So many requests wait in a broker at most; a consumer that comes then is told what there is."""


@timer
class TimeIsUp:
    """The request of this number in the purgatory has waited for long enough."""

    number: int


class Serving(Desk):
    """A broker, as producers and consumers see it."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...], **config: Any) -> None:
        super().__init__(id, peers, **config)
        self.purgatory = Purgatory()

    def led(self, topic: str, partition: int) -> tuple[str, Partition] | Refused:
        """The replica that leads here, with its name; or why it cannot be asked here.

        If another one leads, the text names it, as far as this broker knows (KIP-951).
        """
        name, replica = self.find(topic, partition)
        if not name:
            text = f"there is no partition {partition} of a topic {topic}"
            return Refused(Error.UNKNOWN_TOPIC_OR_PARTITION, text)
        if replica is None or not replica.leads:
            state = self.metadata.find(topic, partition)
            return Refused(Error.NOT_LEADER_OR_FOLLOWER, state.leader if state else "")
        return name, replica

    # Producers.

    def produce(self, request: Produce, caller: Caller) -> None:
        """Append a batch. The producer is told at once, or when all in-sync replicas have it.

        The offsets topic is written by coordinators alone, who read each record of it again.
        """
        if request.topic == OFFSETS_TOPIC:
            text = f"{OFFSETS_TOPIC} is the brokers' own: positions are committed by CommitOffsets"
            self.tell(caller, Refused(Error.INVALID_TOPIC_EXCEPTION, text))
            return
        found = self.led(request.topic, request.partition)
        if isinstance(found, Refused):
            self.tell(caller, found)
            return
        name, replica = found
        taken = refusal_of(request.batch) or replica.take(request.batch, request.acks)
        if isinstance(taken, Refused):
            self.tell(caller, taken)
        elif request.acks == ALL:
            epoch = replica.state.epoch
            self.wait(Waiting(caller, (name,), taken, epoch), request.timeout_us)
        else:
            self.tell(caller, Produced(taken.base_offset, replica.log.start))

    def committed(self, waiting: Waiting, batch: Batch) -> object | None:
        """What is told of a batch to the one who brought it, or None if nothing can be told yet."""
        replica = self.replicas.get(waiting.partitions[0])
        if replica is None or replica.state.epoch != waiting.epoch:
            is_commit = waiting.is_commit
            return Refused(Error.NOT_COORDINATOR if is_commit else Error.NOT_LEADER_OR_FOLLOWER)
        if replica.high_watermark < batch.next_offset:
            return None
        if len(replica.state.isr) < self.min_isr:
            return Refused(Error.NOT_ENOUGH_REPLICAS_AFTER_APPEND)
        if waiting.is_commit:
            return Done()
        return Produced(batch.base_offset, replica.log.start)

    # Consumers.

    def fetch(self, request: Fetch, caller: Caller) -> None:
        """Read; if there is too little, wait until there is enough or time is up.

        Who waits may have gone, and nobody says so. So there is room for :data:`MOST_WAITING`.
        """
        fetched = self.read(request)
        may_wait = request.max_wait_us > 0 and len(self.purgatory.by_number) < MOST_WAITING
        if not may_wait or is_enough(fetched, request.min_bytes):
            self.tell(caller, fetched)
            return
        names = [self.find(part.topic, part.partition)[0] for part in request.parts]
        self.wait(Waiting(caller, tuple(dict.fromkeys(names)), request), request.max_wait_us)

    def read(self, request: Fetch) -> Fetched:
        """What there is now, part by part, up to ``max_bytes`` in all."""
        left = request.max_bytes
        parts: list[FetchedPart] = []
        for part in request.parts:
            parts.append(self.read_part(part, left))
            left -= sum(map(size_of, parts[-1].batches))
        return Fetched(tuple(parts))

    def read_part(self, part: FetchPart, max_bytes: int) -> FetchedPart:
        """What there is of one partition, below its high watermark and nothing else."""

        def answer(error: Error, batches: tuple[Batch, ...] = ()) -> FetchedPart:
            ends = (replica.high_watermark, replica.log.start) if replica else (-1, -1)
            return FetchedPart(part.topic, part.partition, error, *ends, batches)

        replica = None
        found = self.led(part.topic, part.partition)
        if isinstance(found, Refused):
            return answer(found.error)
        replica = found[1]
        if part.current_epoch > replica.state.epoch:
            return answer(Error.UNKNOWN_LEADER_EPOCH)
        if -1 < part.current_epoch < replica.state.epoch:
            return answer(Error.FENCED_LEADER_EPOCH)
        if not replica.log.start <= part.offset <= replica.log.end:
            return answer(Error.OFFSET_OUT_OF_RANGE)
        if max_bytes <= 0:
            return answer(Error.NONE)
        most = min(part.max_bytes, max_bytes)
        return answer(Error.NONE, replica.log.read(part.offset, most, replica.high_watermark))

    def list_offset(self, request: ListOffset, caller: Caller) -> None:
        """Find an offset. A new leader does not know the latest one before it has committed all
        that was there when its epoch began (KIP-207)."""
        found = self.led(request.topic, request.partition)
        if isinstance(found, Refused):
            self.tell(caller, found)
            return
        _, replica = found
        log, end, epoch = replica.log, replica.high_watermark, replica.state.epoch
        if request.timestamp == EARLIEST:
            self.tell(caller, Offset(log.start, -1, epoch))
        elif end < replica.epoch_start:
            self.tell(caller, Refused(Error.OFFSET_NOT_AVAILABLE))
        elif request.timestamp == LATEST:
            self.tell(caller, Offset(end, -1, epoch))
        elif batch := log.offset_for(request.timestamp, end):
            self.tell(caller, Offset(batch.base_offset, batch.timestamp, batch.epoch))
        else:
            self.tell(caller, Offset(-1, -1, -1))

    def epoch_end(self, request: EpochEnd, caller: Caller) -> None:
        """Tell where an epoch ends: consumers find out by it that a log was cut (KIP-320)."""
        found = self.led(request.topic, request.partition)
        if isinstance(found, Refused):
            self.tell(caller, found)
            return
        _, replica = found
        ended = replica.epochs.end_of(request.epoch, replica.log.end)
        self.tell(caller, EndOfEpoch(*ended))

    # Who waits.

    def wait(self, waiting: Waiting, at_most: int) -> None:
        """Let it wait, unless it is there already."""
        number = self.purgatory.add(waiting)
        waiting.timer = self.set_timer(max(at_most, 0), TimeIsUp(number))
        self.look_at(number, waiting)

    def look_at(self, number: int, waiting: Waiting) -> None:
        """Tell the one who waits, if there is something to tell now."""
        what = waiting.what
        result: object | None
        if isinstance(what, Batch):
            result = self.committed(waiting, what)
        else:
            result = self.read(what)
            if not is_enough(result, what.min_bytes):
                result = None
        if result is not None:
            self.purgatory.take(number)
            self.cancel_timer(waiting.timer)
            self.tell(waiting.caller, result)

    def look_again(self, partition: str) -> None:
        """Look at all who wait for this replica."""
        for number, waiting in self.purgatory.of(partition):
            self.look_at(number, waiting)

    @on(TimeIsUp)
    def time_is_up(self, timer: TimeIsUp) -> None:
        """A consumer gets what there is; a producer learns that nobody can say."""
        waiting = self.purgatory.take(timer.number)
        if waiting is None:
            return
        if isinstance(waiting.what, Batch):
            self.tell(waiting.caller, Refused(Error.REQUEST_TIMED_OUT))
        else:
            self.tell(waiting.caller, self.read(waiting.what))


def refusal_of(batch: Batch) -> Refused | None:
    """Why no leader takes this batch, or None."""
    if batch.count < 1 or not batch.payload:
        return Refused(Error.CORRUPT_MESSAGE, f"a batch of {batch.count} records")
    if size_of(batch) > MOST_BATCH_BYTES:
        text = f"a batch has {size_of(batch):,} bytes, and may have {MOST_BATCH_BYTES:,}"
        return Refused(Error.MESSAGE_TOO_LARGE, text)
    return None


def is_enough(fetched: Fetched, min_bytes: int) -> bool:
    """Whether a consumer need not wait for more: there is enough, or an error."""
    size = sum(size_of(batch) for part in fetched.parts for batch in part.batches)
    return size >= min_bytes or any(part.error for part in fetched.parts)
