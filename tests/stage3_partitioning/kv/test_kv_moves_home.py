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
from tests.stage3_partitioning.kv.one_node import FIRST_RUNS, asked, disk_after, keys_of, node, told

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


@graded(
    points=1,
    title="No slots, and moves behind it",
    requirement="the docstring of adopt: the moves that a newer table knows of are history",
)
def test_a_node_that_was_source_and_target_redirects_also_after_a_crash(lab: KvLab) -> None:
    slot, held = 3, {}
    (key,) = keys_of(slot, 1)
    there, here = lab.Table(1, ((0, 15, "n2"),)), lab.Table(2, FIRST_RUNS)
    source, target = node(lab, "n1"), node(lab, "n2")
    asked(lab, source, 1, lab.Put(key, b"v"))
    move, table = lab.Move(1, "n1", "n2", slot, slot), lab.Table(0, FIRST_RUNS)
    ((_, batch),) = told(node(lab, "n1"), lab.Begin(move, table), "n3")
    for id, made, said in (
        ("n1", source, (("n3", lab.Begin(move, table)), ("n2", lab.Taken(1, batch.until)))),
        ("n2", target, (("n3", lab.Prepare(move, table)), ("n1", batch))),
    ):
        held[id] = disk_after(made, *said, ("n3", lab.TableIs(there)), ("n3", lab.TableIs(here)))
    back = node(lab, "n2", held["n2"])
    assert asked(lab, back, 2, lab.Get(key)) == lab.Moved(2, slot, "n1", 2), "n1 has it again"
    back = node(lab, "n1", held["n1"])
    assert asked(lab, back, 3, lab.Put(key, b"w")) == lab.Answer(3, None), "and knows that"
