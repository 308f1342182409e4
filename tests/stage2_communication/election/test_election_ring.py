"""Graded suite of the lab ``election``, second part: a name that goes round."""

from functools import partial
from random import Random

from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import Wire, crash, must_hold, restart
from common.sim import LinkModel, Simulation
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


def ring_of(lab: ElectionLab, seed: int | str, ring: tuple[str, ...] = ()) -> Simulation:
    """Five processes on a good network, in this order."""
    return lab.simulation(dict.fromkeys(FIVE, partial(lab.RingProcess, ring=ring)), seed=seed)


def shuffled(seed: int | str) -> tuple[str, ...]:
    """The five in an order by chance."""
    return tuple(Random(f"ring/{seed}").sample(FIVE, len(FIVE)))


@graded(points=2, title="The highest leads", requirement="Chang and Roberts 1979, theorem 1")
def test_all_follow_the_highest_in_whatever_order_the_ring_is(
    lab: ElectionLab, sweep: Sweep
) -> None:
    for seed in sweep(5):
        must_follow(lab, ring_of(lab, seed, shuffled(seed)), "n5", *FIVE)


@graded(points=3, title="The dead are skipped", requirement="a ring that closes again")
def test_the_ring_closes_around_the_dead_and_takes_them_back(
    lab: ElectionLab, sweep: Sweep
) -> None:
    for seed in sweep(5):
        simulation = ring_of(lab, seed, shuffled(seed))
        simulation.run(SETTLED)
        crash(simulation, "n5")
        must_follow(lab, simulation, "n4", "n1", "n2", "n3")
        crash(simulation, "n4", "n2")
        must_follow(lab, simulation, "n3", "n1")
        restart(simulation, "n5")
        must_follow(lab, simulation, "n5", "n1", "n3")
        restart(simulation, "n2", "n4")
        must_follow(lab, simulation, "n5", *FIVE)
        crash(simulation, *FIVE[1:])
        must_follow(lab, simulation, "n1")


@graded(points=2, title="One leader", requirement="correct where nobody is slow")
def test_on_a_good_network_the_ring_has_one_leader_at_a_time(
    lab: ElectionLab, sweep: Sweep
) -> None:
    for seed in sweep(5):
        simulation = ring_of(lab, seed)
        keep_asking(simulation, lab.WhoLeads(), FIVE)
        simulation.run(SETTLED)
        crash(simulation, "n5", "n1")
        simulation.run(2 * SECOND)
        must_hold(one_leader_at_a_time(simulation.history))
        must_hold(nobody_follows_a_lower_one(simulation.history))
        leaders = {leader for _, _, leader in answers(simulation.history, "who-leads") if leader}
        assert len(leaders) > 1, "nobody has led after n5"


@graded(points=2, title="Messages", requirement="Chang and Roberts 1979, section 3")
def test_lower_names_are_swallowed_so_the_best_ring_costs_2n_and_the_worst_n_squared(
    lab: ElectionLab,
) -> None:
    """Everybody stands at once: 5 + 4 names, or 1 + 2 + 3 + 4 + 5; and 5 hops of the leader's."""
    best, worst = FIVE, tuple(reversed(FIVE))
    for ring, candidates in ((best, 9), (worst, 15)):
        wire = Wire()
        nodes = dict.fromkeys(FIVE, partial(lab.RingProcess, ring=ring))
        even = LinkModel(latency=(2 * MS, 2 * MS))
        simulation = lab.simulation(nodes, seed=1, link=even, observers=[wire])
        simulation.run(25 * MS)
        words = [each.word for each in wire.of(lab.Pass)]
        assert sum(isinstance(word, lab.Candidate) for word in words) == candidates, ring
        assert sum(isinstance(word, lab.Elected) for word in words) == 5
        assert len(wire.of(lab.Received)) == candidates + 5, "each hop is acknowledged"


@graded(points=1, title="It lasts", requirement="the leader's name goes round again and again")
def test_nobody_stands_while_the_leader_is_alive(lab: ElectionLab, sweep: Sweep) -> None:
    for seed in sweep(2):
        wire = Wire()
        simulation = lab.simulation(
            dict.fromkeys(FIVE, lab.RingProcess), seed=seed, observers=[wire]
        )
        simulation.run(SETTLED)
        wire.forget()
        simulation.run(2 * SECOND)
        assert {each.word for each in wire.of(lab.Pass)} == {lab.Elected("n5")}


@graded(points=2, title="Three cases", requirement="Chang and Roberts 1979, the algorithm")
def test_a_name_is_handed_on_or_swallowed_or_has_won(lab: ElectionLab) -> None:
    process = Alone(lab.RingProcess("n2", ("n1", "n3"), silence=13, received_within=5))
    own, higher, lower = (lab.Candidate(name) for name in ("n2", "n3", "n1"))
    assert sent(process.started) == [("n3", lab.Pass(own))]
    assert waits(process.started) == {lab.NotReceived(own): 5, lab.ring.LeaderSilent(): 13}
    assert sent(process.gets("n1", lab.Pass(lower))) == [("n1", lab.Received(lower))]
    assert sent(process.gets("n1", lab.Pass(higher))) == [
        ("n1", lab.Received(higher)),
        ("n3", lab.Pass(higher)),
    ]
    assert process.leader(lab) is None
    follower = Alone(lab.RingProcess("n2", ("n1", "n3")))
    follower.gets("n3", lab.Received(own))
    follower.gets("n1", lab.Pass(lab.Elected("n3")))
    follower.gets("n1", lab.Pass(higher))
    assert sent(follower.gets("n1", lab.Pass(lower))) == [("n1", lab.Received(lower))], (
        "a higher one stands already"
    )
    won = process.gets("n1", lab.Pass(own))
    assert sent(won) == [("n1", lab.Received(own)), ("n3", lab.Pass(lab.Elected("n2")))]
    assert process.leader(lab) == "n2"
    stood = process.gets("n1", lab.Pass(lower))
    assert ("n1", lab.Received(lower)) in sent(stood)
    assert process.leader(lab) is None, "a new election: the lower one has not heard of n2"


@graded(points=2, title="A leader's name", requirement="Chang and Roberts 1979: elected")
def test_a_leaders_name_goes_round_once_and_a_lower_one_not_at_all(lab: ElectionLab) -> None:
    process = Alone(lab.RingProcess("n2", ("n1", "n3"), silence=13))
    process.gets("n3", lab.Received(lab.Candidate("n2")))
    heard = process.gets("n1", lab.Pass(lab.Elected("n3")))
    assert ("n3", lab.Pass(lab.Elected("n3"))) in sent(heard)
    assert waits(heard)[lab.ring.LeaderSilent()] == 13
    assert process.leader(lab) == "n3"
    assert sent(process.gets("n1", lab.Pass(lab.Elected("n2")))) == [
        ("n1", lab.Received(lab.Elected("n2")))
    ], "the own name has been all round"
    lower = process.gets("n1", lab.Pass(lab.Elected("n1")))
    assert sent(lower)[1:] == [("n3", lab.Pass(lab.Candidate("n2")))], "n1 cannot lead n2"
    assert process.leader(lab) is None
    process.gets("n3", lab.Received(lab.Candidate("n2")))
    again = process.gets("n1", lab.Pass(lab.Elected("n1")))
    assert sent(again) == [("n1", lab.Received(lab.Elected("n1")))], "it stands already"
    other = Alone(lab.RingProcess("n2", ("n1", "n3", "n4")))
    for name in ("n4", "n3"):
        heard = other.gets("n1", lab.Pass(lab.Elected(name)))
        assert ("n3", lab.Pass(lab.Elected(name))) in sent(heard)
        assert other.leader(lab) == name, "n4 may have died: n3 leads from now on"


@graded(points=3, title="From one to the next", requirement="a hop that is not acknowledged")
def test_who_does_not_acknowledge_is_skipped_and_its_own_name_is_dropped(lab: ElectionLab) -> None:
    process = Alone(lab.RingProcess("n2", ("n1", "n3", "n4")))
    own = lab.Candidate("n2")
    assert sent(process.fires(lab.NotReceived(own))) == [("n4", lab.Pass(own))], "n3 is dead"
    process.gets("n3", lab.Received(own))
    assert sent(process.fires(lab.NotReceived(own))) == [("n1", lab.Pass(own))], "n3 was too late"
    last = process.fires(lab.NotReceived(own))
    assert ("n3", lab.Pass(lab.Elected("n2"))) in sent(last), "there is nobody else: it leads"
    assert process.leader(lab) == "n2"
    other = Alone(lab.RingProcess("n2", ("n1", "n3", "n4")))
    other.gets("n3", lab.Received(own))
    other.gets("n1", lab.Pass(lab.Elected("n4")))
    other.fires(lab.NotReceived(lab.Elected("n4")))
    dropped = other.fires(lab.NotReceived(lab.Elected("n4")))
    assert sent(dropped) == [("n3", lab.Pass(own))], "n4 is dead: its name is dropped, n2 stands"
    assert other.leader(lab) is None
    both = Alone(lab.RingProcess("n2", ("n1", "n3", "n4")))
    both.gets("n1", lab.Pass(lab.Candidate("n4")))
    both.gets("n3", lab.Received(lab.Candidate("n4")))
    assert sent(both.fires(lab.NotReceived(own))) == [("n4", lab.Pass(own))], (
        "of two words on their way to n3 it has acknowledged the other one"
    )
    third = Alone(lab.RingProcess("n2", ("n1", "n3", "n4")))
    third.gets("n3", lab.Received(own))
    third.gets("n1", lab.Pass(lab.Candidate("n4")))
    third.fires(lab.NotReceived(lab.Candidate("n4")))
    assert third.fires(lab.NotReceived(lab.Candidate("n4"))) == [], "it stands already"
    doubled = other.gets("n1", lab.Pass(lab.Candidate("n3")))
    assert ("n3", lab.Pass(lab.Candidate("n3"))) in sent(doubled)
    doubled = other.gets("n1", lab.Pass(lab.Candidate("n3")))
    assert sent(doubled) == [("n1", lab.Received(lab.Candidate("n3")))], "it is on its way already"
