"""What clients are told. ``revision`` is the store's revision after the operation."""

from common.contract import NodeId, record


@record
class KeyValue:
    """One version of a key, in the history for good until it is compacted.

    Attributes:
        create_revision: the change that brought the key.
        mod_revision: the change that made this version.
        version: how often the key was put since it came, from 1; 0 says that this is a deletion.
        lease: the lease that the key is attached to, or 0.
    """

    key: bytes
    value: bytes
    create_revision: int
    mod_revision: int
    version: int
    lease: int = 0

    def is_deletion(self) -> bool:
        """Whether this version says that the key is gone."""
        return self.version == 0


@record
class Refused:
    """The command was not carried out; nothing came of it. The reason is a text of ``texts``."""

    reason: str


@record
class Done:
    """It was done, and there is nothing to tell."""

    revision: int


@record
class PutResult:
    """The revision, and what was there before if it was asked for."""

    revision: int
    prev_kv: KeyValue | None = None


@record
class DeleteResult:
    """How many keys were deleted, and which if it was asked for."""

    revision: int
    deleted: int
    prev_kvs: tuple[KeyValue, ...] = ()


@record
class RangeResult:
    """What was found.

    Attributes:
        count: how many keys are in the span, whatever the limit and the bounds.
        more: whether the limit has left out some.
    """

    revision: int
    kvs: tuple[KeyValue, ...]
    count: int
    more: bool = False


@record
class TxnResult:
    """Which side was taken, and what each of its steps ended with."""

    revision: int
    succeeded: bool
    results: tuple[object, ...]


@record
class LeaseResult:
    """A lease, and for how many seconds it lives without a sign of life; 0 if it does not."""

    revision: int
    id: int
    ttl: int


@record
class LeaseTimes:
    """Seconds that a lease has left, of those it was granted; -1 left if there is none."""

    revision: int
    id: int
    left: int
    granted: int
    keys: tuple[bytes, ...] = ()


@record
class LeaseIds:
    """All leases."""

    revision: int
    ids: tuple[int, ...]


@record
class LeaseKept:
    """A lease in a snapshot. Which keys are attached to it, the keys themselves say."""

    id: int
    ttl: int


@record
class Dumped:
    """All that a store holds: versions by revision, and leases.

    Attributes:
        compacted: what was before this revision is forgotten; -1 before anything was.
    """

    revision: int
    compacted: int
    log: tuple[KeyValue, ...]
    leases: tuple[LeaseKept, ...]


@record
class StatusResult:
    """How a server is.

    Attributes:
        size: about how many bytes its store takes.
        alarms: who has raised the alarm that space runs out; 0 is the store itself.
        term, leader: the server's term, and the server that it takes for its leader, or None.
        index, applied: how far its log goes, and how far it is applied.
    """

    revision: int
    size: int
    alarms: tuple[int, ...]
    term: int
    leader: NodeId | None
    index: int
    applied: int


@record
class HashResult:
    """A checksum of the history from ``compacted`` up to the revision asked for."""

    revision: int
    compacted: int
    hash: int


@record
class Events:
    """Versions in the order in which they came, deletions among them.

    Attributes:
        revision: up to which revision these are all.
        previous: what was there before each, or None where it is not known any more.
        compacted: unless 0, what was asked for is compacted up to there, and nothing is told.
    """

    revision: int
    events: tuple[KeyValue, ...]
    previous: tuple[KeyValue | None, ...]
    compacted: int = 0
