"""Graded suite of the lab ``pbft``, first part: the generals who sign what they hand on."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import combinations
from typing import Any

from common.contract.effects import Send
from common.contract.events import NodeId
from common.contract.lies import SILENT, Behaviour, Later, Liar
from common.contract.signing import IDEAL, VOID, Signed
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import Wire, effects_of, names
from common.values.units import MS
from tests.stage7_advanced.pbft.field import (
    ORDERS,
    ROUND,
    decisions,
    does_in_the_end,
    every_lie,
    field,
    hears,
    must_be_consistent,
    signed_by,
    started,
)
from tests.stage7_advanced.pbft.lab import PbftLab

LAB = "pbft"


@graded(points=1, title="Choice", requirement="Lamport et al. 1982, section 4: choice(V)")
def test_one_order_is_obeyed_and_none_or_several_are_retreat(lab: PbftLab) -> None:
    assert lab.choice(["attack"]) == "attack"
    assert lab.choice(["wait"]) == "wait"
    assert lab.choice([]) == "retreat"
    assert lab.choice(["attack", "wait"]) == "retreat"


@graded(points=1, title="A calm day", requirement="section 4: IC2, and (n-1)(n-1) messages")
def test_a_loyal_commander_is_obeyed_and_each_hands_his_order_on_once(lab: PbftLab) -> None:
    for count, traitors in ((2, 0), (3, 1), (4, 2), (7, 5)):
        wire = Wire()
        simulation = field(lab, lab.SignedGeneral, count, traitors, order="wait", observers=[wire])
        assert set(decisions(lab, simulation, traitors + 1).values()) == {"wait"}
        expected = (count - 1) * (count - 1 if traitors else 1)
        assert len(wire.sent_messages) == expected, f"SM({traitors}) of {count}"


@graded(points=3, title="One traitor of three", requirement="section 4, theorem 2: IC1 and IC2")
def test_three_generals_bear_one_traitor_once_orders_are_signed(lab: PbftLab) -> None:
    def signs(words: tuple[str, ...], true: Any) -> Iterable[object]:
        return [signed_by(lab.Order(word), "n1") for word in words]

    stories: tuple[tuple[str, ...], ...] = ((), ("attack",), ("wait",), ("wait", "attack"))
    for lies in every_lie(["n2", "n3"], signs, *stories):
        must_be_consistent(lab, lab.SignedGeneral, 3, 1, {"n1": lies})

    def forges(word: str | None, true: Any) -> Iterable[object]:
        return [] if word is None else [signed_by(lab.Order(word), "n1", "n3")]

    for lies in every_lie(["n2"], forges, *ORDERS, None):
        must_be_consistent(lab, lab.SignedGeneral, 3, 1, {"n3": lies})


@graded(points=4, title="Traitors who hold back", requirement="section 4, theorem 2: SM(m) bears m")
def test_any_number_of_traitors_is_borne_whatever_they_keep_back_and_whenever_they_say_it(
    lab: PbftLab, sweep: Sweep
) -> None:
    def holds_back(secrets: list[Any]) -> Behaviour:
        def lies(liar: Liar, to: NodeId, true: Any) -> Iterable[object]:
            """Some of what it could say, at some time."""
            for said in (true, *secrets):
                if liar.random.random() < 0.4:
                    own = said if said.signer == liar.id else Signed(liar.id, said, IDEAL)
                    yield Later(liar.random.randrange(5) * ROUND // 2, own)

        return lies

    outcomes: set[str] = set()
    for seed in sweep(4):
        for count, traitors in ((4, 2), (5, 3), (5, 1)):
            for liars in combinations(names(count), traitors):
                secrets = [signed_by(lab.Order(word), "n1") for word in ("wait", "sleep")]
                told = must_be_consistent(
                    lab,
                    lab.SignedGeneral,
                    count,
                    traitors,
                    dict.fromkeys(liars, holds_back(secrets if "n1" in liars else [])),
                    seed=seed,
                )
                outcomes |= set(told.values())
    assert outcomes >= {"attack", "retreat"}, "some are found out, some are not"


@graded(points=3, title="Betrayed in the last round", requirement="section 4, step 2: if k < m")
def test_an_order_that_comes_out_in_the_last_round_but_one_reaches_everybody(lab: PbftLab) -> None:
    def commands(liar: Liar, to: NodeId, true: Any) -> Iterable[object]:
        """All are told to attack; the other traitor gets a second order as well."""
        other = [signed_by(lab.Order("wait"), "n1")] if to == "n4" else []
        return [true, *other]

    def betrays(liar: Liar, to: NodeId, true: Any) -> Iterable[object]:
        """One lieutenant alone hears of the second order, late."""
        if true.content.content == lab.Order("wait") and to == "n2":
            yield Later(ROUND, true)

    told = must_be_consistent(lab, lab.SignedGeneral, 4, 2, {"n1": commands, "n4": betrays})
    assert set(told.values()) == {"retreat"}, "both of them know that n1 is a traitor"


@graded(points=1, title="Who says nothing", requirement="section 4: V is empty")
def test_without_an_order_all_retreat_and_one_silent_lieutenant_changes_nothing(
    lab: PbftLab,
) -> None:
    told = must_be_consistent(lab, lab.SignedGeneral, 4, 1, {"n1": SILENT})
    assert set(told.values()) == {"retreat"}
    told = must_be_consistent(lab, lab.SignedGeneral, 4, 1, {"n4": SILENT})
    assert set(told.values()) == {"attack"}


@graded(points=3, title="Properly signed", requirement="section 4, A4: signatures cannot be forged")
def test_only_an_order_with_proper_signatures_counts(lab: PbftLab) -> None:
    attack = lab.Order("attack")
    void = replace(signed_by(attack, "n1"), signature=VOID)
    improper = {
        "the commander did not sign it": signed_by(attack, "n3"),
        "n3 signed it before the commander": signed_by(attack, "n3", "n1"),
        "n3 signed it twice": signed_by(attack, "n1", "n3", "n3"),
        "n2 has never seen it": signed_by(attack, "n1", "n2", "n3"),
        "it has four signatures in three rounds": signed_by(attack, "n1", "n3", "n4", "n5"),
        "the commander's signature is void": void,
        "the commander's signature is void within": signed_by(void, "n3"),
        "n3's signature is void": replace(signed_by(attack, "n1", "n3"), signature=VOID),
        "it is no order": signed_by("attack", "n1"),
    }
    for why, signed in improper.items():
        general = started(lab, lab.SignedGeneral, 7, 2)
        assert not hears(general, "n3", signed), why
        assert does_in_the_end(lab, general, 2) == "retreat", why
    for signers in (("n1",), ("n1", "n4"), ("n1", "n5", "n4")):
        general = started(lab, lab.SignedGeneral, 7, 2)
        sent = effects_of(Send, hears(general, "n3", signed_by(attack, *signers)))
        left = {"n3", "n4", "n5", "n6", "n7"} - set(signers)
        assert {each.to for each in sent} == (left if len(signers) <= 2 else set())
        assert all(each.message == signed_by(attack, *signers, "n2") for each in sent)


@graded(points=2, title="In time", requirement="section 4, step 3: no more messages will come")
def test_an_order_has_one_round_for_each_of_its_signatures(lab: PbftLab) -> None:
    attack = lab.Order("attack")
    for signers in (("n1",), ("n1", "n3")):
        for at, counts in ((len(signers) * ROUND - 1, True), (len(signers) * ROUND, False)):
            general = started(lab, lab.SignedGeneral, 7, 2)
            handed_on = bool(hears(general, "n3", signed_by(attack, *signers), at=at))
            assert handed_on == counts, f"{len(signers)} signatures at {at // MS} ms"


@graded(points=2, title="Two orders are enough", requirement="section 4: step 2, bounded")
def test_a_commander_who_signs_a_hundred_orders_is_handed_on_twice(lab: PbftLab) -> None:
    def floods(liar: Liar, to: NodeId, true: Any) -> Iterable[object]:
        return [signed_by(lab.Order(f"order {number}"), "n1") for number in range(100)]

    wire = Wire()
    simulation = field(lab, lab.SignedGeneral, 4, 1, {"n1": floods}, observers=[wire])
    told = decisions(lab, simulation, 2)
    assert {told[id] for id in ("n2", "n3", "n4")} == {"retreat"}
    assert len(wire.between(["n2", "n3", "n4"])) <= 3 * 2 * 2
    general = started(lab, lab.SignedGeneral, 4, 1)
    assert hears(general, "n1", signed_by(lab.Order("attack"), "n1"))
    assert not hears(general, "n3", signed_by(lab.Order("attack"), "n1", "n3")), "known"
    assert hears(general, "n1", signed_by(lab.Order("wait"), "n1"))
    assert not hears(general, "n1", signed_by(lab.Order("sleep"), "n1")), "a third one"
