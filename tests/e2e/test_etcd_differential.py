"""One long script against real etcd and against a cluster of the course: the same answers."""

import queue
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any, NamedTuple

import pytest

pytest.importorskip("aetcd", reason="aetcd is not installed: pip install -e '.[etcd]'")

import grpc
from aetcd.rpc import rpc_pb2

from common.runtime.launch import launch_in_background
from stage5_fault_tolerance.etcd.worlds import WORLDS
from tests.support.etcd import Stubs, real_etcd
from tests.support.etcd_script import Script, Step

pytestmark = [pytest.mark.needs("grpc", "etcd"), pytest.mark.proof]

STEPS = 1500
TURN = 10
"""So many steps in a row are put to one server of ours."""
LAST = b"~"
"""A key that nobody watches for but those who wait for the end."""
HIDDEN = ("cluster_id", "member_id", "raft_term")


class Refusal(NamedTuple):
    """A step that was refused: with which code, and which text."""

    code: str
    text: str


def ask(stubs: Stubs, step: Step) -> Any:
    """Carry out one step; returns the answer without what may differ, or code and text."""
    service, method, request = step
    call = getattr(getattr(stubs, service), method)
    try:
        if method == "LeaseKeepAlive":
            answer = next(iter(call(iter([request]), timeout=20)))
        else:
            answer = call(request, timeout=20)
    except grpc.RpcError as error:
        call_error: Any = error
        return Refusal(call_error.code().name, call_error.details())
    return plain(answer)


def plain(answer: Any) -> Any:
    """An answer without the numbers of cluster, member and term; and without an order where etcd
    has that of a hash map."""
    for name in HIDDEN:
        answer.header.ClearField(name)
    if isinstance(answer, rpc_pb2.LeaseLeasesResponse):
        return sorted(each.ID for each in answer.leases)
    if isinstance(answer, rpc_pb2.AlarmResponse):
        return (answer.header, sorted(each.memberID for each in answer.alarms))
    if isinstance(answer, rpc_pb2.LeaseTimeToLiveResponse):
        assert answer.grantedTTL - 5 < answer.TTL <= answer.grantedTTL or answer.TTL == -1
        return (answer.header, answer.ID, answer.grantedTTL, sorted(answer.keys))
    return answer


class Both:
    """Real etcd, and the servers of ours in turns.

    What may be stale is compared as well; so before another server takes its turn, it is asked for
    something that may not.
    """

    def __init__(self, real: Stubs, ours: list[Stubs]) -> None:
        self.real, self.ours = real, ours
        self.counted: Counter[str] = Counter()
        self._asked = 0

    def ask(self, step: Step) -> Any:
        """Put a step to both; returns the answer that both gave."""
        theirs = ask(self.real, step)
        self._asked += 1
        turn, beginning = divmod(self._asked, TURN)
        server = self.ours[turn % len(self.ours)]
        if not beginning:
            server.kv.Range(rpc_pb2.RangeRequest(key=b"up to date"), timeout=20)
        ours = ask(server, step)
        assert ours == theirs, f"step {self._asked}, {step[1]}: {step[2]}"
        self.counted[theirs.text if isinstance(theirs, Refusal) else step[1]] += 1
        return theirs

    def watches(self) -> "list[Watching]":
        """A stream of watches to each server, the real one first."""
        return [Watching(stubs) for stubs in (self.real, *self.ours)]


class Watching:
    """One stream of watches."""

    def __init__(self, stubs: Stubs) -> None:
        self._requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._responses = stubs.watch.Watch(iter(self._requests.get, None), timeout=60)

    def create(self, **fields: Any) -> "Watching":
        """Ask for a watch."""
        create = rpc_pb2.WatchCreateRequest(**fields)
        self._requests.put(rpc_pb2.WatchRequest(create_request=create))
        return self

    def cancel(self, id: int) -> "Watching":
        """Ask for the end of a watch."""
        cancel = rpc_pb2.WatchCancelRequest(watch_id=id)
        self._requests.put(rpc_pb2.WatchRequest(cancel_request=cancel))
        return self

    def next(self) -> Any:
        """The next response, without what may differ."""
        return plain(next(self._responses))

    def events(self, last: bytes) -> list[Any]:
        """All events until one of the key ``last``, that one left out."""
        found: list[Any] = []
        while True:
            for event in next(self._responses).events:
                if event.kv.key == last:
                    return found
                found.append(event)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """Both, with nothing in them."""
    with ExitStack() as stack:
        real = stack.enter_context(real_etcd(tmp_path_factory.mktemp("real")))
        directory = tmp_path_factory.mktemp("ours")
        ours = stack.enter_context(launch_in_background(WORLDS, directory, snapshot_every=100))
        stubs = [
            Stubs(stack.enter_context(grpc.insecure_channel(each)))
            for each in (real, *ours.endpoints)
        ]
        yield Both(stubs[0], stubs[1:])


def test_a_long_script_has_the_same_answers_and_watches_tell_the_same(both: Both) -> None:
    watches = both.watches()
    for watch in watches:  # what was there before, etcd forgets if it is compacted meanwhile
        watch.create(key=b"\0", range_end=b"\0", start_revision=2)
        assert watch.next().created
    for step in Script(1).steps(STEPS):
        both.ask(step)
    both.ask(("kv", "Put", rpc_pb2.PutRequest(key=LAST)))
    told = [watch.events(LAST) for watch in watches]
    for each in told[1:]:
        assert each == told[0]
    assert len(told[0]) > STEPS // 4
    texts = {text for text in both.counted if text.startswith("etcdserver")}
    assert len(texts) == 10, texts


def test_requests_that_are_wrong_by_themselves_are_refused_alike(both: Both) -> None:
    put = rpc_pb2.RequestOp(request_put=rpc_pb2.PutRequest(key=b"many", value=b"x"))
    look = rpc_pb2.RequestOp(request_range=rpc_pb2.RangeRequest(key=b"many"))
    inner = rpc_pb2.RequestOp(request_txn=rpc_pb2.TxnRequest(success=[look] * 100))
    for request in (
        rpc_pb2.TxnRequest(success=[look] * 128),
        rpc_pb2.TxnRequest(success=[look] * 129),
        rpc_pb2.TxnRequest(success=[look] * 28 + [inner]),
        rpc_pb2.TxnRequest(success=[look] * 29 + [inner]),
        rpc_pb2.TxnRequest(success=[put, put]),
        rpc_pb2.TxnRequest(success=[put], failure=[put]),
        rpc_pb2.TxnRequest(success=[rpc_pb2.RequestOp()]),
        rpc_pb2.TxnRequest(compare=[rpc_pb2.Compare(key=b"many")], success=[put]),
        rpc_pb2.TxnRequest(compare=[rpc_pb2.Compare()], success=[put]),
        rpc_pb2.TxnRequest(),
    ):
        both.ask(("kv", "Txn", request))
    large = rpc_pb2.PutRequest(key=b"large", value=b"x" * 1_600_000)
    both.ask(("kv", "Put", large))
    both.ask(("lease", "LeaseGrant", rpc_pb2.LeaseGrantRequest(TTL=1, ID=77)))
    both.ask(("lease", "LeaseGrant", rpc_pb2.LeaseGrantRequest(TTL=0, ID=78)))
    both.ask(("lease", "LeaseGrant", rpc_pb2.LeaseGrantRequest(TTL=-5, ID=79)))
    for id in (77, 78, 79):
        both.ask(("lease", "LeaseRevoke", rpc_pb2.LeaseRevokeRequest(ID=id)))


def test_alarms_are_raised_and_ended_alike(both: Both) -> None:
    get, activate, deactivate = range(3)

    def alarm(action: int, member: int) -> Any:
        request = rpc_pb2.AlarmRequest(action=action, memberID=member, alarm=1)
        return both.ask(("maintenance", "Alarm", request))

    for member in (0, 5, 0):
        alarm(activate, member)
    assert alarm(get, 0)[1] == [0, 5]
    for step in (deactivate, get, deactivate):
        both.ask(("kv", "Put", rpc_pb2.PutRequest(key=b"full")))
        alarm(step, 0)
    both.ask(("kv", "Put", rpc_pb2.PutRequest(key=b"full")))
    alarm(deactivate, 5)
    assert alarm(get, 0)[1] == []
    assert not isinstance(both.ask(("kv", "Put", rpc_pb2.PutRequest(key=b"full"))), Refusal)


def test_headers_tell_the_term_of_now(both: Both) -> None:
    def terms() -> list[int]:
        look = rpc_pb2.RangeRequest(key=b"term")
        return [int(stubs.kv.Range(look).header.raft_term) for stubs in both.ours]

    (before,) = set(terms())
    assert before > 0, "from the first answer on"
    members = both.ours[0].cluster.MemberList(rpc_pb2.MemberListRequest()).members
    leader = both.ours[0].maintenance.Status(rpc_pb2.StatusRequest()).leader
    follower = next(each.ID for each in members if leader != each.ID)
    for stubs in both.ours:
        with suppress(grpc.RpcError):  # it does not lead
            stubs.maintenance.MoveLeader(rpc_pb2.MoveLeaderRequest(targetID=follower), timeout=20)
    (after,) = set(terms())
    assert after > before


def test_a_watch_from_before_the_beginning_ends_at_once(both: Both) -> None:
    for revision in (-5, -2):
        told = []
        for watch in both.watches():
            watch.create(key=b"early", start_revision=revision)
            told.append([watch.next(), watch.next()])
        assert told[0][1].canceled
        assert all(each == told[0] for each in told[1:])


def test_watches_begin_and_end_alike(both: Both) -> None:
    def put(key: bytes, value: bytes = b"") -> int:
        answer = both.ask(("kv", "Put", rpc_pb2.PutRequest(key=key, value=value)))
        return int(answer.header.revision)

    first = put(b"w/a", b"1")
    for value in (b"2", b"3"):
        put(b"w/a", value)
    put(b"w/b")
    both.ask(("kv", "DeleteRange", rpc_pb2.DeleteRangeRequest(key=b"w/a")))
    last = put(b"w/c")
    both.ask(("kv", "Compact", rpc_pb2.CompactionRequest(revision=first + 1)))
    for watch in (watches := both.watches()):
        watch.create(key=b"w/", range_end=b"w0", start_revision=first)  # compacted
        watch.create(key=b"w/", range_end=b"w0", start_revision=first + 1, prev_kv=True)
        watch.create(key=b"w/a", start_revision=first + 2, filters=[0])
        watch.create(key=b"w/a", start_revision=last + 1)
        watch.create(key=b"b", range_end=b"a")
        watch.create(key=b"x", watch_id=50)
        watch.create(key=b"x", watch_id=50)
        watch.cancel(50)
        watch.cancel(51)
        watch.create(key=LAST)
    seen = [_by_watch(watch, 12) for watch in watches]
    for each in seen[1:]:
        assert each == seen[0]


def _by_watch(watch: Watching, count: int) -> dict[int, list[Any]]:
    """So many responses by watch: those of one watch come in order, those of several in any."""
    found: dict[int, list[Any]] = {}
    for _ in range(count):
        response = watch.next()
        found.setdefault(response.watch_id, []).append(response)
    return found
