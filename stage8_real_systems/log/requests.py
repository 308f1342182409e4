"""What clients ask brokers, and what they are told.

A client of the course sends an ``Ask`` with one of these operations inside; a front invokes the
operation on the broker in its own process. The words and the numbers of errors are Kafka's.
Waits are in microseconds, timestamps of records in milliseconds.
"""

import enum

from common.contract import NodeId, message, operation, record
from stage8_real_systems.log.batches import Batch

OFFSETS_TOPIC = "__consumer_offsets"
"""Where what groups have committed is kept: a topic like any other."""
EARLIEST, LATEST = -2, -1
"""Timestamps that stand for the two ends of what can be read."""
ALL, LEADER, NONE = -1, 1, 0
"""Who has to have a batch before the producer is told: all in-sync replicas, the leader, nobody."""


class Error(enum.IntEnum):
    """Why something was not done, by Kafka's names and numbers."""

    NONE = 0
    OFFSET_OUT_OF_RANGE = 1
    CORRUPT_MESSAGE = 2
    UNKNOWN_TOPIC_OR_PARTITION = 3
    LEADER_NOT_AVAILABLE = 5
    NOT_LEADER_OR_FOLLOWER = 6
    REQUEST_TIMED_OUT = 7
    MESSAGE_TOO_LARGE = 10
    COORDINATOR_LOAD_IN_PROGRESS = 14
    COORDINATOR_NOT_AVAILABLE = 15
    NOT_COORDINATOR = 16
    INVALID_TOPIC_EXCEPTION = 17
    NOT_ENOUGH_REPLICAS = 19
    NOT_ENOUGH_REPLICAS_AFTER_APPEND = 20
    ILLEGAL_GENERATION = 22
    INCONSISTENT_GROUP_PROTOCOL = 23
    INVALID_GROUP_ID = 24
    UNKNOWN_MEMBER_ID = 25
    INVALID_SESSION_TIMEOUT = 26
    REBALANCE_IN_PROGRESS = 27
    INVALID_COMMIT_OFFSET_SIZE = 28
    TOPIC_ALREADY_EXISTS = 36
    INVALID_PARTITIONS = 37
    INVALID_REPLICATION_FACTOR = 38
    OUT_OF_ORDER_SEQUENCE_NUMBER = 45
    INVALID_PRODUCER_EPOCH = 47
    FENCED_LEADER_EPOCH = 74
    UNKNOWN_LEADER_EPOCH = 75
    OFFSET_NOT_AVAILABLE = 78
    MEMBER_ID_REQUIRED = 79
    GROUP_MAX_SIZE_REACHED = 81


@message
class Ask:
    """A client of the course asks for ``operation``, which is one of those below."""

    number: int
    operation: object


@message
class Told:
    """How it ended: with one of the results below, or a :class:`Refused`."""

    number: int
    result: object


@record
class Refused:
    """It was not done, or nobody can say: REQUEST_TIMED_OUT and NOT_ENOUGH_REPLICAS_AFTER_APPEND
    are said of what may have happened."""

    error: Error
    text: str = ""


@record
class Done:
    """It was done, and there is nothing to tell."""


# The cluster.


@operation
class DescribeCluster:
    """Which brokers and topics are there, as far as this broker knows? None asks for all topics."""

    topics: tuple[str, ...] | None = None


@record
class PartitionInfo:
    """Who has a partition; ``leader`` is "" where nobody leads just now."""

    index: int
    leader: NodeId
    epoch: int
    replicas: tuple[NodeId, ...]
    isr: tuple[NodeId, ...]


@record
class TopicInfo:
    """A topic with its partitions, or the error."""

    name: str
    error: Error
    partitions: tuple[PartitionInfo, ...]


@record
class Described:
    """The cluster; ``controller`` is "" while there is an election."""

    controller: NodeId
    brokers: tuple[NodeId, ...]
    topics: tuple[TopicInfo, ...]


@operation
class CreateTopic:
    """Let there be a topic. -1 stands for what the cluster does unless told."""

    name: str
    partitions: int = -1
    replication: int = -1
    compacted: bool = False


@operation
class DeleteTopic:
    """Let there be no topic of this name any more, and nothing of what was in it."""

    name: str


@operation
class InitProducer:
    """Give a producer an id, so that its batches can be told from repetitions."""


@record
class ProducerId:
    """An id that nobody else has or ever had in this cluster."""

    producer: int
    epoch: int


# The log.


@operation
class Produce:
    """Append a batch; ``acks`` says who has to have it before this is answered."""

    topic: str
    partition: int
    batch: Batch
    acks: int = ALL
    timeout_us: int = 5_000_000


@record
class Produced:
    """Where the first record of the batch is, and where the log begins."""

    base_offset: int
    log_start: int


@record
class FetchPart:
    """Read a partition from ``offset`` on; an epoch of -1 is not compared."""

    topic: str
    partition: int
    offset: int
    max_bytes: int = 1_048_576
    current_epoch: int = -1


@operation
class Fetch:
    """Read some partitions, and wait up to ``max_wait_us`` for at least ``min_bytes``."""

    parts: tuple[FetchPart, ...]
    max_wait_us: int = 0
    min_bytes: int = 1
    max_bytes: int = 52_428_800


@record
class FetchedPart:
    """Whole batches, from the one that holds the wanted offset on, all below the high watermark."""

    topic: str
    partition: int
    error: Error
    high_watermark: int
    log_start: int
    batches: tuple[Batch, ...]


@record
class Fetched:
    """What there is, part by part as asked."""

    parts: tuple[FetchedPart, ...]


@operation
class ListOffset:
    """Which offset has the first record that is not older than ``timestamp``? EARLIEST and LATEST
    ask for the two ends."""

    topic: str
    partition: int
    timestamp: int


@record
class Offset:
    """An offset, -1 for none; when that record was made; under which leader."""

    offset: int
    timestamp: int
    epoch: int


@operation
class EpochEnd:
    """Where did the leader epoch end, or the greatest one that is not above it?"""

    topic: str
    partition: int
    epoch: int


@record
class EndOfEpoch:
    """That epoch, and the offset behind its last record."""

    epoch: int
    end_offset: int
