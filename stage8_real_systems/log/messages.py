"""What brokers say to each other about a partition, and what a replica tells the broker around it.

All that two replicas say to each other carries the epoch of the leader in whose time it was said.
What is of another epoch is not for this replica, and is dropped: it may be long under way.
"""

from common.contract import NodeId, delivery, message, record, timer
from stage8_real_systems.log.batches import Batch


@record
class PartitionState:
    """Who has a partition, as the controller has decided.

    Attributes:
        replicas: who keeps a copy; the first one leads if it can.
        isr: the in-sync replicas: each of them has everything that was acknowledged.
        leader: who leads; "" if nobody of the in-sync replicas is there.
        epoch: of the leader; it grows whenever the leader changes.
        version: it grows with every change; a leader names the one that it wants changed.
    """

    replicas: tuple[NodeId, ...]
    isr: tuple[NodeId, ...]
    leader: NodeId
    epoch: int
    version: int


# Part 5: where do our logs part?


@message
class WhereDoesItEnd:
    """A follower asks where ``epoch``, the last one in its log, ends in the leader's."""

    leader_epoch: int
    epoch: int


@message
class ItEnds:
    """The leader's answer: the greatest epoch it has that is not above ``asked``, and its end."""

    leader_epoch: int
    asked: int
    epoch: int
    end_offset: int


# Part 4: replication.


@message
class FetchLog:
    """A follower has everything below ``offset``, and wants what comes then.

    Attributes:
        high_watermark: what the follower knows of it.
    """

    leader_epoch: int
    offset: int
    high_watermark: int


@message
class LogPart:
    """What comes at ``offset`` in the leader's log, and what of the log is committed.

    Attributes:
        log_start: where the leader's log starts. If that is beyond ``offset``, nothing is sent: the
            follower begins again there.
    """

    leader_epoch: int
    offset: int
    batches: tuple[Batch, ...]
    high_watermark: int
    log_start: int


@timer
class FetchDue:
    """No answer came to what this follower asked in ``leader_epoch``."""

    leader_epoch: int


@timer
class LagCheck:
    """It is time for a leader to see who lags behind; it is cancelled when an epoch ends."""


# To the broker around a replica.


@delivery
class Moved:
    """The high watermark, the role or the in-sync replicas of this replica have changed: who waits
    for something may have it now."""


@delivery
class IsrWanted:
    """A leader wants other in-sync replicas; only the controller can say so.

    Attributes:
        epoch, version: of the state that it wants changed.
    """

    isr: tuple[NodeId, ...]
    epoch: int
    version: int
