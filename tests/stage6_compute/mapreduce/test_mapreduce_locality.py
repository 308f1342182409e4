"""Graded suite of the lab ``mapreduce``, fifth part: near the data, bad records, counters."""

from typing import Any

from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import ask, ask_ok
from common.values.history import Failed
from common.values.units import MS
from tests.stage6_compute.mapreduce.cluster import WORKERS, Assigned, cluster
from tests.stage6_compute.mapreduce.desk import Desk, tasks
from tests.stage6_compute.mapreduce.lab import MapreduceLab

LAB = "mapreduce"

WAIT = 50 * MS


@graded(points=2, title="Near the data", requirement="OSDI'04, 3.4")
def test_a_worker_is_given_the_first_idle_map_whose_split_it_has(lab: MapreduceLab) -> None:
    desk = Desk(lab, workers=3, locality_wait=WAIT)
    desk.submit(maps=4, hosts={0: ("n4",), 1: ("n9", "n3"), 2: ("n2", "n3"), 3: ("n2",)})
    given = desk.assigned()
    assert tasks(given) == {"n2": ("map", 2), "n3": ("map", 1), "n4": ("map", 0)}
    desk.report("n2", given["n2"])
    assert tasks(desk.assigned()) == {"n2": ("map", 3)}


@graded(
    points=3, title="A little patience", requirement="Zaharia and others 2010: delay scheduling"
)
def test_a_map_waits_a_while_for_a_worker_that_has_its_split_and_then_takes_any(
    lab: MapreduceLab,
) -> None:
    desk = Desk(lab, workers=2, locality_wait=WAIT, backup_after=1000 * MS)
    desk.pass_time(7 * MS)
    desk.submit(maps=2, hosts={0: ("n2",), 1: ("n2",)})
    assert tasks(desk.assigned()) == {"n2": ("map", 0)}
    desk.pass_time(WAIT - 1)
    desk.tick()
    desk.assigned()
    desk.pass_time(1)
    desk.tick()
    assert tasks(desk.assigned())["n3"] == ("map", 1)


@graded(points=2, title="Patience begins anew", requirement="a task that is idle again waits again")
def test_a_map_that_is_idle_again_waits_from_then_on(lab: MapreduceLab) -> None:
    desk = Desk(lab, workers=2, locality_wait=WAIT)
    desk.submit(maps=1, hosts={0: ("n2",)})
    assert tasks(desk.assigned()) == {"n2": ("map", 0)}
    desk.pass_time(2 * WAIT)
    desk.pong("n2", life=1)
    again = desk.assigned()
    assert tasks(again) == {"n2": ("map", 0)}
    desk.pass_time(2 * WAIT)
    desk.report("n2", again["n2"], lab.Gone(), life=1)
    again = desk.assigned()
    desk.report("n2", again["n2"], life=1)
    reduce = desk.assigned()
    assert tasks(reduce) == {"n2": ("reduce", 0)}, "a reduce waits for nobody"
    desk.pass_time(2 * WAIT)
    desk.report("n2", reduce["n2"], lab.Unreachable(reduce["n2"].sources), life=1)
    assert tasks(desk.assigned()) == {"n2": ("map", 0)}


@graded(points=1, title="Nobody waits for nothing", requirement="splits that are anywhere")
def test_a_map_whose_split_is_equally_far_from_all_waits_for_nobody(lab: MapreduceLab) -> None:
    desk = Desk(lab, workers=3, locality_wait=WAIT)
    desk.submit(maps=3, hosts={0: ("n3",), 1: ("n3",)})
    assert tasks(desk.assigned()) == {"n2": ("map", 2), "n3": ("map", 0)}


@graded(points=2, title="Mostly near", requirement="OSDI'04, 3.4: most input is read locally")
def test_nearly_all_maps_are_where_their_splits_are(lab: MapreduceLab, sweep: Sweep) -> None:
    near, count = 0, 0
    for seed in sweep(2):
        seen = Assigned()
        simulation = cluster(lab, seed, observers=[seen], config={"locality_wait": 100 * MS})
        splits = tuple(lab.Split("a b", (WORKERS[map % 3],)) for map in range(12))
        ask_ok(simulation, "c1", lab.Compute(lab.Job("word-count", "out", splits, 1)))
        maps = [(task, worker) for task, _, worker in seen.given if task.phase == "map"]
        near += sum(worker in splits[task.index].hosts for task, worker in maps)
        count += len(maps)
    assert near >= 0.9 * count, f"{near} of {count} maps were at a worker that has the split"


@graded(points=3, title="Bad records", requirement="OSDI'04, 4.6")
def test_a_record_that_fails_twice_is_skipped_if_the_job_wants_that(lab: MapreduceLab) -> None:
    desk = Desk(lab, workers=2)
    desk.submit(maps=1, skip=True)
    for record in (8, 3, 8, 3, 5, 5):
        ((worker, work),) = desk.assigned().items()
        desk.report(worker, work, lab.TaskFailed("no number", record))
    ((worker, work),) = desk.assigned().items()
    assert work.skip == (3, 5, 8)
    desk.report(worker, work, lab.TaskFailed("no number", 9))
    ((worker, work),) = desk.assigned().items()
    assert work.skip == (3, 5, 8), "once may be chance"
    desk.report(worker, work)
    ((worker, reduce),) = desk.assigned().items()
    assert reduce.skip == (), "those are records of the map"
    desk.report(worker, reduce, lab.TaskFailed("no number", 8))
    ((worker, reduce),) = desk.assigned().items()
    assert reduce.skip == ()
    desk.report(worker, reduce)
    assert len(desk.said(lab.Finished)) == 1


@graded(points=2, title="Unless it does not", requirement="a job says whether records are skipped")
def test_without_being_asked_nothing_is_skipped_and_the_job_fails(lab: MapreduceLab) -> None:
    for skip, record in ((False, 3), (True, None)):
        desk = Desk(lab, workers=2)
        desk.submit(maps=1, skip=skip)
        for _ in range(4):
            ((worker, work),) = desk.assigned().items()
            assert work.skip == ()
            desk.report(worker, work, lab.TaskFailed("the third line has no number", record))
        (refused,) = desk.said(lab.Refused)
        assert "the third line" in refused.why


@graded(points=1, title="Others are not to blame", requirement="four failures of one task")
def test_failures_of_several_tasks_are_counted_apart(lab: MapreduceLab) -> None:
    desk = Desk(lab, workers=2, most_failures=3)
    desk.submit(maps=2)
    for _ in range(2):
        for worker, work in desk.assigned().items():
            desk.report(worker, work, lab.TaskFailed("bad luck"))
            assert desk.said(lab.Refused) == []
    given: dict[str, Any] = desk.assigned()
    desk.report("n2", given["n2"], lab.TaskFailed("bad luck"))
    assert len(desk.said(lab.Refused)) == 1


@graded(points=2, title="With real records", requirement="OSDI'04, 4.6, in a cluster")
def test_a_cluster_leaves_out_the_lines_that_have_no_number_and_counts_them(
    lab: MapreduceLab,
) -> None:
    simulation = cluster(lab, 1)
    splits = (lab.Split("tea 3\nmilk\ntea 4"), lab.Split("milk 1\nmany teas 5\n\ntea 1"))
    job = lab.Job("sums", "strict", splits, 1)
    failed = ask(simulation, "c1", lab.Compute(job))
    assert isinstance(failed.outcome, Failed)
    assert "record" in str(failed.outcome)
    job = lab.Job("sums", "lenient", splits, 1, skip_bad_records=True)
    result = ask_ok(simulation, "c1", lab.Compute(job))
    assert result.parts == (("milk\t1", "tea\t8"),)
    assert dict(result.counters) == {"keys": 2, "records": 4, "skipped": 3}


@graded(points=2, title="Counted once", requirement="OSDI'04, 4.8: duplicate executions count once")
def test_counters_have_each_task_once_although_it_was_done_again(lab: MapreduceLab) -> None:
    desk = Desk(lab, workers=2)
    desk.submit(maps=2, reduces=1)
    given = desk.assigned()
    desk.report("n2", given["n2"], lab.Done((), (("b", 5), ("words", 10))))
    desk.report("n3", given["n3"], lab.Done((), (("words", 100),)))
    ((_, reduce),) = desk.assigned().items()
    desk.pong("n2", life=1)
    desk.assigned()
    desk.pong("n3", lab.Running(lab.Task(1, "map", 0), 900))
    desk.report(
        "n3", lab.Work(lab.Task(1, "map", 0), 900, "", "", 1), lab.Done((), (("words", 11),))
    )
    ((worker, reduce),) = desk.assigned().items()
    desk.report(worker, reduce, lab.Done(("x",), (("a", 1),)), life=int(worker == "n2"))
    (told,) = desk.said(lab.Finished)
    assert told.result.counters == (("a", 1), ("words", 111)), "in the order of names"
