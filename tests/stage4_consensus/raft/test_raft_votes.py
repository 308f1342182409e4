"""Graded suite of the lab ``raft``, the first hour: votes (5.2, 5.4.1; thesis 4.2.3, 9.6)."""

from common.course.suites.grading import graded
from common.course.suites.kit import names
from common.values.units import MS
from tests.stage4_consensus.raft.lab import RaftLab
from tests.stage4_consensus.raft.one_server import OneServer, find, only

LAB = "raft"


@graded(
    points=2,
    title="No vote for the past",
    requirement="Figure 2, RequestVote 1: reply false if term < currentTerm",
)
def test_a_candidate_of_an_older_term_gets_no_vote_and_learns_the_term(lab: RaftLab) -> None:
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
def test_a_server_votes_for_one_candidate_in_a_term_and_again_for_the_same(lab: RaftLab) -> None:
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
def test_a_server_that_restarts_remembers_its_term_and_its_vote(lab: RaftLab) -> None:
    one = OneServer(lab)
    assert one.ask_vote("n2", term=3).granted
    one.start()
    one.quiet()
    assert not one.ask_vote("n3", term=3).granted, "the vote of term 3 was given to n2"
    assert not one.ask_vote("n3", term=2).granted, "term 2 is over"
    one.append(4, (0, 0), [])
    one.start()
    one.quiet()
    assert one.ask_vote("n3", term=4).granted, "the vote of term 3 is void in term 4"
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
def test_a_vote_needs_a_log_that_is_at_least_as_up_to_date(lab: RaftLab) -> None:
    cases = {(1, 4): True, (9, 2): False, (2, 3): False, (3, 3): True, (4, 3): True, (0, 0): False}
    for last, granted in cases.items():
        one = OneServer(lab)
        one.append(3, (0, 0), [1, 1, 3])
        one.quiet()
        reply = one.ask_vote("n3", term=4, last=last)
        index, term = last
        assert reply.granted is granted, f"own log: 3 of term 3; candidate's: {index} of {term}"
        assert (reply.term, one.disk["term"]) == (4, 4), "its term is adopted, vote or no vote"
        hurried = one.receive("n2", lab.RequestVote(5, *last, True))
        told = only(hurried, lab.RequestVoteReply).granted
        assert told is granted, "also if a leader has asked for the election, which may be long ago"


@graded(
    points=3,
    title="A majority leads",
    requirement="Figure 2, candidates: if votes received from majority of servers: become leader; "
    "leaders: upon election send AppendEntries to each server",
)
def test_a_candidate_leads_with_a_majority_of_votes_of_its_own_term(lab: RaftLab) -> None:
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
    again = OneServer(lab, names(5), pre_vote=False)
    again.fire(lab.ElectionTimeout)
    again.receive("n2", lab.RequestVoteReply(1, True))
    again.fire(lab.ElectionTimeout)
    again.receive("n3", yes)
    assert again.server.status()["role"] == "candidate", "a vote of term 1 is none in term 2"
    for role in ("follower", "pre-candidate", "leader"):
        late_votes_are_about_no_election(lab, role)


def late_votes_are_about_no_election(lab: RaftLab, role: str) -> None:
    """Votes of the present term come when their candidate is none any more."""
    one = OneServer(lab, names(5), pre_vote=False)
    one.fire(lab.ElectionTimeout)
    yes = lab.RequestVoteReply(1, True)
    if role == "leader":
        one.receive("n4", yes)
        one.receive("n5", yes)
    else:
        one.append(1, (0, 0), [])
    if role == "pre-candidate":
        one.server.pre_vote = True
        one.fire(lab.ElectionTimeout)
    assert one.server.status()["role"] == role
    log = one.entries()
    for voter in ("n2", "n3", "n4", "n5"):
        assert not one.receive(voter, yes), f"a vote for a {role}"
    assert (one.server.status()["role"], one.entries()) == (role, log)


@graded(
    points=2,
    title="A yes before the election is worth a vote, and promises nothing",
    requirement="thesis 9.6: yes if the log is up-to-date and no leader was heard of",
)
def test_a_pre_vote_is_given_where_a_vote_could_be_and_changes_nothing(lab: RaftLab) -> None:
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
    assert granted(4, 2, 3), "who asks has no better claim"
    assert only(one.command("a"), lab.NotLeader).leader is None, "the leader is silent"
    one.receive("n2", lab.RequestPreVoteReply(3, 3, True))
    assert one.server.status()["role"] == "pre-candidate", "an answer about term 3 is an old one"
    sent = one.receive("n2", lab.RequestPreVoteReply(3, 4, True))
    assert [each.term for each in find(sent, lab.RequestVote)] == [4, 4]


@graded(
    points=2,
    title="A leader is not disturbed",
    requirement="thesis 4.2.3: a server that hears from a leader neither votes nor adopts the term",
)
def test_a_server_that_hears_a_leader_disregards_requests_for_votes(lab: RaftLab) -> None:
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
