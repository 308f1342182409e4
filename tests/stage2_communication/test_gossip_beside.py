"""What shows the lab ``gossip``: measurements, checks, the explorer, the demonstration."""

from math import exp

import pytest

from common.check.explorer import Answer, explore_instance
from common.values.history import History, Ok
from common.values.report import Judged, Table
from stage2_communication.gossip import checks, small
from stage2_communication.gossip.demo import demo
from stage2_communication.gossip.plot_delay import push_formula
from stage2_communication.gossip.plot_runs import (
    FOR_EVER,
    ROUND,
    compared,
    mean_spread,
    residue_formula,
)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_residue_and_traffic_of_pushing_are_those_of_the_paper(k: int) -> None:
    made = mean_spread("push", 500, k, 4)
    assert made.residue == pytest.approx(residue_formula(k), rel=0.35)
    assert made.residue == pytest.approx(exp(-made.traffic), rel=0.25)


def test_pulling_leaves_less_residue_than_pushing_for_the_same_traffic() -> None:
    pulled = mean_spread("pull", 300, 1, 3)
    assert pulled.residue < 0.6 * exp(-pulled.traffic)


def test_a_simple_epidemic_takes_as_many_rounds_as_the_formula_says() -> None:
    pushed = mean_spread("push", 200, FOR_EVER, 3)
    assert pushed.residue == 0
    assert pushed.last == pytest.approx(push_formula(200), rel=0.25)
    assert mean_spread("push-pull", 200, FOR_EVER, 3).last < pushed.last


def test_recent_entries_keep_whole_tables_off_the_network() -> None:
    long, short = compared(10, 20, 50 * ROUND), compared(10, 20, 2 * ROUND)
    assert long.whole < short.whole


def test_the_explorer_finds_how_a_deleted_key_comes_back_in_seven_choices() -> None:
    found = explore_instance(small.DROPPED)
    assert found.answer is Answer.NO
    assert found.counter_example is not None
    assert len(found.counter_example) == 7, "the lab's page says seven choices"


def told(*answers: tuple[str, object, object]) -> History:
    """What the person at n1 asked for of k, with what argument, and was told."""
    history = History()
    for number, (function, argument, value) in enumerate(answers):
        asked = history.invoke("n1", function, "k", argument, 2 * number)
        asked.returned_at, asked.outcome = 2 * number + 1, Ok(value)
    return history


def test_what_comes_back_is_found_and_what_is_put_again_is_not() -> None:
    one, two, three = (1, "n1"), (2, "n2"), (3, "n1")
    back = told(("put", "v", one), ("delete", None, two), ("get", None, ("v", one)))
    assert checks.gone_stays_gone(back).answer is Answer.NO
    nothing = told(("put", "v", one), ("get", None, (None, None)), ("get", None, ("v", one)))
    assert checks.gone_stays_gone(nothing).answer is Answer.NO
    again = told(("put", "v", one), ("delete", None, two), ("get", None, ("w", three)))
    assert checks.gone_stays_gone(again).answer is Answer.YES
    same = told(("get", None, ("v", one)), ("get", None, ("v", one)), ("delete", None, two))
    assert checks.gone_stays_gone(same).answer is Answer.YES


def test_a_rumor_that_nobody_told_is_found() -> None:
    assert checks.only_what_was_told(told(("known", None, ("a",)))).answer is Answer.NO
    assert checks.only_what_was_told(told(("tell", "a", None), ("known", None, ("a",)))).answer is (
        Answer.YES
    )


def test_the_demonstration_shows_the_formulas_and_one_from_the_dead() -> None:
    report = demo(7)
    spread, held = (part for part in report.parts if isinstance(part, Table))
    for _, _, residue, formula, _, by_traffic, _, _ in spread.rows[:3]:
        assert float(residue) == pytest.approx(float(formula), rel=0.3)
        assert float(residue) == pytest.approx(float(by_traffic), rel=0.3)
    assert held.rows[0][2] == "value: n1 n2 n3 n4 n5"
    assert held.rows[1][2] == "nothing: n1 n2 n3 n4 n5"
    assert [part.result for part in report.parts if isinstance(part, Judged)] == ["no", "yes"]
