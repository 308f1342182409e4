"""Graded suite of the lab ``clocks``, second part: a vector says *before* exactly when it is so."""

from itertools import permutations
from random import Random
from typing import Any

from common.course.suites.grading import Sweep, graded
from tests.stage2_communication.clocks.lab import ClocksLab
from tests.stage2_communication.clocks.runs import PROCESSES, random_run, vectors

LAB = "clocks"


@graded(points=3, title="Exactly", requirement="Mattern 1989: V(a) < V(b) iff a -> b")
def test_vector_clocks_say_before_exactly_when_it_is_so(lab: ClocksLab, sweep: Sweep) -> None:
    for seed in sweep(10):
        events = random_run(seed, length=25)
        vector = vectors(lab, events)
        for one, other in permutations(range(len(events)), 2):
            is_before = one in events[other].past
            said = vector[one].before(vector[other])
            assert said == is_before, (
                f"of events {one} ({vector[one].counts()}) and {other} "
                f"({vector[other].counts()}) before says {said}; it is {is_before}"
            )
            apart = not is_before and other not in events[one].past
            assert vector[one].concurrent(vector[other]) == apart


@graded(points=2, title="Vectors as values", requirement="who is not named counts 0")
def test_vectors_compare_whoever_is_named_and_in_whatever_order_it_was_learned(
    lab: ClocksLab,
) -> None:
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
    nothing, zero = lab.VectorClock(), lab.VectorClock([("a", 0)])
    assert not nothing.before(zero), "who is named with 0 counts as who is not named"
    assert not zero.before(nothing)
    later = lab.VectorClock(one.counts())
    assert later.tick("c") == 1
    assert one.before(later)
    assert not later.before(one)
    later.merge(lab.VectorClock([("b", 1), ("a", 5)]))
    assert later.counts() == (("a", 5), ("b", 1), ("c", 1)), "entry by entry the greater"


@graded(points=2, title="The delivery rule", requirement="Birman, Schiper, Stephenson 1991, 5.1")
def test_a_message_is_allowed_when_it_is_next_and_all_its_causes_are_there(lab: ClocksLab) -> None:
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
def test_merging_is_the_same_in_any_order_and_any_number_of_times(
    lab: ClocksLab, sweep: Sweep
) -> None:
    for seed in sweep(20):
        some = vectors(lab, random_run(seed, length=12))
        merged = []
        for order in some, some[::-1], some + some:
            all_of_them = lab.VectorClock()
            for vector in order:
                all_of_them.merge(vector)
            merged.append(all_of_them.counts())
        assert merged[0] == merged[1] == merged[2]
        assert all(lab.VectorClock(merged[0]).covers(vector) for vector in some)
        assert dict(merged[0]) == {
            process: max(vector[process] for vector in some) for process, _ in merged[0]
        }, "and no greater than it must be"
    both = lab.VectorClock((("p1", 1), ("p2", 5)))
    both.merge(lab.VectorClock((("p2", 2), ("p3", 3))))
    assert both.counts() == (("p1", 1), ("p2", 5), ("p3", 3)), "entry by entry the greater"


@graded(points=2, title="Causes first", requirement="Birman, Schiper, Stephenson 1991, 5.1")
def test_whatever_order_messages_come_in_each_is_delivered_after_its_causes(
    lab: ClocksLab, sweep: Sweep
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
