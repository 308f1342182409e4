"""What a server holds as the file that ``etcdctl snapshot restore`` makes a member of etcd from.

Its buckets and their records are those of etcd 3.4 (``mvcc/kvstore.go``, ``lease/lessor.go``).
"""

from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from struct import Struct

from aetcd.rpc import rpc_pb2

from stage5_fault_tolerance.etcd.front import translate
from stage5_fault_tolerance.etcd.front.bolt import database
from stage5_fault_tolerance.etcd.results import Dumped, KeyValue

PIECE_BYTES = 32 * 1024
"""So much of the file is in one response."""

DELETED = b"t"
"""Stands behind the revision of a deletion."""

EMPTY = ("alarm", "auth", "authRoles", "authUsers", "cluster", "members", "members_removed")
"""Buckets that every file has, and in which there is nothing here."""

_revision = Struct(">qcq").pack
_number = Struct(">q").pack


def file_of(held: Dumped) -> bytes:
    """The file, with its checksum at the end."""
    found = database(
        {
            **{name.encode(): {} for name in EMPTY},
            b"key": dict(_records(held.log)),
            b"lease": {_number(each.id): _lease(each.id, each.ttl) for each in held.leases},
            b"meta": _meta(held),
        }
    )
    return found + sha256(found).digest()


def pieces(file: bytes) -> Iterator[tuple[bytes, int]]:
    """The file bit by bit, with how many bytes are left."""
    for start in range(0, len(file), PIECE_BYTES):
        piece = file[start : start + PIECE_BYTES]
        yield piece, len(file) - start - len(piece)


def _records(log: tuple[KeyValue, ...]) -> Iterator[tuple[bytes, bytes]]:
    """Each version under its revision, and under which change of that revision it is."""
    changes: Counter[int] = Counter()
    for version in log:
        revision = version.mod_revision
        key = _revision(revision, b"_", changes[revision])
        changes[revision] += 1
        written: bytes = translate.key_value(version).SerializeToString()
        yield (key + DELETED if version.is_deletion() else key), written


def _meta(held: Dumped) -> dict[bytes, bytes]:
    found = {b"consistent_index": bytes(8)}
    if held.compacted > 0:
        done = _revision(held.compacted, b"_", 0)
        found |= {b"scheduledCompactRev": done, b"finishedCompactRev": done}
    return found


def _lease(id: int, ttl: int) -> bytes:
    """A lease: its fields have the numbers and types of those that a grant is answered with."""
    written: bytes = rpc_pb2.LeaseGrantRequest(TTL=id, ID=ttl).SerializeToString()
    return written
