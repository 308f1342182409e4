"""The checkers of membership: completeness, accuracy, and the times."""

from common.check.membership import (
    View,
    check_accuracy,
    check_completeness,
    detected_after,
    known_after,
    spans_of,
)
from common.check.verdict import Answer, weighed
from common.values.history import History, Ok, Operation, Outcome, Unknown


def view(observer: str, at: int, dead: str = "", suspected: str = "") -> View:
    """What an observer believed at one moment."""
    return View(observer, at, at, tuple(dead), tuple(dead + suspected))


def test_who_is_up_and_called_dead_is_named_and_who_is_down_is_not() -> None:
    up = {"a": [(0, 100)], "b": [(0, 40), (60, 100)]}
    views = [view("a", 50, "b"), view("a", 65, "b"), view("a", 90)]
    assert check_accuracy(views, up, settle=10).answer is Answer.YES
    wrong = check_accuracy([*views, view("a", 75, "b")], up, settle=10)
    assert wrong.answer is Answer.NO
    assert "b was dead, which had been up since 60 us" in wrong.sentence.replace("µs", "us")


def test_a_suspicion_is_no_mistake() -> None:
    assert check_accuracy([view("a", 50, "", "b")], {"b": [(0, 100)]}, 0).answer is Answer.YES


def test_who_is_down_for_longer_than_the_bound_is_dead_to_all_who_are_up() -> None:
    up, down = {"a": [(0, 100)], "c": [(50, 100)]}, {"b": [(20, 100)]}
    fine = [view("a", 45), view("a", 55, "b"), view("c", 70), view("c", 85, "b")]
    verdict = check_completeness(fine, up, down, bound=30)
    assert verdict.answer is Answer.YES
    assert verdict.steps == 2, "c came up too late to have to know it at 70"
    wrong = check_completeness([*fine, view("a", 60, "", "b")], up, down, bound=30)
    assert wrong.answer is Answer.NO, "a suspicion is not enough"
    nothing = check_completeness(fine, up, {}, bound=30)
    assert "nothing to notice" in nothing.sentence


def test_where_nobody_had_to_be_found_or_nobody_was_up_a_run_shows_nothing() -> None:
    """Somebody has answered, and was down for too short a time, or up for too short a time."""
    history = [Operation("a", "members", None, None, 40, 40, Ok())]
    views, up = [view("a", 40)], {"a": [(0, 100)]}
    soon = check_completeness(views, up, {"b": [(20, 60)]}, bound=30)
    assert weighed(soon, history).answer is Answer.UNKNOWN
    assert "nothing to notice" in weighed(soon, history).sentence
    late = check_completeness([view("a", 55, "b")], up, {"b": [(20, 60)]}, bound=30)
    assert weighed(late, history).answer is Answer.YES
    assert weighed(check_accuracy(views, up, 30), history).answer is Answer.YES
    assert weighed(check_accuracy(views, up, 50), history).answer is Answer.UNKNOWN


def test_the_first_who_suspects_detects_and_the_last_who_knows_ends_the_spreading() -> None:
    views = [view("a", 5, "b"), view("a", 12, "", "b"), view("c", 15, "b"), view("a", 19, "b"),
             view("a", 30, "b")]  # fmt: skip
    assert detected_after(views, "b", failed_at=10) == 2
    assert known_after(views, "b", 10, ["a", "c"]) == 9
    assert known_after(views, "b", 10, ["a", "c", "d"]) is None
    assert detected_after(views, "d", 10) is None


def test_a_history_says_who_was_certainly_up_and_certainly_down() -> None:
    def asked(process: str, begin: int, end: int, outcome: Outcome) -> Operation:
        return Operation(process, "members", None, None, begin, end, outcome)

    history = History(
        [
            asked("a", 0, 2, Ok()),
            asked("b", 0, 2, Ok()),
            asked("a", 10, 12, Ok()),
            asked("a", 20, 21, Unknown()),
            asked("a/3", 30, 31, Unknown()),
            asked("b", 40, 42, Ok()),
            asked("b", 50, 52, Ok()),
            asked("a/4", 60, 62, Ok()),
            asked("a/4", 70, 72, Ok()),
        ]
    )
    up, down = spans_of(history, gap=15)
    assert up == {"a": [(2, 10), (62, 70)], "b": [(2, 2), (42, 50)]}
    assert down == {"a": [(21, 30)]}
