"""Graded suite of the lab ``etcd``, part 3: leases, and watches on every server."""

from typing import Any

from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import ask, ask_ok, crash, restart, run_until, value_of, wait_for
from common.sim.network import LinkModel
from common.sim.simulation import Simulation
from common.values.faults import Heal, Link, Partition
from common.values.history import Ok
from common.values.units import MS, SECOND
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

LAB = "etcd"


@graded(
    points=5,
    title="A lease lives as long as its owner, and not much longer",
    requirement="consensus.py: the leader ends a lease when its time is over, by a command",
)
def test_a_lease_ends_when_nobody_keeps_it_alive_and_not_before(lab: EtcdLab, sweep: Sweep) -> None:
    for seed in sweep(5):
        simulation = cluster(lab, seed)
        elected(simulation)
        server = SERVERS[seed % 3]
        lease = ask_ok(simulation, server, lab.LeaseGrant(3)).id
        for key in (b"a", b"b"):
            changed = ask_ok(simulation, server, lab.Put(key, b"x", lease))
        for round in range(4):
            simulation.run(simulation.now + 2 * SECOND)
            alive = ask_ok(simulation, SERVERS[round % 3], lab.LeaseKeepAlive(lease))
            assert alive.ttl == 3
        kept = simulation.now
        simulation.run(kept + 2500 * MS)
        assert ask_ok(simulation, server, lab.Range(b"a", b"c", count_only=True)).count == 2
        simulation.run(kept + 4 * SECOND)
        gone = ask_ok(simulation, server, lab.Range(b"a", b"c"))
        assert gone.count == 0, "a second after its end"
        assert gone.revision == changed.revision + 1, "both keys in one change"
        assert ask_ok(simulation, server, lab.LeaseList()).ids == ()
        length = shown(simulation, server, "raft/last")
        simulation.run(simulation.now + SECOND)
        assert shown(simulation, server, "raft/last") == length, "nothing ends, nothing is appended"


@graded(
    points=2,
    title="Each lease has a time of its own",
    requirement="deadlines.py: a lease that is there already keeps its deadline",
)
def test_a_lease_ends_in_time_though_others_are_granted_and_revoked(
    lab: EtcdLab, sweep: Sweep
) -> None:
    for seed in sweep(2):
        simulation = cluster(lab, seed)
        elected(simulation)
        ask_ok(simulation, "n1", lab.LeaseGrant(3, 7))
        ask_ok(simulation, "n1", lab.Put(b"held", b"x", 7))
        granted = simulation.now
        for number in range(1, 8):
            simulation.run(granted + number * 500 * MS)
            ask_ok(simulation, "n2", lab.LeaseGrant(60, 100 + number))
            ask_ok(simulation, "n3", lab.LeaseRevoke(100 + number))
        simulation.run(granted + 4 * SECOND)
        assert ask_ok(simulation, "n1", lab.Range(b"held")).count == 0, "it had 3 s"


@graded(
    points=2,
    title="An end is decided once",
    requirement="docstring of decide: each is named once, however long its end takes",
)
def test_the_end_of_a_lease_is_one_entry_though_it_takes_long_to_commit(lab: EtcdLab) -> None:
    simulation = cluster(lab, 1, config=SLOW)
    leader = elected(simulation)
    ask_ok(simulation, leader, lab.LeaseGrant(2))
    before = shown(simulation, leader, "raft/last")
    simulation.inject(Link(simulation.now, latency=(300 * MS, 300 * MS)))
    the_end_is_in_the_log(simulation)
    simulation.run(simulation.now + 5 * SECOND)
    assert leader_of(simulation) == leader
    assert shown(simulation, leader, "raft/last") == before + 1
    a_leader_ends_lease_after_lease_in_each_of_its_terms(lab)
    one_entry_ends_no_more_leases_than_it_may(lab)


def a_leader_ends_lease_after_lease_in_each_of_its_terms(lab: EtcdLab) -> None:
    """An entry is carried out once by its number: no two ends of one leader may share a number."""
    simulation = cluster(lab, 1)
    first = elected(simulation)
    second = others_than(first)[0]
    for term in ("its first term", "a later term of the same leader"):
        for lease in (2, 3):
            ask_ok(simulation, first, lab.LeaseGrant(lease, lease))
            ask_ok(simulation, first, lab.Put(b"held %d" % lease, b"x", lease))
        simulation.run(simulation.now + 4 * SECOND)
        left = ask_ok(simulation, first, lab.Range(b"held", b"i", count_only=True)).count
        assert left == 0, f"{left} of two leases are there for ever, in {term}"
        ask_ok(simulation, first, lab.MoveLeader(second))
        ask_ok(simulation, second, lab.MoveLeader(first))


def one_entry_ends_no_more_leases_than_it_may(lab: EtcdLab) -> None:
    """By hand: a crowd of leases ends at one moment."""
    leases, deadlines, most = lab.Leases(), lab.Deadlines(), lab.MOST_AT_ONCE
    for id in range(1, most + 3):
        leases.grant(2, id)
    deadlines.know(leases, 0)
    ended = [deadlines.decide(2 * SECOND) for _ in range(3)]
    assert [len(each) for each in ended] == [most, 2, 0], "the others wait for the next look"


@graded(
    points=5,
    title="A new leader lets leases live for their whole time",
    requirement="deadlines.py: it cannot know of the latest signs of life",
)
def test_a_lease_that_is_kept_alive_outlives_its_leaders(lab: EtcdLab, sweep: Sweep) -> None:
    for seed in sweep(5):
        simulation = cluster(lab, seed)
        elected(simulation)
        lease = ask_ok(simulation, "n1", lab.LeaseGrant(3)).id
        ask_ok(simulation, "n1", lab.Put(b"held", b"x", lease))
        for round in range(4):
            old = elected(simulation)
            ask_ok(simulation, others_than(old)[0], lab.LeaseKeepAlive(lease))
            simulation.run(simulation.now + 1800 * MS)
            crash(simulation, old)
            elected(simulation, others_than(old))
            simulation.run(simulation.now + 1600 * MS)
            restart(simulation, old)
            found = ask_ok(simulation, others_than(old)[round % 2], lab.Range(b"held"))
            assert found.count == 1, "its owner gave a sign of life to the leader before"
        first = elected(simulation)
        second = others_than(first)[0]
        ask_ok(simulation, first, lab.MoveLeader(second))
        simulation.run(simulation.now + 1800 * MS)
        ask_ok(simulation, first, lab.LeaseKeepAlive(lease))
        ask_ok(simulation, second, lab.MoveLeader(first))
        simulation.run(simulation.now + 2300 * MS)
        found = ask_ok(simulation, "n1", lab.Range(b"held"))
        assert found.count == 1, "who led before does not know of signs of life since"
        simulation.run(simulation.now + 2200 * MS)
        assert ask_ok(simulation, "n1", lab.Range(b"held")).count == 0


@graded(
    points=4,
    title="Who is told that the lease lives can rely on it",
    requirement="consensus.py: a sign of life is answered by who led after it came, and not if the "
    "lease's end is in the log",
)
def test_an_answered_sign_of_life_keeps_the_keys_for_the_whole_time(
    lab: EtcdLab, sweep: Sweep
) -> None:
    relied = ended = 0
    for seed in sweep(30):
        link = LinkModel(latency=(10 * MS, 60 * MS))
        simulation = cluster(lab, seed, config=SLOW, link=link)
        elected(simulation)
        lease = ask_ok(simulation, "n1", lab.LeaseGrant(2)).id
        ask_ok(simulation, "n1", lab.Put(b"held", b"x", lease))
        server = SERVERS[seed % 3]
        if seed % 2:
            simulation.run(simulation.now + 1600 * MS + seed % 30 * 20 * MS)
        else:
            server = the_end_is_in_the_log(simulation)
        asked = simulation.call(server, lab.LeaseKeepAlive(lease))
        invoked = simulation.now
        wait_for(simulation, asked, SECOND)
        if value_of(asked).ttl:
            relied += 1
            simulation.run(max(simulation.now, invoked + 1900 * MS))
            assert ask_ok(simulation, "n1", lab.Range(b"held")).count == 1, "it was said to live"
        else:
            ended += 1
            simulation.run(simulation.now + SECOND)
            assert ask_ok(simulation, "n1", lab.Range(b"held")).count == 0, (
                "it was said to have ended"
            )
    assert sweep.partial or (relied and ended), "some came in time, and some did not"


def the_end_is_in_the_log(simulation: Simulation) -> str:
    """Go on until the leader has appended an entry, and nothing more; returns who leads."""
    leader = leader_of(simulation) or ""
    before = shown(simulation, leader, "raft/last")
    run_until(simulation, lambda: bool(shown(simulation, leader, "raft/last") > before), 4 * SECOND)
    return leader


@graded(
    points=4,
    title="A deposed leader keeps no lease alive",
    requirement="consensus.py: the answer proves that the leader still led after the sign came",
)
def test_a_sign_of_life_to_a_leader_that_is_cut_off_is_not_answered(lab: EtcdLab) -> None:
    simulation = cluster(lab, seed=5)
    old = elected(simulation)
    lease = ask_ok(simulation, "n1", lab.LeaseGrant(2)).id
    ask_ok(simulation, "n1", lab.Put(b"held", b"x", lease))
    rest = others_than(old)
    simulation.inject(Partition(simulation.now, ((old,), tuple(rest))))
    signs = [simulation.call(old, lab.LeaseKeepAlive(lease))]
    elected(simulation, rest)
    signs.append(simulation.call(old, lab.LeaseKeepAlive(lease)))
    simulation.run(simulation.now + 4 * SECOND)
    assert all(sign.returned_at is None for sign in signs)
    assert ask_ok(simulation, rest[0], lab.Range(b"held")).count == 0


@graded(
    points=4,
    title="A lease that is granted anew under its old id is a new one",
    requirement="deadlines.py: one that has ended and was granted anew has its whole time",
)
def test_a_lease_that_is_granted_anew_lives_for_its_own_time_and_ends(
    lab: EtcdLab, sweep: Sweep
) -> None:
    for seed in sweep(4):
        simulation = cluster(lab, seed)
        leader = elected(simulation)
        server = SERVERS[seed % 3]
        ask_ok(simulation, server, lab.LeaseGrant(3, 7))
        simulation.run(simulation.now + SECOND)
        together = [
            simulation.call(server, each)
            for each in (lab.Put(b"x", b"1"), lab.LeaseRevoke(7), lab.LeaseGrant(8, 7))
        ]
        for each in together:
            wait_for(simulation, each)
            value_of(each)
        granted = simulation.now
        ask_ok(simulation, server, lab.Put(b"held", b"x", 7))
        simulation.run(granted + 7 * SECOND)
        assert ask_ok(simulation, server, lab.Range(b"held")).count == 1, "8 s were granted anew"
        simulation.run(granted + 9 * SECOND)
        assert ask_ok(simulation, server, lab.Range(b"held")).count == 0
        assert leader_of(simulation) == leader, "nothing has happened to the leader"


@graded(
    points=4,
    title="A lease that is granted while the old one ends can be kept alive, and ends",
    requirement="deadlines.py: the end of the new lease is not decided",
)
def test_a_lease_that_is_granted_in_the_step_of_its_end_is_no_different(
    lab: EtcdLab, sweep: Sweep
) -> None:
    for seed in sweep(4):
        simulation = cluster(lab, seed)
        elected(simulation)
        ask_ok(simulation, "n1", lab.LeaseGrant(2, 7))
        leader = the_end_is_in_the_log(simulation)
        simulation.inject(Partition(simulation.now, ((leader,), tuple(others_than(leader)))))
        asked = simulation.call(leader, lab.LeaseGrant(2, 7))
        simulation.run(simulation.now + 60 * MS)
        simulation.inject(Heal(simulation.now))
        wait_for(simulation, asked, SECOND)
        assert value_of(asked).id == 7, "the old one has ended before"
        ask_ok(simulation, leader, lab.Put(b"held", b"x", 7))
        simulation.run(simulation.now + SECOND)
        assert ask_ok(simulation, leader, lab.LeaseKeepAlive(7)).ttl == 2
        kept = simulation.now
        simulation.run(kept + 1500 * MS)
        assert ask_ok(simulation, leader, lab.Range(b"held")).count == 1
        simulation.run(kept + 3 * SECOND)
        assert ask_ok(simulation, leader, lab.Range(b"held")).count == 0


def listen(
    lab: EtcdLab, simulation: Any, asked: dict[str, Any], seen: dict[str, list[Any]]
) -> None:
    """Note what was told, and ask each server that is up on from there."""
    for server, question in asked.items():
        if question.returned_at is not None and simulation.nodes.get(server) is not None:
            start = seen[server][-1].mod_revision + 1 if seen[server] else 2
            if isinstance(question.outcome, Ok):
                seen[server] += value_of(question).events
                start = value_of(question).revision + 1
            asked[server] = simulation.call(server, lab.Changes(start, limit=3))


@graded(
    points=5,
    title="Every server tells every change, once and in order",
    requirement="watches.py: from a revision on, no matter who leads and what crashed meanwhile",
)
def test_watches_on_every_server_tell_every_change_once_in_order(
    lab: EtcdLab, sweep: Sweep
) -> None:
    for seed in sweep(6):
        simulation = cluster(lab, seed)
        elected(simulation)
        seen: dict[str, list[Any]] = {server: [] for server in SERVERS}
        asked = {server: simulation.call(server, lab.Changes(2, limit=3)) for server in SERVERS}
        revision = 1
        for number in range(14):
            put = ask(simulation, SERVERS[number % 2], lab.Put(b"%d" % (number % 4)), 8 * SECOND)
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
    requirement="watches.py: each is answered once what it asks about is there",
)
def test_several_questions_about_the_future_are_all_answered(lab: EtcdLab) -> None:
    simulation = cluster(lab, seed=7)
    elected(simulation)
    asked = [simulation.call("n2", lab.Changes(revision)) for revision in (2, 4, 3, 2, 1)]
    simulation.run(simulation.now + SECOND)
    assert [each.returned_at is None for each in asked] == [True] * 4 + [False]
    for number in range(3):
        ask_ok(simulation, "n1", lab.Put(b"%d" % number))
    for each in asked:
        wait_for(simulation, each, SECOND)
    events = [value_of(each).events for each in asked[:4]]
    assert [[kv.mod_revision for kv in told] for told in events] == [[2], [4], [3], [2]]


@graded(
    points=4,
    title="No watcher misses a deletion without a word",
    requirement="history.py: what came at the compacted revision itself is kept, deletions too",
)
def test_a_watcher_hears_of_a_deletion_that_is_compacted_in_the_same_step(
    lab: EtcdLab, sweep: Sweep
) -> None:
    for seed in sweep(3):
        simulation = cluster(lab, seed)
        leader = elected(simulation)
        follower, other = others_than(leader)
        there = ask_ok(simulation, follower, lab.Put(b"key")).revision
        watching = simulation.call(follower, lab.Changes(there + 1))
        simulation.run(simulation.now + 200 * MS)
        simulation.inject(Partition(simulation.now, ((follower,), (leader, other))))
        deleted = ask_ok(simulation, leader, lab.DeleteRange(b"key")).revision
        ask_ok(simulation, leader, lab.Compact(deleted))
        simulation.inject(Heal(simulation.now))
        wait_for(simulation, watching, SECOND)
        (event,) = value_of(watching).events
        assert (event.key, event.is_deletion()) == (b"key", True)
