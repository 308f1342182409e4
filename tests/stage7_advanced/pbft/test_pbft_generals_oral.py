"""Graded suite of the lab ``pbft``, first part: the generals who can only tell each other."""

from collections.abc import Iterable
from itertools import combinations
from typing import Any

from common.contract.effects import Send
from common.contract.events import Fire, NodeId
from common.contract.lies import SILENT, Later, Liar
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import Wire, effects_of, names
from common.sim.network import LinkModel
from common.values.history import Ok
from common.values.units import MS
from tests.stage7_advanced.pbft.field import (
    ORDERS,
    ROUND,
    decisions,
    every_lie,
    field,
    hears,
    must_be_consistent,
    says_now,
    started,
)
from tests.stage7_advanced.pbft.lab import PbftLab

LAB = "pbft"


@graded(points=1, title="Majority", requirement="Lamport et al. 1982, section 3: majority")
def test_the_majority_is_more_than_half_and_retreat_if_there_is_none(lab: PbftLab) -> None:
    table = {
        ("attack",): "attack",
        ("attack", "attack", "retreat"): "attack",
        ("retreat", "attack", "attack"): "attack",
        ("attack", "wait", "wait", "wait"): "wait",
        ("attack", "retreat"): "retreat",
        ("attack", "attack", "wait", "wait"): "retreat",
        ("attack", "attack", "wait", "sleep"): "retreat",
        (): "retreat",
    }
    assert {votes: lab.majority(votes) for votes in table} == table


@graded(points=1, title="A calm day", requirement="Lamport et al. 1982, section 3: IC2")
def test_loyal_generals_obey_their_commander_as_soon_as_they_have_heard_everything(
    lab: PbftLab,
) -> None:
    for count, traitors in ((2, 0), (4, 0), (4, 1), (7, 2)):
        for order in (*ORDERS, "wait"):
            simulation = field(lab, lab.OralGeneral, count, traitors, order=order)
            asked = [simulation.call(id, lab.AskGeneral()) for id in names(count)]
            simulation.run(2 * MS * (traitors + 1))
            assert [each.outcome for each in asked] == [Ok(order)] * count, (
                f"OM({traitors}) of {count} generals: all has been heard, and nobody need wait"
            )
            again = simulation.call("n2", lab.AskGeneral())
            simulation.run(10 * ROUND)
            assert again.outcome == Ok(order), "decided once and for all"


@graded(points=2, title="The count of messages", requirement="section 3: (n-1)...(n-m-1)")
def test_it_takes_as_many_messages_as_the_formula_says(lab: PbftLab) -> None:
    table = {(4, 0): 3, (4, 1): 9, (5, 1): 16, (7, 1): 36, (7, 2): 156, (10, 3): 3_609}
    for (count, traitors), messages in table.items():
        assert lab.messages_of_oral(count, traitors) == messages, f"OM({traitors}) of {count}"
    for count, traitors in ((2, 0), (4, 0), (4, 1), (5, 1), (7, 2)):
        wire = Wire()
        decisions(lab, field(lab, lab.OralGeneral, count, traitors, observers=[wire]), traitors + 1)
        assert len(wire.sent_messages) == lab.messages_of_oral(count, traitors)


@graded(points=4, title="One traitor of four", requirement="section 3, theorem 1: IC1 and IC2")
def test_four_generals_bear_one_traitor_whatever_he_tells_whom(lab: PbftLab) -> None:
    def says(word: str | None, true: Any) -> Iterable[object]:
        return [] if word is None else [lab.Oral(true.path, word)]

    battles = 0
    for traitor in names(4):
        receivers = [id for id in names(4) if id not in ("n1", traitor)]
        for lies in every_lie(receivers, says, *ORDERS, None):
            for order in ORDERS if traitor != "n1" else ORDERS[:1]:
                must_be_consistent(lab, lab.OralGeneral, 4, 1, {traitor: lies}, order=order)
                battles += 1
    assert battles == 27 + 2 * 3 * 9, "every traitor told every story"


@graded(points=3, title="Two traitors of seven", requirement="section 3, theorem 1: IC1 and IC2")
def test_seven_generals_bear_two_traitors_wherever_they_stand(lab: PbftLab, sweep: Sweep) -> None:
    def lies(liar: Liar, to: NodeId, true: Any) -> Iterable[object]:
        word = liar.random.choice((*ORDERS, None))
        return [] if word is None else [lab.Oral(true.path, word)]

    def two_faced(liar: Liar, to: NodeId, true: Any) -> Iterable[object]:
        return [lab.Oral(true.path, ORDERS[to in ("n2", "n4", "n6")])]

    for seed in sweep(2):
        for number, traitors in enumerate(combinations(names(7), 2), seed):
            behaviours = dict.fromkeys(traitors, lies if number % 2 else two_faced)
            told = must_be_consistent(lab, lab.OralGeneral, 7, 2, behaviours, seed=seed)
            assert len(told) == 5


@graded(points=2, title="Who says nothing", requirement="section 3, A3 and step 2: RETREAT")
def test_what_is_not_said_is_retreat_and_nobody_waits_longer_than_all_rounds(lab: PbftLab) -> None:
    told = must_be_consistent(lab, lab.OralGeneral, 4, 1, {"n1": SILENT})
    assert set(told.values()) == {"retreat"}, "there was no order"
    simulation = field(lab, lab.OralGeneral, 4, 1, {"n4": SILENT})
    asked = simulation.call("n2", lab.AskGeneral())
    simulation.run(2 * ROUND - 1)
    assert asked.returned_at is None, "n4 may still say something: there are two rounds"
    simulation.run(2 * ROUND)
    assert asked.outcome == Ok("attack")
    told = must_be_consistent(lab, lab.OralGeneral, 7, 2, {"n6": SILENT, "n7": SILENT})
    assert set(told.values()) == {"attack"}


@graded(points=2, title="Who says it late", requirement="section 3, A3: absence is detected")
def test_what_comes_after_its_round_was_never_said(lab: PbftLab) -> None:
    def late(liar: Liar, to: NodeId, true: Any) -> Iterable[object]:
        """In the last moment of all rounds, and to one general only."""
        return [Later(2 * ROUND - 10 * MS, true)] if to == "n2" else []

    told = must_be_consistent(lab, lab.OralGeneral, 4, 1, {"n1": late})
    assert set(told.values()) == {"retreat"}
    general = started(lab, lab.OralGeneral, 4, 1)
    assert hears(general, "n1", lab.Oral(("n1",), "attack"), at=ROUND - 1), "in time: handed on"
    general = started(lab, lab.OralGeneral, 4, 1)
    assert not hears(general, "n1", lab.Oral(("n1",), "attack"), at=ROUND), "late"
    slow = LinkModel(latency=(ROUND - 1, ROUND - 1))
    simulation = field(lab, lab.OralGeneral, 4, 1, link=slow)
    assert set(decisions(lab, simulation, 2).values()) == {"attack"}, "slow, and in time"


@graded(points=2, title="Nobody speaks for another", requirement="section 3, A2")
def test_a_message_counts_only_if_its_sender_could_have_been_told_so(lab: PbftLab) -> None:
    incredible = {
        "n3's word comes from n3": ("n4", ("n1", "n3")),
        "the commander's comes from him": ("n3", ("n1",)),
        "n3 gives no orders": ("n3", ("n3",)),
        "n3 tells nothing twice": ("n3", ("n1", "n3", "n3")),
        "n2 was in it himself": ("n3", ("n1", "n2", "n3")),
        "the commander does not hand on": ("n1", ("n1", "n3", "n1")),
        "there are four rounds": ("n6", ("n1", "n3", "n4", "n5", "n6")),
        "somebody must have said it": ("n3", ()),
    }
    for why, (sender, path) in incredible.items():
        general = started(lab, lab.OralGeneral, 7, 3)
        assert not hears(general, sender, lab.Oral(path, "retreat")), why
    general = started(lab, lab.OralGeneral, 7, 3)
    assert hears(general, "n3", lab.Oral(("n1", "n3"), "retreat")), "n3 says what he was told"
    commanded = {("n1",): "attack", ("n1", "n3", "n4"): "retreat", ("n1", "n4"): "retreat"}
    words = {**commanded, ("n1", "n3"): "attack"}
    assert told_by_all(lab, words) == "attack", "n4's word of a third round is none, nor the last"


def told_by_all(lab: PbftLab, words: dict[tuple[NodeId, ...], str]) -> Any:
    """What n2 of four decides who hears these words."""
    general = started(lab, lab.OralGeneral, 4, 1)
    for path, word in words.items():
        hears(general, path[-1], lab.Oral(path, word))
    return says_now(lab, general)


@graded(points=2, title="Each has one vote", requirement="section 3, step 3: n - 1 votes")
def test_what_everybody_was_told_is_counted_once_and_the_first_word_counts(lab: PbftLab) -> None:
    order, third, fourth = ("n1",), ("n1", "n3"), ("n1", "n4")
    assert told_by_all(lab, {order: "attack", third: "retreat", fourth: "attack"}) == "attack"
    assert told_by_all(lab, {order: "retreat", third: "attack", fourth: "attack"}) == "attack"
    assert told_by_all(lab, {order: "attack", third: "wait", fourth: "sleep"}) == "retreat"
    general = started(lab, lab.OralGeneral, 4, 1)
    for word in ("attack", "wait", "wait"):
        hears(general, "n1", lab.Oral(order, word))
    hears(general, "n3", lab.Oral(third, "attack"))
    hears(general, "n3", lab.Oral(third, "wait"))
    hears(general, "n4", lab.Oral(fourth, "wait"))
    assert says_now(lab, general) == "attack", "nobody takes his word back"


@graded(points=2, title="Handed on", requirement="section 3, step 2: OM(m - 1) with n - 2 others")
def test_a_value_is_handed_on_to_those_who_have_no_part_in_it(lab: PbftLab) -> None:
    general = started(lab, lab.OralGeneral, 7, 2)
    first = effects_of(Send, hears(general, "n1", lab.Oral(("n1",), "attack")))
    assert {each.to for each in first} == {"n3", "n4", "n5", "n6", "n7"}
    assert {each.message for each in first} == {lab.Oral(("n1", "n2"), "attack")}
    second = effects_of(Send, hears(general, "n3", lab.Oral(("n1", "n3"), "retreat")))
    assert {each.to for each in second} == {"n4", "n5", "n6", "n7"}
    assert {each.message for each in second} == {lab.Oral(("n1", "n3", "n2"), "retreat")}
    assert not hears(general, "n4", lab.Oral(("n1", "n3", "n4"), "retreat")), "the last round"
    assert not hears(general, "n3", lab.Oral(("n1", "n3"), "attack")), "heard before"
    assert not general.step(Fire(3 * ROUND, 1, lab.Deadline())), "nobody has asked"
