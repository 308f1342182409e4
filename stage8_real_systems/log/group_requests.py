"""What members of a group ask their coordinator, and what they are told."""

from common.contract import NodeId, operation, record


@operation
class FindCoordinator:
    """Which broker sees to this group?"""

    group: str


@record
class Coordinator:
    """This one, as far as the broker knows that was asked."""

    broker: NodeId


@record
class Protocol:
    """A way to assign partitions that a member knows, with what it has to say about itself."""

    name: str
    metadata: bytes


@operation
class JoinGroup:
    """Become, or go on to be, a member. It is answered when all members have joined.

    Attributes:
        member: "" for one that has no id yet.
        id_required: whether one without an id is only told an id, with which to join.
    """

    group: str
    member: str
    client_id: str
    session_timeout_us: int
    rebalance_timeout_us: int
    protocol_type: str
    protocols: tuple[Protocol, ...]
    id_required: bool = False
    instance: str = ""


@record
class MemberIdRequired:
    """Join again, under this id."""

    member: str


@record
class GroupMember:
    """A member, as its leader sees it."""

    id: str
    instance: str
    metadata: bytes


@record
class Joined:
    """A generation has begun; only its leader is told who is in it."""

    generation: int
    protocol: str
    leader: str
    member: str
    members: tuple[GroupMember, ...]


@record
class Assignment:
    """What the leader gives to a member; only members look into it."""

    member: str
    data: bytes


@operation
class SyncGroup:
    """Learn one's assignment; the leader brings all of them."""

    group: str
    generation: int
    member: str
    assignments: tuple[Assignment, ...] = ()


@record
class Synced:
    """The member's own assignment."""

    protocol: str
    assignment: bytes


@operation
class Heartbeat:
    """I am alive: is the generation still the same?"""

    group: str
    generation: int
    member: str


@operation
class LeaveGroup:
    """Go on without me."""

    group: str
    member: str


@record
class Committed:
    """A group has read a partition up to ``offset``, which is the next one to read."""

    topic: str
    partition: int
    offset: int
    epoch: int = -1
    metadata: str = ""


@operation
class CommitOffsets:
    """Keep these positions; a generation of -1 with no member is somebody without a group."""

    group: str
    generation: int
    member: str
    offsets: tuple[Committed, ...]


@operation
class FetchOffsets:
    """Which positions are committed? None asks for all partitions."""

    group: str
    partitions: tuple[tuple[str, int], ...] | None = None


@record
class Offsets:
    """The positions; an offset of -1 where nothing is committed."""

    offsets: tuple[Committed, ...]


@operation
class DescribeGroup:
    """How is this group?"""

    group: str


@record
class GroupInfo:
    """A group: Empty, PreparingRebalance, CompletingRebalance, Stable or Dead."""

    group: str
    state: str
    protocol_type: str
    protocol: str
    generation: int
    members: tuple[GroupMember, ...]


@operation
class ListGroups:
    """Which groups does this broker see to?"""


@record
class Groups:
    """Their names."""

    names: tuple[str, ...]
