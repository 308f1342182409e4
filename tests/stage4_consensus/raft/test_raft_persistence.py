"""Graded suite of the lab ``raft``, part 3: persistence, and exactly once (sections 5.6 and 8)."""

from common.check.models import KEY_VALUE
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import (
    ask,
    ask_ok,
    crash,
    must_be_linearizable,
    must_end,
    names,
    restart,
    restart_all,
    run_until,
    wait_for,
)
from common.values.faults import Disk
from common.values.history import Ok
from common.values.units import MS, SECOND
from stage4_consensus.raft.checks_outside import elect, log_grows
from tests.stage4_consensus.raft.cluster import CLIENTS, cluster, sweep_once, work
from tests.stage4_consensus.raft.lab import RaftLab
from tests.stage4_consensus.raft.one_server import OneServer, find, only

LAB = "raft"


@graded(
    points=3,
    title="The log is as it was",
    requirement="Figure 2, persistent state: currentTerm, votedFor, log[]",
)
def test_a_server_comes_back_with_its_log_and_learns_anew_what_is_committed(lab: RaftLab) -> None:
    one = OneServer(lab)
    one.append(1, (0, 0), [1, 1, 1], commit=2)
    one.append(3, (3, 1), [3], commit=2)
    before = (one.disk["term"], one.terms())
    sent = one.start()
    assert not sent, "a server that starts says nothing"
    status = one.server.status()
    assert (status["term"], status["last"]) == (before[0], len(before[1]))
    assert status["role"] == "follower"
    assert (status["commit"], one.held()) == (0, ""), "commitIndex is volatile: initialized to 0"
    one.append(4, (4, 3), [], commit=3)
    assert one.held() == "1.1;1.2;1.3;"


@graded(
    points=4,
    title="Power failure everywhere",
    requirement="section 5.1: what was acknowledged is there after a crash of all servers",
)
def test_what_was_acknowledged_survives_a_crash_of_all_servers(lab: RaftLab, sweep: Sweep) -> None:
    for seed in sweep(6):
        simulation = cluster(lab, seed)
        expected = ""
        for number in range(12):
            text = f"{number};"
            ask_ok(simulation, CLIENTS[number % 3], lab.Append("x", text))
            expected += text
            if number % 4 == 3:
                restart_all(simulation)
        restart_all(simulation)
        assert ask_ok(simulation, "c1", lab.Get("x")) == expected


@graded(
    points=3,
    title="Nobody is told before it is durable",
    requirement="section 5.1: acknowledged means on the disks of a majority",
)
def test_an_answer_waits_for_the_disks(lab: RaftLab, sweep: Sweep) -> None:
    for seed in sweep(3):
        simulation = cluster(lab, seed)
        elect(simulation)
        ask_ok(simulation, "c1", lab.Put("x", "1"))
        for server in names(3):
            simulation.inject(Disk(simulation.now, server, 40 * MS))
        start = simulation.now
        ask_ok(simulation, "c1", lab.Put("x", "2"))
        assert simulation.now - start >= 80 * MS, "the leader's disk, then a follower's"
        for number in range(5):
            asked = simulation.call("c1", lab.Append("x", f"{number};"))
            simulation.run(simulation.now + (30 + 20 * number) * MS)
            acknowledged = isinstance(asked.outcome, Ok)
            restart_all(simulation)
            for server in names(3):
                simulation.inject(Disk(simulation.now, server, 0))
            if acknowledged:
                assert f"{number};" in str(ask_ok(simulation, "c2", lab.Get("x")))
            wait_for(simulation, asked, 5 * SECOND)


@graded(
    points=3,
    title="Exactly once",
    requirement="section 8: if it receives a command whose serial number has already been "
    "executed, it responds immediately without re-executing the request",
)
def test_a_command_that_is_asked_for_again_is_carried_out_once(lab: RaftLab, sweep: Sweep) -> None:
    one = OneServer(lab)
    one.accept("n2", one.be_leader())
    for _ in range(3):
        answers = one.accept("n2", one.command("a"))
        assert find(answers, lab.Answer) == [lab.Answer(1, None)]
    assert one.held() == "a"
    for seed in sweep(4):
        simulation = cluster(lab, seed)
        leader = elect(simulation)
        asked = simulation.call("c1", lab.Append("x", "once;"))
        run_until(simulation, log_grows(leader))
        simulation.run(simulation.now + (seed % 4) * MS)
        crash(simulation, leader.id)
        wait_for(simulation, asked, 5 * SECOND)
        assert ask_ok(simulation, "c2", lab.Get("x")) == "once;"


@graded(
    points=2,
    title="Applied once in each life",
    requirement="Figure 2, volatile state: lastApplied is initialized to 0, or to the snapshot's",
)
def test_entries_are_applied_again_from_the_snapshot_on_after_a_restart(lab: RaftLab) -> None:
    one = OneServer(lab, snapshot_every=2)
    one.append(1, (0, 0), [1, 1, 1], commit=3)
    text = one.held()
    one.start()
    one.append(1, (3, 1), [1], commit=4)
    assert one.held() == text + "1.4;"


@graded(
    points=2,
    title="A client tells the truth",
    requirement="section 8: without an answer nobody knows; a query has no effect",
)
def test_a_client_without_an_answer_says_unknown_of_a_command_and_failed_of_a_query(
    lab: RaftLab,
) -> None:
    simulation = cluster(lab, seed=1)
    elect(simulation)
    crash(simulation, *names(3))
    put = ask(simulation, "c1", lab.Put("x", "1"), within=10 * SECOND)
    assert type(put.outcome).__name__ == "Unknown"
    get = ask(simulation, "c1", lab.Get("x"), within=10 * SECOND)
    assert type(get.outcome).__name__ == "Failed"
    restart(simulation, *names(3))
    assert ask_ok(simulation, "c1", lab.Get("x")) in ("", "1")


@graded(
    points=4,
    title="Linearizable through crashes",
    requirement="section 5.4: servers crash with all that was not durable, and come back",
)
def test_it_is_linearizable_when_servers_crash_and_disks_are_slow(
    lab: RaftLab, sweep: Sweep
) -> None:
    for seed in sweep(10):
        sweep_once(lab, seed, 3, ("crash", "crash", "disk", "pause"))


@graded(
    points=4,
    title="The whole cluster crashes again and again",
    requirement="section 5.4: after any sequence of crashes, of all servers at once too",
)
def test_it_is_linearizable_when_all_servers_crash_again_and_again(
    lab: RaftLab, sweep: Sweep
) -> None:
    for seed in sweep(5):
        simulation = cluster(lab, seed)
        workload = work(lab, simulation, count=20, think=(0, 150 * MS))
        for _ in range(3):
            simulation.run(simulation.now + 700 * MS + seed % 1000 * 777)
            restart_all(simulation)
        must_end(simulation, workload, limit=15 * SECOND)
        must_be_linearizable(simulation.history, KEY_VALUE)


@graded(
    points=3,
    title="An uncommitted configuration goes with its entry",
    requirement="section 6: a server always uses the latest configuration in its log",
)
def test_a_configuration_that_is_overwritten_is_no_longer_in_effect(lab: RaftLab) -> None:
    one = OneServer(lab, names(5), voters=names(3))
    joint = lab.Configuration(("n1", "n4", "n5"), names(3))
    one.receive("n2", lab.AppendEntries(1, 0, 0, (lab.Entry(1, joint),), 0, 0))
    one.start()
    assert one.server.configuration == joint, "it is in the log that was saved"
    one.append(2, (0, 0), [2])
    assert one.server.configuration == lab.Configuration(names(3))


@graded(
    points=2,
    title="A promise outlives a crash",
    requirement="thesis 6.4.1 with 4.2.3: a lease holds because servers that heard the leader "
    "elect nobody else for a while; a server that restarts does not know what it has heard",
)
def test_a_server_that_restarts_keeps_quiet_where_a_leader_may_hold_a_lease(lab: RaftLab) -> None:
    for lease_us in (100 * MS, 0):
        one = OneServer(lab, lease_us=lease_us, election_timeout=(150 * MS, 300 * MS))
        one.append(1, (0, 0), [1])
        one.now += 1 * MS
        one.start()
        early = one.receive("n3", lab.RequestPreVote(2, 9, 1))
        assert only(early, lab.RequestPreVoteReply).granted is not bool(lease_us)
        one.now += 148 * MS
        voted = find(one.receive("n3", lab.RequestVote(2, 9, 1)), lab.RequestVoteReply)
        if lease_us:
            assert not voted, "the leader of term 1 may still answer reads"
            assert one.disk["term"] == 1
            one.now += 2 * MS
            assert one.ask_vote("n3", term=2, last=(9, 1)).granted, "the lease is over"
        else:
            assert [each.granted for each in voted] == [True], "there are no leases to wait for"
