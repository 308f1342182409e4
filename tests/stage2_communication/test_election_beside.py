"""What shows the lab ``election``: what the explorer finds, the checks, and the demonstration."""

import pytest

from common.check.explorer import Answer, Instance, explore_instance
from common.values.history import History, Ok
from common.values.report import Judged, Table
from stage2_communication.election import checks, small
from stage2_communication.election.demo import demo


@pytest.mark.parametrize(
    ("instance", "choices"),
    [(small.SLOW_BULLY, 3), (small.SLOW_RING, 5), (small.FORGETFUL, 8), (small.NO_FENCE, 10)],
)
def test_the_explorer_finds_the_shortest_way_that_the_page_tells_of(
    instance: Instance, choices: int
) -> None:
    found = explore_instance(instance)
    assert found.answer is Answer.NO
    assert found.counter_example is not None
    assert len(found.counter_example) == choices


def told(*answers: tuple[str, str, int, int, object]) -> History:
    """What people were told: process, function, from when to when, and what."""
    history = History()
    for process, function, invoked, returned, value in answers:
        asked = history.invoke(process, function, None, None, invoked)
        asked.returned_at, asked.outcome = returned, Ok(value)
    return history


def test_two_that_lead_at_one_time_are_found_and_two_that_lead_in_turn_are_not() -> None:
    def lead(process: str, at: int) -> tuple[str, str, int, int, object]:
        return process, "who-leads", at, at + 1, process

    both = told(lead("n1", 10), lead("n2", 20), lead("n1", 30))
    assert checks.one_leader_at_a_time(both).answer is Answer.NO
    in_turn = told(lead("n1", 10), lead("n1", 15), lead("n2", 20), lead("n2", 30))
    assert checks.one_leader_at_a_time(in_turn).answer is Answer.YES
    again = told(lead("n1", 10), lead("n2", 20), lead("n1", 10 + 2 * checks.GAP))
    assert checks.one_leader_at_a_time(again).answer is Answer.YES, "it may have led twice"
    follows = told(lead("n1", 10), lead("n2", 20), ("n1", "who-leads", 22, 23, "n2"))
    assert checks.one_leader_at_a_time(follows).answer is Answer.YES
    lower = told(("n10", "who-leads", 1, 2, "n9"))
    assert checks.nobody_follows_a_lower_one(lower).answer is Answer.NO


def test_what_must_not_happen_to_terms_and_tokens_is_found() -> None:
    two = told(("n1", "who-leads", 1, 2, (3, "n1")), ("n2", "who-leads", 3, 4, (3, "n2")))
    assert checks.one_leader_a_term(two).answer is Answer.NO
    back = told(("n1", "who-leads", 1, 2, (3, None)), ("n1", "who-leads", 3, 4, (2, None)))
    assert checks.terms_never_fall(back).answer is Answer.NO
    old = told(("n1", "read", 1, 2, ((2, "b"), (1, "a"))))
    assert checks.tokens_never_fall(old).answer is Answer.NO
    writers = told(("n2", "write", 1, 2, 1), ("n3", "write", 3, 4, 1))
    assert checks.one_writer_a_term(writers).answer is Answer.NO
    lost = told(("n2", "write", 1, 2, 1), ("n1", "read", 3, 4, ()))
    assert checks.what_was_taken_stays(lost).answer is Answer.NO
    changed = told(("n1", "read", 1, 2, ((1, "a"),)), ("n1", "read", 3, 4, ((1, "b"),)))
    assert checks.what_was_taken_stays(changed).answer is Answer.NO


def test_the_demonstration_counts_what_the_formulas_say_and_refuses_the_old_leader() -> None:
    report = demo(7)
    counted = [part for part in report.parts if isinstance(part, Table)][1]
    for _, worst, square, best, least, ring, half, average, harmonic in counted.rows:
        assert (worst, best, ring) == (square, least, half)
        assert abs(int(average) - int(harmonic)) <= 0.1 * int(harmonic)
    verdicts = [part.result for part in report.parts if isinstance(part, Judged)]
    assert verdicts == ["no", "yes", "yes", "yes"]
    assert demo(7) == report, "the same every time"
