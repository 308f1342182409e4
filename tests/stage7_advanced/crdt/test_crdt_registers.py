"""Graded suite of the lab ``crdt``, third part: registers, and maps of them."""

from random import Random

from common.course.suites.grading import Sweep, graded
from tests.stage7_advanced.crdt.kinds import REGISTERS, REPLICAS, plain
from tests.stage7_advanced.crdt.lab import CrdtLab
from tests.stage7_advanced.crdt.laws import must_be_a_join, must_inflate, must_refuse_others

LAB = "crdt"


@graded(points=2, title="Merging is a join", requirement="Shapiro 2011, 2.3: a join semilattice")
def test_merging_registers_and_maps_is_commutative_associative_and_idempotent(
    lab: CrdtLab,
) -> None:
    for kind in REGISTERS:
        must_be_a_join(lab, kind)


@graded(points=2, title="Deltas", requirement="Almeida 2018, 4: m(X) = X joined with its delta")
def test_the_delta_of_a_change_is_worth_the_whole_new_register_or_map(lab: CrdtLab) -> None:
    for kind in REGISTERS:
        must_inflate(lab, kind)


@graded(
    points=3, title="Siblings", requirement="study 2011, specification 10: multi-value register"
)
def test_a_register_holds_what_no_write_has_seen_and_the_last_writer_is_one_of_them(
    lab: CrdtLab, sweep: Sweep
) -> None:
    """Beside each replica runs the definition: which writes it knows, and what each had seen."""
    concurrent = 0
    for seed in sweep(12):
        random = Random(f"registers/{seed}")
        many = {replica: lab.MultiValueRegister() for replica in REPLICAS}
        last = {replica: lab.LastWriterRegister() for replica in REPLICAS}
        known: dict[str, frozenset[int]] = dict.fromkeys(REPLICAS, frozenset())
        seen: dict[int, frozenset[int]] = {}
        for number in range(30):
            here = random.choice(REPLICAS)
            if random.random() < 0.5:
                seen[number] = known[here]
                value = f"{number:02}"
                many[here] = many[here].merge(many[here].write(here, value))
                last[here] = last[here].merge(last[here].write(here, value))
                known[here] |= {number}
            else:
                other = random.choice(REPLICAS)
                many[here] = many[here].merge(many[other])
                last[here] = last[here].merge(last[other])
                known[here] |= known[other]
            replaced = frozenset[int]().union(*(seen[write] for write in known[here]))
            left = tuple(f"{write:02}" for write in sorted(known[here] - replaced))
            found = many[here].values()
            assert found == left, f"step {number}: {here} holds {found}; writes unseen are {left}"
            assert last[here].value in (left or ("",)), (
                f"step {number}: {here} took {last[here].value!r} for the last write, which one "
                f"of {left} had seen"
            )
            concurrent += len(left) > 1
    assert concurrent, "no two writes were concurrent: the test shows nothing"


@graded(points=2, title="The last writer", requirement="study 2011, specification 8: LWW register")
def test_a_write_that_has_seen_another_is_later_and_names_decide_between_equals(
    lab: CrdtLab,
) -> None:
    one = lab.LastWriterRegister().write("n1", "one")
    two = lab.LastWriterRegister().write("n2", "two")
    assert plain("LastWriterRegister", one) == ((1, "n1"), "one")
    for merged in (one.merge(two), two.merge(one)):
        assert merged.value == "two", "equal times: the greater name"
    last, first = (lab.LastWriterRegister().write(*each) for each in (("n1", "z"), ("n2", "a")))
    assert last.merge(first).value == first.merge(last).value == "a", "the name, not the value"
    later = one.merge(two).write("n1", "three")
    assert plain("LastWriterRegister", later) == ((2, "n1"), "three")
    for merged in (two.merge(later), later.merge(two)):
        assert merged.value == "three", "it has seen both others"


@graded(points=2, title="Values of a map", requirement="Almeida 2018, 7.4: one context for all")
def test_a_key_that_is_removed_comes_back_with_what_was_written_meanwhile_alone(
    lab: CrdtLab,
) -> None:
    cart = lab.ORMap()
    for key, value in (("milk", "1"), ("eggs", "6")):
        cart = cart.merge(cart.put(key, cart.get(key, lab.MultiValueRegister).write("n1", value)))
    assert cart.keys() == ("eggs", "milk")
    there = cart.merge(cart.put("tags", cart.get("tags", lab.ORSet).add("n2", "urgent")))
    assert there.get("tags", lab.ORSet).elements() == ("urgent",)
    assert there.get("milk", lab.MultiValueRegister).values() == ("1",)
    here = cart.merge(cart.remove("milk"))
    assert here.keys() == ("eggs",)
    assert here.get("milk", lab.MultiValueRegister).values() == ()
    assert here.merge(there).keys() == ("eggs", "tags"), "an old copy does not bring it back"
    there = there.merge(
        there.put("milk", there.get("milk", lab.MultiValueRegister).write("n2", "2"))
    )
    for both in (here.merge(there), there.merge(here)):
        assert both.keys() == ("eggs", "milk", "tags"), "the write was not observed: it wins"
        assert both.get("milk", lab.MultiValueRegister).values() == ("2",)
    again = here.merge(here.put("milk", here.get("milk", lab.MultiValueRegister).write("n1", "3")))
    siblings = again.merge(there).get("milk", lab.MultiValueRegister).values()
    assert siblings == ("2", "3"), "the new value of the removed key is no copy of the old one"


@graded(
    points=1, title="Deltas of maps", requirement="Almeida 2018, 7.4: a delta has its dots alone"
)
def test_the_delta_of_one_key_says_nothing_about_another(lab: CrdtLab) -> None:
    cart = lab.ORMap()
    for key in ("a", "b"):
        cart = cart.merge(cart.put(key, cart.get(key, lab.MultiValueRegister).write("n1", key)))
    put = cart.put("a", cart.get("a", lab.MultiValueRegister).write("n2", "new"))
    assert plain("ORMap", put) == (
        ((("n2", 1), ("a", "new")),),
        (("n1", 1), ("n2", 1)),
        (),
    )
    assert plain("ORMap", cart.remove("b")) == ((), (), (("n1", 2),))
    more = cart.merge(cart.put("ba", cart.get("ba", lab.MultiValueRegister).write("n1", "x")))
    for gone, left in (("b", ("a", "ba")), ("a", ("b", "ba")), ("ba", ("a", "b"))):
        assert more.merge(more.remove(gone)).keys() == left, "a key is the whole word"
    inner = lab.ORMap().put("x", lab.ORSet().add("n3", "deep"))
    nested = cart.merge(cart.put("map", inner))
    found = nested.get("map", lab.ORMap).get("x", lab.ORSet)
    assert found.elements() == ("deep",), "a map in a map"


@graded(points=1, title="Other kinds", requirement="one sentence on what, why and what to do")
def test_a_register_or_map_of_another_kind_is_not_merged_and_the_error_names_both(
    lab: CrdtLab,
) -> None:
    must_refuse_others(lab, REGISTERS)
