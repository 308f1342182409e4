"""Graded suite of the lab ``crdt``, garbage: a gravestone goes when nobody can name it any more."""

from random import Random
from typing import Any

import pytest

from common.contract.effects import Broadcast, Return, Save, Send
from common.contract.events import Fire, Invoke, NodeId, Receive, Start
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import Wire, ask_ok, crash, effects_of, must_end, restart
from common.values.faults import Heal
from common.values.history import Ok
from common.values.units import MS, SECOND
from tests.stage7_advanced.crdt.lab import CrdtLab
from tests.stage7_advanced.crdt.room import (
    FINE,
    THREE,
    cut,
    in_trouble,
    must_converge,
    replicas,
    work,
)

LAB = "crdt"


@graded(points=1, title="The least", requirement="Baquero 2014, 4: what everybody has")
def test_what_is_in_the_past_of_all_is_the_least_of_each_entry(lab: CrdtLab) -> None:
    vectors = [
        (("n1", 3), ("n2", 5), ("n3", 1)),
        (("n1", 7), ("n2", 4)),
        (("n1", 4), ("n2", 9), ("n4", 2)),
    ]
    assert lab.least(tuple(vectors)) == (("n1", 3), ("n2", 4))
    assert lab.least(tuple(vectors[::-1])) == (("n1", 3), ("n2", 4))
    assert lab.least(tuple(vectors[:1])) == vectors[0]


@graded(points=3, title="Nothing moves", requirement="collect only what is causally stable")
def test_texts_that_collect_gravestones_show_what_those_show_that_keep_all(
    lab: CrdtLab, sweep: Sweep
) -> None:
    """Every edit that was sent is also done in a text of the course's own that keeps everything."""

    def choose(random: Random, person: NodeId, number: int) -> object:
        index = random.randrange(10)
        if random.random() < 0.5:
            return lab.Type(index, f"{person[1]}{number % 10}")
        return lab.Erase(index, random.randrange(1, 3))

    for seed in sweep(12):
        wire = Wire()
        simulation = in_trouble(lab, lab.CollectingReplica, seed, observers=[wire])
        must_end(simulation, work(simulation, choose, 20), limit=6 * SECOND, fine=FINE)
        simulation.run(simulation.now + 1 * SECOND)
        assert must_converge(simulation, lab.Show()) == kept_whole(wire, lab)


def kept_whole(wire: Wire, lab: CrdtLab) -> str:
    """The text in which every edit that was ever sent is done, and every gravestone kept."""
    from stage7_advanced.crdt.fugue import FugueText

    edits = {(edit.author, edit.vector): edit for sent in wire.of(lab.Edits) for edit in sent.edits}
    text, done = FugueText(""), dict.fromkeys(THREE, 0)
    while edits:
        for key, edit in sorted(edits.items()):
            vector = dict(edit.vector)
            if all(done[name] >= count - (name == edit.author) for name, count in vector.items()):
                for change in edit.changes:
                    text.apply(change)
                done[edit.author] += 1
                del edits[key]
                break
        else:
            raise AssertionError(f"{len(edits)} edits were sent, and never what they depend on")
    return text.text()


@graded(points=2, title="It goes", requirement="collect what is causally stable")
def test_a_text_that_was_erased_leaves_nothing_once_all_know_that_all_know(lab: CrdtLab) -> None:
    wire = Wire()
    simulation = replicas(lab, lab.CollectingReplica, 1, observers=[wire])
    for number, person in enumerate(THREE):
        ask_ok(simulation, person, lab.Type(number, "some words"))
    simulation.run(300 * MS)
    ask_ok(simulation, "n1", lab.Erase(0, 20))
    ask_ok(simulation, "n2", lab.Erase(0, 5))
    simulation.run(simulation.now + 100 * MS)
    ask_ok(simulation, "n3", lab.Erase(0, 100))
    simulation.run(simulation.now + 1 * SECOND)
    assert must_converge(simulation, lab.Show()) == ""
    wire.forget()
    ask_ok(simulation, "n2", lab.Type(0, "x"))
    ((change,), *_) = [edit.changes for sent in wire.of(lab.Edits) for edit in sent.edits]
    assert change == lab.Insert(("n2", 11), "x", None, "right"), "the root is all there is"
    simulation.run(simulation.now + 300 * MS)
    assert must_converge(simulation, lab.Show()) == "x"


@graded(points=2, title="Not before", requirement="one that has not heard keeps all gravestones")
def test_while_one_is_cut_off_nothing_is_collected_and_it_may_type_beside_what_is_gone(
    lab: CrdtLab,
) -> None:
    faults = [*cut(300 * MS, "n1", "n3"), *cut(300 * MS, "n2", "n3"), Heal(2 * SECOND)]
    wire = Wire()
    simulation = replicas(lab, lab.CollectingReplica, 2, faults, observers=[wire])
    ask_ok(simulation, "n1", lab.Type(0, "a-b"))
    simulation.run(400 * MS)
    ask_ok(simulation, "n1", lab.Erase(0, 3))
    wire.forget()
    simulation.run(1 * SECOND)
    stable = {heard.stable for heard in wire.of(lab.Heard)}
    assert stable == {(("n1", 1),)}, f"n3 has not heard of the second edit, and stable is {stable}"
    ask_ok(simulation, "n3", lab.Type(2, "X"))
    simulation.run(3 * SECOND)
    assert must_converge(simulation, lab.Show()) == "X"
    wire.forget()
    simulation.run(4 * SECOND)
    assert {heard.stable for heard in wire.of(lab.Heard)} == {(("n1", 2), ("n3", 1))}


@graded(points=2, title="Leaves alone", requirement="the place of no other depends on a leaf")
def test_a_gravestone_is_retired_if_it_is_a_leaf_and_put_back_where_it_was(lab: CrdtLab) -> None:
    text = lab.PrunedText("n1")
    for index, sign in enumerate("abc"):
        text.insert(index, sign)
    assert text.retire(("n1", 3)) is None, "c is shown"
    text.delete(1)
    assert text.retire(("n1", 2)) is None, "c hangs on b"
    text.delete(1)
    assert text.retire(("n1", 3)) == ("n1", 2), "and now b is a leaf"
    assert text.retire(("n1", 2)) == ("n1", 1)
    assert text.retire(("n1", 2)) is None, "it is gone"
    text.apply(lab.Delete(("n1", 3)))
    assert text.retire(("n1", 3)) is None, "a second deletion does not put it back"
    assert text.insert(1, "d") == lab.Insert(("n1", 4), "d", ("n1", 1), "right")
    assert text.text() == "ad"
    text.apply(lab.Insert(("n2", 1), "x", ("n1", 3), "left"))
    text.apply(lab.Insert(("n2", 2), "y", ("n1", 2), "left"))
    assert text.text() == "ayxd", "b and c are where they were: before d"
    assert text.retire(("n1", 3)) is None, "x hangs on it"
    text.apply(lab.Delete(("n2", 2)))
    assert text.text() == "axd"


@graded(points=1, title="Out of the row", requirement="a retired one is nobody's neighbour")
def test_a_retired_gravestone_is_no_neighbour_any_more(lab: CrdtLab) -> None:
    text = lab.PrunedText("n9")
    text.apply(lab.Insert(("n1", 1), "a", None, "right"))
    for name in ("n2", "n3"):
        text.apply(lab.Insert((name, 1), name[1], ("n1", 1), "right"))
    text.apply(lab.Delete(("n2", 1)))
    assert text.insert(1, "x") == lab.Insert(("n9", 1), "x", ("n2", 1), "left")
    text.delete(1)
    assert text.retire(("n9", 1)) == ("n2", 1)
    assert text.retire(("n2", 1)) == ("n1", 1)
    assert text.insert(1, "y") == lab.Insert(("n9", 2), "y", ("n3", 1), "left")
    assert text.text() == "ay3"


@graded(points=2, title="Children first", requirement="a retired child needs its parent")
def test_a_retired_gravestone_is_not_dropped_before_its_retired_children(lab: CrdtLab) -> None:
    text = lab.PrunedText("n1")
    text.insert(0, "a")
    text.insert(1, "b")
    for _ in range(2):
        text.delete(0)
    text.retire(("n1", 2))
    text.retire(("n1", 1))
    assert text.drop([("n1", 1)]) == [], "b would hang on nothing"
    text.apply(lab.Insert(("n2", 1), "x", ("n1", 2), "right"))
    assert text.text() == "x"
    text.apply(lab.Delete(("n2", 1)))
    for id in (("n2", 1), ("n1", 2), ("n1", 1)):
        text.retire(id)
    assert text.drop([("n2", 1), ("n9", 9)]) == [("n2", 1)]
    assert text.drop([("n1", 2)]) == [("n1", 2)]
    assert text.drop([("n1", 1)]) == [("n1", 1)]
    with pytest.raises(ValueError, match="before the character"):
        text.apply(lab.Insert(("n2", 2), "y", ("n1", 2), "right"))


@graded(points=1, title="Dropped", requirement="what all say to be stable is forgotten")
def test_a_retired_gravestone_is_forgotten_once_all_have_said_that_it_is_stable(
    lab: CrdtLab,
) -> None:
    node = lab.look_into("CollectingReplica")("n1", ("n2", "n3"))
    node.step(Start(0, {}))
    node.step(Invoke(1, 1, lab.Type(0, "abc")))
    node.step(Invoke(2, 2, lab.Erase(1, 2)))
    counts = (("n1", 2),)
    for sender, stable, left in (
        ("n2", (), 2),
        ("n3", (), 2),
        ("n2", counts, 2),
        ("n3", counts, 0),
    ):
        node.step(Receive(3, sender, lab.Heard(counts, stable)))
        told(lab, node)
        assert len(node.gravestones) == left, f"{sender} has said that {stable} is stable"
        assert len(node.text.retired) == (0 if sender == "n2" and stable == () else left)


@graded(points=1, title="Dropped later", requirement="nothing is remembered for ever")
def test_a_gravestone_that_a_retired_child_needs_is_forgotten_after_that_child(
    lab: CrdtLab,
) -> None:
    node = lab.look_into("CollectingReplica")("n1", ("n2",))
    node.step(Start(0, {}))
    for call, operation in enumerate((lab.Type(0, "ab"), lab.Erase(0), lab.Erase(0)), 1):
        node.step(Invoke(1, call, operation))
    counts = (("n1", 3),)
    for stable, left in (((), 2), ((("n1", 2),), 2), (counts, 0)):
        node.step(Receive(2, "n2", lab.Heard(counts, stable)))
        told(lab, node)
        assert len(node.text.retired) == left, f"n2 has said that {stable} is stable; b hangs on a"
    assert node.gravestones == {}


@graded(points=2, title="Words of others", requirement="a word counts once all before it has come")
def test_a_word_is_believed_once_all_edits_of_its_speaker_before_it_are_here(
    lab: CrdtLab,
) -> None:
    node = lab.CollectingReplica("n1", ("n2",))
    node.step(Start(0, {}))
    node.step(Invoke(1, 1, lab.Type(0, "a")))
    node.step(Invoke(2, 2, lab.Erase(0)))
    assert told(lab, node) == ((("n1", 2),), ())
    node.step(Receive(3, "n2", lab.Heard((("n1", 2), ("n2", 1)), ())))
    assert told(lab, node)[1] == (), "n2 had made an edit before, and it may hang on a"
    both = node.step(Receive(3, "n2", lab.Heard((("n1", 1), ("n2", 1)), ())))
    (answer,) = effects_of(Send, both)
    assert [edit.vector for edit in answer.message.edits] == [(("n1", 2),)], (
        "each of the two lacks something: if neither answered, both would wait for ever"
    )
    hangs = lab.Edit("n2", (("n1", 1), ("n2", 1)), (lab.Insert(("n2", 1), "x", ("n1", 1), "left"),))
    node.step(Receive(4, "n2", lab.Edits((hangs,))))
    assert told(lab, node)[1] == (), "its word comes again"
    node.step(Receive(5, "n2", lab.Heard((("n1", 2), ("n2", 1)), (("n1", 2),))))
    assert told(lab, node) == ((("n1", 2), ("n2", 1)),) * 2
    assert effects_of(Save, node.step(Fire(9, 1, lab.AskAgain()))) == [], "it has not changed"
    calm = node.step(Receive(6, "n2", lab.Heard((("n1", 2), ("n2", 1)), ())))
    assert calm == [], "n2 lacks nothing"
    late = node.step(Receive(6, "n2", lab.Heard((("n1", 1),), ())))
    (answer,) = effects_of(Send, late)
    assert [edit.vector for edit in answer.message.edits] == [(("n1", 2),), hangs.vector]
    assert told(lab, node)[1] == (("n1", 2), ("n2", 1)), "an old word that comes late"
    nor_is_a_word_about_what_is_stable_before_that(lab)


def nor_is_a_word_about_what_is_stable_before_that(lab: CrdtLab) -> None:
    """n2 has typed beside a gravestone, and that edit comes later than its word."""
    node = lab.CollectingReplica("n1", ("n2",))
    node.step(Start(0, {}))
    node.step(Invoke(1, 1, lab.Type(0, "a")))
    node.step(Invoke(2, 2, lab.Erase(0)))
    node.step(Receive(3, "n2", lab.Heard((("n1", 2),), ())))
    assert told(lab, node)[1] == (("n1", 2),), "so a is retired"
    node.step(Receive(4, "n2", lab.Heard((("n1", 2), ("n2", 1)), (("n1", 2),))))
    told(lab, node)
    beside = lab.Insert(("n2", 1), "x", ("n1", 1), "left")
    late = lab.Edit("n2", (("n1", 2), ("n2", 1)), (beside,))
    node.step(Receive(5, "n2", lab.Edits((late,))))
    (shown,) = effects_of(Return, node.step(Invoke(6, 3, lab.Show())))
    assert shown.outcome == Ok("x"), "a was dropped too early, and x hangs on it"


def told(lab: CrdtLab, node: Any) -> tuple[Any, Any]:
    """What a node tells the others now: done, and stable."""
    (said,) = effects_of(Broadcast, node.step(Fire(9, 1, lab.AskAgain())))
    return said.message.counts, said.message.stable


@graded(points=2, title="Any deletion", requirement="what is stable is so for all who did the same")
def test_a_gravestone_is_retired_when_any_of_its_deletions_is_stable(lab: CrdtLab) -> None:
    """n1 and n2 delete the same, and n3 has heard of n1 alone."""
    node = lab.CollectingReplica("n2", ("n1", "n3"))
    node.step(Start(0, {}))
    typed = (
        lab.Insert(("n1", 1), "a", None, "right"),
        lab.Insert(("n1", 2), "b", ("n1", 1), "right"),
    )
    deletion = (lab.Delete(("n1", 2)),)
    node.step(Receive(1, "n1", lab.Edits((lab.Edit("n1", (("n1", 1),), typed),))))
    node.step(Invoke(2, 1, lab.Erase(1)))
    node.step(Receive(3, "n1", lab.Edits((lab.Edit("n1", (("n1", 2),), deletion),))))
    node.step(Receive(4, "n1", lab.Heard((("n1", 2), ("n2", 1)), ())))
    node.step(Receive(5, "n3", lab.Heard((("n1", 2),), ())))
    assert told(lab, node)[1] == (("n1", 2),), "n3 has not heard of n2's deletion"
    (said,) = effects_of(Broadcast, node.step(Invoke(6, 2, lab.Type(1, "x"))))
    assert said.message.edits[0].changes == (lab.Insert(("n2", 1), "x", ("n1", 1), "right"),), (
        "it said that n1's deletion is stable, and may not name b any more"
    )


@graded(points=2, title="Over crashes", requirement="what was told to be stable is durable")
def test_what_was_said_to_be_stable_is_retired_after_a_crash_too(lab: CrdtLab) -> None:
    node = lab.CollectingReplica("n1", ("n2",))
    saved: dict[Any, object] = {}
    effects = node.step(Start(0, {}))
    effects += node.step(Invoke(1, 1, lab.Type(0, "abc")))
    effects += node.step(Invoke(2, 2, lab.Erase(1, 2)))
    effects += node.step(Receive(3, "n2", lab.Heard((("n1", 2),), ())))
    last = node.step(Fire(4, 1, lab.AskAgain()))
    for save in effects_of(Save, effects + last):
        saved[save.key] = save.value
    (said,) = effects_of(Broadcast, last)
    assert said.message.stable == (("n1", 2),)
    for _ in range(2):
        node = lab.CollectingReplica("n1", ("n2",))
        node.step(Start(0, saved))
        (typed,) = effects_of(Broadcast, node.step(Invoke(5, 3, lab.Type(1, "d"))))
        (change,) = typed.message.edits[0].changes
        assert (change.parent, change.side) == (("n1", 1), "right"), "b and c are named no more"
        for save in effects_of(Save, node.step(Fire(6, 1, lab.AskAgain()))):
            saved[save.key] = save.value  # others have said nothing in this life
    simulation = replicas(lab, lab.CollectingReplica, 3)
    ask_ok(simulation, "n1", lab.Type(0, "abc"))
    ask_ok(simulation, "n1", lab.Erase(1, 2))
    simulation.run(1 * SECOND)
    crash(simulation, "n1")
    restart(simulation, "n1")
    ask_ok(simulation, "n1", lab.Type(1, "d"))
    simulation.run(simulation.now + 300 * MS)
    assert must_converge(simulation, lab.Show()) == "ad"
