"""Graded suite of the lab ``swim``, second part: a few messages a member, whatever their number."""

from functools import partial

from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import STEADY, Wire, names
from common.sim.network import LinkModel
from common.values.faults import Block, Crash, Fault, Heal, Pause, Resume
from common.values.units import MS
from tests.stage5_fault_tolerance.swim.alone import Alone, of_kind, told
from tests.stage5_fault_tolerance.swim.cluster import PERIOD, cluster, state_of
from tests.stage5_fault_tolerance.swim.lab import SwimLab

LAB = "swim"

E = 2.718281828

SLOW = LinkModel(latency=(100 * MS, 140 * MS))
"""A probe is under way for a quarter of a period."""


@graded(points=1, title="Ping, ack", requirement="SWIM 3.1: one member is probed in each period")
def test_a_member_pings_one_other_in_each_period_and_an_ack_is_the_end_of_it(lab: SwimLab) -> None:
    alone = Alone(lab, lab.Prober)
    numbers = []
    for _ in range(10):
        ping = alone.next_ping()
        assert alone.until_period() == PERIOD
        numbers.append(ping.message.number)
        alone.hear(ping.to, lab.Ack(numbers[-1], ()))
        assert alone.wait(PERIOD - 1) == [], "nothing more is sent in a period with an ack"
    assert len(set(numbers)) == 10, "each ping has a number of its own"
    assert {state for state, _ in alone.believes().values()} == {"alive"}


@graded(points=1, title="The answer", requirement="SWIM 3.1: a ping is answered with an ack")
def test_a_ping_is_answered_to_its_sender_under_its_number(lab: SwimLab) -> None:
    alone = Alone(lab, lab.Prober)
    (sent,) = alone.hear("n4", lab.Ping(17, ()))
    assert (sent.to, sent.message) == ("n4", lab.Ack(17, ()))
    (sent,) = alone.hear("stranger", lab.Ping(1, (lab.Alive("stranger", 0),)))
    assert (sent.to, sent.message) == ("stranger", lab.Ack(1, ()))
    assert alone.believes()["stranger"] == ("alive", 0), "what a ping brings is learned"


@graded(points=2, title="Ping-req", requirement="SWIM 3.1: k others are asked to ping")
def test_without_an_ack_in_time_others_are_asked_and_their_ack_counts(lab: SwimLab) -> None:
    for seed in range(8):
        alone = Alone(lab, lab.Prober, helpers=3)
        for _ in range(seed):
            ping = alone.next_ping()
            alone.hear(ping.to, lab.Ack(ping.message.number, ()))
        ping = alone.next_ping()
        number = ping.message.number
        assert alone.wait(PERIOD * 3 // 10 - 1) == [], "not before a round trip is over"
        asked = alone.wait(1)
        assert [each.message for each in asked] == [lab.PingReq(number, ping.to, ())] * 3
        helpers = {each.to for each in asked}
        assert len(helpers) == 3, f"{helpers}: three different ones"
        assert not helpers & {"n1", ping.to}, f"{helpers}: neither the target nor oneself"
        alone.hear(min(helpers), lab.Ack(number, ()))
        alone.wait(PERIOD)
        assert alone.believes()[ping.to] == ("alive", 0)


@graded(points=1, title="A late timer", requirement="SWIM 3.1: of the present probe")
def test_the_timer_of_an_earlier_probe_asks_nobody_for_help(lab: SwimLab) -> None:
    alone = Alone(lab, lab.Prober)
    alone.next_ping()
    alone.fire(alone.period_timer())  # this machine is busy: the period begins before the timer
    (late, present) = [id for id, (_, timer) in sorted(alone.timers.items())
                       if isinstance(timer, lab.AckIsLate)]  # fmt: skip
    assert alone.fire(late) == []
    assert len(of_kind(lab.PingReq, alone.fire(present))) == 3


@graded(points=1, title="Few others", requirement="SWIM 3.1: k of those that there are")
def test_where_there_are_fewer_than_k_others_these_are_asked(lab: SwimLab) -> None:
    alone = Alone(lab, lab.Prober, members=4, helpers=3)
    ping = alone.next_ping()
    asked = of_kind(lab.PingReq, alone.wait(PERIOD // 2))
    assert sorted(each.to for each in asked) == sorted({"n2", "n3", "n4"} - {ping.to})


@graded(points=2, title="A helper", requirement="SWIM 3.1: it forwards the ack")
def test_a_helper_pings_for_the_asker_and_passes_the_ack_on_once(lab: SwimLab) -> None:
    alone = Alone(lab, lab.Prober)
    (first,) = alone.hear("n2", lab.PingReq(5, "n4", (lab.Alive("n9", 0),)))
    (second,) = alone.hear("n3", lab.PingReq(5, "n4", ()))
    assert (first.to, second.to) == ("n4", "n4")
    assert alone.believes()["n9"] == ("alive", 0), "what a ping-req brings is learned"
    numbers = [each.message.number for each in (first, second)]
    assert numbers[0] != numbers[1], "two askers may have chosen the same number"
    (sent,) = alone.hear("n4", lab.Ack(numbers[1], (lab.Alive("n10", 0),)))
    assert (sent.to, sent.message) == ("n3", lab.Ack(5, ()))
    assert alone.believes()["n10"] == ("alive", 0), "what an ack brings is learned"
    assert alone.hear("n4", lab.Ack(numbers[1], ())) == [], "once"
    (sent,) = alone.hear("n4", lab.Ack(numbers[0], ()))
    assert (sent.to, sent.message) == ("n2", lab.Ack(5, ()))


@graded(points=1, title="A helper's memory", requirement="what others ask for is bounded")
def test_a_helper_remembers_the_latest_requests_and_not_all(lab: SwimLab) -> None:
    alone = Alone(lab, lab.Prober)
    pings = [alone.hear("n2", lab.PingReq(number, "n4", ()))[0] for number in range(257)]
    numbers = [ping.message.number for ping in pings]
    assert alone.hear("n4", lab.Ack(numbers[0], ())) == [], "the 257th makes the first one go"
    for number in (1, 256):
        (sent,) = alone.hear("n4", lab.Ack(numbers[number], ()))
        assert sent.message == lab.Ack(number, ())


@graded(points=2, title="No ack at all", requirement="SWIM 3.1, 3.2: failed, and everybody hears")
def test_who_sends_no_ack_until_the_period_ends_is_dead_and_all_living_hear_it(
    lab: SwimLab,
) -> None:
    alone = Alone(lab, lab.Prober)
    ping = alone.next_ping()
    alone.hear(ping.to, lab.Ack(ping.message.number - 1, ()))
    sent = alone.wait(PERIOD - 1)
    assert not of_kind(lab.News, sent), "there is time until the period ends"
    assert alone.believes()[ping.to] == ("alive", 0)
    news = of_kind(lab.News, alone.wait(1))
    assert alone.believes()[ping.to] == ("dead", 0)
    assert sorted(each.to for each in news) == sorted(set(alone.peers) - {ping.to})
    assert {update for each in news for update in told([each])} == {lab.Dead(ping.to, 0, "n1")}
    for _ in range(12):
        assert alone.next_acked_ping().to != ping.to, "nobody pings the dead"


@graded(points=1, title="The dead cost nothing", requirement="SWIM 3.1: a probe in each period")
def test_a_living_one_is_probed_in_each_period_although_most_are_dead(lab: SwimLab) -> None:
    for living in (("n7", "n8"), ("n8",), ("n2",)):
        alone = Alone(lab, lab.Prober)
        dead = [name for name in alone.peers if name not in living]
        alone.hear("n8", lab.News(tuple(lab.Dead(name, 0, "n8") for name in dead)))
        alone.next_acked_ping()
        for _ in range(20):
            before = alone.now
            assert alone.next_acked_ping().to in living
            assert alone.now - before == PERIOD, "no period without a probe"


@graded(points=2, title="Round-robin", requirement="SWIM 4.3: within 2n - 1 periods")
def test_everybody_is_probed_once_in_each_round_and_rounds_have_different_orders(
    lab: SwimLab,
) -> None:
    alone = Alone(lab, lab.Prober)
    targets = []
    for _ in range(7 * 6):
        targets.append(alone.next_acked_ping().to)
    rounds = [tuple(targets[begin : begin + 7]) for begin in range(0, len(targets), 7)]
    for number, round_ in enumerate(rounds, 1):
        assert sorted(round_) == sorted(alone.peers), f"round {number} probes {round_}"
    assert len(set(rounds)) > 1, "a new order in each round"


@graded(points=2, title="Found by everybody", requirement="SWIM 4.3: 2n - 1 periods at the most")
def test_each_member_finds_a_failure_within_2n_minus_1_periods(lab: SwimLab, sweep: Sweep) -> None:
    for seed in sweep(4):
        simulation = cluster(lab, lab.Prober, seed, 5, [Crash(0, "n5")])
        simulation.run((2 * 4 - 1 + 2) * PERIOD)
        assert state_of(lab, simulation, "n5", names(4)) == {"dead"}
    alone, latest, longest = Alone(lab, lab.Prober), dict[str, int](), 0
    for period in range(7 * 6):
        victim = alone.next_acked_ping().to
        periods = period - latest.get(victim, period)
        assert periods < 2 * 7, f"7 others, and {victim} is probed after {periods} periods"
        longest, latest[victim] = max(longest, periods), period
    assert longest > 7, "an order by chance keeps somebody waiting for longer than a round"


@graded(points=2, title="Detection time", requirement="SWIM 3.1: e / (e - 1) periods, for any n")
def test_the_first_detection_takes_as_long_with_many_members_as_with_few(
    lab: SwimLab, sweep: Sweep
) -> None:
    for count in (6, 24):
        times = []
        for seed in sweep(32):
            wire = Wire()
            crashed = 2 * PERIOD + 137 * MS
            simulation = cluster(
                lab, lab.Prober, seed, count, [Crash(crashed, "n2")], observers=[wire]
            )
            found = simulation.run_until(partial(_somebody_tells, lab, wire), 60 * PERIOD)
            assert found, "nobody has noticed"
            times.append(wire.times_of(lab.News)[0] - crashed)
        mean = sum(times) / len(times) / PERIOD
        if len(times) >= 25:  # of fewer a mean says little
            expected = E / (E - 1) + 0.5  # and half a period until a first one begins
            assert expected - 1.2 < mean < expected + 1.2, (
                f"{count} members, {len(times)} runs: {mean:.2f} periods on average"
            )


def _somebody_tells(lab: SwimLab, wire: Wire) -> bool:
    return bool(wire.times_of(lab.News))


@graded(points=2, title="Load", requirement="SWIM 3.1: messages a member do not grow with n")
def test_a_member_sends_two_messages_a_period_however_many_there_are(lab: SwimLab) -> None:
    for count in (3, 40):
        wire = Wire()
        simulation = cluster(lab, lab.Prober, 1, count, observers=[wire], link=STEADY)
        simulation.run(1 * PERIOD)
        wire.forget()
        simulation.run(6 * PERIOD)
        assert len(wire.of(lab.Ping)) == len(wire.of(lab.Ack)) == 5 * count
        assert len(wire.sent_messages) == 10 * count, "nothing else is sent on a calm day"


@graded(points=2, title="A bad path", requirement="SWIM 3.1: ping-req is for a path that is bad")
def test_two_that_do_not_hear_each_other_do_not_take_each_other_for_dead(
    lab: SwimLab, sweep: Sweep
) -> None:
    for seed in sweep(4):
        cut = [Block(0, "n1", "n2"), Block(0, "n2", "n1"), Block(0, "n3", "n2")]
        wire = Wire()
        simulation = cluster(lab, lab.Prober, seed, 6, cut, observers=[wire])
        simulation.run(25 * PERIOD)
        assert len(wire.of(lab.PingReq)) > 3, "nobody has asked for help: the test shows nothing"
        for name in names(6):
            assert state_of(lab, simulation, name, names(6)) == {"alive"}


@graded(points=1, title="Its own pause", requirement="who stood still accuses nobody for that")
def test_a_member_that_stood_still_itself_accuses_nobody(lab: SwimLab, sweep: Sweep) -> None:
    for seed in sweep(4):
        pauses: list[Fault] = []
        for begin in range(8 * PERIOD, 48 * PERIOD, 8 * PERIOD):
            end = begin + 4 * PERIOD - 150 * MS  # so a probe is under way at the next beginning
            pauses += [Pause(begin, "n1"), Resume(end, "n1"), Heal(end)]
            pauses += [Block(begin, other, "n1") for other in names(5)[1:]]  # and its ack is lost
        wire = Wire()
        simulation = cluster(lab, lab.Prober, seed, 5, pauses, observers=[wire], link=SLOW)
        simulation.run(50 * PERIOD)
        accused = [
            update
            for sent in wire.sent_messages
            if sent.sender == "n1"
            for update in getattr(sent.message, "updates", ())
        ]
        assert not accused, f"n1 stood still, and says {accused}"
        assert state_of(lab, simulation, "n1", ["n2"]) == {"dead"}, "the others saw a silence"


@graded(points=1, title="Late by less", requirement="only more than a period is a pause")
def test_a_period_that_ends_a_little_late_judges_its_probe_all_the_same(lab: SwimLab) -> None:
    for late, state in ((PERIOD, "dead"), (PERIOD + 1, "alive")):
        alone = Alone(lab, lab.Prober)
        ping = alone.next_ping()
        alone.now += alone.until_period() + late
        sent = alone.fire(alone.period_timer())
        assert alone.believes()[ping.to] == (state, 0), f"the period ended {late} µs too late"
        assert len(of_kind(lab.Ping, sent)) == 1, "and the next probe begins"


@graded(points=1, title="Nobody else", requirement="a member may be the only one")
def test_a_member_that_knows_nobody_waits_for_somebody(lab: SwimLab) -> None:
    alone = Alone(lab, lab.Prober, members=1)
    assert alone.wait(3 * PERIOD) == []
    alone.hear("n2", lab.News((lab.Alive("n2", 0),)))
    assert alone.next_ping().to == "n2"
    alone = Alone(lab, lab.Prober, members=3)
    alone.hear("n2", lab.News((lab.Dead("n2", 0, "n4"), lab.Dead("n3", 0, "n4"))))
    assert alone.wait(3 * PERIOD) == [], "all others are dead"
