"""Graded suite of the lab ``election``, first part: the highest process that is alive leads."""

from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import STEADY, Wire, crash, must_hold, names, restart
from common.sim import Simulation
from common.values.units import MS, SECOND
from stage2_communication.election.checks import (
    answers,
    nobody_follows_a_lower_one,
    one_leader_at_a_time,
)
from tests.stage2_communication.election.lab import ElectionLab
from tests.stage2_communication.election.room import (
    FIVE,
    SETTLED,
    Alone,
    keep_asking,
    must_follow,
    sent,
    waits,
)

LAB = "election"


def five(lab: ElectionLab, seed: int | str) -> Simulation:
    """Five processes on a good network."""
    return lab.simulation(dict.fromkeys(FIVE, lab.Bully), seed=seed)


@graded(points=2, title="The highest leads", requirement="Garcia-Molina 1982, IV")
def test_all_processes_follow_the_highest_one(lab: ElectionLab, sweep: Sweep) -> None:
    for seed in sweep(5):
        must_follow(lab, five(lab, seed), "n5", *FIVE)
    ten = lab.simulation(dict.fromkeys(names(10), lab.Bully), seed=1)
    must_follow(lab, ten, "n10", *names(10))


@graded(points=3, title="Takes over", requirement="Garcia-Molina 1982, IV: failures and recovery")
def test_the_highest_that_is_alive_takes_over_and_gives_back(
    lab: ElectionLab, sweep: Sweep
) -> None:
    for seed in sweep(5):
        simulation = five(lab, seed)
        simulation.run(SETTLED)
        crash(simulation, "n5")
        must_follow(lab, simulation, "n4", "n1", "n2", "n3")
        crash(simulation, "n4", "n2")
        must_follow(lab, simulation, "n3", "n1")
        restart(simulation, "n4")
        must_follow(lab, simulation, "n4", "n1", "n3")
        restart(simulation, "n2", "n5")
        must_follow(lab, simulation, "n5", *FIVE)
        crash(simulation, *FIVE[1:])
        must_follow(lab, simulation, "n1")


@graded(points=2, title="One leader", requirement="correct where nobody is slow")
def test_on_a_good_network_there_is_one_leader_at_a_time_and_never_a_lower_one(
    lab: ElectionLab, sweep: Sweep
) -> None:
    for seed in sweep(5):
        simulation = five(lab, seed)
        keep_asking(simulation, lab.WhoLeads(), FIVE)
        simulation.run(SETTLED)
        crash(simulation, "n5", "n1")
        simulation.run(simulation.now + SETTLED)
        restart(simulation, "n1")
        simulation.run(2 * SECOND)
        must_hold(one_leader_at_a_time(simulation.history))
        must_hold(nobody_follows_a_lower_one(simulation.history))
        leaders = {leader for _, _, leader in answers(simulation.history, "who-leads") if leader}
        assert len(leaders) > 1, "nobody has led after n5"


@graded(points=1, title="It lasts", requirement="a leader is heard as long as it lives")
def test_a_leader_that_is_alive_is_not_replaced(lab: ElectionLab, sweep: Sweep) -> None:
    for seed in sweep(2):
        wire = Wire()
        simulation = lab.simulation(dict.fromkeys(FIVE, lab.Bully), seed=seed, observers=[wire])
        simulation.run(SETTLED)
        wire.forget()
        simulation.run(3 * SECOND)
        assert not wire.of(lab.Election), "somebody holds an election, and the leader is alive"
        beats = [
            each for each in wire.sent_messages if isinstance(each.message, lab.bully.Heartbeat)
        ]
        assert {each.sender for each in beats} == {"n5"}
        assert {each.to for each in beats} == {"n1", "n2", "n3", "n4"}


@graded(points=2, title="Messages", requirement="Garcia-Molina 1982, IV: the lowest begins")
def test_the_lowest_one_that_notices_costs_a_square_of_messages(lab: ElectionLab) -> None:
    """All five are there and idle; n1 holds an election: 10 Elections, 10 Answers."""
    wire = Wire()
    nodes = dict.fromkeys(FIVE, lab.Bully)
    simulation = lab.simulation(nodes, seed=1, link=STEADY, observers=[wire])
    simulation.run(SETTLED + 15 * MS)  # between two heartbeats
    wire.forget()
    crash(simulation, "n1")
    restart(simulation, "n1")
    simulation.run(simulation.now + 20 * MS)
    assert len(wire.of(lab.Election)) == 10, "each asks all higher ones, once"
    assert len(wire.of(lab.Answer)) == 10, "each Election has its Answer"
    told = {each.to for each in wire.sent_messages if isinstance(each.message, lab.Coordinator)}
    assert told == {"n1", "n2", "n3", "n4"}, "the leader tells all lower ones"


@graded(points=1, title="At once", requirement="there is nobody to wait for")
def test_the_highest_of_all_leads_at_once(lab: ElectionLab) -> None:
    highest = Alone(lab.Bully("n3", ("n1", "n2")))
    assert sent(highest.started) == [("n1", lab.Coordinator()), ("n2", lab.Coordinator())]
    assert waits(highest.started) == {lab.bully.HeartbeatDue(): 40 * MS}
    assert highest.leader(lab) == "n3"
    bullied = sent(highest.gets("n1", lab.Coordinator()))
    assert bullied == [("n1", lab.Coordinator()), ("n2", lab.Coordinator())], "n1 does not know it"
    alone = Alone(lab.Bully("n1", ()))
    assert alone.leader(lab) == "n1"


@graded(points=2, title="Step by step", requirement="Garcia-Molina 1982, IV")
def test_an_election_goes_step_by_step(lab: ElectionLab) -> None:
    process = Alone(lab.Bully("n2", ("n1", "n3", "n4"), answer_within=7, coordinator_within=9))
    assert sent(process.started) == [("n3", lab.Election()), ("n4", lab.Election())]
    assert waits(process.started) == {lab.NoAnswer(): 7}
    assert process.leader(lab) is None, "an election is under way"
    assert sent(process.gets("n1", lab.Election())) == [("n1", lab.Answer())], "one at a time"
    for higher in ("n3", "n4"):
        answered = waits(process.gets(higher, lab.Answer()))
        assert answered == {lab.NoCoordinator(): 9}, "whichever higher one is alive"
    again = process.fires(lab.NoCoordinator())
    assert sent(again) == [("n3", lab.Election()), ("n4", lab.Election())]
    won = process.fires(lab.NoAnswer())
    assert sent(won) == [("n1", lab.Coordinator())]
    assert process.leader(lab) == "n2"
    assert process.gets("n4", lab.Answer()) == [], "too late: no election is under way"
    held = process.gets("n1", lab.Election())
    assert sent(held) == [("n1", lab.Answer()), ("n3", lab.Election()), ("n4", lab.Election())]


@graded(points=2, title="Who is followed", requirement="the bully: a lower one never leads me")
def test_a_process_follows_a_higher_one_and_bullies_a_lower_one(lab: ElectionLab) -> None:
    process = Alone(lab.Bully("n2", ("n1", "n3", "n4"), silence=11))
    assert sent(process.gets("n1", lab.Coordinator())) == [], "an election is under way already"
    assert process.leader(lab) is None
    assert waits(process.gets("n4", lab.Coordinator())) == {lab.bully.LeaderSilent(): 11}
    assert process.leader(lab) == "n4"
    assert process.gets("n3", lab.bully.Heartbeat()) == [], "an old leader's, and late"
    assert process.leader(lab) == "n4"
    assert waits(process.gets("n4", lab.bully.Heartbeat())) == {lab.bully.LeaderSilent(): 11}
    assert process.gets("n3", lab.Answer()) == [], (
        "too late: it waits for n4's heartbeats, and goes on"
    )
    assert waits(process.gets("n3", lab.Coordinator())) == {lab.bully.LeaderSilent(): 11}
    assert process.leader(lab) == "n3", "n4 may have died; n3 leads from now on"
    process.gets("n4", lab.bully.Heartbeat())
    assert process.leader(lab) == "n4"
    bullied = process.gets("n1", lab.Coordinator())
    assert sent(bullied) == [("n3", lab.Election()), ("n4", lab.Election())]
    process.gets("n3", lab.bully.Heartbeat())
    assert process.leader(lab) == "n3", "a heartbeat is as good as a Coordinator"
    silent = process.fires(lab.bully.LeaderSilent())
    assert sent(silent) == [("n3", lab.Election()), ("n4", lab.Election())]
