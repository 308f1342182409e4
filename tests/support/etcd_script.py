"""A script of requests for etcd, drawn at random: right ones, and some that are a little wrong."""

from collections.abc import Iterator
from random import Random
from typing import Any

from aetcd.rpc import rpc_pb2

KEYS = (b"a", b"aa", b"ab", b"b", b"c", b"ca\x00", b"\xff", "é".encode())
ENDS = (b"", b"", b"\0", b"b", b"c", b"a", b"\xff\xff")
LEASES = (0, 0, 0, 0, 0, 101, 102, 103, 999)
UNKNOWN = 9
"""A number that etcd's API gives to nothing."""

Step = tuple[str, str, Any]
"""Service, method, request."""


class Script:
    """Requests, made with one random generator; what revision it is about is guessed."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._revision = 1

    def steps(self, count: int) -> Iterator[Step]:
        """The requests."""
        makers = (
            *[self._put] * 10,
            *[self._range] * 10,
            *[self._delete] * 3,
            *[self._txn] * 8,
            *[self._lease] * 4,
            self._compact,
        )
        for _ in range(count):
            yield self._random.choice(makers)()

    def _maybe(self, chance: float) -> bool:
        return self._random.random() < chance

    def _key(self) -> bytes:
        return b"" if self._maybe(0.02) else self._random.choice(KEYS)

    def _put(self) -> Step:
        return ("kv", "Put", self._put_request())

    def _put_request(self) -> Any:
        random = self._random
        self._revision += 1
        ignore_value = self._maybe(0.08)
        return rpc_pb2.PutRequest(
            key=self._key(),
            value=b"" if ignore_value and self._maybe(0.8) else b"%d" % random.randrange(30),
            lease=random.choice(LEASES),
            prev_kv=self._maybe(0.3),
            ignore_value=ignore_value,
            ignore_lease=self._maybe(0.08),
        )

    def _range(self) -> Step:
        return ("kv", "Range", self._range_request())

    def _range_request(self) -> Any:
        random = self._random
        request = rpc_pb2.RangeRequest(key=self._key(), range_end=random.choice(ENDS))
        request.limit = random.choice((0, 0, 0, 1, 2, 3))
        request.revision = random.choice((0, 0, -3, random.randrange(max(1, self._revision + 9))))
        request.serializable = self._maybe(0.2)
        request.keys_only = self._maybe(0.1)
        request.count_only = self._maybe(0.1)
        if self._maybe(0.3):  # by what no two keys have in common, for ties have no order
            request.sort_order = random.randrange(3)
            request.sort_target = random.choice((0, 3))
        for name in ("min_mod", "max_mod", "min_create", "max_create"):
            if self._maybe(0.1):
                setattr(request, f"{name}_revision", random.randrange(self._revision + 1))
        return request

    def _delete(self) -> Step:
        return ("kv", "DeleteRange", self._delete_request())

    def _delete_request(self) -> Any:
        random = self._random
        return rpc_pb2.DeleteRangeRequest(
            key=self._key(), range_end=random.choice(ENDS), prev_kv=self._maybe(0.5)
        )

    def _txn(self) -> Step:
        return ("kv", "Txn", self._txn_request(2))

    def _txn_request(self, depth: int) -> Any:
        random = self._random
        return rpc_pb2.TxnRequest(
            compare=[self._compare() for _ in range(random.randrange(3))],
            success=[self._op(depth) for _ in range(random.randrange(4))],
            failure=[self._op(depth) for _ in range(random.randrange(4))],
        )

    def _op(self, depth: int) -> Any:
        drawn = self._random.randrange(12 if depth else 10)
        if drawn < 5:
            return rpc_pb2.RequestOp(request_put=self._put_request())
        if drawn < 8:
            return rpc_pb2.RequestOp(request_range=self._range_request())
        if drawn < 10:
            return rpc_pb2.RequestOp(request_delete_range=self._delete_request())
        return rpc_pb2.RequestOp(request_txn=self._txn_request(depth - 1))

    def _compare(self) -> Any:
        random = self._random
        compare = rpc_pb2.Compare(
            key=self._key(), target=random.randrange(5), result=random.randrange(4)
        )
        if self._maybe(0.2):
            compare.range_end = random.choice(ENDS)
        number = random.choice((0, 1, random.randrange(self._revision + 1)))
        match compare.target:
            case 0:
                compare.version = random.randrange(4)
            case 1:
                compare.create_revision = number
            case 2:
                compare.mod_revision = number
            case 3:
                compare.value = b"%d" % random.randrange(30)
            case 4:
                compare.lease = random.choice(LEASES)
        if self._maybe(0.05):
            compare.target = UNKNOWN
        if self._maybe(0.05):
            compare.result = UNKNOWN
        return compare

    def _lease(self) -> Step:
        random = self._random
        id = random.choice(LEASES[5:])
        match random.randrange(6):
            case 0 | 1:
                ttl = random.choice((1000, 2000, 9_000_000_001))
                return ("lease", "LeaseGrant", rpc_pb2.LeaseGrantRequest(TTL=ttl, ID=id))
            case 2:
                return ("lease", "LeaseRevoke", rpc_pb2.LeaseRevokeRequest(ID=id))
            case 3:
                request = rpc_pb2.LeaseTimeToLiveRequest(ID=id, keys=self._maybe(0.7))
                return ("lease", "LeaseTimeToLive", request)
            case 4:
                return ("lease", "LeaseLeases", rpc_pb2.LeaseLeasesRequest())
        return ("lease", "LeaseKeepAlive", rpc_pb2.LeaseKeepAliveRequest(ID=id))

    def _compact(self) -> Step:
        revision = self._random.randrange(-1, self._revision + 5)
        return ("kv", "Compact", rpc_pb2.CompactionRequest(revision=revision))
