"""Graded suite of the lab ``etcd``, part 3: servers that anybody may ask."""

from common.contract import Numbered
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import (
    STEADY,
    ask,
    ask_ok,
    crash,
    restart,
    restart_all,
    run_until,
    value_of,
    wait_for,
)
from common.sim.network import LinkModel
from common.sim.simulation import Simulation
from common.values.faults import Block, Heal, Link, Partition
from common.values.history import Failed, Ok, Operation, Unknown
from common.values.units import MS, SECOND
from stage4_consensus.raft.messages import AppendEntries, Entry, NoOp
from tests.stage5_fault_tolerance.etcd.cluster import (
    SERVERS,
    SLOW,
    cluster,
    elected,
    leader_of,
    others_than,
    shown,
)
from tests.stage5_fault_tolerance.etcd.lab import EtcdLab
from tests.stage5_fault_tolerance.etcd.one_server import Follower, answered, sent

LAB = "etcd"


@graded(
    points=3,
    title="Any server can be asked for anything",
    requirement="server.py: servers hand on what they are asked for",
)
def test_every_server_answers_every_kind_of_request(lab: EtcdLab) -> None:
    simulation = cluster(lab, seed=1)
    elected(simulation)
    for number, server in enumerate(SERVERS):
        start = 1 + 3 * number
        assert ask_ok(simulation, server, lab.Put(b"a", b"1")).revision == start + 1
        once = lab.Txn((lab.Compare(b"a", "version", "=", 1),), (lab.Put(b"b"),))
        assert ask_ok(simulation, server, once) == lab.TxnResult(
            start + 2, True, (lab.PutResult(start + 2),)
        )
        assert ask_ok(simulation, server, lab.Range(b"a", b"\0", count_only=True)).count == 2
        both = ask_ok(simulation, server, lab.DeleteRange(b"a", b"c", prev_kv=True))
        assert (both.deleted, both.revision) == (2, start + 3)
        lease = ask_ok(simulation, server, lab.LeaseGrant(9))
        assert lease.id > 0
        assert ask_ok(simulation, server, lab.LeaseKeepAlive(lease.id)).ttl == 9
        times = ask_ok(simulation, server, lab.LeaseTimeToLive(lease.id))
        assert (times.left, times.granted) == (8, 9)
        more = [ask_ok(simulation, server, lab.LeaseGrant(9)).id for _ in range(3)]
        simulation.run(simulation.now + 2 * SECOND)
        kept = [simulation.call(server, lab.LeaseKeepAlive(id)) for id in (lease.id, *more[:2])]
        looked = simulation.call(server, lab.LeaseTimeToLive(more[2]))
        for each in (*kept, looked):
            wait_for(simulation, each, SECOND)
        assert [value_of(each).ttl for each in kept] == [9, 9, 9], "two of them share a probe"
        assert value_of(looked).left in (6, 7), "with this question: of its 9 s about 2 are over"
        ask_ok(simulation, server, lab.LeaseRevoke(lease.id))
        assert ask_ok(simulation, server, lab.LeaseTimeToLive(lease.id)).left == -1
        assert ask_ok(simulation, server, lab.LeaseKeepAlive(lease.id)).ttl == 0
        nothing = lab.Refused("etcdserver: key is not provided")
        assert ask_ok(simulation, server, lab.Put(b"")) == nothing


@graded(
    points=4,
    title="Each change happens once",
    requirement="batches.py: a batch is repeated until it is applied; its number makes that "
    "harmless",
)
def test_a_change_happens_once_though_messages_are_doubled_and_lost(
    lab: EtcdLab, sweep: Sweep
) -> None:
    for seed in sweep(8):
        simulation = cluster(lab, seed, link=LinkModel(latency=(1 * MS, 20 * MS)))
        elected(simulation)
        simulation.inject(Link(simulation.now, loss=0.4, duplicate=0.4))
        asked = [
            simulation.call(SERVERS[number % 3], lab.Put(b"k%d" % number)) for number in range(12)
        ]
        simulation.run(simulation.now + 3 * SECOND)
        simulation.inject(Link(simulation.now, loss=0.0, duplicate=0.0))
        for each in asked:
            wait_for(simulation, each, 10 * SECOND)
        fine = [value_of(each) for each in asked]
        assert len({result.revision for result in fine}) == len(fine)
        simulation.run(simulation.now + 2 * SECOND)
        found = ask_ok(simulation, "n1", lab.Range(b"k", b"l"))
        assert [kv.version for kv in found.kvs] == [1] * found.count
        assert found.revision == found.count + 1, "no change was carried out twice"


@graded(
    points=4,
    title="Who is busy sends batches",
    requirement="batches.py: what is asked while a batch is under way makes up the next one",
)
def test_requests_that_come_together_share_entries_of_the_log(lab: EtcdLab) -> None:
    simulation = cluster(lab, seed=2, config={"snapshot_every": 0})
    leader = elected(simulation)
    for server in (leader, others_than(leader)[0]):
        before = shown(simulation, server, "raft/last")
        asked = [simulation.call(server, lab.Put(b"%d" % number)) for number in range(200)]
        for each in asked:
            wait_for(simulation, each, 5 * SECOND)
        revisions = [value_of(each).revision for each in asked]
        assert revisions == list(range(revisions[0], revisions[0] + 200)), "in the order asked"
        entries = shown(simulation, leader, "raft/last") - before
        assert entries <= 4, f"{entries} entries for 200 changes asked at one moment"


def ask_again_and_again(lab: EtcdLab, simulation: Simulation, server: str, times: int) -> None:
    """Sixteen callers, each of which asks so many times, again as soon as it is answered."""
    waiting: list[Operation] = []

    def one_is_answered() -> bool:
        return any(each.returned_at is not None for each in waiting)

    for _ in range(16 * times):
        waiting.append(simulation.call(server, lab.Put(b"a")))
        if len(waiting) == 16:
            run_until(simulation, one_is_answered)
            waiting[:] = [each for each in waiting if each.returned_at is None]
    run_until(simulation, lambda: all(each.returned_at is not None for each in waiting))


def time_of_a_put(lab: EtcdLab, simulation: Simulation, server: str) -> int:
    """Put something, and tell how long it took until the answer."""
    begun = simulation.now
    ask_ok(simulation, server, lab.Put(b"a"))
    return simulation.now - begun


@graded(
    points=3,
    title="A busy server gathers what is about to come",
    requirement="gathering.py: it waits until as many are here as it has learned to expect",
)
def test_those_who_ask_again_and_again_come_to_share_one_batch(lab: EtcdLab) -> None:
    simulation = cluster(lab, seed=2, config={"snapshot_every": 0}, link=STEADY)
    leader = elected(simulation)
    for server in (leader, others_than(leader)[0]):
        ask_again_and_again(lab, simulation, server, 20)
        before = shown(simulation, leader, "raft/last")
        ask_again_and_again(lab, simulation, server, 20)
        entries = shown(simulation, leader, "raft/last") - before
        assert entries <= 26, f"{entries} entries for 20 changes of 16 callers each"


@graded(
    points=3,
    title="Who is alone waits for nobody",
    requirement="gathering.py: each try that was in vain doubles the time to the next one",
)
def test_one_alone_is_hardly_ever_kept_waiting_even_after_a_crowd(lab: EtcdLab) -> None:
    simulation = cluster(lab, seed=2, config={"snapshot_every": 0}, link=STEADY)
    leader = elected(simulation)
    simulation.run(simulation.now + 100 * MS)
    at_first, *others = (time_of_a_put(lab, simulation, leader) for _ in range(100))
    ask_again_and_again(lab, simulation, leader, 10)
    others += [time_of_a_put(lab, simulation, leader) for _ in range(100)]
    kept_waiting = sum(each > at_first for each in others)
    assert kept_waiting <= 12, f"{kept_waiting} of 200 changes waited, though nobody else asked"
    assert max(others) <= at_first + 5 * MS, "nobody is kept waiting for long"


@graded(
    points=3,
    title="Followers hear at once what is committed",
    requirement="consensus.py, Committed: no waiting for the next heartbeat",
)
def test_a_follower_has_a_change_long_before_the_next_heartbeat(lab: EtcdLab, sweep: Sweep) -> None:
    for seed in sweep(5):
        simulation = cluster(lab, seed, config=SLOW, link=STEADY)
        leader = elected(simulation, within=10 * SECOND)
        ask_ok(simulation, leader, lab.Put(b"first"))
        changed = ask_ok(simulation, leader, lab.Put(b"a", b"1"))
        simulation.run(simulation.now + 10 * MS)
        for server in SERVERS:
            copy = lab.Range(b"a", serializable=True)
            assert ask_ok(simulation, server, copy).revision == changed.revision, server


@graded(
    points=5,
    title="Reads are not stale, whichever server is asked",
    requirement="thesis, 6.4: ReadIndex, and then the server's own copy",
)
def test_a_read_on_any_server_finds_what_another_has_acknowledged(
    lab: EtcdLab, sweep: Sweep
) -> None:
    for seed in sweep(8):
        simulation = cluster(lab, seed, link=LinkModel(latency=(1 * MS, 30 * MS)))
        leader = elected(simulation)
        slow = others_than(leader)[seed % 2]
        simulation.inject(Link(simulation.now, leader, slow, latency=(120 * MS, 400 * MS)))
        for number in range(6):
            value = b"%d" % number
            simulation.call(slow, lab.Range(b"x"))  # its answer knows nothing of what comes now
            simulation.run(simulation.now + 80 * MS)
            ask_ok(simulation, leader, lab.Put(b"x", value))
            for server in (slow, leader):
                assert ask_ok(simulation, server, lab.Range(b"x")).kvs[0].value == value, server
    reads_wait_for_their_probes(lab)


def reads_wait_for_their_probes(lab: EtcdLab) -> None:
    """A follower whose probes are answered before it has applied as much as the leader had."""
    one = Follower(lab)
    one.take(1, commit=0)
    for number, applied in ((1, 2), (2, 1), (3, 3)):
        probe = sent(one.ask(lab.Range(b"x")))[0]
        assert not answered(one.hear("n2", lab.Probed(probe.number, applied, ()))), number
    assert answered(one.take(2, commit=1)) == [], "the first of them waits for two commands"
    assert answered(one.take(3, commit=2)) == [1, 2], "this copy is new enough for both"
    assert answered(one.take(4, commit=3)) == [3]


@graded(
    points=3,
    title="A deposed leader answers no read",
    requirement="thesis, 6.4: the leader asks a quorum before it answers",
)
def test_a_leader_that_is_cut_off_answers_no_read_but_a_serializable_one(
    lab: EtcdLab, sweep: Sweep
) -> None:
    for seed in sweep(5):
        simulation = cluster(lab, seed)
        old = elected(simulation)
        ask_ok(simulation, old, lab.Put(b"x", b"old"))
        rest = others_than(old)
        simulation.inject(Partition(simulation.now, ((old,), tuple(rest))))
        read = simulation.call(old, lab.Range(b"x"))
        elected(simulation, rest)
        ask_ok(simulation, rest[0], lab.Put(b"x", b"new"))
        stale = ask_ok(simulation, old, lab.Range(b"x", serializable=True))
        assert stale.kvs[0].value == b"old", "that is what serializable means"
        assert read.returned_at is None
        simulation.inject(Heal(simulation.now))
        wait_for(simulation, read, 5 * SECOND)
        assert value_of(read).kvs[0].value in (b"new", b"old")
        assert ask_ok(simulation, old, lab.Range(b"x")).kvs[0].value == b"new"


@graded(
    points=3,
    title="Without a leader requests end, honestly",
    requirement="server.py: after request_timeout; a change under way is unknown, a read failed",
)
def test_requests_end_in_time_when_there_is_no_quorum_and_go_on_when_there_is(lab: EtcdLab) -> None:
    simulation = cluster(lab, seed=4)
    leader = elected(simulation)
    crash(simulation, *others_than(leader))
    first = ask(simulation, leader, lab.Put(b"a"), within=9 * SECOND)
    second = ask(simulation, leader, lab.Range(b"a"), within=9 * SECOND)
    text = "etcdserver: request timed out"
    assert first.outcome == Unknown(text)
    assert second.outcome == Failed(text)
    assert 6 * SECOND <= (first.returned_at or 0) - first.invoked_at <= 8 * SECOND
    waiting = simulation.call(leader, lab.Put(b"b"))
    restart(simulation, *others_than(leader))
    wait_for(simulation, waiting, 5 * SECOND)
    assert isinstance(waiting.outcome, Ok)
    found = ask_ok(simulation, "n1", lab.Range(b"a", b"\0"))
    assert [kv.key for kv in found.kvs] == [b"a", b"b"], "the unknown one has happened after all"


@graded(
    points=4,
    title="What is committed elsewhere is committed here if it is the same",
    requirement="consensus.py, Committed: Log Matching (Raft, section 5.3)",
)
def test_a_follower_commits_only_what_it_has_as_the_leader_has_it(lab: EtcdLab) -> None:
    one = Follower(lab)
    entries = (Entry(1, NoOp()), Entry(1, Numbered("n2", 1, lab.Put(b"never committed"))))
    one.hear("n2", AppendEntries(1, 0, 0, entries, 0, 1))
    one.hear("n3", AppendEntries(2, 2, 2, (), 2, 1), lab.Committed(2, 2, 2))
    assert one.commit() == 0, "the entry of term 2 is another one"
    one.hear("n3", lab.Committed(2, 9, 2))
    one.hear("n2", lab.Committed(1, 2, 1))
    assert one.commit() == 0, "beyond the log, or of an earlier term"
    one.hear("n3", lab.Committed(2, 1, 1))
    assert one.commit() == 1
    one.hear("n3", AppendEntries(2, 1, 1, (Entry(2, NoOp()),), 1, 2))
    one.hear("n3", lab.Committed(2, 2, 2))
    assert (one.commit(), one.server.full_status()["keys"]) == (2, 0)
    one.hear("n3", lab.Committed(2, 1, 1))
    assert one.commit() == 2, "only forwards"


@graded(
    points=3,
    title="A server that was away has the whole history",
    requirement="store.py: snapshots hold the history and the leases",
)
def test_a_server_that_gets_a_snapshot_tells_and_answers_what_it_missed(
    lab: EtcdLab, sweep: Sweep
) -> None:
    for seed in sweep(4):
        simulation = cluster(lab, seed, config={"snapshot_every": 4})
        leader = elected(simulation)
        away, *_ = others_than(leader)
        ask_ok(simulation, leader, lab.Put(b"a", b"1"))
        crash(simulation, away)
        lease = ask_ok(simulation, leader, lab.LeaseGrant(600)).id
        for number in range(12):
            ask_ok(simulation, leader, lab.Put(b"k%d" % number, b"x", lease))
        restart(simulation, away)
        assert ask_ok(simulation, away, lab.Range(b"k", b"l")).count == 12
        assert shown(simulation, away, "raft/snapshot") > 1
        events = ask_ok(simulation, away, lab.Changes(2)).events
        assert [kv.mod_revision for kv in events] == list(range(2, 15))
        assert ask_ok(simulation, away, lab.LeaseList()).ids == (lease,)
        hashes = {ask_ok(simulation, server, lab.HashKV(14)).hash for server in SERVERS}
        assert len(hashes) == 1


@graded(
    points=3,
    title="Everything outlives a power failure",
    requirement="what was acknowledged is there after a crash of all servers at once",
)
def test_everything_is_there_after_all_servers_crash_at_once(lab: EtcdLab, sweep: Sweep) -> None:
    for seed in sweep(4):
        simulation = cluster(lab, seed, config={"snapshot_every": 2 + seed})
        elected(simulation)
        lease = ask_ok(simulation, "n1", lab.LeaseGrant(600)).id
        for number in range(9):
            put = lab.Put(b"k%d" % (number % 4), b"%d" % number, lease)
            ask_ok(simulation, SERVERS[number % 3], put)
        ask_ok(simulation, "n1", lab.Compact(5))
        before = ask_ok(simulation, "n1", lab.Range(b"k", b"l"))
        restart_all(simulation)
        elected(simulation)
        assert ask_ok(simulation, "n1", lab.Range(b"k", b"l")) == before
        assert ask_ok(simulation, "n1", lab.Range(b"k0", revision=7)).kvs[0].mod_revision == 6
        assert ask_ok(simulation, "n1", lab.LeaseTimeToLive(lease, True)).keys == tuple(
            b"k%d" % number for number in range(4)
        )
        assert ask_ok(simulation, "n3", lab.Put(b"new")).revision == before.revision + 1


@graded(
    points=2,
    title="The leader hands over on request",
    requirement="server.py, by the transfer of Raft (thesis, 3.10)",
)
def test_the_leader_hands_over_and_only_the_leader_can(lab: EtcdLab) -> None:
    simulation = cluster(lab, seed=6)
    old = elected(simulation)
    target, other = others_than(old)
    ask_ok(simulation, "n1", lab.Put(b"a"))
    assert ask_ok(simulation, other, lab.MoveLeader(target)) == lab.Refused(
        "etcdserver: not leader"
    )
    nobody = ask_ok(simulation, old, lab.MoveLeader("n9"))
    assert nobody == lab.Refused("etcdserver: bad leader transferee")
    ask_ok(simulation, old, lab.MoveLeader(target))
    assert leader_of(simulation) == target
    ask_ok(simulation, "n1", lab.Put(b"b"))
    simulation.inject(Block(simulation.now, target, other))
    simulation.inject(Block(simulation.now, other, target))
    failed = ask(simulation, target, lab.MoveLeader(other), within=3 * SECOND)
    assert isinstance(failed.outcome, Unknown)
    simulation.inject(Heal(simulation.now))
    ask_ok(simulation, target, lab.Put(b"c"))
