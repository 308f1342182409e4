"""The checkers of broadcasts: each says no for the right reason, and yes to what is right."""

from itertools import permutations, product

import pytest

from common.check.broadcast import check_broadcast, check_causal_order, check_total_order
from common.check.verdict import Answer


def test_what_is_the_same_as_far_as_it_goes_is_in_total_order() -> None:
    assert check_total_order({}).answer is Answer.YES
    verdict = check_total_order({"a": ["x", "y", "z"], "b": ["x", "y"], "c": []})
    assert verdict.answer is Answer.YES
    assert verdict.sentence == (
        "One order: what 3 members delivered (0 to 3 messages) is the same as far as it goes."
    )


@pytest.mark.parametrize("other", [["y", "x"], ["y"], ["x", "z"], ["x", "y", "y"]])
def test_a_swap_a_gap_and_a_repetition_are_no_total_order(other: list[str]) -> None:
    verdict = check_total_order({"a": ["x", "y", "z"], "b": other})
    assert verdict.answer is Answer.NO
    assert verdict.anomaly == "disorder"


def test_total_order_agrees_with_its_definition_for_all_short_runs() -> None:
    """The definition, pair by pair: nobody delivers m after m' whom another has the other way."""
    runs = [run for length in range(3) for run in permutations("xyz", length)]
    for one, other in product(runs, runs):
        shorter, longer = sorted((one, other), key=len)
        expected = longer[: len(shorter)] == shorter
        verdict = check_total_order({"a": one, "b": other})
        assert (verdict.answer is Answer.YES) == expected, (one, other)


def test_an_effect_before_its_cause_or_without_it_is_no_causal_order() -> None:
    causes: dict[object, list[str]] = {"answer": ["question"]}
    for delivered in (["answer", "question"], ["answer"]):
        verdict = check_causal_order({"a": ["question", "answer"], "b": delivered}, causes)
        assert verdict.answer is Answer.NO
        assert verdict.sentence.startswith("An effect before its cause: delivery 1 of b is")
    both = {"a": ["question", "other", "answer"], "b": ["other", "question", "answer"], "c": []}
    assert check_causal_order(both, causes).answer is Answer.YES
    assert check_total_order(both).answer is Answer.NO


def test_what_nobody_sent_what_comes_twice_and_what_is_missing_is_found() -> None:
    sent = ["x", "y"]
    assert check_broadcast(sent, {"a": ["y", "x"], "b": ["x"]}).answer is Answer.YES
    for delivered, anomaly in ((["z"], "creation"), (["x", "x"], "duplication")):
        verdict = check_broadcast(sent, {"a": ["x"], "b": delivered})
        assert (verdict.answer, verdict.anomaly) == (Answer.NO, anomaly)
        assert verdict.sentence.startswith("b: ")
    verdict = check_broadcast(sent, {"a": ["x", "y"], "b": ["x"]}, complete=["a", "b"])
    assert (verdict.answer, verdict.anomaly) == (Answer.NO, "loss")
    assert "'y' never arrived" in verdict.sentence
