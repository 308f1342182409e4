"""Graded suite of the lab ``mapreduce``, seventh part: the coordinator dies, and comes back."""

from functools import partial
from random import Random

from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import STEADY, crash, restart, run_until, wait_for
from common.values.faults import Crash, Fault, Restart
from common.values.history import Ok
from common.values.units import MS
from tests.stage6_compute.mapreduce.cluster import (
    MEMBERS,
    Assigned,
    cluster,
    must_be_right,
    some_job,
    sweep_once,
)
from tests.stage6_compute.mapreduce.desk import Desk, tasks
from tests.stage6_compute.mapreduce.lab import MapreduceLab

LAB = "mapreduce"


def coordinator_away(seed: int) -> list[Fault]:
    """The coordinator crashes, and comes back, in any case."""
    at = (100 + seed % 7 * 50) * MS
    return [Crash(at, "n1"), Restart(at + 120 * MS, "n1")]


@graded(points=3, title="What is done stays done", requirement="OSDI'04, 3.3: master failure")
def test_a_coordinator_that_comes_back_goes_on_from_what_was_completed(lab: MapreduceLab) -> None:
    desk = Desk(lab, workers=2)
    desk.submit(5, maps=3, reduces=2)
    given = desk.assigned()
    desk.report("n2", given["n2"])
    desk.report("n3", given["n3"])
    back = Desk(lab, workers=2, saved=desk.disk, there=False)
    assert back.said(lab.Assign) == []
    assert back.said(lab.Ping, "n3") == [lab.Ping((1,), 2)], "it asks who is there"
    back.pong("n2")
    back.pong("n3")
    assert back.assigned() == {}, "others may still say that they have it under way"
    back.tick()
    again = back.assigned()
    assert tasks(again) == {"n2": ("map", 2)}
    back.submit(5, maps=3, reduces=2)
    assert back.said(lab.Progress, "c1") == [lab.Progress(5, (2, 3), (0, 2))]
    back.report("n2", again["n2"])
    reduce = back.assigned()["n3"]
    assert [source.attempt for source in reduce.sources] == [
        given["n2"].attempt, given["n3"].attempt, again["n2"].attempt,
    ]  # fmt: skip


@graded(points=2, title="What is under way goes on", requirement="attempts are in no journal")
def test_what_workers_have_under_way_is_taken_over(lab: MapreduceLab) -> None:
    desk = Desk(lab, workers=2)
    desk.submit(maps=2)
    given = desk.assigned()
    back = Desk(lab, workers=2, saved=desk.disk, there=False)
    for worker, work in given.items():
        back.pong(worker, lab.Running(work.task, work.attempt))
    back.tick()
    assert back.assigned() == {}
    back.report("n3", given["n3"])
    back.report("n2", given["n2"])
    assert [work.task.phase for work in back.work_off()] == ["reduce"]
    assert len(back.said(lab.Finished)) == 1


@graded(points=2, title="Reports that come late", requirement="the first report of a life counts")
def test_a_report_of_an_attempt_that_the_last_life_began_counts(lab: MapreduceLab) -> None:
    desk = Desk(lab, workers=1)
    desk.submit(maps=1)
    (work,) = desk.assigned().values()
    back = Desk(lab, workers=1, saved=desk.disk, there=False)
    back.report("n2", work)
    back.tick()
    ((_, reduce),) = back.assigned().items()
    assert reduce.task.phase == "reduce"
    assert reduce.sources == (lab.Source(0, work.attempt, "n2"),)


@graded(points=3, title="Maps that were lost meanwhile", requirement="both are gone at once")
def test_a_map_whose_worker_died_while_the_coordinator_was_away_is_done_again(
    lab: MapreduceLab,
) -> None:
    desk = Desk(lab, workers=2, most_missed=3)
    desk.submit(maps=2)
    given = desk.assigned()
    for worker, work in given.items():
        desk.report(worker, work)
    desk.assigned()
    back = Desk(lab, workers=2, saved=desk.disk, there=False, most_missed=3)
    back.pong("n3", life=1)
    back.tick()
    again = back.assigned()
    assert tasks(again) == {"n3": ("map", 1)}, "n3 has begun a new life"
    for _ in range(3):
        back.tick()
        back.pong("n3", lab.Running(again["n3"].task, again["n3"].attempt), life=1)
    back.report("n3", again["n3"], life=1)
    last = back.assigned()
    assert tasks(last) == {"n3": ("map", 0)}, "and nobody has heard of n2"
    back.report("n3", last["n3"], life=1)
    third = Desk(lab, workers=2, saved=back.disk, there=False, most_missed=3)
    third.pong("n3", life=1)
    third.tick()
    assert tasks(third.assigned()) == {"n3": ("reduce", 0)}, "what was done again is done"


@graded(points=2, title="Published for certain", requirement="a rename may be repeated")
def test_a_part_is_published_again_if_nobody_has_said_that_it_was(lab: MapreduceLab) -> None:
    desk = Desk(lab, workers=1)
    desk.submit(maps=1, reduces=2)
    for _ in range(2):
        desk.publishes = False
        ((_, work),) = desk.assigned().items()
        desk.report("n2", work)
    (publish,) = desk.ordered(lab.Publish)
    back = Desk(lab, workers=1, saved=desk.disk)
    assert back.ordered(lab.Publish) == [publish]
    back.invoke(lab.Published(publish.task))
    assert [work.task.index for work in back.work_off()] == [1]
    (told,) = back.said(lab.Finished)
    assert told.result.parts == (("part 0",), ("part 1",))


@graded(points=3, title="Numbers", requirement="SPARK-24589: numbers are not reused")
def test_no_attempt_has_a_number_of_one_in_an_earlier_life(lab: MapreduceLab) -> None:
    desk = Desk(lab, workers=2)
    desk.submit(1, maps=3, reduces=3, output="first")
    desk.submit(2, maps=4, output="second")
    numbers = [work.attempt for work in desk.work_off()]
    back = Desk(lab, workers=2, saved=desk.disk)
    back.submit(3, maps=2, output="third")
    assert min(work.attempt for work in back.work_off()) > max(numbers)


@graded(points=2, title="Results", requirement="a result is told for ever")
def test_results_and_refusals_are_the_same_after_a_crash(lab: MapreduceLab) -> None:
    desk = Desk(lab, workers=1)
    desk.submit(1, maps=1, output="done")
    desk.work_off()
    desk.submit(2, maps=1, output="failed")
    for _ in range(4):
        (work,) = desk.assigned().values()
        desk.report("n2", work, lab.TaskFailed("no luck"))
    (done,), (failed,) = desk.said(lab.Finished), desk.said(lab.Refused)
    back = Desk(lab, workers=1, saved=desk.disk)
    assert back.assigned() == {}
    back.submit(1, maps=1, output="done")
    back.submit(2, maps=1, output="failed")
    assert [told.result for told in back.said(lab.Finished)] == [done.result]
    assert back.said(lab.Refused) == [failed]
    back.submit(3, maps=1, output="done")
    assert len(back.said(lab.Refused)) == 1, "the output is taken"
    back.submit(4, maps=1, output="new")
    (work,) = back.assigned().values()
    assert work.task.job == 3


@graded(points=1, title="The earliest first", requirement="jobs keep their order")
def test_jobs_go_on_in_the_order_in_which_they_came(lab: MapreduceLab) -> None:
    desk = Desk(lab, workers=2, there=False)
    for number in range(1, 13):
        desk.submit(number, maps=1, output=f"job {number}")
    mixed = dict(sorted(desk.disk.items(), key=lambda item: str(item[0])))
    back = Desk(lab, workers=2, saved=mixed)
    assert [work.task.job for work in back.assigned().values()] == [1, 2]


@graded(points=3, title="In the middle of a job", requirement="OSDI'04, 3.3: master failure")
def test_a_job_goes_on_when_the_coordinator_comes_back(lab: MapreduceLab, sweep: Sweep) -> None:
    for seed in sweep(4):
        seen = Assigned()
        simulation = cluster(lab, seed, observers=[seen], link=STEADY)
        job = some_job(lab, Random(f"journal/{seed}"), "out", maps=7)
        asked = simulation.call("c1", lab.Compute(job))
        run_until(simulation, partial(seen.has_given, 5 + seed % 4))
        crash(simulation, "n1")
        simulation.run(simulation.now + 200 * MS)
        restart(simulation, "n1")
        wait_for(simulation, asked)
        assert isinstance(asked.outcome, Ok)
        must_be_right(job, asked.outcome.value)
        assert seen.again("map") == 0, "what was done is not done again"


@graded(points=4, title="Anybody, at any time", requirement="P1 with crashes of the coordinator")
def test_the_output_is_right_whoever_dies_and_however_often(
    lab: MapreduceLab, sweep: Sweep
) -> None:
    for seed in sweep(8):
        kinds = ("crash", "crash", "disk", "clock")
        sweep_once(lab, seed, kinds, hit=MEMBERS, also=coordinator_away(seed))


@graded(points=3, title="All kinds of trouble", requirement="every task finishes")
def test_every_job_finishes_with_the_right_output_after_all_kinds_of_trouble(
    lab: MapreduceLab, sweep: Sweep
) -> None:
    kinds = ("crash", "pause", "partition", "block", "link", "disk", "clock")
    for seed in sweep(6):
        sweep_once(lab, seed, kinds, hit=MEMBERS, also=coordinator_away(seed))
