"""Graded suite of the lab ``swim``, fifth part: a slow member doubts itself before others."""

from typing import Any

from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import Wire, crash, names, restart, trouble
from common.values.faults import Link
from tests.stage5_fault_tolerance.swim.alone import Alone, of_kind, told
from tests.stage5_fault_tolerance.swim.cluster import (
    PERIOD,
    cluster,
    incarnations_come_from_their_members,
    must_all_be_alive,
    state_of,
)
from tests.stage5_fault_tolerance.swim.lab import SwimLab

LAB = "swim"


def guard(lab: SwimLab, members: int = 8, **options: Any) -> Alone:
    """A member that has told what there is to tell at its start, and knows that all are alive."""
    alone = Alone(lab, lab.Lifeguard, members, joins=False, **options)
    while told([ping := alone.next_acked_ping()]):
        assert ping
    return alone


def failed_probe(alone: Alone, nacks: int) -> str:
    """Let a probe fail, where so many of the helpers send a nack; who was probed."""
    lab = alone.lab
    ping = alone.next_ping()
    late = max(at for at, timer in alone.timers.values() if isinstance(timer, lab.AckIsLate))
    asked = of_kind(lab.PingReq, alone.wait(late - alone.now))
    assert len(asked) == 3
    for helper in asked[:nacks]:
        alone.hear(helper.to, lab.Nack(ping.message.number))
    return ping.to


def period_after(alone: Alone) -> int:
    """In how many periods of the configuration the next one but one begins."""
    alone.fire(alone.period_timer())
    return alone.until_period() // PERIOD


@graded(points=2, title="Doubt", requirement="Lifeguard III-A: a failed probe, a missing nack")
def test_a_probe_that_fails_makes_periods_longer_and_without_nacks_by_more(lab: SwimLab) -> None:
    for nacks, expected in ((3, 2), (2, 3), (0, 3)):
        alone = guard(lab)
        assert alone.until_period() == PERIOD, "as long as it is well"
        failed_probe(alone, nacks)
        assert period_after(alone) == expected, f"{nacks} nacks of 3"
    alone = guard(lab)
    ping = alone.next_ping()
    asked = of_kind(lab.PingReq, alone.wait(PERIOD // 2))
    for helper in (asked[0], *asked):
        alone.hear(helper.to, lab.Nack(ping.message.number - (helper is asked[2])))
    assert period_after(alone) == 3, "one helper twice, and one about another probe"
    alone = guard(lab, members=40)
    failed_probe(alone, 0)
    failed_probe(alone, 3)
    assert period_after(alone) == 4, "who was silent about an earlier probe counts for that one"


@graded(points=1, title="No end of doubt", requirement="Lifeguard III-A: between 0 and S")
def test_doubt_has_a_greatest_value_and_acks_take_it_away(lab: SwimLab) -> None:
    alone = guard(lab, members=40)
    for _ in range(12):
        failed_probe(alone, 0)
    assert period_after(alone) == 9
    periods = []
    for _ in range(12):
        ping = next(iter(of_kind(lab.Ping, alone.fire(alone.period_timer()))))
        alone.hear(ping.to, lab.Ack(ping.message.number, ()))
        alone.hear(ping.to, lab.Ack(ping.message.number, ()))
        periods.append(alone.until_period() // PERIOD)
    assert periods == [9, 8, 7, 6, 5, 4, 3, 2, 1, 1, 1, 1], "one for each probe, down to 0"


@graded(points=1, title="Patience", requirement="Lifeguard III-A: the timeout of a probe too")
def test_a_member_that_doubts_itself_waits_longer_for_an_ack(lab: SwimLab) -> None:
    alone = guard(lab)
    failed_probe(alone, 3)
    ping = alone.next_ping()
    alone.hear(ping.to, lab.Ack(ping.message.number - 1, ()))
    assert period_after(alone) == 3, "an ack of another probe is no sign of being well"
    alone = guard(lab)
    failed_probe(alone, 3)
    alone.next_ping()
    assert not of_kind(lab.PingReq, alone.wait(2 * PERIOD * 3 // 10 - 1))
    assert of_kind(lab.PingReq, alone.wait(1))


@graded(points=1, title="Doubt, and a pause", requirement="who stood still accuses nobody for that")
def test_a_member_that_doubts_itself_and_stood_still_accuses_nobody(lab: SwimLab) -> None:
    for late, state in ((PERIOD, "suspect"), (PERIOD + 1, "alive")):
        alone = guard(lab, members=40)
        failed_probe(alone, 3)
        ping = alone.next_ping()
        assert alone.until_period() == 2 * PERIOD, "it doubts itself"
        alone.now += alone.until_period() + late
        alone.fire(alone.period_timer())
        assert alone.believes()[ping.to] == (state, 0), f"{late} µs too late: a period is enough"


@graded(points=2, title="Nack", requirement="Lifeguard III-A: a helper answers in any case")
def test_a_helper_without_an_ack_says_so_and_passes_a_late_ack_on(lab: SwimLab) -> None:
    alone = guard(lab)
    (ping,) = alone.hear("n2", lab.PingReq(5, "n4", ()))
    assert not of_kind(lab.Nack, alone.wait(PERIOD * 3 // 10 - 1))
    (sent,) = of_kind(lab.Nack, alone.wait(1))
    assert (sent.to, sent.message) == ("n2", lab.Nack(5))
    (sent,) = alone.hear("n4", lab.Ack(ping.message.number, ()))
    assert (sent.to, sent.message) == ("n2", lab.Ack(5, ()))
    (ping,) = alone.hear("n2", lab.PingReq(6, "n4", ()))
    alone.hear("n4", lab.Ack(ping.message.number, ()))
    assert not of_kind(lab.Nack, alone.wait(PERIOD)), "where an ack was in time there is no nack"


@graded(points=1, title="Accused", requirement="Lifeguard III-A: to refute is a sign of slowness")
def test_a_member_that_has_to_refute_doubts_itself(lab: SwimLab) -> None:
    alone = guard(lab)
    for heard, expected in ((0, 2), (0, 1), (1, 2)):
        alone.hear("n5", lab.News((lab.Suspect("n1", heard, "n3"),)))
        ping = alone.next_acked_ping()
        assert alone.until_period() // PERIOD == expected, "what was refuted already counts once"
        assert lab.Alive("n1", heard + 1) in told([ping])


@graded(points=3, title="Dogpile", requirement="Lifeguard III-B: accusers shorten the timeout")
def test_each_further_accuser_makes_a_suspicion_shorter_up_to_three(lab: SwimLab) -> None:
    least = 4 * PERIOD  # of eight members
    shrunk = [6 * least, 6 * least - 5 * least // 2, 6 * least - 5 * least * 792 // 1000, least]
    for further in range(5):
        alone = guard(lab)
        began = alone.now
        others = names(8)[3 : 3 + further]
        for accuser in ("n3", "n3", *others, "n3", *others):  # each counts once, also later on
            alone.hear("n8", lab.News((lab.Suspect("n2", 0, accuser),)))
        _until_dead(alone, "n2")
        took = alone.now - began
        assert took == shrunk[min(further, 3)], f"{further} further accusers: {took / PERIOD}"


@graded(points=1, title="From its beginning", requirement="Lifeguard III-B: counted from the start")
def test_a_late_accuser_shortens_what_is_left_and_may_end_it_at_once(lab: SwimLab) -> None:
    for after, ends in ((5 * PERIOD, 14 * PERIOD), (20 * PERIOD, 20 * PERIOD)):
        alone = guard(lab)
        began = alone.now
        alone.hear("n8", lab.News((lab.Suspect("n2", 0, "n3"),)))
        _wait(alone, after, silent="")
        alone.hear("n8", lab.News((lab.Suspect("n2", 0, "n4"),)))
        _until_dead(alone, "n2")
        assert alone.now - began == ends
    alone = guard(lab)
    for incarnation, refuted in ((0, True), (1, False), (2, False)):
        began = alone.now
        alone.hear("n8", lab.News((lab.Suspect("n2", incarnation, "n3"),)))
        _wait(alone, 5 * PERIOD, silent="")
        if refuted:
            alone.hear("n8", lab.News((lab.Alive("n2", 1),)))
    alone.hear("n8", lab.News((lab.Suspect("n2", 2, "n4"),)))
    _until_dead(alone, "n2")
    assert alone.now - began == 14 * PERIOD, "a suspicion of a later incarnation is a new one"


@graded(points=1, title="Told on", requirement="Lifeguard III-B: the first K are gossiped")
def test_further_accusers_are_told_on_up_to_three(lab: SwimLab) -> None:
    alone = guard(lab, spreading=1)
    for accuser in ("n3", "n4", "n5", "n6", "n7"):
        alone.hear("n8", lab.News((lab.Suspect("n2", 0, accuser),)))
        (ack,) = alone.hear("n8", lab.Ping(1, ()))
        expected = "n6" if accuser == "n7" else accuser
        assert told([ack]) == [lab.Suspect("n2", 0, expected)]


@graded(points=1, title="Few members", requirement="Lifeguard III-B: K is less where few can come")
def test_where_few_could_join_the_accusation_fewer_are_enough(lab: SwimLab) -> None:
    for members, digits, further in ((2, 2, 0), (3, 2, 1), (4, 3, 2)):
        alone = guard(lab, members)
        began = alone.now
        for accuser in ("n9", *names(members)[2 : 2 + further]):
            alone.hear("n9", lab.Ping(1, (lab.Suspect("n2", 0, accuser),)))
        _until_dead(alone, "n2")
        assert alone.now - began == digits * PERIOD, f"{members} members"
    alone = guard(lab, 3)
    began = alone.now
    alone.hear("n9", lab.Ping(1, (lab.Suspect("n2", 0, "n9"),)))
    _until_dead(alone, "n2")
    assert alone.now - began == 12 * PERIOD, "none of one"
    alone = guard(lab, 4)
    began = alone.now
    for accuser in ("n9", "n3"):
        alone.hear("n9", lab.Ping(1, (lab.Suspect("n2", 0, accuser),)))
    _until_dead(alone, "n2")
    assert alone.now - began == 18 * PERIOD - 15 * PERIOD * 631 // 1000, "one of two"


def _wait(alone: Alone, time: int, silent: str) -> None:
    """Let time pass in which all but one answer."""
    until = alone.now + time
    while (first := min(at for at, _ in alone.timers.values())) <= until:
        for each in of_kind(alone.lab.Ping, alone.wait(first - alone.now)):
            if each.to != silent:
                alone.hear(each.to, alone.lab.Ack(each.message.number, ()))
    alone.now = until


def _until_dead(alone: Alone, member: str) -> None:
    """Let time pass until a member that is suspected already, and answers, is dead."""
    while alone.believes()[member][0] != "dead":
        assert alone.timers, f"{member} will not be dead"
        first = min(at for at, _ in alone.timers.values())
        for each in of_kind(alone.lab.Ping, alone.wait(first - alone.now)):
            alone.hear(each.to, alone.lab.Ack(each.message.number, ()))


@graded(points=1, title="An accuser of its own", requirement="Lifeguard III-B: independently")
def test_a_failed_probe_of_a_suspect_is_an_accusation_of_its_own(lab: SwimLab) -> None:
    alone = guard(lab)
    alone.hear("n3", lab.News((lab.Suspect("n2", 0, "n3"),)))
    _wait(alone, 9 * PERIOD, silent="n2")
    assert lab.Suspect("n2", 0, "n1") in told(alone.hear("n3", lab.Ping(1, ())))


@graded(points=2, title="Buddy", requirement="Lifeguard III-C: a ping to a suspect says so")
def test_a_suspect_is_told_so_on_every_message_to_it(lab: SwimLab) -> None:
    alone = guard(lab, spreading=1)
    alone.hear("n4", lab.News((lab.Suspect("n5", 3, "n4"),)))
    for number in range(6):
        (ack,) = alone.hear("n7", lab.Ping(number, ()))
    assert told([ack]) == [], "it was told often enough to all others"
    for number in range(3):
        (ack,) = alone.hear("n5", lab.Ping(number, ()))
        assert told([ack]) == [lab.Suspect("n5", 3, "n1")]
    alone.hear("n4", lab.News((lab.Dead("n5", 3, "n4"),)))
    (ack,) = alone.hear("n5", lab.Ping(9, ()))
    assert told([ack])[0] == lab.Dead("n5", 3, "n1")
    alone.hear("n5", lab.News((lab.Alive("n5", 4),)))
    (ack,) = alone.hear("n5", lab.Ping(10, ()))
    assert lab.Suspect("n5", 3, "n1") not in told([ack])


@graded(points=3, title="Fewer false alarms", requirement="Lifeguard V: by a slow member")
def test_a_slow_member_calls_fewer_living_ones_dead_than_without_local_health(
    lab: SwimLab, sweep: Sweep
) -> None:
    slow = [Link(0, target="n1", latency=(2 * PERIOD, 6 * PERIOD))]
    alarms = {lab.Swim: 0, lab.Lifeguard: 0}
    for seed in sweep(3):
        for kind in alarms:
            wire = Wire()
            simulation = cluster(lab, kind, seed, 8, slow, observers=[wire])
            simulation.run(45 * PERIOD)
            said = {update for sent in wire.sent_messages for update in told([sent])}
            dead = {each.member for each in said if isinstance(each, lab.Dead)}
            alarms[kind] += len(dead - {"n1"})
    assert alarms[lab.Swim] >= 1, "the member is not slow enough: the test shows nothing"
    assert alarms[lab.Lifeguard] * 3 < alarms[lab.Swim], f"false alarms: {alarms}"


@graded(points=2, title="Completeness", requirement="Lifeguard V: the dead are found all the same")
def test_who_is_dead_is_dead_to_everybody(lab: SwimLab, sweep: Sweep) -> None:
    for seed in sweep(3):
        simulation = cluster(lab, lab.Lifeguard, seed, 8)
        simulation.run(5 * PERIOD)
        crash(simulation, "n2", "n3")
        simulation.run(45 * PERIOD)
        others = [name for name in names(8) if name not in ("n2", "n3")]
        assert state_of(lab, simulation, "n2", others) == {"dead"}
        assert state_of(lab, simulation, "n3", others) == {"dead"}
        assert state_of(lab, simulation, "n1", others) == {"alive"}


@graded(points=3, title="Trouble, then calm", requirement="SWIM 2.1: everybody alive, to everybody")
def test_after_all_kinds_of_trouble_all_are_alive_to_all(lab: SwimLab, sweep: Sweep) -> None:
    for seed in sweep(3):
        wire = Wire()
        calm = 30 * PERIOD
        kinds = ("crash", "pause", "partition", "block", "link", "clock")
        faults = trouble(seed, kinds, hit=names(6), until=calm)
        simulation = cluster(lab, lab.Lifeguard, seed, 6, faults, observers=[wire])
        simulation.run(calm + 80 * PERIOD)
        must_all_be_alive(lab, simulation)
        crash(simulation, "n2")  # nobody doubts itself any more, so this is found in time
        simulation.run(calm + 120 * PERIOD)
        others = [name for name in names(6) if name != "n2"]
        assert state_of(lab, simulation, "n2", others) == {"dead"}
        restart(simulation, "n2")
        simulation.run(calm + 160 * PERIOD)
        must_all_be_alive(lab, simulation)
        assert incarnations_come_from_their_members(lab, wire), "n2 was dead, and is alive"
