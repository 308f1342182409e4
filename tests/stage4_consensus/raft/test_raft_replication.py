"""Graded suite of the lab ``raft``, part 2: replication and commitment (sections 5.3, 5.4)."""

from common.contract.effects import Send
from common.contract.sizes import wire_size
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import (
    STEADY,
    Wire,
    ask_ok,
    must_end,
    names,
)
from common.values.units import MS, SECOND
from stage4_consensus.raft.checks_outside import elect
from tests.stage4_consensus.raft.cluster import (
    cluster,
    entries_sent,
    work,
)
from tests.stage4_consensus.raft.lab import RaftLab
from tests.stage4_consensus.raft.one_server import OneServer, find, only

LAB = "raft"


@graded(
    points=2,
    title="No entries from the past",
    requirement="Figure 2, AppendEntries 1: reply false if term < currentTerm",
)
def test_entries_of_a_deposed_leader_are_refused(lab: RaftLab) -> None:
    one = OneServer(lab)
    one.append(3, (0, 0), [1, 3])
    reply = one.append(2, (2, 3), [2])
    assert (reply.success, reply.term) == (False, 3)
    assert one.terms() == [1, 3]


@graded(
    points=3,
    title="The entry before must match",
    requirement="Figure 2, AppendEntries 2: reply false if log doesn't contain an entry at "
    "prevLogIndex whose term matches prevLogTerm",
)
def test_entries_are_taken_only_after_the_entry_that_the_leader_has_before_them(
    lab: RaftLab,
) -> None:
    one = OneServer(lab)
    assert one.append(3, (0, 0), [1, 2]).success
    assert not one.append(3, (3, 2), [3]).success, "there is no entry 3"
    assert not one.append(3, (2, 3), [3]).success, "entry 2 has another term"
    assert one.terms() == [1, 2]
    assert one.append(3, (2, 2), [3, 3]).success
    assert one.terms() == [1, 2, 3, 3]


@graded(
    points=3,
    title="What conflicts goes, with all that follows",
    requirement="Figure 2, AppendEntries 3: if an existing entry conflicts with a new one (same "
    "index but different terms), delete the existing entry and all that follow it",
)
def test_conflicting_entries_are_replaced_by_those_of_the_leader(lab: RaftLab) -> None:
    one = OneServer(lab)
    one.append(2, (0, 0), [1, 2, 2, 2])
    assert one.append(3, (1, 1), [3]).success
    assert one.terms() == [1, 3]
    assert ("log", 3) not in one.disk
    assert ("log", 4) not in one.disk
    one.start()
    assert one.server.status()["last"] == 2, "what was deleted must not come back"


@graded(
    points=3,
    title="A late message takes nothing away",
    requirement="Figure 2, AppendEntries 3 and 4: only a conflict deletes; append any new entries "
    "not already in the log",
)
def test_a_delayed_message_does_not_shorten_the_log(lab: RaftLab) -> None:
    one = OneServer(lab)
    one.append(2, (0, 0), [1, 2])
    one.append(2, (2, 2), [2, 2])
    before = one.entries()
    assert one.append(2, (0, 0), [1, 2]).match_index == 2
    assert one.append(2, (1, 1), []).success
    assert one.entries() == before, "the follower has told that it stores four entries"


@graded(
    points=3,
    title="As far as the leader knows, and as the log is known",
    requirement="Figure 2, AppendEntries 5: if leaderCommit > commitIndex, set commitIndex = "
    "min(leaderCommit, index of last new entry)",
)
def test_a_follower_commits_no_further_than_the_last_new_entry(lab: RaftLab) -> None:
    one = OneServer(lab)
    one.append(2, (0, 0), [1, 1, 2, 2])
    one.append(3, (2, 1), [], commit=4)
    assert one.server.status()["commit"] == 2, "entries 3 and 4 may not be the leader's"
    one.append(3, (2, 1), [3], commit=9)
    assert one.server.status()["commit"] == 3
    one.append(3, (3, 3), [3], commit=2)
    assert one.server.status()["commit"] == 3, "a commit index only grows"


@graded(
    points=2,
    title="Applied in order, once",
    requirement="Figure 2, all servers: if commitIndex > lastApplied: increment lastApplied, apply "
    "log[lastApplied] to state machine",
)
def test_committed_entries_are_applied_in_order_and_others_are_not(lab: RaftLab) -> None:
    one = OneServer(lab)
    one.append(1, (0, 0), [1, 1, 1], commit=2)
    assert one.held() == "1.1;1.2;"
    one.append(1, (0, 0), [1, 1, 1], commit=2)
    assert one.held() == "1.1;1.2;"
    one.append(1, (3, 1), [1], commit=4)
    assert one.held() == "1.1;1.2;1.3;1.4;"


@graded(
    points=3,
    title="Answered when it is applied",
    requirement="Figure 2, leaders: if command received from client: append entry to local log, "
    "respond after entry applied to state machine",
)
def test_a_client_is_answered_after_a_majority_stores_its_command(lab: RaftLab) -> None:
    one = OneServer(lab, names(5))
    one.be_candidate()
    one.receive("n3", lab.RequestPreVoteReply(0, 1, True))
    one.receive("n2", lab.RequestVoteReply(1, True))
    sent = one.receive("n3", lab.RequestVoteReply(1, True))
    sent += one.command("a")
    assert len(one.entries()) == 2, "the no-op, and the command"
    answers = one.accept("n2", one.accept("n2", sent))
    assert not find(sent + answers, lab.Answer), "two of five are no majority"
    answers = one.accept("n3", one.accept("n3", sent))
    assert only(answers, lab.Answer) == lab.Answer(1, None)
    assert [each.to for each in answers if isinstance(each.message, lab.Answer)] == ["c1"]
    assert not find(answers, lab.AppendEntries, "n4"), "to commit takes no round of heartbeats"
    assert one.held() == "a"


@graded(
    points=2,
    title="Who does not lead says who does",
    requirement="section 8: the server rejects the request and supplies the most recent leader",
)
def test_a_follower_names_the_leader_and_takes_no_command(lab: RaftLab) -> None:
    one = OneServer(lab)
    assert only(one.command("a"), lab.NotLeader) == lab.NotLeader(1, None)
    one.append(1, (0, 0), [])
    assert only(one.command("a"), lab.NotLeader) == lab.NotLeader(1, "n2")
    assert one.entries() == []


@graded(
    points=3,
    title="A no-op first",
    requirement="section 8: each leader commits a blank no-op entry at the start of its term",
)
def test_a_new_leader_commits_what_earlier_terms_left_by_a_no_op(
    lab: RaftLab, sweep: Sweep
) -> None:
    one = OneServer(lab)
    one.append(1, (0, 0), [1])
    sent = one.be_leader()
    assert one.entries()[1] == (2, lab.NoOp())
    one.accept("n2", sent)
    assert one.server.status()["commit"] == 2, "and nobody had to ask for anything"


@graded(
    points=4,
    title="Figure 8",
    requirement="section 5.4.2: only log entries from the leader's current term are committed by "
    "counting replicas",
)
def test_a_majority_that_stores_an_entry_of_an_old_term_does_not_commit_it(lab: RaftLab) -> None:
    one = OneServer(lab)
    one.append(2, (0, 0), [1, 2])
    sent = one.be_leader()
    term = one.disk["term"]
    assert term == 3
    previous = find(sent, lab.AppendEntries, "n2")[0].prev_log_index
    assert previous == 2
    one.receive("n2", lab.AppendEntriesReply(3, 0, True, 2, 2))
    assert one.server.status()["commit"] == 0, "(c) of Figure 8: entry 2 may still be overwritten"
    one.receive("n2", lab.AppendEntriesReply(3, 0, True, 2, 3))
    assert one.server.status()["commit"] == 3, "(e): with an entry of its own term, all before it"


@graded(
    points=4,
    title="The logs of Figure 7",
    requirement="section 5.3: the leader forces the followers' logs to duplicate its own",
)
def test_a_follower_with_any_log_of_figure_7_is_brought_to_the_leaders(lab: RaftLab) -> None:
    leader_log = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6]
    followers = {
        "a": [1, 1, 1, 4, 4, 5, 5, 6, 6],
        "b": [1, 1, 1, 4],
        "c": [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
        "d": [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
        "e": [1, 1, 1, 4, 4, 4, 4],
        "f": [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
    }
    for name, log in followers.items():
        leader = OneServer(lab)
        leader.append(7, (0, 0), leader_log)
        follower = OneServer(lab, ("n2", "n1", "n3"))
        follower.members = ("n1", "n2", "n3")
        follower.append(7, (0, 0), log)
        rounds = converse(lab, leader, follower)
        assert follower.entries() == leader.entries(), f"follower ({name}) of Figure 7"
        assert rounds <= 4, f"({name}) took {rounds} rounds: a whole term can be skipped at once"


def converse(lab: RaftLab, leader: OneServer, follower: OneServer) -> int:
    """Carry messages between the new leader and one follower until none is left."""
    sent: list[Send] = leader.be_leader()
    for rounds in range(100):
        asked = find(sent, lab.AppendEntries, "n2")
        if not asked:
            return rounds
        replies = [only(follower.receive("n1", each), lab.AppendEntriesReply) for each in asked]
        sent = [answer for reply in replies for answer in leader.receive("n2", reply)]
    raise AssertionError("after 100 rounds they still do not agree")


@graded(
    points=3,
    title="Durable before it is acknowledged",
    requirement="Figure 2: log[] is updated on stable storage before responding to RPCs",
)
def test_what_a_follower_has_acknowledged_it_has_after_a_crash(lab: RaftLab) -> None:
    one = OneServer(lab)
    assert one.append(2, (0, 0), [1, 2, 2]).match_index == 3
    one.start()
    assert one.server.status()["last"] == 3
    assert one.append(2, (3, 2), [2]).success
    assert one.disk["term"] == 2


@graded(
    points=2,
    title="Back to where the logs may agree",
    requirement="section 5.3: one AppendEntries for each term with conflicting entries; where the "
    "leader has entries of that term, they may agree",
)
def test_a_leader_skips_a_whole_term_and_no_more(lab: RaftLab) -> None:
    for conflict, first, before in ((1, 1, 3), (2, 2, 1), (0, 2, 1)):
        one = OneServer(lab)
        one.append(3, (0, 0), [1, 1, 1, 3, 3])
        term = find(one.be_leader(), lab.AppendEntries)[0].term
        refused = lab.AppendEntriesReply(term, 0, False, 5, 0, conflict, first)
        (again,) = find(one.receive("n2", refused), lab.AppendEntries, "n2")
        assert again.prev_log_index == before, f"n2 has term {conflict} from {first} on"


@graded(
    points=2,
    title="An old answer moves nothing back",
    requirement="section 5.3: answers may be late; matchIndex increases monotonically (Figure 2)",
)
def test_late_answers_neither_move_the_leader_back_nor_make_it_repeat(lab: RaftLab) -> None:
    one = OneServer(lab)
    sent = one.be_leader()
    one.accept("n2", sent)
    sent = one.command("a") + one.command("b", 1, "c2")
    one.accept("n2", sent)
    refusal = lab.AppendEntriesReply(1, 0, False, 0, 0, 0, 1)
    assert not one.receive("n2", refusal), "what was refused long ago is known to match by now"
    refusal = lab.AppendEntriesReply(1, 0, False, 3, 0, 0, 3)
    assert not one.receive("n2", refusal), "the last entry is known to match as well"
    assert not one.receive("n2", lab.AppendEntriesReply(1, 0, True, 0, 1))
    assert [len(each.entries) for each in find(one.command("c", 1, "c3"), lab.AppendEntries)] == [1]
    other_term = OneServer(lab)
    other_term.be_leader()
    other_term.receive("n3", lab.RequestVote(2, 9, 9, True))
    other_term.quiet()
    other_term.be_leader()
    other_term.receive("n2", lab.AppendEntriesReply(1, 0, True, 0, 2))
    assert other_term.server.status()["commit"] == 0, "an answer of term 1 says nothing in term 3"
    five = OneServer(lab, names(5), pre_vote=False, max_in_flight=100)
    five.fire(lab.ElectionTimeout)
    for voter in ("n2", "n3"):
        five.receive(voter, lab.RequestVoteReply(1, True))
    five.command("a")
    for follower, last in (("n2", 2), ("n2", 1), ("n3", 2)):
        five.receive(follower, lab.AppendEntriesReply(1, 0, True, 0, last))
    assert five.server.status()["commit"] == 2, "n2 stores 2, although an older answer came later"


@graded(
    points=3,
    title="Idle means idle",
    requirement="section 5.2: leaders send periodic heartbeats; message budget",
)
def test_an_idle_leader_sends_its_heartbeats_and_nothing_else(lab: RaftLab, sweep: Sweep) -> None:
    for seed in sweep(3):
        wire = Wire()
        simulation = cluster(lab, seed, count=5, observers=[wire])
        elect(simulation)
        ask_ok(simulation, "c1", lab.Put("x", "1"))
        simulation.run(simulation.now + 200 * MS)
        wire.forget()
        simulation.run(simulation.now + SECOND)
        heartbeats = len(wire.of(lab.AppendEntries))
        assert heartbeats <= 4 * (SECOND // (50 * MS) + 1), f"{heartbeats} to four followers in 1 s"
        assert heartbeats >= 4 * (SECOND // (150 * MS)), "a follower may be about to time out"
        assert not entries_sent(lab, wire)
        replies = len(wire.of(lab.AppendEntriesReply))
        assert len(wire.between(names(5))) == replies + heartbeats


@graded(
    points=3,
    title="Each entry once",
    requirement="message and byte budget: an entry crosses each link once when nothing fails",
)
def test_an_entry_crosses_each_link_once_when_nothing_fails(lab: RaftLab, sweep: Sweep) -> None:
    for seed in sweep(3):
        wire = Wire()
        simulation = cluster(lab, seed, 5, link=STEADY, observers=[wire])
        leader = elect(simulation)
        simulation.run(simulation.now + 100 * MS)
        wire.forget()
        first = leader.last_index
        workload = work(lab, simulation, think=(0, 3 * MS))
        must_end(simulation, workload, limit=10 * SECOND)
        simulation.run(simulation.now + 100 * MS)
        new = leader.last_index - first
        assert new >= 40
        assert entries_sent(lab, wire) == 4 * new, f"{new} entries to four followers"
        size = sum(wire_size(each.message) for each in wire.between(names(5)))
        assert size <= 4 * 800 * new, "more bytes than entries, answers and heartbeats"


@graded(
    points=3,
    title="Many under way at once",
    requirement="thesis 10.2.1: the leader pipelines AppendEntries, and batches what waits",
)
def test_entries_are_pipelined_and_batched_not_sent_one_at_a_time(lab: RaftLab) -> None:
    one = OneServer(lab, max_in_flight=4)
    one.accept("n2", one.be_leader())
    sent = [each for number in range(1, 21) for each in one.command("a", 1, f"c{number}")]
    to_n2 = find(sent, lab.AppendEntries, "n2")
    assert [len(each.entries) for each in to_n2] == [1, 1, 1, 1], "four may be under way"
    again = one.accept("n2", [each for each in sent if each.message is to_n2[0]])
    assert [len(each.entries) for each in find(again, lab.AppendEntries, "n2")] == [16], (
        "all that waited goes out in one message"
    )
    more = one.command("b", 1, "c21")
    assert not find(more, lab.AppendEntries, "n2"), "three of the first and that one are under way"
    late = OneServer(lab, max_in_flight=3, max_entries=2)
    probe = late.be_leader()
    for number in range(1, 11):
        late.command("a", 1, f"c{number}")
    backlog = find(late.accept("n2", probe), lab.AppendEntries, "n2")
    assert [len(each.entries) for each in backlog] == [2, 2, 2], "three at once, of two at most"


@graded(
    points=3,
    title="A lost message is made up for",
    requirement="section 5.3: if followers crash or packets are lost, the leader retries",
)
def test_a_gap_is_found_by_the_next_heartbeat_and_filled(lab: RaftLab) -> None:
    leader = OneServer(lab)
    leader.accept("n2", leader.be_leader())
    for number in range(1, 4):
        leader.command("a", number)
    sent = leader.fire(lab.HeartbeatDue)
    asked = find(sent, lab.AppendEntries, "n2")[0]
    assert asked.prev_log_index == 4, "it asks for the last entry that was sent"
    refusal = lab.AppendEntriesReply(1, asked.round, False, asked.prev_log_index, 0, 0, 2)
    again = only(leader.receive("n2", refusal), lab.AppendEntries)
    assert (again.prev_log_index, len(again.entries)) == (1, 3)
    assert not leader.receive("n2", refusal), "a second copy of the refusal causes no second copy"
    behind = OneServer(lab)
    behind.accept("n2", behind.be_leader())
    for number in range(1, 4):
        behind.command("a", number)
    refusal = lab.AppendEntriesReply(1, 0, False, 2, 0, 0, 2)
    again = only(behind.receive("n2", refusal), lab.AppendEntries)
    assert (again.prev_log_index, len(again.entries)) == (1, 3), "the first one is lost"
