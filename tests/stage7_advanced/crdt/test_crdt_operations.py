"""Graded suite of the lab ``crdt``, operations: each done once, and after all that caused it."""

from random import Random
from typing import Any

from common.contract.effects import Broadcast, Return, Save, Send
from common.contract.events import Invoke, NodeId, Receive, Start
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import ask, ask_ok, crash, effects_of, must_end, restart
from common.values.faults import Heal
from common.values.history import Failed, Ok
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


def signs(person: NodeId, number: int) -> str:
    """Two signs that nobody else types, nor the same person again."""
    place = 0x4E00 + 200 * int(person[1:]) + 2 * number
    return chr(place) + chr(place + 1)


@graded(points=3, title="The same in the end", requirement="Shapiro 2011, 2.4: convergence")
def test_texts_end_up_the_same_and_each_sign_is_there_once_whatever_happened(
    lab: CrdtLab, sweep: Sweep
) -> None:
    def choose(random: Random, person: NodeId, number: int) -> object:
        index = random.randrange(20)
        if random.random() < 0.3:
            return lab.Erase(index, random.randrange(1, 3))
        return lab.Type(index, signs(person, number))

    for seed in sweep(8):
        simulation = in_trouble(lab, lab.TextReplica, seed)
        must_end(simulation, work(simulation, choose), limit=6 * SECOND, fine=FINE)
        simulation.run(simulation.now + 1 * SECOND)
        text = must_converge(simulation, lab.Show())
        typed, maybe, erased = set[str](), set[str](), set[str]()
        for each in simulation.history:
            if each.function == "type":
                sure = isinstance(each.outcome, Ok)
                (typed if sure else maybe).update(str(each.argument[1]))  # type: ignore[index]
            elif each.function == "erase":
                told = isinstance(each.outcome, Ok)
                erased.update(str(each.outcome.value) if told else ())  # type: ignore[union-attr]
        assert len(set(text)) == len(text), f"a sign is there twice: {text}"
        assert set(text) <= typed | maybe, "a sign is there that nobody typed"
        assert not set(text) & erased, f"{sorted(set(text) & erased)} was erased, and is there"
        if all(isinstance(each.outcome, Ok) for each in simulation.history):
            assert typed - set(text) == erased, "a sign is lost that nobody has erased"


@graded(points=3, title="Causes first", requirement="BSS 1991, 5.1: held back for its causes")
def test_an_edit_waits_for_all_that_its_author_had_done_and_is_done_once(lab: CrdtLab) -> None:
    first, second, third = three_edits(lab)
    for order in (
        (first, second, third),
        (third, second, first),
        (second, first, third),
        (third, first, second),
        (second, second, third, first, first, second, third),
    ):
        node = lab.look_into("TextReplica")("n9", ("n1", "n2"))
        node.step(Start(0, {}))
        done: set[int] = set()
        for edit in order:
            node.step(Receive(1, "n1", lab.Edits((edit,))))
            done.add(edit.vector[-1][1] if len(edit.vector) == 1 else 3)
            wanted = "" if 1 not in done else "ab" if 2 not in done else "abc"
            wanted = "abX" if done == {1, 2, 3} else wanted
            assert shown(lab, node) == wanted, f"after {done} of three edits"
        assert node.held == {}, "all are done, and none is held any more"


def three_edits(lab: CrdtLab) -> list[Any]:
    """n1 types ab, then c behind it; n2, who has seen both, types X in the place of c."""
    made: list[Any] = []
    one, two = lab.TextReplica("n1", ("n2",)), lab.TextReplica("n2", ("n1",))
    for node in (one, two):
        node.step(Start(0, {}))
    for call, (index, text) in enumerate([(0, "ab"), (2, "c")]):
        (told,) = effects_of(Broadcast, one.step(Invoke(1, call, lab.Type(index, text))))
        made += told.message.edits
    two.step(Receive(1, "n1", lab.Edits(tuple(made))))
    two.step(Invoke(2, 1, lab.Erase(2)))
    effects = two.step(Invoke(2, 2, lab.Type(2, "X")))
    assert effects_of(Broadcast, effects), "it is told at once"
    answer = two.step(Receive(3, "n1", lab.Have((("n1", 2),))))
    (told,) = effects_of(Send, answer)
    erased, typed = told.message.edits
    assert (erased.vector, typed.vector) == ((("n1", 2), ("n2", 1)), (("n1", 2), ("n2", 2)))
    both = lab.Edit("n2", (("n1", 2), ("n2", 1)), erased.changes + typed.changes)
    return [*made, both]


def shown(lab: CrdtLab, node: Any) -> str:
    """The text at a single node, asked by hand."""
    value = node.step(Invoke(9, 9, lab.Show()))[-1].outcome.value
    assert isinstance(value, str)
    return value


@graded(points=2, title="Nothing is lost", requirement="what is lacking is asked for again")
def test_who_was_down_or_cut_off_for_long_gets_all_that_was_done_meanwhile(lab: CrdtLab) -> None:
    faults = [*cut(0, "n1", "n2"), *cut(0, "n1", "n3"), Heal(4 * SECOND)]
    simulation = replicas(lab, lab.TextReplica, 1, faults)
    crash(simulation, "n3")
    for number in range(45):
        ask_ok(simulation, "n1", lab.Type(2 * number, signs("n1", number)))
        if number % 3 == 0:
            ask_ok(simulation, "n2", lab.Type(0, signs("n2", number)))
    assert len(ask_ok(simulation, "n1", lab.Show())) == 90, "nobody waits for anybody"
    restart(simulation, "n3")
    simulation.run(6 * SECOND)
    assert len(must_converge(simulation, lab.Show())) == 120


@graded(points=2, title="Over crashes", requirement="edits are durable before anybody is told")
def test_a_text_is_there_after_a_crash_and_its_author_types_on_as_somebody_new(
    lab: CrdtLab,
) -> None:
    simulation = replicas(lab, lab.TextReplica, 2)
    ask_ok(simulation, "n1", lab.Type(0, "hello"))
    ask_ok(simulation, "n1", lab.Erase(0))
    simulation.run(300 * MS)
    for person in THREE:
        crash(simulation, person)
        restart(simulation, person)
        assert ask_ok(simulation, person, lab.Show()) == "ello"
    ask_ok(simulation, "n1", lab.Type(0, "J"))
    ask_ok(simulation, "n2", lab.Type(4, "!"))
    simulation.run(simulation.now + 300 * MS)
    assert must_converge(simulation, lab.Show()) == "Jello!"
    crash(simulation, "n2")
    restart(simulation, "n2")
    ask_ok(simulation, "n2", lab.Erase(0, 5))
    simulation.run(simulation.now + 300 * MS)
    assert must_converge(simulation, lab.Show()) == "!"


@graded(points=1, title="One edit, one record", requirement="an edit is done whole, or not at all")
def test_an_edit_of_many_characters_is_one_save_and_one_message_at_once(lab: CrdtLab) -> None:
    node = lab.TextReplica("n1", ("n2",))
    node.step(Start(0, {}))
    effects = node.step(Invoke(1, 1, lab.Type(0, "hello")))
    (told,) = effects_of(Broadcast, effects)
    (edit,) = told.message.edits
    assert (edit.author, edit.vector, len(edit.changes)) == ("n1", (("n1", 1),), 5)
    (first,) = effects_of(Save, effects)
    effects = node.step(Invoke(2, 2, lab.Erase(3, 9)))
    (second,) = effects_of(Save, effects)
    back = lab.TextReplica("n1", ("n2",))
    back.step(Start(0, {each.key: each.value for each in (second, first)}))
    assert shown(lab, back) == "hel", "a disk has them in any order"
    assert effects_of(Return, effects) == [Return(2, Ok("lo"))], "as much as there is"
    (told,) = effects_of(Broadcast, effects)
    assert told.message.edits[0].vector == (("n1", 2),)
    assert [len(edit.changes) for edit in told.message.edits] == [2]
    effects = node.step(Invoke(3, 3, lab.Erase(3)))
    assert effects_of(Return, effects) == [Return(3, Ok(""))], "nothing is there"
    assert effects_of(Broadcast, effects) == effects_of(Save, effects) == []
    asked = node.step(Receive(4, "n2", lab.Have((("n1", 2), ("n2", 5)))))
    assert effects_of(Send, asked) == [], "n2 lacks nothing"


@graded(points=1, title="Bad edits", requirement="one sentence on what, why and what to do")
def test_a_text_too_long_or_a_place_before_the_front_is_refused(lab: CrdtLab) -> None:
    simulation = replicas(lab, lab.TextReplica, 3)
    for operation, what in (
        (lab.Type(0, ""), "0 characters at 0"),
        (lab.Type(0, "x" * 1_000_000), "1000000 characters at 0"),
        (lab.Type(-1, "x"), "1 characters at -1"),
        (lab.Erase(0, 0), "0 characters at 0"),
        (lab.Erase(-2, 1), "1 characters at -2"),
        (lab.Erase(0, 1_001), "1001 characters at 0"),
    ):
        outcome = ask(simulation, "n1", operation).outcome
        assert isinstance(outcome, Failed)
        assert what in outcome.reason
    ask_ok(simulation, "n1", lab.Type(7, "x" * 1_000))
    assert len(ask_ok(simulation, "n1", lab.Show())) == 1_000, "past the end is at the end"
    assert len(ask_ok(simulation, "n1", lab.Erase(0, 1_000))) == 1_000


@graded(points=1, title="Edits from the future", requirement="what is held is bounded")
def test_edits_whose_causes_never_come_do_not_keep_out_those_that_are_next(lab: CrdtLab) -> None:
    node = lab.look_into("TextReplica")("n9", ("n1", "n2"))
    node.step(Start(0, {}))
    (first, second, _) = three_edits(lab)
    late = [lab.Edit("n2", (("n2", number),), ()) for number in range(2, 1_002)]
    node.step(Receive(1, "n2", lab.Edits(tuple(late))))
    assert len(node.held) == 1_000
    node.step(Receive(2, "n1", lab.Edits((second, first))))
    assert shown(lab, node) == "abc"
    assert len(node.held) < 1_000, "there is a bound"
