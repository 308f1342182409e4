"""Graded suite of the lab ``mapreduce``, fifth part: near the data, and backups."""

from typing import Any

from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import ask_ok
from common.values.units import MS
from tests.stage6_compute.mapreduce.cluster import WORKERS, Assigned, cluster
from tests.stage6_compute.mapreduce.desk import Desk, running, tasks
from tests.stage6_compute.mapreduce.lab import MapreduceLab

LAB = "mapreduce"


WAIT = 50 * MS
SLOW = 100 * MS


def with_a_slow_task(lab: MapreduceLab, **config: Any) -> tuple[Desk, dict[str, Any]]:
    """Two maps, of which n2 does the first slowly; n3 has done the other; n3 and n4 are free."""
    desk = Desk(lab, workers=3, backup_after=SLOW, **config)
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
    for worker in desk.workers[1:]:
        desk.pong(worker)
    return desk.assigned()


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
    desk = Desk(lab, workers=3, locality_wait=WAIT)  # n2 and n3 are asked first, and are far away
    desk.submit(maps=1, hosts={0: ("n4",)})
    assert tasks(desk.assigned()) == {"n4": ("map", 0)}
    desk.pass_time(2 * WAIT)
    desk.pong("n4", life=1)
    again = desk.assigned()
    assert tasks(again) == {"n4": ("map", 0)}
    desk.pass_time(2 * WAIT)
    desk.report("n4", again["n4"], lab.Gone(), life=1)
    again = desk.assigned()
    assert tasks(again) == {"n4": ("map", 0)}
    desk.report("n4", again["n4"], life=1)
    reduce = desk.assigned()
    assert tasks(reduce) == {"n2": ("reduce", 0)}, "a reduce waits for nobody"
    desk.pass_time(2 * WAIT)
    desk.report("n2", reduce["n2"], lab.Unreachable(reduce["n2"].sources))
    again = desk.assigned()
    assert tasks(again) == {"n4": ("map", 0)}
    desk.report("n4", again["n4"], life=1)
    assert tasks(desk.assigned()) == {"n2": ("reduce", 0)}
    desk.pass_time(2 * WAIT)
    desk.pong("n4", life=2)
    assert tasks(desk.assigned()) == {"n4": ("map", 0)}, "its output was lost just now"


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


@graded(points=1, title="Somebody else", requirement="OSDI'04, 3.6: what is slow is the machine")
def test_no_worker_is_the_backup_of_its_own_attempt(lab: MapreduceLab) -> None:
    desk = Desk(lab, workers=1, slots=2, backup_after=SLOW)
    desk.submit(maps=2)
    first, second = (message.work for message in desk.said(lab.Assign))
    desk.report("n2", second)
    desk.pass_time(2 * SLOW)
    desk.tick()
    desk.pong("n2", running(lab, first))
    assert desk.said(lab.Assign) == []
    desk.report("n2", first)
    assert len(desk.said(lab.Assign)) == 1, "the reduce"


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
    two = Desk(lab, workers=2, backup_after=SLOW, slots=2)
    two.submit(maps=4)
    works = [message.work for message in two.said(lab.Assign)]
    assert [work.task.index for work in works] == [0, 1, 2, 3]
    two.report("n2", works[1])
    two.pass_time(2 * SLOW)
    two.tick()
    found = tasks(two.assigned())
    assert found == {"n2": ("map", 2)}, "map 0 is as slow, and under way at n2 itself"


@graded(points=1, title="While there is other work", requirement="backups are for the end")
def test_no_task_gets_a_backup_while_others_are_idle_or_nothing_can_be_compared(
    lab: MapreduceLab,
) -> None:
    desk = Desk(lab, workers=2, backup_after=SLOW)
    desk.submit(maps=1)
    given = desk.assigned()
    assert look(desk, lab, given, 10 * SLOW) == {}, "nobody knows how long such a map takes"
    desk.report("n2", given["n2"])
    reduce = desk.assigned()
    assert tasks(reduce) == {"n2": ("reduce", 0)}
    assert look(desk, lab, reduce, 30 * SLOW) == {}, "nor how long a reduce does: maps say nothing"
    desk = Desk(lab, workers=2, backup_after=SLOW)
    desk.submit(maps=3)
    given = desk.assigned()
    desk.pass_time(10 * SLOW)
    desk.report("n3", given["n3"])
    assert tasks(desk.assigned()) == {"n3": ("map", 2)}
    desk = Desk(lab, workers=3, backup_after=SLOW, locality_wait=10 * SLOW)
    desk.submit(maps=3, hosts={1: ("n2",), 2: ("n2",)})
    given = desk.assigned()
    assert tasks(given) == {"n2": ("map", 1), "n3": ("map", 0)}
    desk.report("n3", given["n3"])
    assert look(desk, lab, given, 2 * SLOW) == {}, "map 2 is idle: it waits for n2"


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
    ends = [each.how for each in told.timeline if each.attempt == reduces["n2"].attempt]
    assert ends == ["not needed"], "the client sees how each attempt ended"
    desk.report("n2", reduces["n2"], lab.Done(("by the first",), ()))
    assert desk.ordered(lab.Publish) == [], "and after the end nothing changes either"
