"""Graded suite of the lab ``swim``, third part: first suspected, then dead; a member refutes."""

from collections.abc import Callable
from itertools import permutations
from random import Random
from typing import Any

from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import Wire, crash, names, restart, trouble
from common.values.faults import Crash, Fault, Pause, Restart, Resume
from common.values.units import MS
from tests.stage5_fault_tolerance.swim.alone import Alone, of_kind, told
from tests.stage5_fault_tolerance.swim.cluster import (
    PERIOD,
    believed,
    cluster,
    incarnations_come_from_their_members,
    must_all_be_alive,
    state_of,
)
from tests.stage5_fault_tolerance.swim.lab import SwimLab

LAB = "swim"

MAX = 2**32 - 1
EIGHT = names(8)


def suspicion_of(periods: int) -> int:
    """How long it is in microseconds; eight members have four binary digits."""
    return 4 * periods * PERIOD


@graded(points=2, title="The order of news", requirement="SWIM 4.2: who overrides whom")
def test_of_two_updates_the_greater_incarnation_wins_and_then_the_worse_state(
    lab: SwimLab,
) -> None:
    beaten_by = {
        "alive": {"alive": "<", "suspect": "<", "dead": "<"},
        "suspect": {"alive": "<=", "suspect": "<", "dead": "<"},
        "dead": {"alive": "<=", "suspect": "<=", "dead": "<"},
    }
    for new, olds in beaten_by.items():
        for old, sign in olds.items():
            for i in range(3):
                for j in range(3):
                    expected = j <= i if sign == "<=" else j < i
                    told = lab.overrides(lab.Entry(new, i), lab.Entry(old, j))
                    assert told == expected, f"{new}@{i} overrides {old}@{j}: {told}"
        assert lab.overrides(lab.Entry(new, 0), None), f"{new} of a stranger is news"


@graded(points=1, title="Can it be true?", requirement="hashicorp/memberlist#359")
def test_an_accusation_that_nobody_could_refute_is_not_plausible(lab: SwimLab) -> None:
    for kind in (lab.Suspect, lab.Dead):
        plausible = [lab.is_plausible(kind("n2", i, "n3")) for i in (-1, 0, MAX - 1, MAX, MAX + 1)]
        assert plausible == [False, True, True, False, False], kind.__name__
    plausible = [lab.is_plausible(lab.Alive("n2", i)) for i in (-1, 0, MAX - 1, MAX, MAX + 1)]
    assert plausible == [False, True, True, True, False], "Alive"


@graded(points=2, title="Suspected first", requirement="SWIM 4.2: no ack makes a suspect")
def test_who_sends_no_ack_is_suspected_and_only_dead_when_its_time_is_over(lab: SwimLab) -> None:
    alone = Alone(lab, lab.Suspecter, suspicion=2)
    alone.hear("n2", lab.News(tuple(lab.Alive(name, 3) for name in alone.peers)))
    ping = alone.next_ping()
    news = of_kind(lab.News, alone.wait(PERIOD))
    assert sorted(each.to for each in news) == sorted(alone.peers), "the suspect hears it too"
    assert set(told(news)) == {lab.Suspect(ping.to, 3, "n1")}
    for name in alone.peers:
        if name != ping.to:
            alone.hear(name, lab.News((lab.Alive(name, 4),)))
    sent = _living_for(alone, suspicion_of(2) - 1, ping.to)
    assert alone.believes()[ping.to] == ("suspect", 3)
    assert not [each for each in told(sent) if isinstance(each, lab.Dead)]
    news = of_kind(lab.News, alone.wait(1))
    assert alone.believes()[ping.to] == ("dead", 3)
    assert set(told(news)) == {lab.Dead(ping.to, 3, "n1")}, "everybody hears it"
    assert sorted(each.to for each in news) == sorted(set(alone.peers) - {ping.to})


def _living_for(alone: Alone, time: int, silent: str) -> list[Any]:
    """Let time pass in which all but one answer; what is sent."""
    until, sent = alone.now + time, []
    while alone.now + alone.until_period() <= until:
        period = alone.wait(alone.until_period())
        sent += period
        for each in of_kind(alone.lab.Ping, period):
            if each.to != silent:
                alone.hear(each.to, alone.lab.Ack(each.message.number, ()))
    return sent + alone.wait(until - alone.now)


@graded(points=1, title="Suspected once", requirement="SWIM 4.2: Suspect of one that is alive")
def test_a_suspect_that_is_silent_still_is_not_suspected_once_more(lab: SwimLab) -> None:
    alone = Alone(lab, lab.Suspecter, members=2, suspicion=10)
    sent = alone.wait(8 * PERIOD)
    assert told(sent).count(lab.Suspect("n2", 0, "n1")) == 1
    assert len(of_kind(lab.Ping, sent)) >= 7, "a suspect is probed as before"


@graded(points=3, title="Refutation", requirement="SWIM 4.2: the suspect raises its incarnation")
def test_a_member_that_hears_that_it_is_suspected_goes_beyond_that_incarnation(
    lab: SwimLab,
) -> None:
    for accusation in (lab.Suspect, lab.Dead):
        alone = Alone(lab, lab.Suspecter)
        for heard, expected in ((0, 1), (1, 2), (7, 8)):
            sent = alone.hear("n5", lab.News((accusation("n1", heard, "n3"),)))
            assert set(told(sent)) == {lab.Alive("n1", expected)}
            assert sorted(each.to for each in sent) == sorted(alone.peers), "everybody hears it"
            assert alone.believes()["n1"] == ("alive", expected)


@graded(points=1, title="Refuted already", requirement="only an accusation of now raises it")
def test_an_old_accusation_is_answered_with_the_present_incarnation(lab: SwimLab) -> None:
    alone = Alone(lab, lab.Suspecter)
    alone.hear("n5", lab.News((lab.Suspect("n1", 4, "n3"),)))
    sent = alone.hear("n5", lab.News((lab.Dead("n1", 4, "n3"),)))
    assert set(told(sent)) == {lab.Alive("n1", 5)}, "its accuser does not know that it lives"
    assert alone.believes()["n1"] == ("alive", 5)


@graded(points=1, title="Of an earlier life", requirement="an incarnation is monotone")
def test_a_member_that_hears_of_an_earlier_life_goes_on_from_its_incarnation(lab: SwimLab) -> None:
    alone = Alone(lab, lab.Suspecter)
    for heard, expected in ((6, 6), (2, 6)):
        assert alone.hear("n5", lab.News((lab.Alive("n1", heard),))) == []
        assert alone.believes()["n1"] == ("alive", expected)
    sent = alone.hear("n5", lab.News((lab.Suspect("n1", 3, "n3"),)))
    assert set(told(sent)) == {lab.Alive("n1", 6)}


@graded(points=2, title="Refuted in time", requirement="SWIM 4.2: Alive@i+1 overrides Suspect@i")
def test_a_suspicion_that_was_refuted_ends_in_nothing(lab: SwimLab) -> None:
    for again in (False, True):
        alone = Alone(lab, lab.Suspecter, suspicion=1)
        alone.hear("n5", lab.News((lab.Suspect("n2", 0, "n3"),)))
        _living_for(alone, 2 * PERIOD, "")
        alone.hear("n5", lab.News((lab.Alive("n2", 1),)))
        assert alone.believes()["n2"] == ("alive", 1)
        if again:
            alone.hear("n5", lab.News((lab.Suspect("n2", 1, "n3"),)))
        _living_for(alone, 3 * PERIOD, "")
        assert alone.believes()["n2"] == ("suspect" if again else "alive", 1), "of the first one"
        _living_for(alone, 2 * PERIOD, "")
        assert alone.believes()["n2"][0] == ("dead" if again else "alive")


WAYS: dict[str, Callable[[SwimLab, tuple[Any, ...]], object]] = {
    "news": lambda made, updates: made.News(updates),
    "ping": lambda made, updates: made.Ping(1, updates),
    "ping-req": lambda made, updates: made.PingReq(1, "n4", updates),
    "ack": lambda made, updates: made.Ack(1, updates),
}


@graded(points=2, title="Dead beats old Alive", requirement="al8n/memberlist#197")
def test_a_stale_alive_does_not_bring_back_who_is_dead_in_a_later_incarnation(
    lab: SwimLab,
) -> None:
    for way, wrapped in WAYS.items():
        alone = Alone(lab, lab.Suspecter)
        for update, expected in (
            (lab.Dead("n2", 1, "n3"), ("dead", 1)),
            (lab.Dead("n2", 10, "n3"), ("dead", 10)),
            (lab.Alive("n2", 2), ("dead", 10)),
            (lab.Alive("n2", 10), ("dead", 10)),
            (lab.Suspect("n2", 10, "n3"), ("dead", 10)),
            (lab.Alive("n2", 11), ("alive", 11)),
            (lab.Dead("n2", 10, "n3"), ("alive", 11)),
            (lab.Suspect("n2", 10, "n3"), ("alive", 11)),
        ):
            alone.hear("n3", wrapped(lab, (update,)))
            assert alone.believes()["n2"] == expected, f"after {update} by {way}"
        alone.hear("n3", wrapped(lab, (lab.Dead("n9", 4, "n3"),)))
        alone.hear("n3", wrapped(lab, (lab.Alive("n9", 3),)))
        assert alone.believes()["n9"] == ("dead", 4), "n9 was not known before"


@graded(points=2, title="Forged numbers", requirement="hashicorp/memberlist#359")
def test_no_message_evicts_a_member_for_ever(lab: SwimLab) -> None:
    alone = Alone(lab, lab.Suspecter)
    for forged in (lab.Dead("n2", MAX, "n3"), lab.Suspect("n2", MAX, "n3"), lab.Alive("n2", -1)):
        alone.hear("n3", lab.News((forged,)))
        assert alone.believes()["n2"] == ("alive", 0), f"after {forged}"
    alone.hear("n3", lab.News((lab.Dead("n2", MAX - 1, "n3"),)))
    alone.hear("n3", lab.News((lab.Alive("n2", MAX),)))
    assert alone.believes()["n2"] == ("alive", MAX), "it has refuted, by the greatest number"
    assert alone.hear("n3", lab.News((lab.Dead("n1", MAX, "n3"),))) == []
    assert alone.believes()["n1"] == ("alive", 0), "nor is it refuted: nobody believes it"
    sent = alone.hear("n3", lab.News((lab.Suspect("n1", MAX - 1, "n3"),)))
    assert set(told(sent)) == {lab.Alive("n1", MAX)}


@graded(points=1, title="A full table", requirement="a name is a claim by a stranger")
def test_a_table_that_is_full_takes_nobody_new_and_still_learns(lab: SwimLab) -> None:
    alone = Alone(lab, lab.Suspecter)
    alone.hear("n2", lab.News(tuple(lab.Alive(f"x{number}", 0) for number in range(20_010))))
    believed = alone.believes()
    assert len(believed) == 20_001, "20,000 others"
    assert "x20009" not in believed
    strangers = (lab.Alive("y", 0), lab.Suspect("y1", 0, "n2"), lab.Dead("y2", 0, "n2"))
    alone.hear("n2", lab.News((*strangers, lab.Dead("x1", 0, "n2"), lab.Alive("x2", 1))))
    believed = alone.believes()
    assert (believed["x1"], believed["x2"]) == (("dead", 0), ("alive", 1))
    assert not {"y", "y1", "y2"} & set(believed), "whatever is said of them"


@graded(points=2, title="It hears that it is dead", requirement="hashicorp/memberlist#311")
def test_a_member_that_is_believed_to_be_dead_is_told_so_in_the_answer(lab: SwimLab) -> None:
    alone = Alone(lab, lab.Suspecter)
    alone.hear("n3", lab.News((lab.Dead("n2", 100, "n3"), lab.Suspect("n4", 1, "n3"))))
    (sent,) = alone.hear("n2", lab.Ping(1, ()))
    assert (sent.to, sent.message) == ("n2", lab.Ack(1, (lab.Dead("n2", 100, "n1"),)))
    (sent,) = alone.hear("n3", lab.Ping(1, ()))
    assert sent.message == lab.Ack(1, ()), "who is alive needs not to hear it"
    (sent,) = alone.hear("n4", lab.Ping(1, ()))
    assert sent.message == lab.Ack(1, ()), "a suspect has its time"


@graded(points=3, title="Restarted", requirement="hashicorp/memberlist#311: it becomes visible")
def test_a_member_that_restarts_with_incarnation_0_is_alive_to_all_again(
    lab: SwimLab, sweep: Sweep
) -> None:
    for seed in sweep(4):
        wire = Wire()
        simulation = cluster(lab, lab.Suspecter, seed, 6, observers=[wire])
        simulation.run(PERIOD)
        for lives in range(1, 4):
            crash(simulation, "n3")
            simulation.run(simulation.now + 25 * PERIOD)
            others = [name for name in names(6) if name != "n3"]
            assert state_of(lab, simulation, "n3", others) == {"dead"}, "completeness"
            restart(simulation, "n3")
            simulation.run(simulation.now + 25 * PERIOD)
            must_all_be_alive(lab, simulation)
            assert believed(lab, simulation, "n1")["n3"][1] == lives, "one more for each life"
        assert incarnations_come_from_their_members(lab, wire)


@graded(points=3, title="A pause", requirement="SWIM 4.2: suspected, then refuted")
def test_a_member_that_stands_still_for_a_while_is_suspected_and_refutes(
    lab: SwimLab, sweep: Sweep
) -> None:
    for seed in sweep(6):
        wire = Wire()
        pause: list[Fault] = [Pause(2 * PERIOD, "n2"), Resume(18 * PERIOD, "n2")]
        simulation = cluster(lab, lab.Suspecter, seed, 8, pause, {"suspicion": 5}, observers=[wire])
        simulation.run(45 * PERIOD)
        must_all_be_alive(lab, simulation)
        updates = [update for sent in wire.sent_messages for update in told([sent])]
        assert not [each for each in updates if isinstance(each, lab.Dead)], "it had 20 periods"
        accused = {each.member for each in updates if isinstance(each, lab.Suspect)}
        assert accused == {"n2"}, "in 2n - 1 periods somebody noticed, and nobody else was silent"
        incarnations_come_from_their_members(lab, wire)


@graded(points=2, title="One truth", requirement="what is believed only grows, in one order")
def test_in_whatever_order_and_however_often_news_come_all_believe_the_same(
    lab: SwimLab, sweep: Sweep
) -> None:
    kinds: list[Callable[[int], Any]] = [
        lambda i: lab.Alive("n2", i),
        lambda i: lab.Suspect("n2", i, "n3"),
        lambda i: lab.Dead("n2", i, "n4"),
    ]
    for seed in sweep(4):
        random = Random(f"news/{seed}")
        updates = [random.choice(kinds)(random.randrange(3)) for _ in range(4)]
        ends = set()
        for order in permutations(updates):
            alone = Alone(lab, lab.Suspecter)
            for update in (*order, random.choice(order)):
                alone.hear("n3", lab.News((update,)))
            ends.add(alone.believes()["n2"])
        assert len(ends) == 1, f"{updates} end in {ends}"
    alone = Alone(lab, lab.Suspecter)
    before = alone.believes()["n2"]
    alone.hear("n3", lab.News((lab.Dead("n2", 3, "n4"),)))
    assert alone.believes()["n2"] != before, "news change what it believes"


@graded(points=3, title="Trouble, then calm", requirement="SWIM 2.1: everybody alive, to everybody")
def test_after_crashes_and_pauses_all_are_alive_to_all_and_raised_it_themselves(
    lab: SwimLab, sweep: Sweep
) -> None:
    for seed in sweep(6):  # of two that are dead to each other, neither probes the other: part 4
        wire = Wire()
        calm = 30 * PERIOD
        faults = trouble(seed, ("crash", "pause", "clock"), hit=["n2"], until=calm)
        faults += [Crash(calm, "n2"), Restart(calm + 20 * PERIOD, "n2")]
        simulation = cluster(lab, lab.Suspecter, seed, 6, faults, observers=[wire])
        simulation.run(calm + 50 * PERIOD)
        must_all_be_alive(lab, simulation)
        assert incarnations_come_from_their_members(lab, wire), "it was dead, and is alive"


@graded(points=2, title="Completeness", requirement="SWIM 4.2: within the suspicion timeout")
def test_who_is_dead_is_dead_to_everybody_after_detection_and_suspicion(
    lab: SwimLab, sweep: Sweep
) -> None:
    for seed in sweep(4):
        at = 3 * PERIOD + 50 * MS
        simulation = cluster(lab, lab.Suspecter, seed, 8, [Crash(at, "n4"), Crash(at, "n5")])
        simulation.run(at + (2 * 7 - 1 + 4 + 1) * PERIOD)
        others = [name for name in EIGHT if name not in ("n4", "n5")]
        assert state_of(lab, simulation, "n4", others) == {"dead"}
        assert state_of(lab, simulation, "n5", others) == {"dead"}
        assert state_of(lab, simulation, "n1", others) == {"alive"}
