"""Graded suite of the lab ``clocks``, first part: one number, and it never contradicts a cause."""

from common.course.suites.grading import Sweep, graded
from tests.stage2_communication.clocks.lab import ClocksLab
from tests.stage2_communication.clocks.runs import lamport_times, random_run

LAB = "clocks"


@graded(points=2, title="Clock condition", requirement="Lamport 1978: a -> b implies C(a) < C(b)")
def test_lamport_times_never_contradict_cause_and_effect(lab: ClocksLab, sweep: Sweep) -> None:
    for seed in sweep(20):
        events = random_run(seed)
        times = lamport_times(lab, events)
        for number, event in enumerate(events):
            for earlier in event.past:
                assert times[earlier] < times[number], (
                    f"event {earlier} of {events[earlier].process} happened before event {number} "
                    f"of {event.process}, and its time is {times[earlier]}, not less than "
                    f"{times[number]}"
                )


@graded(points=1, title="No more than that", requirement="Lamport 1978, IR1 and IR2")
def test_lamport_clocks_advance_by_no_more_than_they_must(lab: ClocksLab) -> None:
    clock = lab.LamportClock()
    assert clock.time == 0, "before the first event"
    assert [clock.tick(), clock.tick()] == [1, 2], "IR1: one for each event"
    assert clock.witness(10) == 11, "IR2: beyond the time of the message"
    assert clock.witness(3) == 12, "a message from the past is an event all the same"
    assert clock.witness(12) == 13, "and one from this very instant"
    assert clock.tick() == 14


@graded(points=1, title="One order of all", requirement="Lamport 1978: the total order =>")
def test_times_with_names_put_all_events_into_one_order_after_their_causes(
    lab: ClocksLab, sweep: Sweep
) -> None:
    for seed in sweep(20):
        events = random_run(seed)
        times = lamport_times(lab, events)
        stamps = [(time, event.process) for time, event in zip(times, events, strict=True)]
        assert len(set(stamps)) == len(stamps), "no two events have the same time and process"
        order = sorted(range(len(events)), key=lambda number: stamps[number])
        for place, number in enumerate(order):
            late = events[number].past - set(order[:place])
            assert not late, f"event {number} comes before its causes {sorted(late)}"
