"""Graded suite of the lab ``raftkv``, the store on Raft: what survives, and what clients hear."""

from collections.abc import Callable
from typing import Any

from common.check.models import KEY_VALUE
from common.contract.events import NodeId
from common.contract.sizes import wire_size
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import (
    STEADY,
    Wire,
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
from common.sim.network import LinkModel
from common.sim.simulation import Simulation
from common.sim.workload import Workload
from common.values.faults import Block, Heal
from common.values.history import Failed, Ok, Unknown
from common.values.units import MS, SECOND
from stage4_consensus.raft.checks_outside import Server, elect, log_grows, others, server_of
from stage4_consensus.raft.messages import AppendEntries
from tests.stage5_fault_tolerance.raftkv.cluster import CLIENTS, cluster
from tests.stage5_fault_tolerance.raftkv.lab import RaftkvLab

LAB = "raftkv"
ASK_AGAIN_AFTER, HEARTBEAT_EVERY = 100 * MS, 50 * MS
"""What clients and servers do unless told otherwise."""


@graded(
    points=3,
    title="It works when nothing fails",
    requirement="the page, *The commands*, through the cluster",
)
def test_each_command_is_answered_by_a_cluster(lab: RaftkvLab) -> None:
    simulation = cluster(lab, seed=1)
    told = {
        lab.Put("a", "1"): 1,
        lab.Append("a", "2"): 2,
        lab.CompareAndSet("a", "12", "3"): True,
        lab.CompareAndSet("a", "12", "4"): False,
        lab.Get("a"): "3",
        lab.Delete("b"): False,
        lab.Range(""): lab.RangeResult((lab.Item("a", "3", 1, 3, 3),), 1, 3),
        lab.Transaction(
            (lab.Compare("b", "version", "=", 0),), (lab.Put("b", "5"), lab.Delete("a"))
        ): lab.TransactionResult(True, (4, True), 4),
        lab.Get("b"): "5",
    }
    for operation, value in told.items():
        assert ask_ok(simulation, "c1", operation) == value, f"{operation}"


@graded(
    points=4,
    title="Power failure everywhere",
    requirement="issue: what was acknowledged is there after a crash of all servers at once",
)
def test_what_was_acknowledged_is_there_after_all_servers_crash_at_once(
    lab: RaftkvLab, sweep: Sweep
) -> None:
    for seed in sweep(8):
        simulation = cluster(lab, seed, config={"snapshot_every": 3 + seed % 5})
        for number in range(15):
            key = "abc"[number % 3]
            steps = (lab.Append(key, f"{number};"), lab.Put(f"last {key}", f"{number}"))
            ask_ok(simulation, CLIENTS[number % 3], lab.Transaction((), steps))
            if number % 5 == seed % 5:
                restart_all(simulation)
        before: Any = ask_ok(simulation, "c1", lab.Range(""))
        restart_all(simulation)
        after: Any = ask_ok(simulation, "c2", lab.Range(""))
        assert after == before, "values and their revisions"
        assert {item.key: item.value for item in after.items} == {
            "a": "0;3;6;9;12;", "b": "1;4;7;10;13;", "c": "2;5;8;11;14;",
            "last a": "12", "last b": "13", "last c": "14",
        }  # fmt: skip
        assert after.revision == 15


@graded(
    points=3,
    title="Exactly once when a leader crashes",
    requirement="Raft, section 8: a command that is asked for again is not carried out again",
)
def test_an_append_whose_leader_is_killed_is_there_once(lab: RaftkvLab, sweep: Sweep) -> None:
    for seed in sweep(10):
        simulation = cluster(lab, seed)
        leader = elect(simulation)
        asked = simulation.call("c1", lab.Append("x", "once;"))
        run_until(simulation, log_grows(leader))
        simulation.run(simulation.now + (seed % 5) * MS)
        crash(simulation, leader.id)
        wait_for(simulation, asked, 5 * SECOND)
        assert isinstance(asked.outcome, Ok)
        restart(simulation, leader.id)
        assert ask_ok(simulation, "c2", lab.Get("x")) == "once;"


@graded(
    points=4,
    title="Exactly once over compaction",
    requirement="Raft, sections 7 and 8: the table of sessions is part of each snapshot",
)
def test_a_repeated_append_is_known_by_a_server_that_has_only_a_snapshot(
    lab: RaftkvLab, sweep: Sweep
) -> None:
    for seed in sweep(8):
        simulation = cluster(lab, seed, config={"snapshot_every": 2})
        leader = elect(simulation)
        first = simulation.call("c1", lab.Append("x", "once;"))
        while_answers_are_lost(simulation, leader)
        for number in range(6):
            ask_ok(simulation, "c2", lab.Put("y", f"{number}"))
        restart_all(simulation)
        assert all(server.snapshot_index > 0 for server in others(simulation))
        wait_for(simulation, first, 10 * SECOND)
        assert isinstance(first.outcome, Ok)
        assert ask_ok(simulation, "c2", lab.Get("x")) == "once;"


def has_all_of(server: Server, leader: Server) -> Callable[[], bool]:
    """Whether a server's log is as long as the leader's."""
    return lambda: server.last_index == leader.last_index


def while_answers_are_lost(simulation: Simulation, leader: Server) -> None:
    """Let the client's request be committed, and the client hear nothing of it."""
    for server in simulation.members:
        simulation.inject(Block(simulation.now, server, "c1"))
    before = leader.commit_index
    run_until(simulation, lambda: leader.commit_index > before)
    for server in simulation.members:
        simulation.inject(Block(simulation.now, "c1", server))
    simulation.later(simulation.now + 500 * MS, lambda: simulation.inject(Heal(simulation.now)))


@graded(
    points=3,
    title="A server that was away gets the store itself",
    requirement="Raft, section 7: what its entries were is compacted away, so it gets a snapshot, "
    "with revisions and sessions",
)
def test_a_server_that_was_away_holds_the_same_store_afterwards(
    lab: RaftkvLab, sweep: Sweep
) -> None:
    for seed in sweep(8):
        simulation = cluster(lab, seed)
        leader = elect(simulation)
        away, stays = (server.id for server in others(simulation, leader.id))
        crash(simulation, away)
        for number in range(20):
            change = lab.Delete("k5") if number == 19 else lab.Put(f"k{number % 7}", f"{number}")
            ask_ok(simulation, CLIENTS[number % 3], change)
        assert leader.snapshot_index > 0
        restart(simulation, away)
        back = server_of(simulation, away)
        run_until(simulation, has_all_of(back, leader))
        assert back.snapshot_index > 0, "it had nothing, so only a snapshot can have helped"
        before: Any = ask_ok(simulation, "c1", lab.Range(""))
        crash(simulation, stays)
        told: Any = ask_ok(simulation, "c1", lab.Range("k", "l", 2))
        assert (told.count, told.revision) == (6, 20), "the store goes on with its help"
        restart(simulation, stays)
        crash(simulation, leader.id)
        assert ask_ok(simulation, "c2", lab.Range("")) == before


@graded(
    points=3,
    title="The whole cluster crashes while clients append",
    requirement="issue: after any sequence of kills, of all servers at once too",
)
def test_appends_are_there_once_and_in_order_though_everything_crashes(
    lab: RaftkvLab, sweep: Sweep
) -> None:
    def choose(random: Any, client: NodeId, number: int) -> object:
        return lab.Append(f"of {client}", f"{number};")

    for seed in sweep(8):
        simulation = cluster(lab, seed)
        workload = Workload(simulation, choose, count=20, patience=20 * SECOND)
        for _ in range(3):
            simulation.run(simulation.now + 400 * MS + seed % 1000 * 777)
            restart_all(simulation)
        must_end(simulation, workload, limit=20 * SECOND)
        assert all(isinstance(each.outcome, Ok) for each in simulation.history)
        for client in CLIENTS:
            text = ask_ok(simulation, "c1", lab.Get(f"of {client}"))
            assert text == "".join(f"{number};" for number in range(20))
        must_be_linearizable(simulation.history, KEY_VALUE)


@graded(
    points=2,
    title="Failed means that it did not happen",
    requirement="the page, *What a client is told*: what the store refuses has failed",
)
def test_what_the_store_refuses_has_failed_and_changed_nothing(lab: RaftkvLab) -> None:
    simulation = cluster(lab, seed=1)
    ask_ok(simulation, "c1", lab.Put("a", "1"))
    wrong = lab.Compare("a", "version", "=", "one")
    too_long, reasons = "x" * (lab.MAX_VALUE + 1), set()
    for operation in (
        lab.Transaction((wrong,), (lab.Put("a", "2"),)),
        lab.Transaction((), (lab.Put("a", "2"), lab.Put("b", too_long))),
        lab.Put("a", too_long),
        lab.Range("", None, -1),
    ):
        asked = ask(simulation, "c1", operation)
        assert isinstance(asked.outcome, Failed), f"{type(operation).__name__}: {asked.outcome}"
        assert asked.outcome.reason
        reasons.add(asked.outcome.reason)
    assert len(reasons) > 1, "each is told what the store said of it"
    assert ask_ok(simulation, "c1", lab.Get("a")) == "1"
    assert ask_ok(simulation, "c1", lab.Put("a", "3")) == 2
    leader = elect(simulation)
    before = leader.last_index
    assert isinstance(ask(simulation, "c1", lab.Put("a", "x" * lab.MAX_COMMAND)).outcome, Failed)
    assert leader.last_index == before, "what is too large must not be in the log"
    for more, kind in ((1, Failed), (0, Ok)):
        room = lab.MAX_COMMAND - wire_size(two_puts(lab, 20_000)) + 20_000
        large = two_puts(lab, room + more)
        assert wire_size(large) == lab.MAX_COMMAND + more
        assert isinstance(ask(simulation, "c1", large).outcome, kind), "the bound itself is taken"


def two_puts(lab: RaftkvLab, length: int) -> Any:
    """A transaction that puts a long value, and another one of this length."""
    return lab.Transaction((), (lab.Put("a", "x" * 20_000), lab.Put("b", "x" * length)))


@graded(
    points=2,
    title="Unknown means that nobody can tell",
    requirement="the page, *What a client is told*: without an answer, a question has failed and "
    "the end of a change is unknown",
)
def test_without_servers_a_change_is_unknown_and_a_question_has_failed(lab: RaftkvLab) -> None:
    simulation = cluster(lab, seed=1)
    elect(simulation)
    crash(simulation, *names(3))
    changes = (
        lab.Put("a", "1"), lab.Append("a", "1"), lab.Delete("a"), lab.CompareAndSet("a", None, "1"),
        lab.Transaction((), (lab.Put("a", "1"),)),
    )  # fmt: skip
    for change in changes:
        assert isinstance(ask(simulation, "c1", change, within=10 * SECOND).outcome, Unknown)
    for question in (lab.Get("a"), lab.Range("")):
        assert isinstance(ask(simulation, "c1", question, within=10 * SECOND).outcome, Failed)


@graded(
    points=2,
    title="Redirected, not kept waiting",
    requirement="Raft, section 8: a server that does not lead names the leader",
)
def test_a_client_is_sent_on_to_the_leader_at_once(lab: RaftkvLab, sweep: Sweep) -> None:
    for seed in sweep(4):
        wire = Wire()
        link = LinkModel(latency=(2 * MS, 2 * MS))
        simulation = cluster(lab, seed, link=link, observers=[wire])
        if elect(simulation).id == "n1":  # which a client asks first
            crash(simulation, "n1")
            simulation.run(simulation.now + 100 * MS)
            elect(simulation)
            restart(simulation, "n1")
        simulation.run(simulation.now + 200 * MS)
        leader = elect(simulation).id
        assert leader != "n1"
        for asks in (["n1", leader], [leader]):
            wire.forget()
            asked = ask(simulation, "c1", lab.Get("x"))
            assert isinstance(asked.outcome, Ok)
            assert (asked.returned_at or 0) - asked.invoked_at < ASK_AGAIN_AFTER
            assert [each.to for each in wire.sent_messages if each.sender == "c1"] == asks, (
                "and then it knows whom to ask"
            )


@graded(
    points=3,
    title="A change costs two messages to each follower, a question none in the log",
    requirement="the page, *Costs*: the entry, and with it or after it how far it is committed; "
    "questions share rounds of heartbeats",
)
def test_no_more_is_sent_or_written_than_the_commands_need(lab: RaftkvLab) -> None:
    wire = Wire()
    config = {"snapshot_every": 0}
    simulation = cluster(lab, 1, link=STEADY, config=config, observers=[wire])
    leader = elect(simulation)
    ask_ok(simulation, "c1", lab.Put("warm", "up"))
    start, index = simulation.now, leader.last_index
    wire.forget()
    for number in range(20):
        ask_ok(simulation, "c1", lab.Append("x", f"{number};"))
    heartbeats = 2 * ((simulation.now - start) // HEARTBEAT_EVERY + 1)
    assert leader.last_index == index + 20
    assert sum(len(each.entries) for each in wire.of(AppendEntries)) == 40, (
        "each entry goes to each of two followers once"
    )
    assert len(wire.of(AppendEntries)) <= 2 * 40 + heartbeats
    start, index = simulation.now, leader.last_index
    wire.forget()
    for _ in range(20):
        ask_ok(simulation, "c1", lab.Get("x"))
        ask_ok(simulation, "c1", lab.Range(""))
    heartbeats = 2 * ((simulation.now - start) // HEARTBEAT_EVERY + 1)
    assert leader.last_index == index, "a question needs no entry"
    assert len(wire.of(AppendEntries)) <= 2 * 40 + heartbeats
