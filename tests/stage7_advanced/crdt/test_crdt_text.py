"""Graded suite of the lab ``crdt``, text: all copies show the same, and words stay whole."""

from random import Random
from typing import Any

import pytest

from common.course.suites.grading import Sweep, graded
from tests.stage7_advanced.crdt.desks import PEOPLE, Desk, edit_at_random
from tests.stage7_advanced.crdt.lab import CrdtLab

LAB = "crdt"


@graded(points=3, title="One order", requirement="Attiya 2016: the strong list specification")
def test_all_copies_of_an_rga_show_the_same_and_two_signs_never_change_their_order(
    lab: CrdtLab, sweep: Sweep
) -> None:
    for seed in sweep(10):
        desk = Desk(lab.RgaText)
        edit_at_random(desk, Random(f"rga/{seed}"))
        desk.hear_all()
        desk.look("n1")


@graded(points=3, title="One order", requirement="Attiya 2016: the strong list specification")
def test_all_copies_of_a_fugue_show_the_same_and_two_signs_never_change_their_order(
    lab: CrdtLab, sweep: Sweep
) -> None:
    for seed in sweep(15):
        desk = Desk(lab.FugueText)
        edit_at_random(desk, Random(f"fugue/{seed}"))
        desk.hear_all()
        desk.look("n1")


@graded(points=3, title="Words stay whole", requirement="Fugue 2023, 2: no interleaving, both ways")
def test_words_typed_at_one_place_do_not_mix_forwards_or_backwards(
    lab: CrdtLab, sweep: Sweep
) -> None:
    words = {"n1": "hello", "n2": "WORLD", "n3": "12345"}
    for seed in sweep(15):
        random = Random(f"words/{seed}")
        desk = Desk(lab.FugueText)
        desk.insert("n1", 0, "[.x.]")
        if random.random() < 0.5:
            desk.delete("n1", 2)
        desk.hear_all()
        for person, word in words.items():
            type_somehow(desk, random, person, 2, word)
        text = desk.hear_all()
        for person, word in words.items():
            assert word in text, f"{person} typed {word} at one place, and the text is {text!r}"


def type_somehow(desk: Desk, random: Random, person: str, index: int, word: str) -> None:
    """Type a word, beginning anywhere in it, and growing on either side, as it comes."""
    begin = random.randrange(len(word))
    end = begin + 1
    desk.insert(person, index, word[begin])
    way = random.choice(("forwards", "backwards", "either"))
    while end - begin < len(word):
        right = end < len(word) and (
            way == "forwards" or begin == 0 or (way == "either" and random.random() < 0.5)
        )
        if right:
            desk.insert(person, index + end - begin, word[end])
            end += 1
        else:
            begin -= 1
            desk.insert(person, index, word[begin])


@graded(points=1, title="Words that mix", requirement="Kleppmann 2019; automerge-classic#395")
def test_in_an_rga_words_typed_forwards_stay_whole_and_words_typed_backwards_mix(
    lab: CrdtLab,
) -> None:
    for backwards in (False, True):
        desk = Desk(lab.RgaText, ("n1", "n2"))
        for person, word in (("n1", "milk"), ("n2", "eggs")):
            (desk.backwards if backwards else desk.insert)(person, 0, word)
        assert desk.hear_all() == ("emgiglsk" if backwards else "eggsmilk")


@graded(points=2, title="Gravestones are neighbours", requirement="y-octo#53, ygo#160, ygo#111")
def test_a_sign_typed_beside_a_gravestone_stands_where_it_was_typed_everywhere(
    lab: CrdtLab,
) -> None:
    """The schedule of y-octo#53: the third types beside what the first has erased."""
    for people in (PEOPLE, PEOPLE[::-1], ("n2", "n3", "n1"), ("n3", "n1", "n2")):
        for kind in (lab.FugueText, lab.RgaText):
            one, two, three = people
            desk = Desk(kind)
            desk.insert(one, 0, "a")
            desk.hear(two, one)
            desk.insert(two, 1, "b")
            desk.insert(one, 1, "c")
            desk.delete(one, 0)
            desk.hear(three, one)
            desk.insert(three, 0, "d")
            desk.look(three)
            desk.hear(three, two)
            desk.hear(two, three)
            assert desk.text(two) == desk.text(three)
            desk.look(two)
            desk.hear_all()


@graded(points=2, title="Names decide nothing", requirement="automerge-classic#34")
def test_one_person_s_text_does_not_depend_on_their_name_after_somebody_else_s_edits(
    lab: CrdtLab,
) -> None:
    """A later insertion stands right where it is typed, whichever name is the greater."""
    for first, second in (("n1", "n2"), ("n2", "n1")):
        for kind in (lab.FugueText, lab.RgaText):
            desk = Desk(kind, (first, second))
            desk.insert(first, 0, "ac")
            desk.hear(second, first)
            desk.insert(second, 1, "b")
            desk.insert(second, 0, "<")
            desk.hear(first, second)
            desk.insert(first, 4, ">")
            desk.insert(first, 0, "*")
            desk.hear(second, first)
            assert desk.text(first) == desk.text(second) == "*<abc>"


@graded(points=2, title="The tree", requirement="Fugue 2023, algorithm 1: parent and side")
def test_a_sign_hangs_on_its_left_neighbour_or_else_on_the_left_of_its_right_one(
    lab: CrdtLab,
) -> None:
    text = lab.FugueText("n1")
    a = text.insert(0, "a")
    assert a == lab.Insert(("n1", 1), "a", None, "right"), "the root has nothing on its right"
    b = text.insert(1, "b")
    assert b == lab.Insert(("n1", 2), "b", ("n1", 1), "right")
    c = text.insert(1, "c")
    assert c == lab.Insert(("n1", 3), "c", ("n1", 2), "left"), "a has b on its right"
    assert text.delete(1) == lab.Delete(("n1", 3))
    d = text.insert(1, "d")
    assert d == lab.Insert(("n1", 4), "d", ("n1", 3), "left"), "the gravestone is the neighbour"
    e = text.insert(0, "e")
    assert e == lab.Insert(("n1", 5), "e", ("n1", 1), "left")
    assert text.text() == "eadb"
    again = lab.FugueText("n1")
    for operation in (a, b, c, lab.Delete(("n1", 3)), d, e):
        again.apply(operation)
    assert again.text() == "eadb"
    assert again.insert(4, "f") == lab.Insert(("n1", 6), "f", ("n1", 2), "right"), (
        "a copy that is made again from what was done numbers its characters on"
    )


@graded(points=1, title="Stamps", requirement="Roh 2011, 5: later than all that was seen")
def test_the_stamp_of_an_operation_is_later_than_those_of_all_that_were_done_here(
    lab: CrdtLab,
) -> None:
    one, two = lab.RgaText("n1"), lab.RgaText("n2")
    typed = one.insert(0, "a")
    assert typed == lab.InsertAfter((1, "n1"), "a", None)
    more = one.insert(1, "b")
    assert more == lab.InsertAfter((2, "n1"), "b", (1, "n1"))
    hidden = one.delete(0)
    assert hidden == lab.Hide((3, "n1"), (1, "n1"))
    for operation in (typed, more, hidden):
        two.apply(operation)
    assert two.insert(0, "c") == lab.InsertAfter((4, "n2"), "c", None)
    assert two.text() == "cb"


@graded(points=1, title="Siblings", requirement="Fugue 2023, algorithm 1: siblings by identity")
def test_children_of_one_side_stand_in_the_order_of_their_identities(lab: CrdtLab) -> None:
    siblings: list[Any] = [lab.Insert((name, 1), name[1], ("n0", 1), "right") for name in PEOPLE]
    lefts: list[Any] = [lab.Insert((name, 2), name[1], ("n0", 1), "left") for name in PEOPLE]
    chains: list[Any] = [lab.Insert((name, 3), "+", (name, 1), "right") for name in PEOPLE]
    heads: list[Any] = [lab.Insert((name, 4), "-", (name, 2), "left") for name in PEOPLE]
    for order in ((0, 1, 2), (2, 1, 0), (1, 2, 0), (1, 0, 2)):
        text = lab.FugueText("n9")
        text.apply(lab.Insert(("n0", 1), "0", None, "right"))
        for place in order:
            for operation in (siblings[place], chains[place], lefts[place], heads[place]):
                text.apply(operation)
        assert text.text() == "-1-2-301+2+3+"


@graded(points=1, title="Causes first", requirement="Shapiro 2011, 2.4: causal delivery, once")
def test_what_comes_twice_or_before_its_cause_is_refused_and_two_deletions_are_one(
    lab: CrdtLab,
) -> None:
    text = lab.FugueText("n1")
    child = lab.Insert(("n2", 2), "b", ("n2", 1), "right")
    for early in (child, lab.Delete(("n2", 1))):
        with pytest.raises(ValueError, match="after all that its author had seen"):
            text.apply(early)
    parent = lab.Insert(("n2", 1), "a", None, "right")
    for operation in (parent, child, lab.Delete(("n2", 1)), lab.Delete(("n2", 1))):
        text.apply(operation)
    assert text.text() == "b"
    with pytest.raises(ValueError, match="once"):
        text.apply(child)
    assert text.text() == "b"
