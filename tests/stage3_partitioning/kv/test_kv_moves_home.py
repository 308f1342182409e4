"""Graded suite of the lab ``kv``: slots that go away, and come home again."""

from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import ask_ok, crash, restart
from tests.stage3_partitioning.kv.cluster import (
    MANY,
    NODES,
    change,
    cluster,
    fill,
    read,
    settle,
)
from tests.stage3_partitioning.kv.lab import KvLab

LAB = "kv"


@graded(
    points=3,
    title="There and back",
    requirement="the docstring of the source: what the target has is deleted here, on disk too",
)
def test_what_was_deleted_or_changed_while_its_slot_was_away_does_not_come_back(
    lab: KvLab, sweep: Sweep
) -> None:
    for seed in sweep(2):
        for power_fails in (False, True):
            simulation = cluster(lab, seed)
            held: dict[bytes, bytes | None] = {**fill(lab, simulation)}
            change(lab, simulation, lab.AddNode("n4"))
            for key in MANY[::2]:
                ask_ok(simulation, "c1", lab.Delete(key))
                held[key] = None
            for key in MANY[1::2]:
                ask_ok(simulation, "c1", lab.Put(key, b"new"))
                held[key] = b"new"
            if power_fails:
                crash(simulation, *NODES)
                restart(simulation, *NODES)
                settle(lab, simulation)
            change(lab, simulation, lab.RemoveNode("n4"))
            assert read(lab, simulation) == held, "no copy that stayed behind is served again"
            if power_fails:
                crash(simulation, *NODES)
                restart(simulation, *NODES)
                assert read(lab, simulation) == held
