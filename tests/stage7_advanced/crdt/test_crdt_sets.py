"""Graded suite of the lab ``crdt``, second part: sets, with gravestones and with dots."""

from random import Random
from typing import Any

from common.course.suites.grading import Sweep, graded
from tests.stage7_advanced.crdt.kinds import ELEMENTS, REPLICAS, SETS, plain
from tests.stage7_advanced.crdt.lab import CrdtLab
from tests.stage7_advanced.crdt.laws import must_be_a_join, must_inflate, must_refuse_others

LAB = "crdt"


@graded(points=2, title="Merging is a join", requirement="Shapiro 2011, 2.3: a join semilattice")
def test_merging_sets_is_commutative_associative_and_idempotent(lab: CrdtLab) -> None:
    for kind in SETS:
        must_be_a_join(lab, kind)


@graded(points=2, title="Deltas", requirement="Almeida 2018, 4: m(X) = X joined with its delta")
def test_the_delta_of_a_change_is_worth_the_whole_new_set(lab: CrdtLab) -> None:
    for kind in SETS:
        must_inflate(lab, kind)


@graded(points=3, title="Add wins", requirement="study 2011, specification 15: observed removal")
def test_an_element_is_in_the_set_if_an_addition_of_it_was_not_observed_by_a_removal(
    lab: CrdtLab, sweep: Sweep
) -> None:
    """Beside each replica runs the definition: which additions and removals it knows of."""
    for seed in sweep(12):
        random = Random(f"sets/{seed}")
        sets = {replica: lab.ORSet() for replica in REPLICAS}
        known: dict[str, frozenset[int]] = dict.fromkeys(REPLICAS, frozenset())
        additions: dict[int, str] = {}
        removals: dict[int, frozenset[int]] = {}
        for number in range(40):
            here, element = random.choice(REPLICAS), random.choice(ELEMENTS)
            what = random.choice(("add", "remove", "merge"))
            if what == "add":
                additions[number] = element
                sets[here] = sets[here].merge(sets[here].add(here, element))
                known[here] |= {number}
            elif what == "remove":
                removals[number] = frozenset(
                    each for each in known[here] if additions.get(each) == element
                )
                sets[here] = sets[here].merge(sets[here].remove(element))
                known[here] |= {number}
            else:
                other = random.choice(REPLICAS)
                sets[here] = sets[here].merge(sets[other])
                known[here] |= known[other]
            gone = frozenset[int]().union(
                *(removals[each] for each in known[here] if each in removals)
            )
            left = {additions[each] for each in known[here] - gone if each in additions}
            found = sets[here].elements()
            assert found == tuple(sorted(left)), (
                f"step {number} at {here}, {what} {element}: the set has {found}; additions that "
                f"no removal known here has observed: {sorted(left)}"
            )


@graded(points=2, title="No gravestones", requirement="Bieniusa 2012: dots and a vector")
def test_what_was_added_and_removed_a_thousand_times_takes_no_more_room(lab: CrdtLab) -> None:
    here = lab.ORSet()
    for _ in range(100):
        here = here.merge(here.add("n1", "milk"))
        here = here.merge(here.add("n2", "milk"))
        assert len(here.entries) == 1, "an addition replaces those that it has observed"
    assert plain("ORSet", here) == (((("n2", 100), "milk"),), (("n1", 100), ("n2", 100)), ())
    here = here.merge(here.remove("milk"))
    assert plain("ORSet", here) == ((), (("n1", 100), ("n2", 100)), ())
    there = lab.ORSet().merge(here)
    assert there.merge(there.add("n3", "milk")).elements() == ("milk",), "it may come again"


@graded(points=2, title="Deltas of dots", requirement="Almeida 2018, 7: contexts with gaps")
def test_a_delta_that_comes_before_an_earlier_one_says_nothing_about_that(lab: CrdtLab) -> None:
    here = lab.ORSet()
    deltas: list[Any] = []
    for element in ("a", "b", "c"):
        deltas.append(here.add("n1", element))
        here = here.merge(deltas[-1])
    there = lab.ORSet().merge(deltas[2])
    assert plain("ORSet", there) == (((("n1", 3), "c"),), (), (("n1", 3),))
    there = there.merge(deltas[0])
    assert plain("ORSet", there)[1:] == ((("n1", 1),), (("n1", 3),))
    assert there.elements() == ("a", "c"), "b has not come; it was not removed"
    there = there.merge(deltas[1])
    assert plain("ORSet", there) == plain("ORSet", here), "the gap is closed: one number"
    removal = here.remove("b")
    assert plain("ORSet", removal) == ((), (), (("n1", 2),)), "only b's dot"
    early = lab.ORSet().merge(removal).merge(deltas[1])
    assert early.elements() == (), (
        "a removal that comes before its addition removes it all the same"
    )
    assert here.add("n2", "b").seen.has(("n1", 2))
    assert not here.add("n2", "b").seen.has(("n1", 1)), "the delta is about b alone"


@graded(points=2, title="New dots", requirement="a dot is given once")
def test_a_new_dot_is_greater_than_all_that_were_seen_of_its_replica(lab: CrdtLab) -> None:
    context = lab.Context((("n1", 2), ("n2", 7)), (("n1", 4), ("n3", 2)))
    assert [context.next(name) for name in ("n1", "n2", "n3", "n4")] == [
        ("n1", 5),
        ("n2", 8),
        ("n3", 3),
        ("n4", 1),
    ]
    assert [context.has(("n1", number)) for number in range(1, 6)] == [
        True,
        True,
        False,
        True,
        False,
    ]
    closed = context.with_dots(("n1", 3))
    assert (closed.counts, closed.cloud) == ((("n1", 4), ("n2", 7)), (("n3", 2),))
    again = closed.merge(lab.Context((("n3", 1),), (("n1", 3), ("n2", 9), ("n1", 4))))
    assert (again.counts, again.cloud) == ((("n1", 4), ("n2", 7), ("n3", 2)), (("n2", 9),))


@graded(points=1, title="Once and for ever", requirement="study 2011, specification 12: 2P-Set")
def test_the_two_phase_set_removes_what_it_has_and_never_takes_it_back(lab: CrdtLab) -> None:
    here = lab.TwoPhaseSet()
    assert plain("TwoPhaseSet", here.remove("a")) == ((), ()), "it is not there"
    for element in ("b", "a", "b"):
        here = here.merge(here.add(element))
    assert here.elements() == ("a", "b")
    assert plain("TwoPhaseSet", here.remove("a")) == ((), ("a",)), "the delta"
    here = here.merge(here.remove("a"))
    here = here.merge(here.add("a"))
    assert here.elements() == ("b",)
    assert plain("TwoPhaseSet", here.add("c")) == (("c",), ())
    assert here.merge(here.add("c")).elements() == ("b", "c")


@graded(points=1, title="Other kinds", requirement="one sentence on what, why and what to do")
def test_a_set_of_another_kind_is_not_merged_and_the_error_names_both(
    lab: CrdtLab,
) -> None:
    must_refuse_others(lab, SETS)
