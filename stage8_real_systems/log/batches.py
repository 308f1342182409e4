"""Batches: records that are appended, replicated and read as one.

A producer gathers records and sends them as a batch. Nobody on the way looks into it: brokers keep
and pass on the payload as it came, compressed or not. What they need to know stands beside it:
where in the log it is, which leader put it there, and which producer made it.

Only who reads records for themselves looks inside: consumers, and compaction (``compaction``).
"""

import json
from collections.abc import Iterable

from common.contract import record

NOBODY = -1
"""The producer of a batch that is not idempotent."""


@record
class Batch:
    """Some records with offsets that follow each other.

    Attributes:
        base_offset: the offset of its first record; the leader gives it.
        epoch: of the leader that appended it. Epochs never go back along a log.
        count: how many offsets it takes.
        producer: who made it, or NOBODY.
        producer_epoch: in which of its lives.
        sequence: the number of its first record among all that the producer wrote to this
            partition.
        timestamp: when its latest record was made, in milliseconds by the producer's clock.
        payload: the records, as the producer wrote them.
    """

    base_offset: int
    epoch: int
    count: int
    producer: int
    producer_epoch: int
    sequence: int
    timestamp: int
    payload: bytes

    @property
    def next_offset(self) -> int:
        """The offset behind its last one."""
        return self.base_offset + self.count

    def placed(self, base_offset: int, epoch: int) -> "Batch":
        """The same records, where a leader of ``epoch`` puts them."""
        return Batch(
            base_offset,
            epoch,
            self.count,
            self.producer,
            self.producer_epoch,
            self.sequence,
            self.timestamp,
            self.payload,
        )

    def with_payload(self, payload: bytes) -> "Batch":
        """The same place in the log with other contents."""
        return Batch(
            self.base_offset,
            self.epoch,
            self.count,
            self.producer,
            self.producer_epoch,
            self.sequence,
            self.timestamp,
            payload,
        )


@record
class Record:
    """One record: a value under a key; no value means that the key is deleted.

    Attributes:
        delta: its offset, counted from the base offset of its batch.
    """

    delta: int
    key: str
    value: str | None


def pack(records: Iterable[Record]) -> bytes:
    """Records as the payload of a batch, the way this course's own clients write it: JSON."""
    return json.dumps([[each.delta, each.key, each.value] for each in records]).encode()


def unpack(payload: bytes) -> tuple[Record, ...]:
    """The records in a payload that :func:`pack` made; none in one that is empty, or another's."""
    return tuple(Record(*each) for each in json.loads(payload)) if payload[:1] == b"[" else ()


def texts(batch: Batch) -> tuple[str, ...]:
    """The values in a batch in which nothing is missing; "" where it has none, or is another's."""
    records = unpack(batch.payload)
    return tuple(each.value or "" for each in records) or ("",) * batch.count


def batch_of(
    *values: tuple[str, str | None],
    producer: int = NOBODY,
    producer_epoch: int = -1,
    sequence: int = -1,
    timestamp: int = 0,
) -> Batch:
    """A batch of records with these keys and values, for a leader to place.

    Args:
        values: key and value of each record, in order.
        producer, producer_epoch, sequence, timestamp: as of a batch.
    """
    payload = pack(Record(delta, key, value) for delta, (key, value) in enumerate(values))
    return Batch(0, 0, len(values), producer, producer_epoch, sequence, timestamp, payload)
