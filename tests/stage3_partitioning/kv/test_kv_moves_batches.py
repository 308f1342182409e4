"""Graded suite of the lab ``kv``: a move of many batches, at its source."""

from typing import Any

from common.contract import CancelTimer, Fire, Receive, Send, SetTimer
from common.course.suites.grading import graded
from tests.stage3_partitioning.kv.lab import KvLab
from tests.stage3_partitioning.kv.one_node import FIRST_RUNS, asked, keys_of, node, told

LAB = "kv"


@graded(
    points=1,
    title="One batch at a time, one timer",
    requirement="the docstring of taken: it goes on, and waits for the next batch alone",
)
def test_a_move_of_many_batches_has_one_timer_and_a_life_ends_on_its_way(lab: KvLab) -> None:
    source, target = node(lab, "n1", batch_keys=1), node(lab, "n2", batch_keys=1)
    slot = 3
    keys = keys_of(slot, 4)
    for number, key in enumerate(keys, 1):
        asked(lab, source, number, lab.PutIf(key, b"v", "always", 100))
    move, table = lab.Move(1, "n1", "n2", slot, slot), lab.Table(0, FIRST_RUNS)
    told(target, lab.Prepare(move, table), "n3")
    running: dict[int, Any] = {}

    def goes_on(event: Any) -> list[Any]:
        effects = source.step(event)
        for each in effects:
            if isinstance(each, SetTimer):
                running[each.id] = each.timer
            elif isinstance(each, CancelTimer):
                running.pop(each.id, None)
        return [each.message for each in effects if isinstance(each, Send) and each.to == "n2"]

    (batch,) = goes_on(Receive(1, "n3", lab.Begin(move, table)))
    for _ in keys[1:]:
        ((_, taken),) = told(target, batch, "n1")
        (batch,) = goes_on(Receive(2, "n2", taken))
    fired, running = running, {}
    late = [each for id, timer in fired.items() for each in goes_on(Fire(500, id, timer))]
    assert len(late) == 1, f"one batch is on its way, and is said {len(late)} times at once"
    ((_, taken),) = told(target, late[0], "n1", 600)
    goes_on(Receive(600, "n2", taken))
    late_get = told(target, lab.Request(9, lab.Get(keys[3])), "c1", 600)
    assert late_get == [("c1", lab.Answer(9, None))], "it was to live for 100 µs"
