"""Graded suite of the lab ``dynamo``, second part: values that nobody has replaced, contexts."""

from random import Random

from common.course.suites.grading import Sweep, graded
from tests.stage3_partitioning.dynamo.lab import DynamoLab
from tests.stage3_partitioning.dynamo.room import dots, join_all, random_versions, version

LAB = "dynamo"


@graded(points=1, title="Shown, so replaced", requirement="Dynamo 4.4: by the context")
def test_a_version_replaces_another_exactly_when_its_author_had_been_shown_it(
    lab: DynamoLab, sweep: Sweep
) -> None:
    for seed in sweep(20):
        found = random_versions(lab, seed)
        for new, seen in found.items():
            for old in found:
                assert lab.replaces(new, old) == ((old.actor, old.number) in seen), (new, old)


@graded(points=3, title="Joined", requirement="all that none of the others replaces, in any order")
def test_joining_keeps_what_nobody_has_replaced_in_any_order_and_any_number_of_times(
    lab: DynamoLab, sweep: Sweep
) -> None:
    for seed in sweep(20):
        found = random_versions(lab, seed)
        gone = set().union(*found.values())
        left = [each for each in sorted(dots(list(found))) if each not in gone]
        for order in range(4):
            several = [*found, *list(found)[:3]]
            Random(order).shuffle(several)
            together = join_all(lab, several)
            assert dots(together) == left
            assert isinstance(together, tuple), "a value that can travel"
            half = join_all(lab, several[:5]), join_all(lab, several[5:])
            assert lab.joined(*half) == lab.joined(*reversed(half)) == together
            assert lab.joined(together, together) == together


@graded(points=1, title="Alike, and two", requirement="a version is its dot, whatever it says")
def test_two_versions_with_one_value_are_two(lab: DynamoLab) -> None:
    both = tuple(version(lab, actor, 1, value="the same") for actor in "ab")
    assert lab.joined(both[:1], both[1:]) == both
    later = version(lab, "a", 2, value="the same", seen=(("a", 1),))
    assert lab.joined(both, (later,)) == (later, both[1])


@graded(points=2, title="A context", requirement="what was shown, and all that had been seen")
def test_who_brings_a_context_back_replaces_what_it_was_shown_and_what_that_had_replaced(
    lab: DynamoLab, sweep: Sweep
) -> None:
    assert lab.context_of(()) == ()
    for seed in sweep(20):
        found = random_versions(lab, seed)
        few = Random(seed).sample(list(found), 2)
        after = version(lab, "z", 1, seen=lab.context_of(few))
        seen = set().union(*(found[each] | {(each.actor, each.number)} for each in few))
        for each in found:
            if (each.actor, each.number) in seen:
                assert lab.replaces(after, each)
        most = dict(after.seen)
        assert all((actor, number) in seen for actor, number in most.items()), "no more than that"
