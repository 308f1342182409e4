"""Graded suite of the lab ``mapreduce``, sixth part: records on which the program fails."""

from typing import Any

from common.course.suites.grading import graded
from common.course.suites.kit import ask, ask_ok
from common.values.history import Failed
from tests.stage6_compute.mapreduce.cluster import cluster
from tests.stage6_compute.mapreduce.desk import Desk, a_job
from tests.stage6_compute.mapreduce.lab import MapreduceLab

LAB = "mapreduce"


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
    three = Desk(lab, workers=1)
    three.submit(maps=1, skip=True)
    for number in (8, None, None, 8, None, None):
        ((alone, given),) = three.assigned().items()
        three.report(alone, given, lab.TaskFailed("no luck", number))
    assert len(three.said(lab.Refused)) == 1, "four failures have nothing to do with record 8"
    both = Desk(lab, workers=3)
    both.submit(maps=1, skip=True)
    ((_, given),) = both.assigned().items()
    for worker, number in (("n3", 900), ("n4", 901)):  # they have begun it as well
        both.pong(worker, lab.Running(given.task, number))
    for worker, number in (("n2", given.attempt), ("n3", 900), ("n4", 901)):
        work = lab.Work(given.task, number, "", "", 1)
        both.report(worker, work, lab.TaskFailed("no luck", 8))
    for _ in range(3):
        ((alone, given),) = both.assigned().items()
        both.report(alone, given, lab.TaskFailed("no luck", None))
        assert both.said(lab.Refused) == [], "no failure on record 8 counts, also not the third"
    ((alone, given),) = both.assigned().items()
    both.report(alone, given, lab.TaskFailed("no luck", None))
    assert len(both.said(lab.Refused)) == 1
    two = Desk(lab, workers=2)
    two.submit(maps=2, skip=True)
    first = two.assigned()
    other = lab.TaskFailed("no luck", None)
    work = first["n2"]
    for _ in range(2):
        two.report("n2", work, lab.TaskFailed("bad record", 3))
        work = two.assigned()["n2"]
    two.report("n3", first["n3"], other)
    assert (work.skip, two.assigned()["n3"].skip) == ((3,), ()), "of that map, and of no other"
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


@graded(points=1, title="Four failures", requirement="a job that cannot be done ends")
def test_a_task_that_fails_is_tried_elsewhere_and_four_failures_end_the_job(
    lab: MapreduceLab,
) -> None:
    desk = Desk(lab, workers=2)
    desk.submit(maps=1, reduces=1)
    for _ in range(4):
        assert desk.said(lab.Refused) == []
        ((worker, work),) = desk.assigned().items()
        for _ in range(2):
            desk.report(worker, work, lab.TaskFailed("no room on the disk"))
    (refused,) = desk.said(lab.Refused, "c1")
    assert "no room on the disk" in refused.why
    assert desk.assigned() == {}
    desk.submit(1, maps=1, reduces=1)
    assert desk.said(lab.Refused, "c1") == [refused]
    desk.submit(2, maps=1)
    assert len(desk.said(lab.Refused)) == 1, "its output stays taken, so a refusal stays true"
    assert a_job(lab).output == "out"


@graded(points=1, title="Another one each time", requirement="four failures of one task")
def test_a_task_that_fails_on_another_record_each_time_fails_its_job(lab: MapreduceLab) -> None:
    desk = Desk(lab, workers=2)
    desk.submit(maps=1, skip=True)
    for record in range(4):
        assert desk.said(lab.Refused) == []
        ((worker, work),) = desk.assigned().items()
        desk.report(worker, work, lab.TaskFailed("no memory", record))
    assert len(desk.said(lab.Refused)) == 1
