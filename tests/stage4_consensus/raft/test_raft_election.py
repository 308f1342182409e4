"""Graded suite of the lab ``raft``, part 1: election (5.1, 5.2, 5.4.1; thesis 6.2, 9.6)."""

from typing import Any

from common.course.suites.grading import graded
from common.values.faults import Block, Heal, Partition
from common.values.history import Unknown
from common.values.units import MS, SECOND
from tests.stage4_consensus.raft.cluster import (
    cluster,
    crash,
    elect,
    leaders,
    must_be_ok,
    names,
    others,
    restart,
    server_of,
    trouble,
)
from tests.stage4_consensus.raft.one_server import OneServer, find, only

LAB = "raft"


@graded(
    points=2,
    title="A newer term makes a follower",
    requirement="Figure 2, all servers: if RPC request or response contains term T > currentTerm: "
    "set currentTerm = T, convert to follower",
)
def test_a_server_that_sees_a_newer_term_adopts_it_and_follows(lab: Any) -> None:
    newer = [
        lab.RequestVote(7, 9, 9, True),
        lab.RequestVoteReply(7, False),
        lab.AppendEntries(7, 0, 0, (), 0, 0),
        lab.AppendEntriesReply(7, 0, False, 0),
        lab.RequestPreVoteReply(7, 2, False),
    ]
    for message in newer:
        one = OneServer(lab)
        one.be_leader()
        one.receive("n3", message)
        assert one.server.status()["role"] == "follower", f"it did not give way to {message}"
        assert one.disk["term"] == 7, f"{message} did not bring the term forward durably"


@graded(
    points=2,
    title="No vote for the past",
    requirement="Figure 2, RequestVote 1: reply false if term < currentTerm",
)
def test_a_candidate_of_an_older_term_gets_no_vote_and_learns_the_term(lab: Any) -> None:
    one = OneServer(lab)
    one.append(5, (0, 0), [])
    one.quiet()
    reply = one.ask_vote("n3", term=4)
    assert (reply.term, reply.granted) == (5, False)


@graded(
    points=3,
    title="One vote in a term",
    requirement="Figure 2, RequestVote 2: if votedFor is null or candidateId",
)
def test_a_server_votes_for_one_candidate_in_a_term_and_again_for_the_same(lab: Any) -> None:
    one = OneServer(lab)
    assert one.ask_vote("n2", term=1).granted, "the first candidate asks with as good a log"
    assert not one.ask_vote("n3", term=1).granted, "two votes in term 1"
    assert one.ask_vote("n2", term=1).granted, "the answer to n2 may have been lost"
    assert one.ask_vote("n3", term=2).granted, "a new term has a new vote"


@graded(
    points=3,
    title="A vote survives a crash",
    requirement="Figure 2: currentTerm and votedFor are persistent, updated before responding",
)
def test_a_server_that_restarts_remembers_its_term_and_its_vote(lab: Any) -> None:
    one = OneServer(lab)
    assert one.ask_vote("n2", term=3).granted
    one.start()
    one.quiet()
    assert not one.ask_vote("n3", term=3).granted, "the vote of term 3 was given to n2"
    assert not one.ask_vote("n3", term=2).granted, "term 2 is over"
    candidate = OneServer(lab, pre_vote=False)
    candidate.fire(lab.ElectionTimeout)
    candidate.start()
    candidate.quiet()
    assert not candidate.ask_vote("n3", term=1).granted, "a candidate has voted for itself"


@graded(
    points=3,
    title="Only for an up-to-date log",
    requirement="section 5.4.1: the later last term is more up-to-date; with the same, the longer",
)
def test_a_vote_needs_a_log_that_is_at_least_as_up_to_date(lab: Any) -> None:
    cases = {(1, 4): True, (9, 2): False, (2, 3): False, (3, 3): True, (4, 3): True, (0, 0): False}
    for last, granted in cases.items():
        one = OneServer(lab)
        one.append(3, (0, 0), [1, 1, 3])
        one.quiet()
        reply = one.ask_vote("n3", term=4, last=last)
        index, term = last
        assert reply.granted is granted, f"own log: 3 of term 3; candidate's: {index} of {term}"


@graded(
    points=3,
    title="Silence starts an election, and nothing else keeps it off",
    requirement="Figure 2, followers: if election timeout elapses without receiving AppendEntries "
    "from current leader or granting vote to candidate: convert to candidate",
)
def test_only_the_current_leader_and_a_granted_vote_put_off_the_election(lab: Any) -> None:
    def puts_off(one: OneServer, sender: str, message: object) -> bool:
        before = one.timer(lab.ElectionTimeout).id
        one.receive(sender, message)
        return one.timer(lab.ElectionTimeout).id != before

    one = OneServer(lab)
    assert puts_off(one, "n2", lab.AppendEntries(2, 0, 0, (), 0, 0)), "n2 leads term 2"
    assert puts_off(one, "n2", lab.AppendEntries(2, 5, 2, (), 0, 0)), "it leads with any log"
    assert not puts_off(one, "n3", lab.AppendEntries(1, 0, 0, (), 0, 0)), "n3 led a term long ago"
    one.quiet()
    assert not puts_off(one, "n3", lab.RequestPreVote(3, 0, 0)), "nothing was promised"
    assert puts_off(one, "n3", lab.RequestVote(3, 0, 0)), "the vote was granted"
    assert not puts_off(one, "n2", lab.RequestVote(3, 0, 0)), "no vote was left"
    assert not puts_off(one, "n2", lab.RequestVoteReply(3, False)), "a word of no candidate's"
    assert not puts_off(one, "c1", lab.CommandRequest(1, lab.Put("x", "1"))), "clients are no news"


@graded(
    points=3,
    title="How an election begins",
    requirement="Figure 2, candidates: increment currentTerm, vote for self, reset election timer, "
    "send RequestVote RPCs to all other servers",
)
def test_a_candidate_votes_for_itself_in_a_new_term_and_asks_all_others(lab: Any) -> None:
    one = OneServer(lab, pre_vote=False)
    one.append(3, (0, 0), [1, 3])
    sent = one.fire(lab.ElectionTimeout)
    assert (one.disk["term"], one.disk["vote"]) == (4, "n1")
    assert sorted(each.to for each in sent) == ["n2", "n3"]
    assert find(sent, lab.RequestVote) == [lab.RequestVote(4, 2, 3)] * 2
    again = one.fire(lab.ElectionTimeout)
    assert [each.term for each in find(again, lab.RequestVote)] == [5, 5], (
        "if election timeout elapses: start new election"
    )


@graded(
    points=3,
    title="A majority leads",
    requirement="Figure 2, candidates: if votes received from majority of servers: become leader; "
    "leaders: upon election send AppendEntries to each server",
)
def test_a_candidate_leads_with_a_majority_of_votes_of_its_own_term(lab: Any) -> None:
    one = OneServer(lab, names(5), pre_vote=False)
    one.fire(lab.ElectionTimeout)
    one.fire(lab.ElectionTimeout)
    yes = lab.RequestVoteReply(2, True)
    one.receive("n2", lab.RequestVoteReply(1, True))
    one.receive("n3", lab.RequestVoteReply(2, False))
    one.receive("n4", yes)
    assert not one.receive("n4", yes), "one server's vote counts once"
    assert one.server.status()["role"] == "candidate", "two of five are no majority"
    sent = one.receive("n5", yes)
    assert one.server.status()["role"] == "leader"
    assert sorted({each.to for each in sent}) == ["n2", "n3", "n4", "n5"]
    assert len(find(sent, lab.AppendEntries)) == 4


@graded(
    points=2,
    title="A candidate gives up",
    requirement="Figure 2, candidates: if AppendEntries RPC received from new leader: convert to "
    "follower",
)
def test_a_candidate_follows_a_leader_of_its_own_term_but_not_of_an_older_one(lab: Any) -> None:
    one = OneServer(lab, pre_vote=False)
    one.fire(lab.ElectionTimeout)
    one.fire(lab.ElectionTimeout)
    assert not one.append(1, (0, 0), []).success
    assert one.server.status()["role"] == "candidate"
    assert one.append(2, (0, 0), []).success
    assert one.server.status()["role"] == "follower"
    assert not one.receive("n3", lab.RequestVoteReply(2, True)), "the election is over"


@graded(
    points=2,
    title="Timeouts are drawn at random",
    requirement="section 5.2: election timeouts are chosen randomly from a fixed interval",
)
def test_election_timeouts_differ_within_their_interval(lab: Any) -> None:
    one = OneServer(lab, election_timeout=(150 * MS, 300 * MS))
    drawn = []
    for _ in range(40):
        one.append(1, (0, 0), [])
        drawn.append(one.timer(lab.ElectionTimeout).after)
    assert all(150 * MS <= after <= 300 * MS for after in drawn)
    assert len(set(drawn)) > 20
    assert max(drawn) - min(drawn) > 75 * MS, "all in one half of the interval"


@graded(
    points=3,
    title="Elected, and again",
    requirement="section 5.2: Raft elects a leader, and a new one when it crashes",
)
def test_a_leader_is_elected_and_another_one_after_each_crash(lab: Any, sweep: Any) -> None:
    for seed in sweep(8):
        simulation = cluster(lab, seed, count=5)
        for _ in range(2):
            leader = elect(simulation).id
            crash(simulation, leader)
            simulation.run(simulation.now + 20 * MS)
        elect(simulation)
        simulation.run(simulation.now + SECOND)
        assert len(leaders(simulation)) == 1
        crash(simulation, leaders(simulation)[0].id)
        simulation.run(simulation.now + SECOND)
        assert not leaders(simulation), "two of five cannot elect anybody"
        restart(simulation, *names(5))
        elect(simulation)


@graded(
    points=3,
    title="Elections under all kinds of trouble",
    requirement="Figure 3, Election Safety; section 5.6: a steady leader soon after the trouble",
)
def test_no_term_has_two_leaders_whatever_fails(lab: Any, sweep: Any) -> None:
    for seed in sweep(12):
        kinds = ("partition", "block", "crash", "pause", "link", "clock")
        simulation = cluster(lab, seed, 5, trouble(seed, 5, *kinds, until=2 * SECOND))
        simulation.run(3 * SECOND)
        term = elect(simulation).current_term
        simulation.run(simulation.now + SECOND)
        assert [each.current_term for each in leaders(simulation)] == [term], "no leader stays"


@graded(
    points=3,
    title="Who comes back does not disturb",
    requirement="thesis 9.6, PreVote: a server that was cut off does not disrupt the cluster",
)
def test_a_server_that_was_cut_off_comes_back_without_an_election(lab: Any, sweep: Any) -> None:
    for seed in sweep(5):
        simulation = cluster(lab, seed)
        leader = elect(simulation)
        term = leader.current_term
        alone = others(simulation, leader.id)[0].id
        rest = tuple(id for id in names(3) if id != alone)
        simulation.inject(Partition(simulation.now, ((alone,), rest)))
        simulation.run(simulation.now + 2 * SECOND)
        assert server_of(simulation, alone).current_term == term, "it could not win any election"
        simulation.inject(Heal(simulation.now))
        simulation.run(simulation.now + SECOND)
        assert [(each.id, each.current_term) for each in leaders(simulation)] == [(leader.id, term)]


@graded(
    points=2,
    title="A yes before the election is worth a vote, and promises nothing",
    requirement="thesis 9.6: yes if the log is up-to-date and no leader was heard of",
)
def test_a_pre_vote_is_given_where_a_vote_could_be_and_changes_nothing(lab: Any) -> None:
    one = OneServer(lab)
    one.append(3, (0, 0), [1, 3])

    def granted(term: int, index: int, last_term: int) -> bool:
        sent = one.receive("n3", lab.RequestPreVote(term, index, last_term))
        answer: bool = only(sent, lab.RequestPreVoteReply).granted
        return answer

    assert not granted(4, 2, 3), "the leader was heard just now"
    one.quiet()
    disk = dict(one.disk)
    assert granted(4, 2, 3)
    assert granted(4, 2, 3), "no promise was made"
    assert not granted(4, 9, 2), "that log is not up-to-date"
    assert not granted(3, 2, 3), "term 3 is here already"
    assert one.disk == disk, "a pre-vote leaves no trace"
    sent = one.fire(lab.ElectionTimeout)
    assert find(sent, lab.RequestPreVote)
    assert not find(sent, lab.RequestVote)
    assert one.disk == disk, "asking leaves no trace either"
    one.receive("n2", lab.RequestPreVoteReply(3, 3, True))
    assert one.server.status()["role"] == "pre-candidate", "an answer about term 3 is an old one"
    sent = one.receive("n2", lab.RequestPreVoteReply(3, 4, True))
    assert [each.term for each in find(sent, lab.RequestVote)] == [4, 4]


@graded(
    points=2,
    title="A leader is not disturbed",
    requirement="thesis 4.2.3: a server that hears from a leader neither votes nor adopts the term",
)
def test_a_server_that_hears_a_leader_disregards_requests_for_votes(lab: Any) -> None:
    one = OneServer(lab, election_timeout=(150 * MS, 300 * MS))
    one.append(3, (0, 0), [])
    one.now += 149 * MS
    assert not find(one.receive("n3", lab.RequestVote(9, 9, 9)), lab.RequestVoteReply)
    assert one.disk["term"] == 3
    one.now += 1 * MS
    assert one.ask_vote("n3", term=9, last=(9, 9)).granted, "the leader is silent for long enough"
    leader = OneServer(lab)
    leader.be_leader()
    leader.receive("n3", lab.RequestVote(9, 9, 9))
    assert leader.server.status()["role"] == "leader", "it was just elected"


@graded(
    points=3,
    title="A leader that nobody answers steps down",
    requirement="thesis 6.2: it steps down if an election timeout elapses without a majority",
)
def test_a_leader_whose_answers_are_cut_off_gives_way_to_another(lab: Any, sweep: Any) -> None:
    """A partition in one direction: its heartbeats arrive, and would keep the others quiet."""
    for seed in sweep(5):
        simulation = cluster(lab, seed)
        leader = elect(simulation).id
        for other in others(simulation, leader):
            simulation.inject(Block(simulation.now, other.id, leader))
        simulation.run(simulation.now + 2 * SECOND)
        assert leaders(simulation)[-1].id != leader, "the others wait for a leader that is deaf"
        must_be_ok(simulation, lab.Put("x", "1"))


@graded(
    points=2,
    title="Handing over",
    requirement="thesis 3.10: the target has the whole log, and its election need not wait",
)
def test_leadership_is_transferred_to_the_server_that_is_named(lab: Any, sweep: Any) -> None:
    for seed in sweep(5):
        simulation = cluster(lab, seed)
        leader = elect(simulation)
        must_be_ok(simulation, lab.Put("x", "1"))
        target = others(simulation, leader.id)[seed % 2].id
        start = simulation.now
        assert must_be_ok(simulation, lab.TransferLeadership(target), "c2") == target
        assert elect(simulation).id == target
        assert server_of(simulation, target).current_term == leader.current_term
        assert simulation.now - start < 150 * MS, "nobody had to wait for an election timeout"
        assert must_be_ok(simulation, lab.Get("x")) == "1"


@graded(
    points=2,
    title="Handing over to nobody",
    requirement="thesis 3.10: if the transfer does not complete, the leader takes requests again",
)
def test_a_leader_whose_target_is_down_goes_on(lab: Any) -> None:
    simulation = cluster(lab, seed=1)
    leader = elect(simulation)
    target = others(simulation, leader.id)[0].id
    crash(simulation, target)
    handing_over = simulation.call("c2", lab.TransferLeadership(target))
    simulation.run(simulation.now + 20 * MS)
    must_be_ok(simulation, lab.Put("x", "1"))
    assert isinstance(handing_over.outcome, Unknown), "whether it hears the word, nobody knows"
    one = OneServer(lab)
    one.be_leader()
    one.receive("c2", lab.TransferRequest(1, "n2"))
    one.command("a")
    assert len(one.entries()) == 1, "with new entries the target would never have the whole log"
    one.fire(lab.TransferTimeout)
    one.command("a")
    assert len(one.entries()) == 2, "it leads, so it takes commands again"
