"""Convergence, delivery, and invariants over the world after each step."""

from dataclasses import dataclass

import pytest

from common.check.convergence import check_convergence
from common.check.delivery import check_delivery
from common.check.invariants import Always, AlwaysEach, InvariantViolation, Sometimes, Watch
from common.check.verdict import Answer
from common.values.units import MS


def test_replicas_with_the_same_state_have_converged() -> None:
    assert check_convergence({"n1": {"x": [1]}, "n2": {"x": [1]}}).answer is Answer.YES


@pytest.mark.parametrize(
    ("states", "sentence"),
    [
        ({"n1": 1, "n2": 2}, "Not converged: n2 holds 2, but n1 holds 1."),
        (
            {"n1": {"x": 1}, "n2": {"x": 1, "y": "{}"}, "n3": {"x": 1}},
            "Not converged: n2 holds '{}' at ['y'], but n1 holds nothing, as do 2 of 3 replicas.",
        ),
        (
            {"n1": {"x": [1, 2]}, "n2": {"x": [1, 3]}, "n3": {"x": [1, 3]}},
            "Not converged: n1 holds 2 at ['x'][1], but n2 holds 3, as do 2 of 3 replicas.",
        ),
    ],
)
def test_says_which_replica_differs_and_where(states: dict[str, object], sentence: str) -> None:
    verdict = check_convergence(states)
    assert verdict.answer is Answer.NO
    assert verdict.sentence == sentence


def test_accepts_what_arrives_once_and_in_order() -> None:
    assert check_delivery("aab", "aab").answer is Answer.YES
    assert check_delivery("aab", "aa", complete=False).answer is Answer.YES
    assert check_delivery("ab", "ba", in_order=False).answer is Answer.YES


@pytest.mark.parametrize(
    ("sent", "delivered", "anomaly", "sentence"),
    [
        ("ab", "abc", "creation", "Invented: delivery 3 is 'c', which was never sent."),
        ("ab", "aab", "duplication", "delivery 2 is 'a', which had been delivered before."),
        ("abc", "acb", "disorder", "delivery 2 is 'c', where 'b' was to come."),
        ("abc", "ac", "loss", "Lost: 'b' never arrived (1 of 3 are missing)."),
        ("abc", "", "loss", "Lost: 'a' never arrived (3 of 3 are missing)."),
    ],
)
def test_refuses_what_a_link_must_not_do(
    sent: str, delivered: str, anomaly: str, sentence: str
) -> None:
    verdict = check_delivery(sent, delivered)
    assert verdict.anomaly == anomaly
    assert verdict.sentence.endswith(sentence)


def test_a_gap_is_disorder_where_the_missing_may_still_come() -> None:
    assert check_delivery("abc", "ac", complete=False).anomaly == "disorder"


@dataclass
class Member:
    """What the invariants look at."""

    leads: bool = False
    term: int = 0


ONE_LEADER = Always(
    "at most one leader",
    lambda nodes: (
        f"{' and '.join(leaders)} lead"
        if len(leaders := [name for name, node in nodes.items() if node.leads]) > 1
        else None
    ),
)
TERMS = AlwaysEach("terms count up", lambda node: f"term {node.term}" if node.term < 0 else None)
ELECTED = Sometimes("a leader is elected", lambda nodes: any(each.leads for each in nodes.values()))


def test_a_watch_that_saw_nothing_wrong_and_every_goal_says_yes() -> None:
    watch = Watch([ONE_LEADER, TERMS], [ELECTED])
    watch.check(1 * MS, {"n1": Member(), "n2": Member()})
    watch.check(2 * MS, {"n1": Member(leads=True), "n2": Member()})
    verdict = watch.verdict()
    assert verdict.answer is Answer.YES
    assert watch.reached == {"a leader is elected": 2 * MS}
    assert verdict.steps == 2


def test_a_watch_keeps_the_first_violation_with_its_time_and_node() -> None:
    watch = Watch([ONE_LEADER, TERMS])
    for at in (3, 4):
        watch.check(at * MS, {"n1": Member(leads=True), "n2": Member(leads=True, term=-1)})
    leaders, terms = watch.violations
    assert str(leaders) == "'at most one leader' does not hold at 3 ms: n1 and n2 lead"
    assert str(terms) == "'terms count up' does not hold at 3 ms on node n2: term -1"
    assert watch.verdict().answer is Answer.NO


def test_a_goal_that_was_never_reached_says_no() -> None:
    watch = Watch([ONE_LEADER], [ELECTED])
    watch.check(1, {"n1": Member()})
    verdict = watch.verdict()
    assert verdict.answer is Answer.NO
    assert verdict.sentence == "'a leader is elected' never came about in 1 steps."


def test_a_watch_that_is_to_stop_ends_the_run() -> None:
    watch = Watch([TERMS], stop=True)
    with pytest.raises(InvariantViolation, match="on node n1: term -1"):
        watch.check(5, {"n1": Member(term=-1)})
