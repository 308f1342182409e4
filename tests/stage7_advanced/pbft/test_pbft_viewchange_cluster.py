"""Graded suite of the lab ``pbft``, view changes: four replicas, of which some lie or die."""

from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import ask_ok
from common.values.faults import Corrupt, Crash, Restart, Twin
from common.values.units import SECOND
from stage7_advanced.pbft.broken import BEHAVIOURS
from tests.stage7_advanced.pbft.cluster import (
    FOUR,
    cluster,
    failures,
    liars,
    must_agree,
    sweep_once,
)
from tests.stage7_advanced.pbft.lab import PbftLab

LAB = "pbft"

SMALL = {"every": 4, "window": 8}


@graded(points=4, title="A primary that lies", requirement="4.4, 4.5.2: liveness")
def test_clients_get_through_beside_a_primary_that_lies_in_any_way(
    lab: PbftLab, sweep: Sweep
) -> None:
    for seed in sweep(1):
        for lie in BEHAVIOURS:
            sweep_once(lab, "Store", seed, [Corrupt(0, "n1", lie)], SMALL, count=4)


@graded(points=5, title="A liar, and failures", requirement="4: safety always, progress in the end")
def test_a_liar_and_crashes_and_partitions_break_nothing(lab: PbftLab, sweep: Sweep) -> None:
    for seed in sweep(8):
        faults = [*failures(seed, "crash", "partition", "link", "pause"), *liars(seed)]
        sweep_once(lab, "Store", seed, faults, SMALL)


@graded(points=4, title="Twins", requirement="Bano et al. 2021: one identity, two replicas")
def test_a_primary_that_runs_twice_makes_no_two_orders(lab: PbftLab, sweep: Sweep) -> None:
    halves = (
        (("n2", "c1"), ("n3", "n4", "c2")),
        (("n2", "n3", "c1"), ("n3", "n4", "c2")),
        (("n2", "n3", "n4", "c1"), ("n4", "c2")),
    )
    for seed in sweep(1):
        for each in halves:
            sweep_once(lab, "Store", seed, [Twin(0, "n1", each)], SMALL, count=4)


@graded(points=3, title="One primary after another", requirement="4.4: view v + 1, v + 2 ...")
def test_requests_get_through_while_primaries_die_one_after_the_other(
    lab: PbftLab, sweep: Sweep
) -> None:
    for seed in sweep(2):
        simulation, words = cluster(lab, "Store", seed, [], SMALL)
        for number, name in enumerate(FOUR):
            ask_ok(simulation, "c1", lab.Append("x", f"{number};"))
            simulation.inject(Crash(simulation.now, name))
            ask_ok(simulation, "c2", lab.Append("x", f"{number}!"), within=8 * SECOND)
            simulation.inject(Restart(simulation.now, name))
            simulation.run(simulation.now + 1 * SECOND)
        assert ask_ok(simulation, "c1", lab.Get("x")) == "".join(f"{n};{n}!" for n in range(4))
        must_agree(lab, words)
