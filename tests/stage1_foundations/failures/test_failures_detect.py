"""Graded suite of the lab ``failures``, first part: the failure detector."""

from collections.abc import Sequence
from random import Random
from typing import Any

from common.contract.effects import SetTimer
from common.contract.events import Fire, NodeId, Receive, Start
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import ByHand, ask
from common.sim.chaos import random_schedule
from common.sim.network import LinkModel
from common.sim.simulation import Simulation
from common.values.faults import (
    Block,
    Crash,
    Fault,
    Heal,
    Link,
    Partition,
    Pause,
    Restart,
    Resume,
    Schedule,
)
from common.values.history import Failed, Ok
from common.values.units import MS, SECOND
from tests.stage1_foundations.failures.bank import KINDS, THREE_MS, Told
from tests.stage1_foundations.failures.lab import FailuresLab

LAB = "failures"

MEMBERS = ("n1", "n2", "n3", "n4")

BAD_UNTIL, CALM = 3 * SECOND, 20 * SECOND
"""When trouble ends, and when every node has been wrong about every other for the last time: a
timeout of 100 ms doubles at most a few times in three seconds."""


def detectors(
    lab: FailuresLab, seed: int | str, faults: Sequence[Fault] = (), **options: Any
) -> Simulation:
    """Four nodes that watch each other."""
    made: Simulation = lab.simulation(
        dict.fromkeys(MEMBERS, lab.HeartbeatDetector),
        seed=seed,
        schedule=Schedule(faults),
        max_events=200_000,
        **options,
    )
    return made


def opinion(lab: FailuresLab, simulation: Simulation, node: NodeId, peer: NodeId) -> object:
    """What ``node`` thinks of ``peer`` now."""
    asked = ask(simulation, node, lab.Classify(peer), within=0)
    assert isinstance(asked.outcome, Ok), f"{peer} is a peer of {node}, and yet {asked}"
    return asked.outcome.value


def suspicions(lab: FailuresLab, simulation: Simulation) -> list[tuple[NodeId, NodeId]]:
    """Who suspects whom now, of those that are up."""
    return [
        (node, peer)
        for node in simulation.nodes
        for peer in MEMBERS
        if peer != node and opinion(lab, simulation, node, peer) == "suspected"
    ]


@graded(points=1, title="A calm day", requirement="who answers is not suspected")
def test_nobody_is_suspected_where_nothing_goes_wrong(lab: FailuresLab, sweep: Sweep) -> None:
    for seed in sweep(3):
        simulation = detectors(lab, seed)
        for now in range(50 * MS, 2 * SECOND, 50 * MS):
            simulation.run(now)
            assert not suspicions(lab, simulation)
    for stranger in ("n9", "n1"):
        asked = ask(simulation, "n1", lab.Classify(stranger), within=0)
        assert isinstance(asked.outcome, Failed), f"n1 does not watch {stranger}: {asked}"


@graded(points=3, title="Completeness", requirement="Chandra and Toueg 1996, section 2")
def test_who_crashed_is_suspected_by_all_who_live_and_for_good(
    lab: FailuresLab, sweep: Sweep
) -> None:
    for seed in sweep(5):
        down = Random(seed).sample(MEMBERS, 2)
        simulation = detectors(lab, seed, [Crash(1 * SECOND, down[0]), Crash(1500 * MS, down[1])])
        expected = sorted((node, peer) for node in MEMBERS if node not in down for peer in down)
        for now in range(2 * SECOND, 10 * SECOND, 500 * MS):
            simulation.run(now)
            assert sorted(suspicions(lab, simulation)) == expected, f"{down} are down"
    alone = ByHand(lab.HeartbeatDetector("n1", MEMBERS[1:]))
    alone.wait(1 * SECOND)
    for peer in MEMBERS[1:]:
        alone.invoke(lab.Classify(peer))
    assert alone.ended == [Ok("suspected")] * 3, "nobody else lives"
    begun = lab.HeartbeatDetector("n1", MEMBERS[1:], first_timeout=70 * MS).step(Start(0, {}))
    waits = {each.timer: each.after for each in begun if isinstance(each, SetTimer)}
    for peer in MEMBERS[1:]:
        assert waits.get(lab.Silence(peer)) == 70 * MS, f"{peer} may be dead from the beginning"


@graded(points=3, title="Accuracy, in the end", requirement="Chandra and Toueg 1996, section 2")
def test_in_the_calm_after_any_trouble_nobody_who_lives_is_suspected(
    lab: FailuresLab, sweep: Sweep
) -> None:
    for seed in sweep(8):
        faults = list(random_schedule(Random(seed), MEMBERS, BAD_UNTIL, kinds=KINDS, troubles=8))
        simulation = detectors(lab, seed, faults)
        for now in (CALM, CALM + 1 * SECOND, CALM + 2 * SECOND):
            simulation.run(now)
            assert not suspicions(lab, simulation), "all is calm, and all are up"


@graded(points=3, title="It learns", requirement="each time it was wrong it waits longer")
def test_it_is_wrong_about_a_network_that_has_become_slow_only_finitely_often(
    lab: FailuresLab,
) -> None:
    """Messages take up to 900 ms from now on; the timeout at first is 100 ms."""
    slow = Link(1 * SECOND, latency=(0 * MS, 900 * MS))
    simulation = detectors(lab, 1, [slow])
    wrong: list[int] = []
    for now in range(1 * SECOND, 60 * SECOND, 20 * MS):
        simulation.run(now)
        if opinion(lab, simulation, "n1", "n2") == "suspected":
            wrong.append(now)
    assert wrong, "a silence of 900 ms is suspicious where 100 ms were enough before"
    assert wrong[-1] < 30 * SECOND, "it still errs where it had half a minute to learn"
    simulation.inject(Crash(simulation.now, "n2"))
    simulation.run(simulation.now + 20 * SECOND)
    assert opinion(lab, simulation, "n1", "n2") == "suspected", "it learned patience, not faith"
    node = lab.HeartbeatDetector("n1", ("n2", "n3"))
    node.step(Start(0, {}))
    waits = []
    for _ in range(11):
        node.step(Fire(0, 1, lab.Silence("n2")))
        effects = node.step(Receive(0, "n2", lab.Alive()))
        waits += [each.after for each in effects if isinstance(each, SetTimer)]
    doubled = [min(60 * SECOND, 100 * MS << mistakes) for mistakes in range(1, 12)]
    assert waits == doubled, "whatever it knows of n3, and for no more than a minute"


@graded(points=2, title="Back again", requirement="a suspicion is taken back")
def test_who_comes_back_is_trusted_again_and_may_be_suspected_again(lab: FailuresLab) -> None:
    """n3 is down for good meanwhile, and n4 dies at the end: that is another matter each."""
    faults: list[Fault] = [Crash(500 * MS, "n3"), Crash(10 * SECOND, "n4")]
    for start in (1, 4, 7):
        faults += [Crash(start * SECOND, "n2"), Restart((start + 2) * SECOND, "n2")]
    simulation = detectors(lab, 1, faults)
    for start in (1, 4, 7):
        simulation.run((start + 2) * SECOND - 1 * MS)
        assert opinion(lab, simulation, "n1", "n2") == "suspected"
        simulation.run((start + 2) * SECOND + 200 * MS)
        assert opinion(lab, simulation, "n1", "n2") == "answering"
        assert opinion(lab, simulation, "n2", "n1") == "answering", "n2 begins without suspicion"
        assert opinion(lab, simulation, "n1", "n3") == "suspected", "nobody has heard n3"
    simulation.run(10 * SECOND + 250 * MS)
    said = opinion(lab, simulation, "n1", "n4")
    assert said == "suspected", "n1 was wrong about n2, and about n4 never: 100 ms are enough"


@graded(points=2, title="One way", requirement="it tells what it hears, and no more")
def test_who_cannot_be_heard_is_suspected_though_it_hears_and_lives(lab: FailuresLab) -> None:
    simulation = detectors(lab, 1, [Block(1 * SECOND, "n2", "n1"), Heal(3 * SECOND)])
    simulation.run(2 * SECOND)
    assert suspicions(lab, simulation) == [("n1", "n2")]
    simulation.run(4 * SECOND)
    assert suspicions(lab, simulation) == []


@graded(points=3, title="Three worlds, one view", requirement="a suspicion is no knowledge")
def test_crashed_and_paused_and_cut_off_peers_get_the_same_word(lab: FailuresLab) -> None:
    at, later = 1030 * MS, 3 * SECOND
    worlds: dict[str, list[Fault]] = {
        "crashed": [Crash(at, "n2")],
        "paused": [Pause(at, "n2"), Resume(later, "n2")],
        "cut off": [Partition(at, (("n2",), ("n1", "n3", "n4"))), Heal(later)],
    }
    views, words, afterwards = [], [], []
    for faults in worlds.values():
        wire = Told()
        simulation = detectors(lab, 1, faults, observers=[wire], link=THREE_MS)
        simulation.run(2 * SECOND)
        views.append("\n".join(wire.told["n1"]))
        words.append(opinion(lab, simulation, "n1", "n2"))
        simulation.run(4 * SECOND)
        afterwards.append(opinion(lab, simulation, "n1", "n2"))
    assert len(set(views)) == 1, "n1 sees the same in all three worlds"
    assert words == ["suspected"] * 3
    assert afterwards == ["suspected", "answering", "answering"], "only then do they differ"


@graded(points=1, title="A steady beat", requirement="one message to each peer in a period")
def test_watching_costs_one_message_to_each_peer_in_a_period(lab: FailuresLab) -> None:
    wire = Told()
    simulation = detectors(lab, 1, [Crash(5 * SECOND, "n4")], observers=[wire])
    simulation.run(5 * SECOND - 1)
    sent = len(wire.sent_messages)
    assert 0.9 * 1200 <= sent <= 1.1 * 1200, f"4 nodes, 3 peers, 20 a second, 5 s: {sent} messages"
    simulation.run(10 * SECOND)
    to_suspect = [m for m in wire.sent_messages if m[0] > 6 * SECOND and m[1:3] == ("n1", "n4")]
    often = ByHand(lab.HeartbeatDetector("n1", ("n2", "n3"), period=7))
    for _ in range(3):
        assert not often.wait(6), "7 µs were asked for"
        assert [each.to for each in often.wait(1)] == ["n2", "n3"]
    assert to_suspect, "who stops talking to a suspect is suspected by it in turn, for ever"
    said = [opinion(lab, simulation, "n1", peer) for peer in ("n2", "n4")]
    assert said == ["answering", "suspected"], "so much is told by so few messages"


@graded(points=1, title="Loss", requirement="one lost message is no reason")
def test_loss_makes_mistakes_rare_and_rarer(lab: FailuresLab, sweep: Sweep) -> None:
    for seed in sweep(3):
        simulation = detectors(lab, seed, link=LinkModel(loss=0.3))
        early = late = 0
        for now in range(0, 30 * SECOND, 500 * MS):
            simulation.run(now)
            if now < 10 * SECOND:
                early += len(suspicions(lab, simulation))
            elif now >= 20 * SECOND:
                late += len(suspicions(lab, simulation))
        assert late <= early // 2 + 2, f"{early} wrong suspicions at first, and {late} in the end"
