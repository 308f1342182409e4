"""Graded suite of the lab ``etcd``, part 2: servers that anybody may ask, leases, watches."""

from typing import Any

from common.contract import Numbered, Receive, Start
from common.course.grading import graded
from common.sim.network import LinkModel
from common.sim.simulation import Simulation
from common.values.faults import Block, Heal, Link, Partition
from common.values.history import Failed, Ok, Unknown
from common.values.units import MS, SECOND
from stage4_consensus.raft.messages import AppendEntries, Entry, NoOp
from tests.stage4_consensus.raft.cluster import (
    STEADY,
    ask,
    crash,
    restart,
    restart_all,
    run_until,
    wait_for,
)
from tests.stage5_fault_tolerance.etcd.cluster import (
    SERVERS,
    cluster,
    elected,
    leader_of,
    shown,
    told,
    value_of,
)

LAB = "etcd"


SLOW = {"heartbeat_every": 400 * MS, "election_timeout": (900 * MS, 1300 * MS)}
"""Servers that say little by themselves."""


def others_than(leader: str) -> list[str]:
    """The servers but one."""
    return [server for server in SERVERS if server != leader]


@graded(
    points=3,
    title="Any server can be asked for anything",
    requirement="sessions.py and reading.py: servers hand on what they are asked for",
)
def test_every_server_answers_every_kind_of_request(lab: Any) -> None:
    simulation = cluster(lab, seed=1)
    elected(simulation)
    for number, server in enumerate(SERVERS):
        start = 1 + 3 * number
        assert told(simulation, lab.Put(b"a", b"1"), server).revision == start + 1
        once = lab.Txn((lab.Compare(b"a", "version", "=", 1),), (lab.Put(b"b"),))
        assert told(simulation, once, server) == lab.TxnResult(
            start + 2, True, (lab.PutResult(start + 2),)
        )
        assert told(simulation, lab.Range(b"a", b"\0", count_only=True), server).count == 2
        both = told(simulation, lab.DeleteRange(b"a", b"c", prev_kv=True), server)
        assert (both.deleted, both.revision) == (2, start + 3)
        lease = told(simulation, lab.LeaseGrant(9), server)
        assert lease.id > 0
        assert told(simulation, lab.LeaseKeepAlive(lease.id), server).ttl == 9
        times = told(simulation, lab.LeaseTimeToLive(lease.id), server)
        assert (times.left, times.granted) == (8, 9)
        told(simulation, lab.LeaseRevoke(lease.id), server)
        assert told(simulation, lab.LeaseTimeToLive(lease.id), server).left == -1
        assert told(simulation, lab.LeaseKeepAlive(lease.id), server).ttl == 0
        nothing = lab.Refused("etcdserver: key is not provided")
        assert told(simulation, lab.Put(b""), server) == nothing


@graded(
    points=4,
    title="Each change happens once",
    requirement="sessions.py: a batch is repeated until it is applied; its number makes that "
    "harmless",
)
def test_a_change_happens_once_though_messages_are_doubled_and_lost(lab: Any, sweep: Any) -> None:
    for seed in sweep(8):
        simulation = cluster(lab, seed, link=LinkModel(latency=(1 * MS, 20 * MS)))
        elected(simulation)
        simulation.inject(Link(simulation.now, loss=0.4, duplicate=0.4))
        asked = [
            simulation.call(SERVERS[number % 3], lab.Put(b"k%d" % number)) for number in range(12)
        ]
        for each in asked:
            wait_for(simulation, each, 10 * SECOND)
        simulation.inject(Link(simulation.now, loss=0.0, duplicate=0.0))
        fine = [value_of(each) for each in asked if isinstance(each.outcome, Ok)]
        assert len(fine) >= 10
        assert len({result.revision for result in fine}) == len(fine)
        simulation.run(simulation.now + 2 * SECOND)
        found = told(simulation, lab.Range(b"k", b"l"))
        assert [kv.version for kv in found.kvs] == [1] * found.count
        assert found.revision == found.count + 1, "no change was carried out twice"


@graded(
    points=4,
    title="Who is busy sends batches",
    requirement="sessions.py: what is asked while a batch is under way makes up the next one",
)
def test_requests_that_come_together_share_entries_of_the_log(lab: Any) -> None:
    simulation = cluster(lab, seed=2, config={"snapshot_every": 0})
    leader = elected(simulation)
    for server in (leader, others_than(leader)[0]):
        before = shown(simulation, server, "last")
        asked = [simulation.call(server, lab.Put(b"%d" % number)) for number in range(200)]
        for each in asked:
            wait_for(simulation, each, 5 * SECOND)
        revisions = [value_of(each).revision for each in asked]
        assert revisions == list(range(revisions[0], revisions[0] + 200)), "in the order asked"
        entries = shown(simulation, leader, "last") - before
        assert entries <= 4, f"{entries} entries for 200 changes asked at one moment"


@graded(
    points=3,
    title="Followers hear at once what is committed",
    requirement="sessions.py, Committed: no waiting for the next heartbeat",
)
def test_a_follower_has_a_change_long_before_the_next_heartbeat(lab: Any, sweep: Any) -> None:
    for seed in sweep(5):
        simulation = cluster(lab, seed, config=SLOW, link=STEADY)
        leader = elected(simulation, within=10 * SECOND)
        told(simulation, lab.Put(b"first"), leader)
        changed = told(simulation, lab.Put(b"a", b"1"), leader)
        simulation.run(simulation.now + 10 * MS)
        for server in SERVERS:
            copy = lab.Range(b"a", serializable=True)
            assert told(simulation, copy, server).revision == changed.revision, server


@graded(
    points=5,
    title="Reads are not stale, whichever server is asked",
    requirement="thesis, 6.4: ReadIndex, and then the server's own copy",
)
def test_a_read_on_any_server_finds_what_another_has_acknowledged(lab: Any, sweep: Any) -> None:
    for seed in sweep(8):
        simulation = cluster(lab, seed, link=LinkModel(latency=(1 * MS, 30 * MS)))
        leader = elected(simulation)
        slow = others_than(leader)[seed % 2]
        simulation.inject(Link(simulation.now, leader, slow, latency=(120 * MS, 400 * MS)))
        for number in range(6):
            value = b"%d" % number
            simulation.call(slow, lab.Range(b"x"))  # its answer knows nothing of what comes now
            simulation.run(simulation.now + 80 * MS)
            told(simulation, lab.Put(b"x", value), leader)
            for server in (slow, leader):
                assert told(simulation, lab.Range(b"x"), server).kvs[0].value == value, server


@graded(
    points=3,
    title="A deposed leader answers no read",
    requirement="thesis, 6.4: the leader asks a quorum before it answers",
)
def test_a_leader_that_is_cut_off_answers_no_read_but_a_serializable_one(
    lab: Any, sweep: Any
) -> None:
    for seed in sweep(5):
        simulation = cluster(lab, seed)
        old = elected(simulation)
        told(simulation, lab.Put(b"x", b"old"), old)
        rest = others_than(old)
        simulation.inject(Partition(simulation.now, ((old,), tuple(rest))))
        read = simulation.call(old, lab.Range(b"x"))
        elected(simulation, rest)
        told(simulation, lab.Put(b"x", b"new"), rest[0])
        stale = told(simulation, lab.Range(b"x", serializable=True), old)
        assert stale.kvs[0].value == b"old", "that is what serializable means"
        assert read.returned_at is None
        simulation.inject(Heal(simulation.now))
        wait_for(simulation, read, 5 * SECOND)
        assert value_of(read).kvs[0].value in (b"new", b"old")
        assert told(simulation, lab.Range(b"x"), old).kvs[0].value == b"new"


@graded(
    points=3,
    title="Without a leader requests end, honestly",
    requirement="sessions.py: after request_timeout; a change under way is unknown, a read failed",
)
def test_requests_end_in_time_when_there_is_no_quorum_and_go_on_when_there_is(lab: Any) -> None:
    simulation = cluster(lab, seed=4)
    leader = elected(simulation)
    crash(simulation, *others_than(leader))
    first = ask(simulation, lab.Put(b"a"), leader, within=9 * SECOND)
    second = ask(simulation, lab.Range(b"a"), leader, within=9 * SECOND)
    text = "etcdserver: request timed out"
    assert first.outcome == Unknown(text)
    assert second.outcome == Failed(text)
    assert 6 * SECOND <= first.returned_at - first.invoked_at <= 8 * SECOND
    waiting = simulation.call(leader, lab.Put(b"b"))
    restart(simulation, *others_than(leader))
    wait_for(simulation, waiting, 5 * SECOND)
    assert isinstance(waiting.outcome, Ok)
    found = told(simulation, lab.Range(b"a", b"\0"))
    assert [kv.key for kv in found.kvs] == [b"a", b"b"], "the unknown one has happened after all"


@graded(
    points=5,
    title="A lease lives as long as its owner, and not much longer",
    requirement="expiry.py: the leader ends a lease when its time is over, by a command",
)
def test_a_lease_ends_when_nobody_keeps_it_alive_and_not_before(lab: Any, sweep: Any) -> None:
    for seed in sweep(5):
        simulation = cluster(lab, seed)
        elected(simulation)
        server = SERVERS[seed % 3]
        lease = told(simulation, lab.LeaseGrant(3), server).id
        for key in (b"a", b"b"):
            changed = told(simulation, lab.Put(key, b"x", lease), server)
        for round in range(4):
            simulation.run(simulation.now + 2 * SECOND)
            alive = told(simulation, lab.LeaseKeepAlive(lease), SERVERS[round % 3])
            assert alive.ttl == 3
        kept = simulation.now
        simulation.run(kept + 2500 * MS)
        assert told(simulation, lab.Range(b"a", b"c", count_only=True), server).count == 2
        simulation.run(kept + 4 * SECOND)
        gone = told(simulation, lab.Range(b"a", b"c"), server)
        assert gone.count == 0, "a second after its end"
        assert gone.revision == changed.revision + 1, "both keys in one change"
        assert told(simulation, lab.LeaseList(), server).ids == ()


@graded(
    points=5,
    title="A new leader lets leases live for their whole time",
    requirement="expiry.py: it cannot know of the latest signs of life",
)
def test_a_lease_that_is_kept_alive_outlives_its_leaders(lab: Any, sweep: Any) -> None:
    for seed in sweep(5):
        simulation = cluster(lab, seed)
        elected(simulation)
        lease = told(simulation, lab.LeaseGrant(3)).id
        told(simulation, lab.Put(b"held", b"x", lease))
        for round in range(4):
            old = elected(simulation)
            told(simulation, lab.LeaseKeepAlive(lease), others_than(old)[0])
            simulation.run(simulation.now + 1800 * MS)
            crash(simulation, old)
            elected(simulation, others_than(old))
            simulation.run(simulation.now + 1600 * MS)
            restart(simulation, old)
            found = told(simulation, lab.Range(b"held"), others_than(old)[round % 2])
            assert found.count == 1, "its owner gave a sign of life to the leader before"
        first = elected(simulation)
        second = others_than(first)[0]
        told(simulation, lab.MoveLeader(second), first)
        simulation.run(simulation.now + 1800 * MS)
        told(simulation, lab.LeaseKeepAlive(lease), first)
        told(simulation, lab.MoveLeader(first), second)
        simulation.run(simulation.now + 2300 * MS)
        found = told(simulation, lab.Range(b"held"))
        assert found.count == 1, "who led before does not know of signs of life since"
        simulation.run(simulation.now + 2200 * MS)
        assert told(simulation, lab.Range(b"held")).count == 0


@graded(
    points=4,
    title="Who is told that the lease lives can rely on it",
    requirement="reading.py: a sign of life is answered by who led after it came, and not if the "
    "lease's end is in the log",
)
def test_an_answered_sign_of_life_keeps_the_keys_for_the_whole_time(lab: Any, sweep: Any) -> None:
    relied = ended = 0
    for seed in sweep(30):
        link = LinkModel(latency=(10 * MS, 60 * MS))
        simulation = cluster(lab, seed, config=SLOW, link=link)
        elected(simulation)
        lease = told(simulation, lab.LeaseGrant(2)).id
        told(simulation, lab.Put(b"held", b"x", lease))
        server = SERVERS[seed % 3]
        if seed % 2:
            simulation.run(simulation.now + 1780 * MS + seed % 30 * 15 * MS)
        else:
            server = the_end_is_in_the_log(simulation)
        asked = simulation.call(server, lab.LeaseKeepAlive(lease))
        invoked = simulation.now
        wait_for(simulation, asked, SECOND)
        if value_of(asked).ttl:
            relied += 1
            simulation.run(max(simulation.now, invoked + 1900 * MS))
            assert told(simulation, lab.Range(b"held")).count == 1, "it was said to live"
        else:
            ended += 1
            simulation.run(simulation.now + SECOND)
            assert told(simulation, lab.Range(b"held")).count == 0, "it was said to have ended"
    assert sweep.partial or (relied and ended), "some came in time, and some did not"


def the_end_is_in_the_log(simulation: Simulation) -> str:
    """Go on until the leader has appended an entry, and nothing more; returns who leads."""
    leader = leader_of(simulation) or ""
    before = shown(simulation, leader, "last")
    run_until(simulation, lambda: bool(shown(simulation, leader, "last") > before), 4 * SECOND)
    return leader


@graded(
    points=4,
    title="A deposed leader keeps no lease alive",
    requirement="reading.py: the answer proves that the leader still led after the sign came",
)
def test_a_sign_of_life_to_a_leader_that_is_cut_off_is_not_answered(lab: Any) -> None:
    simulation = cluster(lab, seed=5)
    old = elected(simulation)
    lease = told(simulation, lab.LeaseGrant(2)).id
    told(simulation, lab.Put(b"held", b"x", lease))
    rest = others_than(old)
    simulation.inject(Partition(simulation.now, ((old,), tuple(rest))))
    signs = [simulation.call(old, lab.LeaseKeepAlive(lease))]
    elected(simulation, rest)
    signs.append(simulation.call(old, lab.LeaseKeepAlive(lease)))
    simulation.run(simulation.now + 4 * SECOND)
    assert all(sign.returned_at is None for sign in signs)
    assert told(simulation, lab.Range(b"held"), rest[0]).count == 0


@graded(
    points=5,
    title="Every server tells every change, once and in order",
    requirement="watching.py: from a revision on, whoever leads, and whatever crashed meanwhile",
)
def test_watches_on_every_server_tell_every_change_once_in_order(lab: Any, sweep: Any) -> None:
    for seed in sweep(6):
        simulation = cluster(lab, seed)
        elected(simulation)
        seen: dict[str, list[Any]] = {server: [] for server in SERVERS}
        asked = {server: simulation.call(server, lab.Changes(2, limit=3)) for server in SERVERS}
        revision = 1
        for number in range(14):
            put = ask(simulation, lab.Put(b"%d" % (number % 4)), SERVERS[number % 2], 8 * SECOND)
            revision = value_of(put).revision
            if number == 4:
                crash(simulation, SERVERS[2])
            if number == 9:
                restart(simulation, SERVERS[2])
                crash(simulation, SERVERS[seed % 2])
                elected(simulation)
                restart(simulation, SERVERS[seed % 2])
            listen(lab, simulation, asked, seen)
        for _ in range(100):
            simulation.run(simulation.now + 50 * MS)
            listen(lab, simulation, asked, seen)
        for server, events in seen.items():
            revisions = [kv.mod_revision for kv in events]
            assert revisions == list(range(2, revision + 1)), f"{server} tells each of them"
            assert events == seen["n1"], server


@graded(
    points=2,
    title="Any number of questions wait for the future",
    requirement="watching.py: each is answered once what it asks about is there",
)
def test_several_questions_about_the_future_are_all_answered(lab: Any) -> None:
    simulation = cluster(lab, seed=7)
    elected(simulation)
    asked = [simulation.call("n2", lab.Changes(revision)) for revision in (2, 4, 3, 2, 1)]
    simulation.run(simulation.now + SECOND)
    assert [each.returned_at is None for each in asked] == [True] * 4 + [False]
    for number in range(3):
        told(simulation, lab.Put(b"%d" % number), "n1")
    for each in asked:
        wait_for(simulation, each, SECOND)
    events = [value_of(each).events for each in asked[:4]]
    assert [[kv.mod_revision for kv in told] for told in events] == [[2], [4], [3], [2]]


@graded(
    points=4,
    title="What is committed elsewhere is committed here if it is the same",
    requirement="sessions.py, Committed: Log Matching (Raft, section 5.3)",
)
def test_a_follower_commits_only_what_it_has_as_the_leader_has_it(lab: Any) -> None:
    server = lab.EtcdServer("n1", ("n2", "n3"))
    server.step(Start(0, {}))
    entries = (Entry(1, NoOp()), Entry(1, Numbered("n2", 1, lab.Put(b"never committed"))))
    server.step(Receive(1, "n2", AppendEntries(1, 0, 0, entries, 0, 1)))
    server.step(Receive(2, "n3", AppendEntries(2, 2, 2, (), 2, 1)))
    server.step(Receive(3, "n3", lab.Committed(2, 2, 2)))
    assert server.status()["commit"] == 0, "the entry of term 2 is another one"
    server.step(Receive(4, "n3", lab.Committed(2, 9, 2)))
    server.step(Receive(5, "n2", lab.Committed(1, 2, 1)))
    assert server.status()["commit"] == 0, "beyond the log, or of an earlier term"
    server.step(Receive(6, "n3", lab.Committed(2, 1, 1)))
    assert server.status()["commit"] == 1
    server.step(Receive(7, "n3", AppendEntries(2, 1, 1, (Entry(2, NoOp()),), 1, 2)))
    server.step(Receive(8, "n3", lab.Committed(2, 2, 2)))
    assert (server.status()["commit"], server.status()["keys"]) == (2, 0)
    server.step(Receive(9, "n3", lab.Committed(2, 1, 1)))
    assert server.status()["commit"] == 2, "only forwards"


def listen(lab: Any, simulation: Any, asked: dict[str, Any], seen: dict[str, list[Any]]) -> None:
    """Note what was told, and ask each server that is up on from there."""
    for server, question in asked.items():
        if question.returned_at is not None and simulation.nodes.get(server) is not None:
            start = seen[server][-1].mod_revision + 1 if seen[server] else 2
            if isinstance(question.outcome, Ok):
                seen[server] += value_of(question).events
                start = value_of(question).revision + 1
            asked[server] = simulation.call(server, lab.Changes(start, limit=3))


@graded(
    points=3,
    title="A server that was away has the whole history",
    requirement="store.py: snapshots hold the history and the leases",
)
def test_a_server_that_gets_a_snapshot_tells_and_answers_what_it_missed(
    lab: Any, sweep: Any
) -> None:
    for seed in sweep(4):
        simulation = cluster(lab, seed, config={"snapshot_every": 4})
        leader = elected(simulation)
        away, *_ = others_than(leader)
        told(simulation, lab.Put(b"a", b"1"), leader)
        crash(simulation, away)
        lease = told(simulation, lab.LeaseGrant(600), leader).id
        for number in range(12):
            told(simulation, lab.Put(b"k%d" % number, b"x", lease), leader)
        restart(simulation, away)
        assert told(simulation, lab.Range(b"k", b"l"), away).count == 12
        assert shown(simulation, away, "snapshot") > 1
        events = told(simulation, lab.Changes(2), away).events
        assert [kv.mod_revision for kv in events] == list(range(2, 15))
        assert told(simulation, lab.LeaseList(), away).ids == (lease,)
        hashes = {told(simulation, lab.HashKV(14), server).hash for server in SERVERS}
        assert len(hashes) == 1


@graded(
    points=3,
    title="Everything outlives a power failure",
    requirement="what was acknowledged is there after a crash of all servers at once",
)
def test_everything_is_there_after_all_servers_crash_at_once(lab: Any, sweep: Any) -> None:
    for seed in sweep(4):
        simulation = cluster(lab, seed, config={"snapshot_every": 2 + seed})
        elected(simulation)
        lease = told(simulation, lab.LeaseGrant(600)).id
        for number in range(9):
            put = lab.Put(b"k%d" % (number % 4), b"%d" % number, lease)
            told(simulation, put, SERVERS[number % 3])
        told(simulation, lab.Compact(5))
        before = told(simulation, lab.Range(b"k", b"l"))
        restart_all(simulation)
        elected(simulation)
        assert told(simulation, lab.Range(b"k", b"l")) == before
        assert told(simulation, lab.Range(b"k0", revision=7)).kvs[0].mod_revision == 6
        assert told(simulation, lab.LeaseTimeToLive(lease, True)).keys == tuple(
            b"k%d" % number for number in range(4)
        )
        assert told(simulation, lab.Put(b"new"), "n3").revision == before.revision + 1


@graded(
    points=2,
    title="The leader hands over on request",
    requirement="moving.py, by the transfer of Raft (thesis, 3.10)",
)
def test_the_leader_hands_over_and_only_the_leader_can(lab: Any) -> None:
    simulation = cluster(lab, seed=6)
    old = elected(simulation)
    target, other = others_than(old)
    told(simulation, lab.Put(b"a"))
    assert told(simulation, lab.MoveLeader(target), other) == lab.Refused("etcdserver: not leader")
    nobody = told(simulation, lab.MoveLeader("n9"), old)
    assert nobody == lab.Refused("etcdserver: bad leader transferee")
    told(simulation, lab.MoveLeader(target), old)
    assert leader_of(simulation) == target
    told(simulation, lab.Put(b"b"))
    simulation.inject(Block(simulation.now, target, other))
    simulation.inject(Block(simulation.now, other, target))
    failed = ask(simulation, lab.MoveLeader(other), target, within=3 * SECOND)
    assert isinstance(failed.outcome, Unknown)
    simulation.inject(Heal(simulation.now))
    told(simulation, lab.Put(b"c"), target)
