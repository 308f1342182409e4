"""Graded suite of the lab ``mapreduce``, fourth part: workers that die, and come back."""

from typing import Any

from common.course.suites.grading import graded
from tests.stage6_compute.mapreduce.desk import Desk, running, tasks
from tests.stage6_compute.mapreduce.lab import MapreduceLab

LAB = "mapreduce"


def one_map_done_at_each(lab: MapreduceLab, **config: Any) -> tuple[Desk, dict[str, Any]]:
    """A job with two maps; n2 has done the first, n3 the second; reduces are under way."""
    desk = Desk(lab, workers=2, most_missed=3, **config)
    desk.submit(maps=2, reduces=2)
    maps = desk.assigned()
    for worker, work in maps.items():
        desk.report(worker, work)
    reduces = desk.assigned()
    assert tasks(reduces) == {"n2": ("reduce", 0), "n3": ("reduce", 1)}
    return desk, reduces


def one_map_lost_and_assigned_again(
    lab: MapreduceLab,
) -> tuple[Desk, dict[str, Any], dict[str, Any]]:
    """As before; then n2 begins another life, and gets the map that it had done once more."""
    desk, reduces = one_map_done_at_each(lab)
    desk.pong("n2", life=1)
    again = desk.assigned()
    assert tasks(again) == {"n2": ("map", 0)}
    return desk, reduces, again


def silence(desk: Desk, lab: MapreduceLab, worker: str, work: Any, pings: int) -> None:
    """So many pings that n2 does not answer; ``worker`` does, and says that it works."""
    for _ in range(pings):
        desk.tick()
        desk.pong(worker, running(lab, work))


@graded(points=2, title="Who is silent is dead", requirement="OSDI'04, 3.3: the master pings")
def test_what_a_worker_had_under_way_is_idle_again_when_it_has_missed_its_pings(
    lab: MapreduceLab,
) -> None:
    desk = Desk(lab, workers=2, most_missed=3)
    desk.submit(maps=2)
    given = desk.assigned()
    assert desk.said(lab.Ping, "n2") == desk.said(lab.Ping, "n3") != []
    silence(desk, lab, "n3", given["n3"], pings=3)
    desk.report("n3", given["n3"])
    assert desk.assigned() == {}, "n2 may still do the other one"
    desk.tick()
    again = desk.assigned()
    assert tasks(again) == {"n3": ("map", 0)}
    assert again["n3"].attempt != given["n2"].attempt
    desk.report("n3", again["n3"])
    assert [work.task.phase for work in desk.work_off()] == ["reduce"]
    assert len(desk.said(lab.Finished)) == 1


@graded(points=1, title="Who comes later", requirement="OSDI'04, 3.1: idle workers")
def test_nothing_is_assigned_before_a_worker_is_heard_of(lab: MapreduceLab) -> None:
    desk = Desk(lab, workers=2, there=False)
    desk.submit(maps=2)
    assert desk.assigned() == {}
    desk.pong("n3")
    assert tasks(desk.assigned()) == {"n3": ("map", 0)}
    desk.pong("n2")
    assert tasks(desk.assigned()) == {"n2": ("map", 1)}


@graded(points=4, title="Maps again, reduces not", requirement="OSDI'04, 3.3: completed map tasks")
def test_a_completed_map_is_done_again_when_its_worker_dies_and_a_completed_reduce_is_not(
    lab: MapreduceLab,
) -> None:
    desk, reduces = one_map_done_at_each(lab)
    desk.report("n2", reduces["n2"])
    silence(desk, lab, "n3", reduces["n3"], pings=4)
    assert desk.assigned() == {}, "n3 still works on its reduce"
    desk.report("n3", reduces["n3"], lab.Gone())
    again = desk.assigned()
    assert tasks(again) == {"n3": ("map", 0)}, "what n2 had is lost"
    desk.report("n3", again["n3"])
    last = desk.assigned()
    assert tasks(last) == {"n3": ("reduce", 1)}, "and the reduce that n2 did is not"
    assert last["n3"].sources == (
        lab.Source(0, again["n3"].attempt, "n3"),
        reduces["n3"].sources[1],
    )
    desk.report("n3", last["n3"])
    (told,) = desk.said(lab.Finished)
    assert told.result.parts == (("part 0",), ("part 1",))
    assert dict(told.result.counters) == {"maps": 2, "reduces": 2}


@graded(points=3, title="A new life has nothing", requirement="a crash that nobody has noticed")
def test_a_worker_that_was_back_before_anybody_missed_it_has_lost_what_it_had(
    lab: MapreduceLab,
) -> None:
    desk, reduces, again = one_map_lost_and_assigned_again(lab)
    desk.report("n2", reduces["n2"], life=0)
    desk.pong("n2", lab.Running(lab.Task(1, "reduce", 0), 900), life=0)
    desk.pong("n2", lab.Running(lab.Task(77, "map", 0), 901), life=0)
    assert desk.published == [], "those are words from the life before"
    assert desk.said(lab.Cancel) == []
    desk.pong("n2", running(lab, again["n2"]), life=1)
    assert desk.assigned() == {}
    desk.report("n2", again["n2"], life=1)
    assert tasks(desk.assigned()) == {"n2": ("reduce", 0)}
    desk.pong("n3", life=0)
    desk.assigned()
    assert desk.said(lab.Cancel) == []


@graded(points=2, title="Only the dead one's", requirement="what others have is still there")
def test_what_others_have_done_is_not_done_again(lab: MapreduceLab) -> None:
    desk, reduces = one_map_done_at_each(lab)
    desk.report("n3", reduces["n3"])
    assert desk.assigned() == {}
    desk.tick()
    desk.pong("n3")
    assert desk.assigned() == {}
    desk.tick(2)
    again = desk.assigned()
    assert tasks(again) == {}, "n3 has missed no more pings than n2"
    desk.pong("n3")
    desk.tick()
    again = desk.assigned()
    assert tasks(again) == {"n3": ("map", 0)}


@graded(points=2, title="Believed again", requirement="who is slow looks like who is dead")
def test_a_worker_that_was_only_slow_is_believed_again(lab: MapreduceLab) -> None:
    desk = Desk(lab, workers=2, most_missed=3)
    desk.submit(maps=2, reduces=1)
    given = desk.assigned()
    for _ in range(5):
        desk.tick()
        desk.pong("n3", running(lab, given["n3"]))
    assert desk.assigned() == {}
    desk.pong("n2", running(lab, given["n2"]))
    assert desk.assigned() == {}, "it is still at it"
    assert desk.said(lab.Cancel) == []
    desk.report("n2", given["n2"])
    desk.report("n3", given["n3"])
    (reduce,) = desk.assigned().values()
    assert reduce.sources == (
        lab.Source(0, given["n2"].attempt, "n2"),
        lab.Source(1, given["n3"].attempt, "n3"),
    )


@graded(points=2, title="What was lost on the way", requirement="messages get lost")
def test_what_a_worker_should_do_and_does_not_is_assigned_again_under_its_number(
    lab: MapreduceLab,
) -> None:
    desk = Desk(lab, workers=2)
    desk.submit(maps=3)
    given = desk.assigned()
    desk.pong("n2")
    desk.pong("n3", running(lab, given["n3"]))
    assert desk.assigned() == {"n2": given["n2"]}
    desk.report("n2", given["n2"], lab.Gone())
    again = desk.assigned()
    assert tasks(again) == {"n2": ("map", 0)}
    assert again["n2"].attempt != given["n2"].attempt
    desk.report("n2", given["n2"], lab.Gone())
    desk.pong("n2", running(lab, again["n2"]))
    assert desk.assigned() == {}, "that one is over already"


@graded(points=3, title="What cannot be fetched", requirement="OSDI'04, 3.3: reduces are told")
def test_a_map_whose_output_cannot_be_fetched_is_done_again_unless_it_was_already(
    lab: MapreduceLab,
) -> None:
    desk, reduces = one_map_done_at_each(lab)
    old = reduces["n2"].sources[0]
    for _ in range(2):
        desk.report("n2", reduces["n2"], lab.Unreachable((old,)))
    again = desk.assigned()
    assert tasks(again) == {"n2": ("map", 0)}
    desk.report("n2", again["n2"])
    second = desk.assigned()
    assert tasks(second) == {"n2": ("reduce", 0)}
    desk.report("n3", reduces["n3"], lab.Unreachable((old,)))
    third = desk.assigned()
    assert tasks(third) == {"n3": ("reduce", 1)}, "n3 was late: that map was done again since"
    assert third["n3"].sources[0].attempt == again["n2"].attempt
    for _ in range(5):
        desk.report("n3", third["n3"], lab.Unreachable(()))
        third = desk.assigned()
    assert desk.said(lab.Refused) == [], "that is no failure of the reduce"


@graded(points=2, title="A reduce that lacks a map waits", requirement="never half of the input")
def test_a_reduce_that_never_arrived_is_not_assigned_again_while_a_map_is_missing(
    lab: MapreduceLab,
) -> None:
    desk, reduces = one_map_done_at_each(lab)
    silence(desk, lab, "n3", reduces["n3"], pings=4)
    desk.pong("n3")
    again = desk.assigned()
    assert tasks(again) == {"n3": ("map", 0)}
    desk.report("n3", again["n3"])
    ((_, reduce),) = desk.assigned().items()
    assert [source.attempt for source in reduce.sources] == [
        again["n3"].attempt, reduces["n3"].sources[1].attempt,
    ]  # fmt: skip


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


@graded(points=1, title="In each job", requirement="several jobs are under way")
def test_what_never_arrived_is_assigned_again_in_each_job(lab: MapreduceLab) -> None:
    desk = Desk(lab, workers=1, slots=4)
    desk.submit(1, maps=2, output="first")
    desk.submit(2, maps=2, output="second")
    given = [message.work for message in desk.said(lab.Assign, "n2")]
    assert [work.task.job for work in given] == [1, 1, 2, 2]
    desk.pong("n2")
    assert [message.work for message in desk.said(lab.Assign, "n2")] == given


@graded(points=1, title="All that it had", requirement="OSDI'04, 3.3: in-progress tasks, too")
def test_all_that_a_worker_had_under_way_is_idle_again(lab: MapreduceLab) -> None:
    desk = Desk(lab, workers=1, slots=3)
    desk.submit(maps=3)
    first = [message.work for message in desk.said(lab.Assign)]
    desk.pong("n2", life=1)
    second = [message.work for message in desk.said(lab.Assign)]
    assert [work.task.index for work in second] == [0, 1, 2]
    assert not {work.attempt for work in first} & {work.attempt for work in second}


@graded(points=1, title="All that cannot be fetched", requirement="OSDI'04, 3.3")
def test_all_maps_whose_output_cannot_be_fetched_are_done_again(lab: MapreduceLab) -> None:
    desk, reduces = one_map_done_at_each(lab)
    desk.report("n2", reduces["n2"], lab.Unreachable(reduces["n2"].sources))
    for index in range(2):
        again = desk.assigned()
        assert tasks(again) == {"n2": ("map", index)}
        desk.report("n2", again["n2"])
    assert tasks(desk.assigned()) == {"n2": ("reduce", 0)}


@graded(points=1, title="Dead, and an old word", requirement="messages are delayed for any time")
def test_a_late_word_of_an_earlier_life_of_a_dead_worker_says_nothing(lab: MapreduceLab) -> None:
    desk = Desk(lab, workers=2, most_missed=3)
    desk.submit(maps=2)
    given = desk.assigned()
    desk.pong("n2", life=1)
    again = desk.assigned()
    assert tasks(again) == {"n2": ("map", 0)}
    for _ in range(5):
        desk.tick()
        desk.pong("n3", running(lab, given["n3"]))
    desk.report("n2", given["n2"], life=0)
    desk.pong("n2", running(lab, given["n2"]), life=0)
    desk.report("n3", given["n3"])
    last = desk.assigned()
    assert tasks(last) == {"n3": ("map", 0)}, "what n2 had in life 0 is gone; so is n2"
    desk.pong("n2", running(lab, again["n2"]), life=1)
    desk.report("n2", again["n2"], life=1)
    assert desk.said(lab.Cancel, "n3") == [lab.Cancel(last["n3"].attempt)], "it was only slow"


@graded(points=1, title="Though a map is lost", requirement="OSDI'04, 3.3: reduces go on")
def test_a_reduce_that_has_what_it_needs_goes_on_and_counts_though_a_map_is_lost(
    lab: MapreduceLab,
) -> None:
    desk, reduces, again = one_map_lost_and_assigned_again(lab)
    first = lab.Running(reduces["n2"].task, 950)
    desk.pong("n3", running(lab, reduces["n3"]), first)
    assert desk.said(lab.Cancel) == [], "a backup of before may have fetched that map"
    desk.report("n3", reduces["n3"])
    desk.submit(maps=2, reduces=2)
    assert desk.said(lab.Progress)[-1] == lab.Progress(1, (1, 2), (1, 2))
    desk.report("n3", lab.Work(again["n2"].task, 960, "", "", 1), lab.Done())
    desk.submit(maps=2, reduces=2)
    assert desk.said(lab.Progress)[-1] == lab.Progress(1, (2, 2), (1, 2)), "whatever the attempt"
    assert desk.said(lab.Cancel, "n2") == [lab.Cancel(again["n2"].attempt)]
    desk.assigned()
    desk.report("n3", lab.Work(first.task, 950, "", "", 1), lab.Done(("by 950",), ()))
    (told,) = desk.said(lab.Finished)
    assert told.result.parts == (("by 950",), ("part 1",))
