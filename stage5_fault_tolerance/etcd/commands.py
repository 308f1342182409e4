"""What clients ask of the store, with the words of etcd's API, version 3.

Keys and values are bytes. A *span* of keys is named by ``key`` and ``range_end``: without an end it
is that one key; with the end ``b"\\0"`` all keys from ``key`` on; else all from ``key`` up to, but
without, the end. Each operation ends with Ok(result), and the result is of :mod:`.results`.
"""

from typing import Literal, TypeAlias

from common.contract import NodeId, operation, record

Order: TypeAlias = Literal["none", "ascend", "descend"]
Target: TypeAlias = Literal["key", "version", "create", "mod", "value"]
Compared: TypeAlias = Literal["version", "create", "mod", "value", "lease"]
Relation: TypeAlias = Literal["=", ">", "<", "!="]

FROM_KEY_ON = b"\0"
"""The ``range_end`` that stands for no end at all."""

# What changes the store: these go through the log.


@operation
class Put:
    """Let ``key`` hold ``value``. Ends with PutResult.

    Attributes:
        lease: the lease to which the key is attached; 0 for none, and any earlier one lets go.
        prev_kv: whether to tell what was there before.
        ignore_value: leave the value as it is; there must be one.
        ignore_lease: leave the lease as it is; there must be a key.
    """

    key: bytes
    value: bytes = b""
    lease: int = 0
    prev_kv: bool = False
    ignore_value: bool = False
    ignore_lease: bool = False


@operation
class DeleteRange:
    """Delete all keys of a span. Ends with DeleteResult; to delete nothing is no change."""

    key: bytes
    range_end: bytes = b""
    prev_kv: bool = False


@operation
class Compact:
    """Forget what was before ``revision``, except what is still there then. Ends with Done.

    Attributes:
        physical: answer only once the space is free; here it always is.
    """

    revision: int
    physical: bool = False


@operation
class LeaseGrant:
    """Make a lease that ends ``ttl`` seconds after its last sign of life. Ends with LeaseResult.

    Attributes:
        id: its name; 0 lets the server choose.
    """

    ttl: int
    id: int = 0


@operation
class LeaseRevoke:
    """End a lease, and delete all keys attached to it, in one change. Ends with Done."""

    id: int


@operation
class Arm:
    """Raise the alarm that space is running out: nothing that takes space is done. Ends with Done.

    Attributes:
        member: the number of the member that raises it; 0 stands for all. A store whose space runs
            out raises it so by itself.
    """

    member: int = 0


@operation
class Disarm:
    """End the alarm that a member, or the store itself, has raised. Ends with Done."""

    member: int = 0


# What only looks.


@operation
class Range:
    """The keys of a span and what they hold. Ends with RangeResult.

    Attributes:
        limit: how many to return at most; 0 for all.
        revision: as of which revision; 0 and below for now.
        sort_order, sort_target: how to sort; without any, by key.
        serializable: answer at once from this server's copy, which may be behind.
        keys_only: leave the values out.
        count_only: return only how many there are.
        min_mod_revision, max_mod_revision, min_create_revision, max_create_revision: return only
            keys within these bounds; 0 for no bound.
    """

    key: bytes
    range_end: bytes = b""
    limit: int = 0
    revision: int = 0
    sort_order: Order = "none"
    sort_target: Target = "key"
    serializable: bool = False
    keys_only: bool = False
    count_only: bool = False
    min_mod_revision: int = 0
    max_mod_revision: int = 0
    min_create_revision: int = 0
    max_create_revision: int = 0


@operation
class Dump:
    """All that this server's copy holds, for a file. Ends with Dumped."""


@operation
class LeaseTimeToLive:
    """How long has a lease left? Ends with LeaseTimes; ``keys`` asks for its keys too."""

    id: int
    keys: bool = False


@operation
class LeaseKeepAlive:
    """A sign of life for a lease. Ends with LeaseResult, of ttl 0 if there is no such lease."""

    id: int


@operation
class LeaseList:
    """Which leases are there? Ends with LeaseIds."""


@operation
class Status:
    """How is this server? Ends with StatusResult, at once."""


@operation
class HashKV:
    """A checksum of the history up to ``revision``, 0 for all of it. Ends with HashResult."""

    revision: int = 0


@operation
class MoveLeader:
    """Let ``target`` lead; only the leader can be asked. Ends with Done once it does."""

    target: NodeId


@operation
class Changes:
    """What has changed from ``revision`` on? Ends with Events, as soon as there is anything.

    Attributes:
        limit: about how many events to return at most; those of one revision stay together.
    """

    revision: int
    limit: int = 1000


# Both.


@record
class Compare:
    """A condition: what ``target`` says of ``key`` is =, !=, < or > ``wanted``.

    A key that is not there has version, revisions and lease 0; of its value nothing is true. With
    a ``range_end``, the condition must hold for each key of the span that is there.
    """

    key: bytes
    target: Compared
    relation: Relation
    wanted: bytes | int
    range_end: bytes = b""


@operation
class Txn:
    """If all of ``compares`` hold, carry out ``success``, otherwise ``failure``.

    Ends with TxnResult. Everything happens at one moment, and all changes have one revision. The
    steps are Put, Range, DeleteRange and Txn again; no key may be put twice, or put and deleted.
    """

    compares: tuple[Compare, ...] = ()
    success: tuple[object, ...] = ()
    failure: tuple[object, ...] = ()
