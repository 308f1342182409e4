"""Graded suite of the lab ``mapreduce``, third part: tasks are handed out, reports come in."""

from common.course.suites.grading import graded
from common.values.units import MS
from tests.stage6_compute.mapreduce.desk import Bench, Desk, done, running, some_work, tasks
from tests.stage6_compute.mapreduce.lab import MapreduceLab

LAB = "mapreduce"


@graded(points=2, title="Maps first", requirement="OSDI'04, 3.1 steps 2 and 3")
def test_idle_workers_are_given_maps_in_order_and_reduces_when_all_maps_are_done(
    lab: MapreduceLab,
) -> None:
    desk = Desk(lab, workers=2)
    desk.submit(maps=3, reduces=2)
    first = desk.assigned()
    assert tasks(first) == {"n2": ("map", 0), "n3": ("map", 1)}
    assert first["n2"].split == "split 0"
    assert first["n2"].sources == ()
    assert (first["n2"].program, first["n2"].output, first["n2"].partitions) == (
        "word-count", "out", 2,
    )  # fmt: skip
    desk.report("n3", first["n3"])
    second = desk.assigned()
    assert tasks(second) == {"n3": ("map", 2)}
    desk.report("n2", first["n2"])
    assert desk.assigned() == {}, "one map is not done, so no reduce may begin"
    desk.report("n3", second["n3"])
    third = desk.assigned()
    assert tasks(third) == {"n2": ("reduce", 0), "n3": ("reduce", 1)}
    assert third["n2"].split == ""
    where = [(0, first["n2"], "n2"), (1, first["n3"], "n3"), (2, second["n3"], "n3")]
    expected = tuple(lab.Source(map, work.attempt, worker) for map, work, worker in where)
    assert third["n2"].sources == third["n3"].sources == expected


@graded(points=2, title="The result", requirement="OSDI'04, 3.1 step 7")
def test_when_all_reduces_are_done_the_client_is_told_the_result_once_and_whenever_it_asks(
    lab: MapreduceLab,
) -> None:
    desk = Desk(lab)
    desk.submit(7, maps=2, reduces=2)
    assert desk.said(lab.Progress, "c1") == [lab.Progress(7, (0, 2), (0, 2))]
    given = desk.assigned()
    desk.report("n2", given["n2"])
    desk.submit(7, maps=2, reduces=2)
    assert desk.said(lab.Progress, "c1") == [lab.Progress(7, (1, 2), (0, 2))]
    desk.report("n3", given["n3"])
    assert len(desk.work_off()) == 2
    (told,) = desk.said(lab.Finished, "c1")
    assert told.number == 7
    assert told.result == lab.JobResult((("part 0",), ("part 1",)), (("maps", 2), ("reduces", 2)))
    desk.submit(7, maps=2, reduces=2)
    assert [each.result for each in desk.said(lab.Finished, "c1")] == [told.result]
    assert desk.assigned() == {}, "the job is over"


@graded(points=2, title="The same job", requirement="a client's number names one job")
def test_a_job_that_is_submitted_again_is_the_same_job_and_another_number_is_another(
    lab: MapreduceLab,
) -> None:
    desk = Desk(lab, workers=4)
    for _ in range(3):
        desk.submit(1, maps=1)
        assert desk.said(lab.Progress, "c1") == [lab.Progress(1, (0, 1), (0, 1))]
    assert desk.said(lab.Refused) == []
    assert tasks(desk.assigned()) == {"n2": ("map", 0)}
    desk.submit(1, client="c2", maps=1, output="of c2")
    desk.submit(2, maps=1, output="second")
    jobs = {worker: work.task.job for worker, work in desk.assigned().items()}
    assert jobs == {"n3": 2, "n4": 3}
    assert len(desk.work_off()) == 0, "those three maps are under way, and are not done yet"


@graded(points=2, title="One writer", requirement="issue: two jobs writing the same output")
def test_a_job_whose_output_another_one_has_is_refused_and_one_without_tasks_too(
    lab: MapreduceLab,
) -> None:
    desk = Desk(lab)
    desk.submit(1, output="out")
    desk.submit(1, client="c2", output="out")
    (refused,) = desk.said(lab.Refused, "c2")
    assert refused.number == 1
    assert "out" in refused.why
    desk.submit(2, client="c2", maps=0, output="no split")
    desk.submit(3, client="c2", reduces=0, output="no part")
    desk.submit(5, client="c2", reduces=10**9, output="no end")
    assert [each.number for each in desk.said(lab.Refused, "c2")] == [2, 3, 5]
    desk.assigned()
    desk.submit(4, client="c2", output="other")
    assert desk.said(lab.Progress, "c2") == [lab.Progress(4, (0, 2), (0, 1))]


@graded(points=2, title="Room", requirement="a worker does so much at once, and no more")
def test_a_worker_has_as_many_attempts_under_way_as_it_has_room_for(lab: MapreduceLab) -> None:
    desk = Desk(lab, workers=1, slots=3)
    desk.submit(maps=5)
    given = [message.work for message in desk.said(lab.Assign, "n2")]
    assert [work.task.index for work in given] == [0, 1, 2]
    assert len({work.attempt for work in given}) == 3
    desk.report("n2", given[1])
    (more,) = desk.said(lab.Assign, "n2")
    assert more.work.task.index == 3


@graded(points=2, title="Earlier jobs first", requirement="first come, first served")
def test_a_later_job_gets_those_workers_for_whom_the_earlier_one_has_nothing_to_do(
    lab: MapreduceLab,
) -> None:
    desk = Desk(lab, workers=2)
    desk.submit(1, maps=1, output="first")
    desk.submit(2, maps=2, output="second")
    given = desk.assigned()
    assert {worker: work.task.job for worker, work in given.items()} == {"n2": 1, "n3": 2}
    desk.report("n3", given["n3"])
    assert {worker: work.task.job for worker, work in desk.assigned().items()} == {"n3": 2}
    desk.report("n2", given["n2"])
    assert tasks(desk.assigned()) == {"n2": ("reduce", 0)}
    assert {work.output for work in desk.work_off()} <= {"first", "second"}


@graded(points=3, title="Attempts have numbers", requirement="SPARK-24589: numbers are not reused")
def test_no_two_attempts_have_one_number_whatever_their_phase_and_job(lab: MapreduceLab) -> None:
    desk = Desk(lab, workers=2)
    desk.submit(1, maps=3, reduces=3, output="first")
    desk.submit(2, maps=2, reduces=2, output="second")
    numbers = [work.attempt for work in desk.work_off()]
    assert len(numbers) == 10
    assert len(set(numbers)) == 10, f"attempts have the numbers {numbers}"
    assert numbers == sorted(numbers)


@graded(points=2, title="Settled", requirement="reports are said again until they are settled")
def test_every_report_is_settled_also_one_that_nobody_waits_for(lab: MapreduceLab) -> None:
    desk = Desk(lab)
    desk.submit(maps=1)
    given = desk.assigned()
    for _ in range(2):
        desk.report("n2", given["n2"])
        assert desk.said(lab.Settled, "n2") == [lab.Settled(given["n2"].attempt)]
    strange = some_work(lab, 999, job=42)
    desk.report("n3", strange, lab.Done())
    assert desk.said(lab.Settled, "n3") == [lab.Settled(999)]
    assert len(desk.work_off()) == 1, "the reduce of the one job"


@graded(points=2, title="Once in a life", requirement="messages come twice")
def test_a_worker_begins_an_attempt_once_and_reports_until_it_is_settled(
    lab: MapreduceLab,
) -> None:
    bench = Bench(lab)
    work = some_work(lab, 5)
    for _ in range(2):
        bench.assign(work)
    assert bench.ordered(lab.Execute) == [lab.Execute(work)]
    bench.end(5, done(lab, work))
    (report,) = bench.said(lab.Report, "n1")
    assert (report.task, report.attempt, report.result) == (work.task, 5, done(lab, work))
    bench.assign(work)
    assert bench.said(lab.Report, "n1") == [report], "the coordinator has not heard it"
    assert bench.ordered(lab.Execute) == []
    bench.ping(1)
    assert bench.said(lab.Report, "n1") == [report], "it is said again at each ping"
    other = some_work(lab, 6)
    bench.assign(other)
    assert bench.ordered(lab.Execute) == [lab.Execute(other)]
    bench.end(6, done(lab, other))
    bench.said(lab.Report)
    bench.ping(1)
    assert [each.attempt for each in bench.said(lab.Report, "n1")] == [5, 6]
    bench.hear("n1", lab.Ping((1,), 100))
    kinds = [type(each).__name__ for _, each in bench.heard]
    assert kinds == ["Report", "Report", "Pong"], "else it looks as if nobody had worked on that"
    bench.heard = []
    bench.hear("n1", lab.Settled(5))
    bench.hear("n1", lab.Settled(6))
    bench.hear("n1", lab.Settled(7))
    assert bench.ping(1).running == ()
    assert bench.said(lab.Report) == [], "they are settled"
    bench.assign(work)
    (gone,) = bench.said(lab.Report, "n1")
    assert gone == lab.Report(report.life, work.task, 5, lab.Gone())
    assert bench.ordered(lab.Execute) == []


@graded(points=1, title="Nobody wants it any more", requirement="backups and failures are stopped")
def test_what_is_cancelled_is_stopped_and_not_reported(lab: MapreduceLab) -> None:
    bench = Bench(lab)
    for attempt in (5, 6):
        bench.assign(some_work(lab, attempt))
    bench.hear("n1", lab.Cancel(5))
    bench.hear("n1", lab.Cancel(7))
    assert bench.ordered(lab.Stop) == [lab.Stop(5)]
    bench.end(5, lab.Done())
    assert bench.said(lab.Report) == []
    bench.end(6, lab.Done())
    assert [each.attempt for each in bench.said(lab.Report, "n1")] == [6]


@graded(points=1, title="Which are under way", requirement="the client sees how it goes")
def test_the_timeline_has_each_attempt_with_its_worker_and_its_times(lab: MapreduceLab) -> None:
    desk = Desk(lab, workers=1)
    desk.submit(maps=1)
    for _ in range(2):
        desk.pass_time(3 * MS)
        (work,) = desk.assigned().values()
        desk.pass_time(4 * MS)
        desk.report("n2", work)
    (told,) = desk.said(lab.Finished)
    assert [(each.task.phase, each.worker, each.how) for each in told.timeline] == [
        ("map", "n2", "done"), ("reduce", "n2", "done"),
    ]  # fmt: skip
    assert [(each.begun, each.ended) for each in told.timeline] == [(0, 7000), (7000, 14000)]


@graded(points=2, title="What nobody needs", requirement="work is stopped that is for nothing")
def test_what_a_worker_does_for_nobody_is_cancelled(lab: MapreduceLab) -> None:
    desk = Desk(lab, workers=2)
    desk.submit(maps=2, reduces=1)
    given = desk.assigned()
    desk.report("n2", given["n2"])
    spares = [lab.Running(given["n2"].task, number) for number in (500, 510)]
    desk.pong("n2", *spares)
    cancelled = desk.said(lab.Cancel, "n2")
    assert cancelled == [lab.Cancel(500), lab.Cancel(510)], "that map is completed"
    desk.report("n3", given["n3"])
    desk.work_off()
    desk.pong("n3", lab.Running(given["n3"].task, 501))
    assert desk.said(lab.Cancel, "n3") == [lab.Cancel(501)], "that job is over"
    desk.pong("n3", lab.Running(lab.Task(77, "map", 0), 502))
    assert desk.said(lab.Cancel, "n3") == [lab.Cancel(502)], "nobody knows that job"


@graded(points=2, title="What a worker says", requirement="OSDI'04, 3.3")
def test_a_worker_that_is_pinged_says_its_life_and_what_is_under_way(lab: MapreduceLab) -> None:
    bench = Bench(lab)
    first = bench.ping()
    assert first.running == ()
    works = [some_work(lab, 5), some_work(lab, 6, "reduce")]
    for work in works:
        bench.assign(work)
    second = bench.ping(1)
    assert second == lab.Pong(first.life, tuple(running(lab, work) for work in works))
    bench.end(5, lab.Done())
    assert bench.ping(1).running == (running(lab, works[1]),)
    back = Bench(lab, saved=bench.disk)
    assert back.ping(1).life > first.life
    assert back.ping(1).running == (), "a crash has taken all"


@graded(points=2, title="Nothing is kept for ever", requirement="what is for a job goes with it")
def test_a_worker_drops_what_it_has_for_jobs_that_are_over_and_for_no_others(
    lab: MapreduceLab,
) -> None:
    bench = Bench(lab)
    for job in (2, 3, 4, 5):
        bench.assign(some_work(lab, 10 + job, job=job))
    bench.end(13, lab.Done())
    bench.ping(4, below=5)
    dropped = bench.ordered(lab.Drop)
    assert dropped == [lab.Drop(2), lab.Drop(3)], "5 may be a job of which this ping is too old"
    assert len(bench.said(lab.Report)) == 1, "of the time before"
    bench.ping(4, below=6)
    assert bench.ordered(lab.Drop) == [lab.Drop(5)]
    assert bench.ordered(lab.Stop) == [lab.Stop(12), lab.Stop(15)]
    pong = bench.ping(4, below=6)
    assert [each.attempt for each in pong.running] == [14]
    assert bench.said(lab.Report) == []
    assert bench.ordered(lab.Drop) == []


@graded(points=2, title="Durable first", requirement="the journal decides")
def test_what_is_published_is_in_the_journal_and_maps_are_not_published(lab: MapreduceLab) -> None:
    desk = Desk(lab, workers=1)
    desk.publishes = False
    desk.submit(maps=1, reduces=1)
    before = len(desk.disk)
    (work,) = desk.assigned().values()
    desk.report("n2", work)
    assert len(desk.disk) == before + 1
    assert desk.ordered(lab.Publish) == []
    (work,) = desk.assigned().values()
    desk.report("n2", work)
    assert len(desk.disk) == before + 2
    assert len(desk.ordered(lab.Publish)) == 1


@graded(points=2, title="All in their places", requirement="the end is when the output is there")
def test_the_job_is_done_when_every_part_is_in_its_place_and_not_before(lab: MapreduceLab) -> None:
    desk = Desk(lab, workers=2)
    desk.submit(maps=1, reduces=2)
    ((worker, work),) = desk.assigned().items()
    desk.report(worker, work)
    desk.publishes = False
    reduces = desk.assigned()
    for name, work in reduces.items():
        desk.report(name, work)
    for _ in range(2):
        desk.invoke(lab.Published(reduces["n2"].task))
        assert desk.said(lab.Finished) == []
    desk.invoke(lab.Published(reduces["n3"].task))
    desk.invoke(lab.Published(reduces["n3"].task))
    assert len(desk.said(lab.Finished)) == 1
    desk.invoke(lab.Published(reduces["n2"].task, "it is gone: it was put there before"))
    desk.submit(maps=1, reduces=2)
    assert (len(desk.said(lab.Finished)), desk.said(lab.Refused)) == (1, []), "done is done"


@graded(points=1, title="No place", requirement="issue: a full disk")
def test_a_part_that_cannot_be_put_in_its_place_fails_the_job_and_the_next_one_begins(
    lab: MapreduceLab,
) -> None:
    desk = Desk(lab, workers=1)
    desk.submit(1, maps=1, reduces=2, output="first")
    desk.submit(2, maps=1, output="second")
    (work,) = desk.assigned().values()
    desk.report("n2", work)
    (work,) = desk.assigned().values()
    desk.publishes = False
    desk.report("n2", work)
    (other,) = desk.assigned().values()
    desk.invoke(lab.Published(work.task, "no space left on the device"))
    (refused,) = desk.said(lab.Refused)
    assert refused.number == 1
    assert "no space left" in refused.why
    assert desk.said(lab.Cancel) == [lab.Cancel(other.attempt)]
    following = desk.assigned()
    assert tasks(following) == {"n2": ("map", 0)}
    assert [each.attempt for each in desk.ordered(lab.Publish)] == [work.attempt]
    desk.report("n2", other)
    assert desk.ordered(lab.Publish) == [], "that job is over"
    desk.pong("n2", running(lab, other), running(lab, following["n2"]))
    assert desk.said(lab.Cancel) == [lab.Cancel(other.attempt)]


@graded(points=1, title="Who answers lives", requirement="pings missed in a row count")
def test_a_worker_that_answers_now_and_then_is_not_dead(lab: MapreduceLab) -> None:
    desk = Desk(lab, workers=2, most_missed=3)
    desk.submit(maps=2)
    given = desk.assigned()
    desk.report("n3", given["n3"])
    for _ in range(4):
        desk.tick(2)
        desk.pong("n2", running(lab, given["n2"]))
        desk.pong("n3")
    assert desk.assigned() == {}, "what n3 has done is still there"
    assert desk.said(lab.Cancel) == []


@graded(points=1, title="No more than is needed", requirement="a journal is not for ever")
def test_what_a_job_has_completed_is_not_in_the_journal_after_its_end(lab: MapreduceLab) -> None:
    desk = Desk(lab, workers=2)
    desk.submit(maps=1)
    small = len(desk.disk)
    desk.work_off()
    desk.submit(2, maps=8, reduces=8, output="large")
    desk.work_off()
    assert len(desk.disk) == small + 1 + 2, "of each job what it is, and what it has come to"


@graded(points=1, title="All others", requirement="nobody works on what is completed")
def test_all_other_attempts_on_a_task_are_cancelled_when_it_is_completed(
    lab: MapreduceLab,
) -> None:
    desk = Desk(lab, workers=4)
    desk.submit(maps=1, reduces=4)
    ((worker, work),) = desk.assigned().items()
    assert worker == "n2"
    for number, other in enumerate(desk.workers[1:]):
        desk.pong(other, lab.Running(work.task, 700 + number))
    assert desk.said(lab.Cancel) == []
    desk.report("n4", lab.Work(work.task, 701, "word-count", "out", 1), lab.Done())
    cancelled = {name: desk.said(lab.Cancel, name) for name in desk.workers}
    assert cancelled == {
        "n2": [lab.Cancel(work.attempt)],
        "n3": [lab.Cancel(700)],
        "n4": [],
        "n5": [lab.Cancel(702)],
    }
    free = {name: work.task.phase for name, work in desk.assigned().items()}
    assert free == dict.fromkeys(desk.workers, "reduce"), "all of them are free"
