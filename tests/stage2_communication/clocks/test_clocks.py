"""Graded suite of the lab ``clocks``: both clocks, against the definition of *before*."""

from itertools import permutations
from random import Random
from typing import Any

from common.course.suites.grading import graded

LAB = "clocks"

PROCESSES = ("p", "q", "r")


class Event:
    """An event of a random run.

    Args:
        process: where it happened.
        past: all events that happened before it, by number.
        time: by a Lamport clock.
        vector: by vector clocks.
    """

    def __init__(self, process: str, past: frozenset[int], time: int, vector: Any) -> None:
        self.process = process
        self.past = past
        self.time = time
        self.vector = vector


def random_run(lab: Any, seed: int, length: int = 40) -> list[Event]:
    """Three processes do something, and now and then one hears of what another has done.

    What happened before what is kept as plain sets of events: the definition, and nothing clever.
    """
    random = Random(f"clocks/{seed}")
    clocks = {process: lab.LamportClock() for process in PROCESSES}
    vectors = {process: lab.VectorClock() for process in PROCESSES}
    pasts: dict[str, frozenset[int]] = dict.fromkeys(PROCESSES, frozenset())
    events: list[Event] = []
    for number in range(length):
        process = random.choice(PROCESSES)
        if events and random.random() < 0.5:
            heard = random.randrange(len(events))
            time = clocks[process].witness(events[heard].time)
            vectors[process].merge(events[heard].vector)
            pasts[process] |= events[heard].past | {heard}
        else:
            time = clocks[process].tick()
        assert time == clocks[process].time, "the time of the latest event is the clock's"
        vectors[process].tick(process)
        vector = lab.VectorClock(vectors[process].counts())
        events.append(Event(process, pasts[process], time, vector))
        pasts[process] |= {number}
    return events


@graded(points=2, title="Clock condition", requirement="Lamport 1978: a -> b implies C(a) < C(b)")
def test_lamport_times_never_contradict_cause_and_effect(lab: Any, sweep: Any) -> None:
    for seed in sweep(20):
        events = random_run(lab, seed)
        for number, event in enumerate(events):
            for earlier in event.past:
                assert events[earlier].time < event.time, (
                    f"event {earlier} of {events[earlier].process} happened before event {number} "
                    f"of {event.process}, and its time is {events[earlier].time}, not less than "
                    f"{event.time}"
                )


@graded(points=1, title="No more than that", requirement="Lamport 1978, IR1 and IR2")
def test_lamport_clocks_advance_by_no_more_than_they_must(lab: Any) -> None:
    clock = lab.LamportClock()
    assert clock.time == 0, "before the first event"
    assert [clock.tick(), clock.tick()] == [1, 2], "IR1: one for each event"
    assert clock.witness(10) == 11, "IR2: beyond the time of the message"
    assert clock.witness(3) == 12, "a message from the past is an event all the same"
    assert clock.witness(12) == 13, "and one from this very instant"
    assert clock.tick() == 14


@graded(points=1, title="One order of all", requirement="Lamport 1978: the total order =>")
def test_times_with_names_put_all_events_into_one_order_after_their_causes(
    lab: Any, sweep: Any
) -> None:
    for seed in sweep(20):
        events = random_run(lab, seed)
        stamps = [(event.time, event.process) for event in events]
        assert len(set(stamps)) == len(stamps), "no two events have the same time and process"
        order = sorted(range(len(events)), key=lambda number: stamps[number])
        for place, number in enumerate(order):
            late = events[number].past - set(order[:place])
            assert not late, f"event {number} comes before its causes {sorted(late)}"


@graded(points=3, title="Exactly", requirement="Mattern 1989: V(a) < V(b) iff a -> b")
def test_vector_clocks_say_before_exactly_when_it_is_so(lab: Any, sweep: Any) -> None:
    for seed in sweep(10):
        events = random_run(lab, seed, length=25)
        for one, other in permutations(range(len(events)), 2):
            is_before = one in events[other].past
            said = events[one].vector.before(events[other].vector)
            assert said == is_before, (
                f"of events {one} ({events[one].vector.counts()}) and {other} "
                f"({events[other].vector.counts()}) before says {said}; it is {is_before}"
            )
            apart = not is_before and other not in events[one].past
            assert events[one].vector.concurrent(events[other].vector) == apart


@graded(points=2, title="Vectors as values", requirement="who is not named counts 0")
def test_vectors_compare_whoever_is_named_and_in_whatever_order_it_was_learned(lab: Any) -> None:
    one, other = lab.VectorClock(), lab.VectorClock([("b", 1)])
    assert one["a"] == 0
    assert other.covers(one), "nothing is covered by everything"
    assert not one.covers(other)
    one.merge(other)
    assert one.tick("a") == 1
    other.tick("a")
    assert one.counts() == other.counts() == (("a", 1), ("b", 1))
    assert not one.before(other), "a vector is not before itself"
    assert not one.concurrent(other), "nor concurrent to itself"
    later = lab.VectorClock(one.counts())
    assert later.tick("c") == 1
    assert one.before(later)
    assert not later.before(one)
    later.merge(lab.VectorClock([("b", 1), ("a", 5)]))
    assert later.counts() == (("a", 5), ("b", 1), ("c", 1)), "entry by entry the greater"


@graded(points=2, title="The delivery rule", requirement="Birman, Schiper, Stephenson 1991, 5.1")
def test_a_message_is_allowed_when_it_is_next_and_all_its_causes_are_there(lab: Any) -> None:
    here = lab.VectorClock([("p", 2), ("q", 1)])
    cases = {
        (("p", 3), ("q", 1)): True,
        (("p", 3),): True,
        (("p", 4), ("q", 1)): False,
        (("p", 2), ("q", 1)): False,
        (("p", 3), ("q", 2)): False,
        (("p", 3), ("q", 1), ("r", 1)): False,
    }
    for stamp, expected in cases.items():
        said = here.allows(lab.VectorClock(stamp), "p")
        assert said == expected, f"{stamp} from p, where {here.counts()} was delivered: {said}"
    assert here.allows(lab.VectorClock([("r", 1)]), "r"), "the first word of somebody new"


@graded(points=1, title="Merging", requirement="Mattern 1989, 4: the least vector above both")
def test_merging_is_the_same_in_any_order_and_any_number_of_times(lab: Any, sweep: Any) -> None:
    for seed in sweep(20):
        vectors = [event.vector for event in random_run(lab, seed, length=12)]
        merged = []
        for order in vectors, vectors[::-1], vectors + vectors:
            all_of_them = lab.VectorClock()
            for vector in order:
                all_of_them.merge(vector)
            merged.append(all_of_them.counts())
        assert merged[0] == merged[1] == merged[2]
        assert all(lab.VectorClock(merged[0]).covers(vector) for vector in vectors)
        assert dict(merged[0]) == {
            process: max(vector[process] for vector in vectors) for process, _ in merged[0]
        }, "and no greater than it must be"


@graded(points=2, title="Causes first", requirement="Birman, Schiper, Stephenson 1991, 5.1")
def test_whatever_order_messages_come_in_each_is_delivered_after_its_causes(
    lab: Any, sweep: Any
) -> None:
    for seed in sweep(10):
        random = Random(f"delivery/{seed}")
        delivered = {process: lab.VectorClock() for process in PROCESSES}
        sent: list[tuple[str, Any]] = []
        waiting: dict[str, list[int]] = {process: [] for process in PROCESSES}
        for _ in range(60):
            process = random.choice(PROCESSES)
            here, queue = delivered[process], waiting[process]
            if random.random() < 0.3:
                here.tick(process)
                sent.append((process, lab.VectorClock(here.counts())))
                for other in PROCESSES:
                    waiting[other] += [len(sent) - 1] if other != process else []
            elif queue:
                deliver(here, queue, random.randrange(len(queue)), sent)
        for process in PROCESSES:
            while any(deliver(delivered[process], waiting[process], number, sent)
                      for number in range(len(waiting[process]))):  # fmt: skip
                pass
            assert not waiting[process], f"{process} waits for ever, although nothing was lost"


def deliver(here: Any, queue: list[int], number: int, sent: list[tuple[str, Any]]) -> bool:
    """Deliver a message that waits, if the rule allows it."""
    sender, stamp = sent[queue[number]]
    if not here.allows(stamp, sender):
        return False
    for process in PROCESSES:
        missing = stamp[process] - here[process] - (process == sender)
        assert missing <= 0, f"{missing} messages of {process} are causes, and not here yet"
    here.merge(stamp)
    del queue[number]
    return True
