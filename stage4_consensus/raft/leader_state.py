"""What a leader keeps account of: followers, and requests that take more than an entry."""

from dataclasses import dataclass, field

from common.contract import NodeId
from stage4_consensus.raft.messages import Snapshot


@dataclass(slots=True)
class Sending:
    """A snapshot on its way to one follower.

    Attributes:
        snapshot: what is sent.
        parts: its data, flattened.
        offset: how many parts the follower has confirmed.
    """

    snapshot: Snapshot
    parts: tuple[object, ...]
    offset: int = 0


@dataclass(slots=True)
class Progress:
    """What a leader knows of one follower.

    Attributes:
        next_index: index of the next log entry to send to it. Always above ``match_index``.
        match_index: up to where its log is known to equal the leader's. Only grows.
        probing: whether the leader is still looking for where the two logs part; while it is, one
            message at a time is under way, and ``next_index`` waits for its answer.
        in_flight: last indices of the messages with entries that are not answered yet.
        round: the latest round that it has answered.
        heard: whether it has answered anything since the last quorum check.
        sending: the snapshot under way to it, or None.
    """

    next_index: int
    match_index: int = 0
    probing: bool = True
    in_flight: list[int] = field(default_factory=list)
    round: int = 0
    heard: bool = True
    sending: Sending | None = None


@dataclass(slots=True)
class Change:
    """A change of the membership that a leader has begun, until its first entry is in the log.

    Attributes:
        client, number: who asked, and under which number.
        voters: the members to be.
        learners: those of them that are new, and get the log before they vote.
        target: index up to which the learners have to come in this round of catching up.
        since: when this round began, by the leader's clock.
        rounds: how many rounds there were, this one included.
    """

    client: NodeId
    number: int
    voters: tuple[NodeId, ...]
    learners: tuple[NodeId, ...]
    target: int
    since: int
    rounds: int = 1


@dataclass(slots=True)
class HandOver:
    """A transfer of the leadership: to whom, and which client asked under which number."""

    client: NodeId
    number: int
    target: NodeId


@dataclass(slots=True)
class PendingRead:
    """A query that waits for the proof that its leader still leads.

    Attributes:
        client, number: who asked, and under which number.
        query: what was asked.
        read_index: what must be applied before it is answered.
        round: the round that a quorum must have answered.
    """

    client: NodeId
    number: int
    query: object
    read_index: int
    round: int
