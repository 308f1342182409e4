"""Graded suite of the lab ``kv``, fault sweeps: nodes come and go while everything fails."""

from typing import Any

from common.course.suites.grading import Sweep, graded
from common.values.history import Ok
from tests.stage3_partitioning.kv.cluster import (
    OPERATOR,
    held_by,
    must_be_linearizable,
    settle,
    sweep_once,
    watch,
)
from tests.stage3_partitioning.kv.lab import KvLab

LAB = "kv"


def coming_and_going_under(lab: KvLab, sweep: Sweep, count: int, kinds: tuple[str, ...]) -> None:
    """Sweep; some clients must have been sent on, and some moves must have been made."""
    redirects, changes = 0, 0
    for seed in sweep(count):
        seen = watch()
        simulation = sweep_once(lab, seed, kinds, observers=[seen])
        must_be_linearizable(simulation)
        assert not seen.problem, seen.problem
        assert seen.answers >= 70, "clients were answered"
        redirects += sum(seen.redirects.values())
        changes += sum(
            each.process.startswith(OPERATOR) and isinstance(each.outcome, Ok)
            for each in simulation.history
        )
    if not sweep.partial:
        assert changes > count, "nodes came and went"
        assert redirects > 0, "somebody was sent to another node"


@graded(
    points=3,
    title="Each key like one register while nodes come and go",
    requirement="issue: linearizable per key, no key served by two owners",
)
def test_each_key_has_one_owner_and_is_linearizable_while_nodes_come_and_go(
    lab: KvLab, sweep: Sweep
) -> None:
    coming_and_going_under(lab, sweep, 6, ())


@graded(
    points=5,
    title="The same in a bad network",
    requirement="partitions, one-way too, loss, copies, delays, during moves",
)
def test_each_key_has_one_owner_when_the_network_is_cut_and_loses_messages(
    lab: KvLab, sweep: Sweep
) -> None:
    coming_and_going_under(lab, sweep, 10, ("partition", "block", "link"))


@graded(
    points=5,
    title="The same through crashes",
    requirement="crashes, slow disks, pauses and clocks that drift, during moves",
)
def test_each_key_has_one_owner_when_nodes_crash_during_moves(lab: KvLab, sweep: Sweep) -> None:
    coming_and_going_under(lab, sweep, 10, ("crash", "crash", "disk", "pause", "clock"))


@graded(
    points=3,
    title="Afterwards everything has arrived",
    requirement="progress: after all faults the moves end, and every slot has one holder",
)
def test_when_all_faults_are_over_every_slot_is_with_its_holder(lab: KvLab, sweep: Sweep) -> None:
    for seed in sweep(4):
        seen = watch()
        kinds = ("crash", "partition", "block", "link", "disk", "pause", "clock")
        simulation = sweep_once(lab, seed, kinds, observers=[seen])
        settle(lab, simulation)
        decided: list[Any] = [
            each.outcome.value
            for each in simulation.history
            if each.process.startswith(OPERATOR) and isinstance(each.outcome, Ok)
        ]
        assert decided, "nothing was decided in all that time"
        assert set(held_by(lab, simulation, seen)) == set(decided[-1])
        must_be_linearizable(simulation)
        assert not seen.problem, seen.problem
