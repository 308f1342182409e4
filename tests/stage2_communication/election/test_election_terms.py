"""Graded suite of the lab ``election``, third part: one leader for each term."""

from typing import Any

from common.contract.effects import CancelTimer, Save
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import crash, effects_of, must_hold, restart, run_until, trouble
from common.sim import Simulation
from common.values.faults import Schedule
from common.values.units import MS, SECOND
from stage2_communication.election.checks import one_leader_a_term, terms_never_fall
from tests.stage2_communication.election.lab import ElectionLab
from tests.stage2_communication.election.room import (
    FIVE,
    Alone,
    keep_asking,
    must_be_done,
    sent,
    told,
    waits,
)

LAB = "election"

ALL = ("crash", "partition", "block", "pause", "link", "clock", "disk")


def five(lab: ElectionLab, seed: int | str, **options: Any) -> Simulation:
    """Five voters."""
    return lab.simulation(dict.fromkeys(FIVE, lab.Voter), seed=seed, **options)


def agreed(lab: ElectionLab, simulation: Simulation, *asked: str) -> tuple[int, str]:
    """The term and the leader that all these name, which must be soon."""
    found: set[tuple[int, str]] = set()

    def same() -> bool:
        found.clear()
        found.update(told(lab, simulation, asked).values())
        simulation.run(simulation.now + 20 * MS)
        return len(found) == 1 and next(iter(found))[1] is not None

    run_until(simulation, same)
    return found.pop()


def candidate(lab: ElectionLab, *others: str) -> Alone:
    """n1 stands for term 1."""
    process = Alone(lab.Voter("n1", others or ("n2", "n3", "n4", "n5")))
    process.fires(lab.PromiseOver())
    process.fires(lab.ElectionTimeout())
    return process


def leader(lab: ElectionLab) -> Alone:
    """n1 leads term 1, with three votes of five; its state can be read."""
    process = Alone(lab.look_into("Voter")("n1", ("n2", "n3", "n4", "n5")))
    process.fires(lab.PromiseOver())
    process.fires(lab.ElectionTimeout())
    process.gets("n2", lab.Vote(1))
    process.gets("n3", lab.Vote(1))
    return process


@graded(points=3, title="One leader a term", requirement="Raft 5.2: election safety")
def test_a_term_has_at_most_one_leader_whatever_goes_wrong(lab: ElectionLab, sweep: Sweep) -> None:
    for seed in sweep(6):
        faults = trouble(seed, ALL, hit=FIVE, until=1 * SECOND, troubles=8)
        simulation = five(lab, seed, schedule=Schedule(faults))
        must_be_done(simulation, keep_asking(simulation, lab.WhoLeads(), FIVE))
        must_hold(one_leader_a_term(simulation.history))
        must_hold(terms_never_fall(simulation.history))
        simulation.run(max(simulation.now, 2 * SECOND))
        agreed(lab, simulation, *FIVE)


@graded(points=2, title="A leader is elected", requirement="Raft 5.2: liveness after the faults")
def test_when_the_faults_are_over_all_agree_on_a_leader_and_it_stays(
    lab: ElectionLab, sweep: Sweep
) -> None:
    for seed in sweep(4):
        faults = trouble(seed, ALL, hit=FIVE, until=1 * SECOND, troubles=8)
        simulation = five(lab, seed, schedule=Schedule(faults))
        simulation.run(2 * SECOND)  # what is still on its way from before the calm has arrived
        found = agreed(lab, simulation, *FIVE)
        simulation.run(simulation.now + 1 * SECOND)
        assert agreed(lab, simulation, *FIVE) == found, "nothing goes wrong, and it is replaced"


@graded(points=2, title="Needs a majority", requirement="Raft 5.2: votes from a majority")
def test_two_of_five_elect_nobody_and_three_do(lab: ElectionLab, sweep: Sweep) -> None:
    for seed in sweep(3):
        simulation = five(lab, seed)
        term, first = agreed(lab, simulation, *FIVE)
        others = [each for each in FIVE if each != first]
        crash(simulation, first, *others[:2])
        simulation.run(simulation.now + 1 * SECOND)
        two = told(lab, simulation, others[2:])
        assert all(name is None for _, name in two.values()), f"two of five say {two}"
        restart(simulation, first)
        later, _ = agreed(lab, simulation, first, *others[2:])
        assert later > term


@graded(points=2, title="A vote is kept", requirement="Raft 5.2: at most one candidate in a term")
def test_a_vote_is_given_once_a_term_and_known_after_a_crash(lab: ElectionLab) -> None:
    voter = Alone(lab.Voter("n1", ("n2", "n3")))
    voter.fires(lab.PromiseOver())
    given = voter.gets("n2", lab.RequestVote(4))
    assert sent(given) == [("n2", lab.Vote(4))]
    assert lab.ElectionTimeout() in waits(given), "it gives the candidate time to win"
    saved = {each.key: each.value for each in effects_of(Save, given)}
    assert saved, "a vote that is not saved is given again after a crash"
    assert sent(voter.gets("n3", lab.RequestVote(4))) == [], "n2 has the vote of term 4"
    assert sent(voter.gets("n2", lab.RequestVote(4))) == [("n2", lab.Vote(4))], "it may be lost"
    assert sent(voter.gets("n3", lab.RequestVote(3))) == [("n3", lab.Outdated(4))]
    assert voter.asked(lab.WhoLeads()).value == (4, None)
    again = Alone(lab.Voter("n1", ("n2", "n3")), saved)
    assert again.asked(lab.WhoLeads()).value == (4, None)
    assert sent(again.gets("n3", lab.RequestVote(5))) == [], (
        "it may have promised before it crashed"
    )
    again.fires(lab.PromiseOver())
    assert sent(again.gets("n3", lab.RequestVote(4))) == []
    assert sent(again.gets("n3", lab.RequestVote(5))) == [("n3", lab.Vote(5))]
    voter.gets("n2", lab.terms.Heartbeat(4, 1))
    voter.fires(lab.PromiseOver())
    assert sent(voter.gets("n3", lab.RequestVote(4))) == [], "n2 leads term 4, by this very vote"


@graded(points=2, title="Votes are counted", requirement="Raft 5.2: it wins with a majority")
def test_a_candidate_leads_with_the_votes_of_a_majority_in_its_own_term(lab: ElectionLab) -> None:
    process = Alone(lab.Voter("n1", ("n2", "n3", "n4", "n5")))
    process.gets("n2", lab.Vote(0))
    stood = process.fires(lab.ElectionTimeout())
    assert sent(stood) == [(peer, lab.RequestVote(1)) for peer in ("n2", "n3", "n4", "n5")]
    assert effects_of(Save, stood), "its own vote is one like any other"
    assert lab.ElectionTimeout() in waits(stood), "votes may be split"
    process.fires(lab.PromiseOver())
    assert sent(process.gets("n5", lab.RequestVote(1))) == [], "it has voted for itself"
    assert sent(process.gets("n2", lab.Vote(1))) == []
    assert sent(process.gets("n2", lab.Vote(1))) == [], "one voter, twice"
    assert sent(process.gets("n3", lab.Vote(0))) == [], "a vote of another term"
    assert process.asked(lab.WhoLeads()).value == (1, None)
    won = process.gets("n4", lab.Vote(1))
    assert effects_of(CancelTimer, won), "a leader stands for no election"
    assert sent(won) == [(peer, lab.terms.Heartbeat(1, 1)) for peer in ("n2", "n3", "n4", "n5")]
    assert process.asked(lab.WhoLeads()).value == (1, "n1")
    assert sent(process.gets("n5", lab.Vote(1))) == [], "it leads already"
    alone = candidate(lab, "n2")
    assert alone.asked(lab.WhoLeads()).value == (1, None)
    single = Alone(lab.Voter("n1", ()))
    single.fires(lab.ElectionTimeout())
    assert single.asked(lab.WhoLeads()).value == (1, "n1"), "one is a majority of one"
    simulation = lab.simulation({"n1": lab.Voter}, seed=1)
    simulation.run(2 * SECOND)
    assert told(lab, simulation, ["n1"]) == {"n1": (1, "n1")}, "who leads stands no more"


@graded(points=2, title="Followers", requirement="Raft 5.2: a legitimate leader is recognized")
def test_a_follower_hears_a_leader_of_its_term_or_a_later_one(lab: ElectionLab) -> None:
    process = candidate(lab)
    old = process.gets("n5", lab.terms.Heartbeat(0, 9))
    assert sent(old) == [("n5", lab.Outdated(1))]
    assert waits(old) == {}, "nothing is promised to an older leader, and nobody waits for it"
    assert process.asked(lab.WhoLeads()).value == (1, None), "a candidate follows no older leader"
    process.gets("n4", lab.Vote(1))
    heard = process.gets("n2", lab.terms.Heartbeat(1, 6))
    assert sent(heard) == [("n2", lab.Heard(1, 6))]
    assert process.asked(lab.WhoLeads()).value == (1, "n2")
    assert waits(heard)[lab.PromiseOver()] == 150 * MS
    assert 150 * MS < waits(heard)[lab.ElectionTimeout()] <= 300 * MS
    again = waits(process.gets("n2", lab.terms.Heartbeat(1, 7)))
    assert again[lab.PromiseOver()] == 150 * MS, "each round is promised anew"
    assert lab.ElectionTimeout() in again
    drawn = {
        waits(process.gets("n2", lab.terms.Heartbeat(1, round)))[lab.ElectionTimeout()]
        for round in range(8, 18)
    }
    assert len(drawn) > 5, "drawn by chance each time, or two stand at one time again and again"
    assert sent(process.gets("n3", lab.Vote(1))) == [], "it has lost the election"
    process.gets("n4", lab.Vote(1))
    assert process.asked(lab.WhoLeads()).value == (1, "n2")
    assert sent(process.gets("n5", lab.terms.Heartbeat(3, 1))) == [("n5", lab.Heard(3, 1))]
    assert process.asked(lab.WhoLeads()).value == (3, "n5")
    assert sent(process.gets("n2", lab.terms.Heartbeat(1, 7))) == [("n2", lab.Outdated(3))]
    assert process.asked(lab.WhoLeads()).value == (3, "n5")
    process.fires(lab.ElectionTimeout())
    process.gets("n3", lab.Vote(4))
    assert process.asked(lab.WhoLeads()).value == (4, None), "votes of term 1 count no more"


@graded(points=2, title="Old leaders", requirement="Raft 5.1: a stale term reverts to follower")
def test_a_leader_that_hears_of_a_later_term_leads_no_longer(lab: ElectionLab) -> None:
    process = leader(lab)
    assert process.gets("n2", lab.Outdated(1)) == []
    assert process.asked(lab.WhoLeads()).value == (1, "n1")
    told_so = process.gets("n2", lab.Outdated(4))
    assert effects_of(Save, told_so)
    assert lab.ElectionTimeout() in waits(told_so)
    assert process.asked(lab.WhoLeads()).value == (4, None)
    assert sent(process.fires(lab.terms.HeartbeatDue())) == []
    unseated = leader(lab)
    assert sent(unseated.gets("n4", lab.RequestVote(2))) == [("n4", lab.Vote(2))], "no lease as yet"
    assert unseated.asked(lab.WhoLeads()).value == (2, None)
    lost = candidate(lab)
    assert sent(lost.gets("n4", lab.RequestVote(2))) == [("n4", lab.Vote(2))], "its term is over"
    assert lost.asked(lab.WhoLeads()).value == (2, None)


@graded(points=3, title="A lease", requirement="Gray and Cheriton 1989, 2; Raft's thesis 6.4.1")
def test_a_lease_lasts_as_long_as_a_majority_has_heard_a_round(lab: ElectionLab) -> None:
    process = leader(lab)
    node: Any = process.node
    assert not node.has_lease, "nobody has heard it as yet"
    process.gets("n2", lab.Heard(1, 1))
    assert not node.has_lease, "two of five"
    process.gets("n3", lab.Heard(0, 1))
    assert not node.has_lease, "of another term"
    process.gets("n3", lab.Heard(1, 1))
    assert node.has_lease
    for term in (2, 9):
        asked = process.gets("n4", lab.RequestVote(term))
        assert asked == [], "with a lease it votes for nobody"
    beat = process.fires(lab.terms.HeartbeatDue())
    assert ("n5", lab.terms.Heartbeat(1, 2)) in sent(beat)
    assert waits(beat)[lab.LeaseOver(1, 2)] == 120 * MS
    process.fires(lab.LeaseOver(0, 7))
    process.gets("n2", lab.Heard(1, 2))
    process.gets("n2", lab.Heard(1, 1))
    process.gets("n3", lab.Heard(1, 2))
    process.fires(lab.LeaseOver(1, 1))
    assert node.has_lease, "the second round is heard by three of five"
    process.fires(lab.terms.HeartbeatDue())
    over = process.fires(lab.LeaseOver(1, 2))
    assert not node.has_lease
    assert lab.ElectionTimeout() in waits(over)
    assert process.asked(lab.WhoLeads()).value == (1, None), "a majority may have another leader"
    process.gets("n4", lab.Heard(1, 3))
    assert not node.has_lease, "it leads no longer"
    assert process.fires(lab.LeaseOver(1, 3)) == []
    assert process.gets("n4", lab.RequestVote(1)) == [], "it has voted for itself in term 1"
    process.fires(lab.ElectionTimeout())
    process.gets("n2", lab.Vote(2))
    process.gets("n3", lab.Vote(2))
    assert process.asked(lab.WhoLeads()).value == (2, "n1")
    assert not node.has_lease, "of this term nobody has heard a round"
    process.gets("n2", lab.Heard(2, 1))
    process.gets("n3", lab.Heard(2, 1))
    assert node.has_lease, "what is over of an earlier term's rounds is not over of this one's"


@graded(points=1, title="Four voters", requirement="a majority of four is three")
def test_of_four_voters_three_have_to_hear_a_round(lab: ElectionLab) -> None:
    process = Alone(lab.look_into("Voter")("n1", ("n2", "n3", "n4")))
    process.fires(lab.PromiseOver())
    process.fires(lab.ElectionTimeout())
    process.gets("n2", lab.Vote(1))
    process.gets("n3", lab.Vote(1))
    node: Any = process.node
    process.gets("n2", lab.Heard(1, 1))
    assert not node.has_lease, "two of four"
    process.gets("n3", lab.Heard(1, 1))
    assert node.has_lease


@graded(points=1, title="A follower's vote", requirement="Raft 5.2: a vote in the present term")
def test_a_follower_that_has_not_voted_may_vote_and_goes_on_following(lab: ElectionLab) -> None:
    process = Alone(lab.Voter("n1", ("n2", "n3")))
    process.gets("n2", lab.terms.Heartbeat(4, 1))
    process.fires(lab.PromiseOver())
    assert sent(process.gets("n3", lab.RequestVote(3))) == [("n3", lab.Outdated(4))]
    given = process.gets("n3", lab.RequestVote(4))
    assert sent(given) == [("n3", lab.Vote(4))]
    assert lab.ElectionTimeout() in waits(given), "who has voted waits again"
    assert process.asked(lab.WhoLeads()).value == (4, "n2"), "n3 cannot win: n2 has"


@graded(points=2, title="Promises", requirement="Raft's thesis 4.2.3: within the minimum timeout")
def test_who_has_promised_votes_for_nobody_and_does_not_hear_of_the_term(lab: ElectionLab) -> None:
    voter = Alone(lab.Voter("n1", ("n2", "n3")))
    voter.fires(lab.PromiseOver())
    voter.gets("n2", lab.terms.Heartbeat(2, 1))
    for term in (9, 2, 1):
        assert voter.gets("n3", lab.RequestVote(term)) == [], "it is not even told that it is late"
    assert voter.asked(lab.WhoLeads()).value == (2, "n2")
    voter.fires(lab.PromiseOver())
    assert sent(voter.gets("n3", lab.RequestVote(9))) == [("n3", lab.Vote(9))]
