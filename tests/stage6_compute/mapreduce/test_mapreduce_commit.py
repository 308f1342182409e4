"""Graded suite of the lab ``mapreduce``, fourth part: whose output counts, and backups."""

from typing import Any

from common.course.suites.grading import graded
from common.values.units import MS
from tests.stage6_compute.mapreduce.desk import Desk, tasks
from tests.stage6_compute.mapreduce.lab import MapreduceLab
from tests.stage6_compute.mapreduce.test_mapreduce_failures import running

LAB = "mapreduce"

SLOW = 100 * MS


def with_a_slow_task(lab: MapreduceLab, **config: Any) -> tuple[Desk, dict[str, Any]]:
    """Two maps, of which n2 does the first slowly; n3 has done the other in 10 ms and is free."""
    desk = Desk(lab, workers=2, backup_after=SLOW, **config)
    desk.submit(maps=2, reduces=1)
    given = desk.assigned()
    desk.pass_time(10 * MS)
    desk.report("n3", given["n3"])
    assert desk.assigned() == {}
    return desk, given


def look(desk: Desk, lab: MapreduceLab, given: dict[str, Any], after: int) -> dict[str, Any]:
    """Some time later everybody answers a ping, and n2 still works; who gets something to do?"""
    desk.pass_time(after)
    desk.tick()
    desk.pong("n2", running(lab, given["n2"]))
    desk.pong("n3")
    return desk.assigned()


@graded(points=3, title="Backups", requirement="OSDI'04, 3.6")
def test_a_slow_task_near_the_end_gets_one_backup_at_another_worker(lab: MapreduceLab) -> None:
    desk, given = with_a_slow_task(lab)
    assert look(desk, lab, given, SLOW - 11 * MS) == {}, "not slow yet"
    backup = look(desk, lab, given, 1 * MS)
    assert tasks(backup) == {"n3": ("map", 0)}
    assert backup["n3"].attempt != given["n2"].attempt
    desk.pass_time(SLOW)
    desk.tick()
    desk.pong("n2", running(lab, given["n2"]))
    desk.pong("n3", running(lab, backup["n3"]))
    assert desk.assigned() == {}, "two attempts are enough"


@graded(points=1, title="Slow is a word of comparison", requirement="twice as long as half of them")
def test_what_takes_as_long_as_others_took_is_not_slow(lab: MapreduceLab) -> None:
    desk = Desk(lab, workers=4, backup_after=1 * MS, slow=2)
    desk.submit(maps=4, reduces=1)
    given = desk.assigned()
    for worker, time in (("n3", 20), ("n4", 20), ("n5", 30)):
        desk.pass_time(time * MS)
        desk.report(worker, given[worker])
        assert desk.assigned() == {}, "others took 20, 40 and 70 ms; n2 not twice 40 so far"
    for wait, expected in ((9, {}), (1, {"n3": ("map", 0)})):
        desk.pass_time(wait * MS)
        desk.tick()
        assert tasks(desk.assigned()) == expected, "twice 40 ms is slow"


@graded(points=1, title="The slowest first", requirement="OSDI'04, 3.6")
def test_of_two_slow_tasks_that_which_began_first_gets_the_backup(lab: MapreduceLab) -> None:
    desk = Desk(lab, workers=3, backup_after=SLOW, there=False)
    desk.submit(maps=3)
    for worker in ("n3", "n2", "n4"):
        desk.pong(worker)
        desk.pass_time(5 * MS)
    given = desk.assigned()
    assert tasks(given) == {"n3": ("map", 0), "n2": ("map", 1), "n4": ("map", 2)}
    desk.report("n4", given["n4"])
    desk.pass_time(2 * SLOW)
    desk.tick()
    desk.pong("n4")
    assert tasks(desk.assigned()) == {"n4": ("map", 0)}


@graded(points=1, title="While there is other work", requirement="backups are for the end")
def test_no_task_gets_a_backup_while_others_are_idle_or_nothing_can_be_compared(
    lab: MapreduceLab,
) -> None:
    desk = Desk(lab, workers=2, backup_after=SLOW)
    desk.submit(maps=1)
    given = desk.assigned()
    assert look(desk, lab, given, 10 * SLOW) == {}, "nobody knows how long such a map takes"
    desk = Desk(lab, workers=2, backup_after=SLOW)
    desk.submit(maps=3)
    given = desk.assigned()
    desk.pass_time(10 * SLOW)
    desk.report("n3", given["n3"])
    assert tasks(desk.assigned()) == {"n3": ("map", 2)}


@graded(points=4, title="One commit", requirement="P2; SPARK-4879: two attempts commit one output")
def test_of_two_attempts_that_are_done_one_counts_and_the_other_changes_nothing(
    lab: MapreduceLab,
) -> None:
    desk = Desk(lab, workers=3, backup_after=SLOW)
    desk.submit(maps=1, reduces=2)
    ((worker, work),) = desk.assigned().items()
    desk.report(worker, work)
    reduces = desk.assigned()
    desk.pass_time(10 * MS)
    desk.report("n3", reduces["n3"])
    desk.pass_time(SLOW)
    desk.tick()
    for name in ("n3", "n4"):
        desk.pong(name)
    ((other, backup),) = desk.assigned().items()
    assert backup.task == reduces["n2"].task
    desk.publishes = False
    desk.report(other, backup, lab.Done(("by the backup",), (("reduces", 1),)))
    assert desk.said(lab.Cancel, "n2") == [lab.Cancel(reduces["n2"].attempt)]
    desk.report("n2", reduces["n2"], lab.Done(("by the first",), (("reduces", 1),)))
    desk.report(other, backup, lab.Done(("by the backup",), (("reduces", 1),)))
    assert desk.ordered(lab.Publish) == [
        lab.Publish(backup.task, backup.attempt, "word-count", "out")
    ]
    desk.invoke(lab.Published(backup.task))
    (told,) = desk.said(lab.Finished)
    assert told.result.parts == (("by the backup",), ("part 1",))
    assert dict(told.result.counters) == {"maps": 1, "reduces": 2}, "each task counts once"
    desk.report("n2", reduces["n2"], lab.Done(("by the first",), ()))
    assert desk.ordered(lab.Publish) == [], "and after the end nothing changes either"


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
    back = Desk(lab, workers=1, saved=desk.disk)
    assert len(back.ordered(lab.Publish)) == 1, "nobody has said that it was done"
    assert back.work_off() == []


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
    assert tasks(desk.assigned()) == {"n2": ("map", 0)}
