"""Graded suite of the lab ``swim``, first part: heartbeats, and how long a silence is too long."""

from itertools import pairwise, product
from math import log10
from statistics import NormalDist, fmean, pstdev
from typing import Any

import pytest

from common.contract.effects import Broadcast, Return, SetTimer
from common.contract.events import Fire, Invoke, Receive, Start
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import crash, effects_of, names, restart
from common.sim.network import LinkModel
from common.values.faults import Crash, Fault, Pause, Resume
from common.values.units import MS, SECOND
from tests.stage5_fault_tolerance.swim.cluster import believed, cluster, state_of
from tests.stage5_fault_tolerance.swim.lab import SwimLab

LAB = "swim"

INTERVAL = 100 * MS
FIVE = names(5)
UNEVEN = LinkModel(latency=(1 * MS, 30 * MS))


def watcher(lab: SwimLab, detector: str) -> Any:
    """What makes a watcher with one of the detectors."""
    made: Any = {"fixed": lab.FixedTimeout, "phi": lab.PhiAccrual}[detector]
    return lambda id, peers: lab.Watcher(id, peers, interval=INTERVAL, detector=made)


DETECTORS = ("fixed", "phi")


@graded(points=1, title="A fixed timeout", requirement="suspects after it, and not before")
def test_a_fixed_timeout_suspects_after_a_longer_silence_only(lab: SwimLab) -> None:
    detector = lab.FixedTimeout(1_000, 100, timeout=3)
    assert not detector.suspects(1_300), "a silence as long as the timeout is still in time"
    assert detector.suspects(1_301)
    detector.heard(1_400)
    assert not detector.suspects(1_700), "the silence begins anew with each heartbeat"
    assert detector.suspects(1_701)


@graded(points=2, title="Phi", requirement="Hayashibara 2004, IV.B: -log10 of P(later)")
def test_phi_is_minus_the_logarithm_of_the_probability_of_a_later_heartbeat(lab: SwimLab) -> None:
    times = [1_000, 1_090, 1_260, 1_300, 1_480, 1_530]
    detector = lab.PhiAccrual(1_000, 100)
    for time in times[1:]:
        detector.heard(time)
    silences = [100, *(b - a for a, b in pairwise(times))]
    spread = NormalDist(fmean(silences), pstdev(silences))
    for silence in (1, 50, 100, 150, 200, 300):
        expected = -log10(1 - spread.cdf(silence))
        assert detector.phi(1_530 + silence) == pytest.approx(expected, abs=0.002), (
            f"after the silences {silences}, and one of {silence} now"
        )


@graded(points=1, title="More and more sure", requirement="phi grows with the silence, to a bound")
def test_phi_grows_with_the_silence_and_has_a_greatest_value(lab: SwimLab) -> None:
    detector = lab.PhiAccrual(0, 100)
    for beat in range(1, 50):
        detector.heard(100 * beat)
    phis = [detector.phi(4_900 + silence) for silence in range(0, 2_000, 20)]
    assert phis == sorted(phis)
    assert phis[0] < 0.1, "just heard"
    assert phis[5] == pytest.approx(0.301, abs=0.001), "as likely later as not, at the mean"
    assert phis[10] == pytest.approx(4.499, abs=0.01), "heartbeats like clockwork are not believed"
    assert phis[-1] == detector.phi(10**12) == 100
    assert detector.suspects(4_900 + 300)
    assert not detector.suspects(4_900 + 220)


@graded(points=1, title="It adapts", requirement="Hayashibara 2004, IV: to the network as it is")
def test_phi_is_patient_with_one_that_was_irregular_until_that_is_long_ago(lab: SwimLab) -> None:
    even, uneven = lab.PhiAccrual(0, 100), lab.PhiAccrual(0, 100)
    for beat in range(1, 41):
        even.heard(100 * beat)
        uneven.heard(100 * beat + (60 if beat % 2 else 0))
    assert uneven.phi(4_000 + 250) < even.phi(4_000 + 250) - 3
    for beat in range(41, 150):
        even.heard(100 * beat)
        uneven.heard(100 * beat)
    assert uneven.phi(14_900 + 250) == even.phi(14_900 + 250), "a window forgets"


@graded(points=1, title="Heartbeats", requirement="to everybody, once in each interval")
def test_a_watcher_beats_once_in_each_interval(lab: SwimLab) -> None:
    node = lab.Watcher("n1", ("n2", "n3"), interval=INTERVAL)
    effects = node.step(Start(0, {}))
    for beat in range(1, 4):
        assert [each.message for each in effects_of(Broadcast, effects)] == [lab.Heartbeat()]
        (timer,) = effects_of(SetTimer, effects)
        assert timer.after == INTERVAL
        effects = node.step(Fire(beat * INTERVAL, timer.id, timer.timer))


@graded(points=2, title="Completeness", requirement="Chandra and Toueg 1996, 2: completeness")
def test_who_is_dead_is_suspected_by_all_and_who_comes_back_is_not(
    lab: SwimLab, sweep: Sweep
) -> None:
    for seed, detector in product(sweep(3), DETECTORS):
        simulation = cluster(lab, watcher(lab, detector), seed, 5, link=UNEVEN)
        simulation.run(2 * SECOND)
        crash(simulation, "n3")
        simulation.run(3 * SECOND)
        others = [name for name in FIVE if name != "n3"]
        assert state_of(lab, simulation, "n3", others) == {"suspect"}
        restart(simulation, "n3")
        simulation.run(simulation.now + 500 * MS)
        assert state_of(lab, simulation, "n3", others) == {"alive"}


@graded(points=2, title="Accuracy", requirement="Chandra and Toueg 1996, 2: accuracy")
def test_nobody_who_lives_is_suspected_on_a_network_that_is_only_uneven(
    lab: SwimLab, sweep: Sweep
) -> None:
    for seed, detector in product(sweep(3), DETECTORS):
        simulation = cluster(lab, watcher(lab, detector), seed, 5, link=UNEVEN)
        for _ in range(8):
            simulation.run(simulation.now + 333 * MS)
            for name in FIVE:
                assert state_of(lab, simulation, name, FIVE) == {"alive"}, f"at {simulation.now}"
        crash(simulation, "n3")
        simulation.run(simulation.now + 1 * SECOND)
        assert state_of(lab, simulation, "n3", FIVE[:2]) == {"suspect"}, (
            "who never suspects is blind"
        )


@graded(points=3, title="Its own pause", requirement="who stood still accuses nobody for that")
def test_a_detector_that_stood_still_itself_accuses_nobody_but_the_dead(
    lab: SwimLab, sweep: Sweep
) -> None:
    for seed, detector in product(sweep(3), DETECTORS):
        faults: list[Fault] = [
            Pause(1_010 * MS, "n1"),
            Resume(4 * SECOND, "n1"),
            Crash(2 * SECOND, "n5"),
            Crash(5 * SECOND, "n4"),
        ]
        simulation = cluster(lab, watcher(lab, detector), seed, 5, faults, link=UNEVEN)
        simulation.run(3 * SECOND)
        assert state_of(lab, simulation, "n1", ["n2", "n3", "n4"]) == {"suspect"}
        simulation.run(4 * SECOND)
        for _ in range(6):
            simulation.run(simulation.now + 20 * MS)
            told = believed(lab, simulation, "n1")
            accused = [name for name in FIVE[1:4] if told[name][0] != "alive"]
            assert not accused, f"n1 stood still for 3 s, and suspects {accused} of silence"
        simulation.run(6 * SECOND)
        assert state_of(lab, simulation, "n5", ["n1"]) == {"suspect"}, "and the dead are dead"
        assert state_of(lab, simulation, "n4", ["n1"]) == {"suspect"}, "the pause is no silence"
        assert state_of(lab, simulation, "n1", ["n2", "n3"]) == {"alive"}


@graded(points=1, title="An excuse is for once", requirement="a pause is no silence, and no more")
def test_a_pause_is_excused_once_and_in_its_length(lab: SwimLab) -> None:
    node = lab.Watcher("n1", ("n2", "n3"), interval=100, detector=lab.FixedTimeout)
    node.step(Start(0, {}))
    node.step(Receive(10, "n2", lab.Heartbeat()))
    node.step(Receive(1_100, "n2", lab.Heartbeat()))  # overdue by 1,000, which is excused
    for now in (1_100, 1_200, 1_300, 1_400):
        effects = node.step(Fire(now, 1, _beat(lab)))
        assert effects, "a beat has effects"
    assert _suspected(lab, node, 1_400) == [], "silent for 500, the pause left out"
    node.step(Fire(1_501, 1, _beat(lab)))
    assert _suspected(lab, node, 1_501) == ["n3"], "silent for longer than the timeout of 500"
    node = lab.Watcher("n1", ("n2", "n3"), interval=100, detector=lab.FixedTimeout)
    node.step(Start(0, {}))
    node.step(Fire(1_100, 1, _beat(lab)))
    assert _suspected(lab, node, 1_100) == [], "nor where its own beat comes before a heartbeat"


@graded(points=1, title="A little late", requirement="only more than an interval is a pause")
def test_a_beat_that_is_a_little_late_excuses_nothing(lab: SwimLab) -> None:
    node = lab.Watcher("n1", ("n2",), interval=100, detector=lab.FixedTimeout)
    node.step(Start(0, {}))
    for now in (200, 400, 501):
        node.step(Fire(now, 1, _beat(lab)))
    assert _suspected(lab, node, 501) == ["n2"]
    node.step(Receive(510, "n2", lab.Heartbeat()))
    assert _suspected(lab, node, 510) == [], "a heartbeat clears it at once"
    node.step(Receive(520, "n2", lab.Heartbeat()))
    assert _suspected(lab, node, 520) == []
    both = lab.Watcher("n1", ("n2", "n3"), interval=100, detector=lab.FixedTimeout)
    both.step(Start(0, {}))
    for now in (200, 400, 501):
        both.step(Fire(now, 1, _beat(lab)))
    both.step(Receive(510, "n2", lab.Heartbeat()))
    assert _suspected(lab, both, 510) == ["n3"], "the heartbeat of one says nothing of another"


def _beat(lab: SwimLab) -> Any:
    (setting,) = effects_of(SetTimer, lab.Watcher("n1", ("n2",), interval=100).step(Start(0, {})))
    return setting.timer


def _suspected(lab: SwimLab, node: Any, now: int) -> list[str]:
    outcome = effects_of(Return, node.step(Invoke(now, 1, lab.Members())))[0].outcome
    return [name for name, state, _ in outcome.value if state != "alive"]
