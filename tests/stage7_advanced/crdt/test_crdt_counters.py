"""Graded suite of the lab ``crdt``, first part: counters."""

from collections import Counter
from random import Random

import pytest

from common.course.suites.grading import Sweep, graded
from tests.stage7_advanced.crdt.kinds import COUNTERS, REPLICAS
from tests.stage7_advanced.crdt.lab import CrdtLab
from tests.stage7_advanced.crdt.laws import must_be_a_join, must_inflate, must_refuse_others

LAB = "crdt"


@graded(points=2, title="Merging is a join", requirement="Shapiro 2011, 2.3: a join semilattice")
def test_merging_counters_is_commutative_associative_and_idempotent(lab: CrdtLab) -> None:
    for kind in COUNTERS:
        must_be_a_join(lab, kind)


@graded(points=2, title="Deltas", requirement="Almeida 2018, 4: m(X) = X joined with its delta")
def test_the_delta_of_an_increment_is_worth_the_whole_new_counter(lab: CrdtLab) -> None:
    for kind in COUNTERS:
        must_inflate(lab, kind)


@graded(points=3, title="Counted once", requirement="study 2011, specifications 6 and 7")
def test_whatever_comes_late_or_twice_all_that_was_counted_is_counted_once(
    lab: CrdtLab, sweep: Sweep
) -> None:
    for seed in sweep(10):
        random = Random(f"counters/{seed}")
        counters = {replica: lab.PNCounter() for replica in REPLICAS}
        growing = {replica: lab.GCounter() for replica in REPLICAS}
        sent = [(lab.PNCounter(), lab.GCounter())]
        total: Counter[str] = Counter()
        for _ in range(30):
            here = random.choice(REPLICAS)
            counter, grown = counters[here], growing[here]
            if random.random() < 0.5:
                by, up = random.randrange(1, 4), random.random() < 0.5
                delta = counter.increment(here, by) if up else counter.decrement(here, by)
                counters[here] = counter.merge(delta)
                growing[here] = grown.merge(grown.increment(here, by))
                total["value"] += by if up else -by
                total["grown"] += by
                sent.append((counters[here], growing[here]))
            else:
                old, older = random.choice(sent)
                counters[here], growing[here] = counter.merge(old), grown.merge(older)
        for counter, grown in sent:
            counters["n1"] = counters["n1"].merge(counter)
            growing["n1"] = growing["n1"].merge(grown)
        assert counters["n1"].value() == total["value"], f"counted was {total['value']}"
        assert growing["n1"].value() == total["grown"], f"counted was {total['grown']}"


@graded(points=1, title="A delta is small", requirement="Almeida 2018, 4: what has changed alone")
def test_a_delta_has_the_number_of_its_own_replica_and_no_other(lab: CrdtLab) -> None:
    counter = lab.GCounter((("n1", 3), ("n2", 5)))
    assert counter.increment("n2").counts == (("n2", 6),)
    assert counter.increment("n3", 4).counts == (("n3", 4),)
    both = lab.PNCounter().merge(lab.PNCounter().increment("n1", 7))
    down = both.decrement("n1", 2)
    assert (down.ups.counts, down.downs.counts) == ((), (("n1", 2),))
    up = both.increment("n1", 1)
    assert (up.ups.counts, up.downs.counts) == ((("n1", 8),), ())


@graded(points=1, title="Only upwards", requirement="study 2011, specification 6: only increments")
def test_an_increment_by_less_than_one_is_refused_and_says_why(lab: CrdtLab) -> None:
    assert lab.GCounter().increment("n1").counts == (("n1", 1),), "one is not refused"
    for by in (0, -1):
        for change in (
            lab.GCounter().increment,
            lab.PNCounter().increment,
            lab.PNCounter().decrement,
        ):
            with pytest.raises(ValueError, match=f"by={by}"):
                change("n1", by)


@graded(points=1, title="Other kinds", requirement="one sentence on what, why and what to do")
def test_a_counter_of_another_kind_is_not_merged_and_the_error_names_both(
    lab: CrdtLab,
) -> None:
    must_refuse_others(lab, COUNTERS)
