"""Graded suite of the lab ``multileader``, first part: which writes had heard of which."""

from itertools import permutations
from random import Random
from typing import TYPE_CHECKING

from common.course.suites.grading import Sweep, graded
from tests.stage3_partitioning.multileader.lab import MultileaderLab
from tests.stage3_partitioning.multileader.room import dots, random_writes, vector_of, write

if TYPE_CHECKING:
    from stage3_partitioning.multileader.versions import Write

LAB = "multileader"


@graded(points=2, title="A past in a past", requirement="Parker 1983: entry by entry")
def test_a_vector_covers_another_exactly_when_it_has_heard_of_all_of_it(
    lab: MultileaderLab, sweep: Sweep
) -> None:
    for seed in sweep(20):
        pasts = list(random_writes(lab, seed).values())
        for one in pasts:
            for other in pasts:
                covered = lab.covers(vector_of(one), vector_of(other))
                assert covered == (one >= other), f"{vector_of(one)} and {vector_of(other)}"


@graded(points=1, title="Two pasts together", requirement="the least vector that covers all")
def test_merging_gives_the_least_vector_that_covers_all(lab: MultileaderLab, sweep: Sweep) -> None:
    assert lab.merged([]) == ()
    for seed in sweep(20):
        pasts = list(random_writes(lab, seed).values())
        few = Random(seed).sample(pasts, min(3, len(pasts)))
        assert lab.merged([vector_of(each) for each in few]) == vector_of(set().union(*few))


@graded(points=2, title="Meant to replace", requirement="its author had seen the other one")
def test_a_write_replaces_another_exactly_when_its_author_had_seen_it(
    lab: MultileaderLab, sweep: Sweep
) -> None:
    for seed in sweep(20):
        writes = random_writes(lab, seed)
        for new, seen in writes.items():
            for old in writes:
                expected = (old.leader, old.number) in seen
                assert lab.replaces(new, old) == expected, f"{new} and {old}"


@graded(points=2, title="Conflicts", requirement="found by vectors, not by clocks")
def test_two_writes_are_in_conflict_exactly_when_neither_author_had_seen_the_other(
    lab: MultileaderLab, sweep: Sweep
) -> None:
    conflicts = 0
    for seed in sweep(20):
        writes = random_writes(lab, seed)
        for one, seen in writes.items():
            for other, seen_too in writes.items():
                apart = one is not other and not {*dots([one])} & seen_too
                expected = apart and not {*dots([other])} & seen
                assert lab.concurrent(one, other) == expected, f"{one} and {other}"
                conflicts += expected
    assert conflicts, "these runs have no conflict: they show nothing"


@graded(points=3, title="What is left", requirement="all that nobody has replaced, in any order")
def test_what_is_kept_is_what_nobody_has_replaced_in_whichever_order_writes_come(
    lab: MultileaderLab, sweep: Sweep
) -> None:
    for seed in sweep(20):
        writes = random_writes(lab, seed)
        replaced = set().union(*writes.values())
        left = sorted(each for each in dots(writes) if each not in replaced)
        for order in range(4):
            arriving = [*writes, *list(writes)[:2]]  # two come twice
            Random(order).shuffle(arriving)
            found: tuple[Write, ...] = ()
            for each in arriving:
                found = lab.kept(found, each)
            assert dots(found) == left, f"they came as {dots(arriving)}"
            assert isinstance(found, tuple), "a value that can travel"


@graded(points=1, title="Alike, and two", requirement="a write is its leader and number")
def test_two_writes_of_one_value_are_both_kept(lab: MultileaderLab) -> None:
    both = tuple(write(lab, leader, 1, value="the same") for leader in ("n1", "n2"))
    for one, other in permutations(both):
        found = lab.kept((one,), other)
        assert found == both, "or who replaces the one that was shown leaves the other elsewhere"


@graded(points=1, title="Two at one leader", requirement="a write has a number of its own")
def test_two_people_at_one_leader_who_had_seen_the_same_do_not_replace_each_other(
    lab: MultileaderLab,
) -> None:
    base = write(lab, "n1", 1)
    both = [write(lab, "n1", 2, seen=(("n1", 1),)), write(lab, "n1", 3, seen=(("n1", 1),))]
    for arriving in permutations([base, *both]):
        found: tuple[Write, ...] = ()
        for each in arriving:
            found = lab.kept(found, each)
        assert dots(found) == [("n1", 2), ("n1", 3)]
