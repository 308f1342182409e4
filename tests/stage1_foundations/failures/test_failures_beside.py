"""What stands beside the lab ``failures``: the demo, the shortest harm, the checks."""

from random import Random

from common.check.explorer import Answer, explore_instance
from common.check.verdict import Verdict
from common.values.history import Failed, History, Ok, Operation, Outcome, Unknown
from common.values.report import Judged, Table, Trace
from stage1_foundations.failures.account import Deposit, Withdraw
from stage1_foundations.failures.checks import check_account, check_honesty, some_command
from stage1_foundations.failures.demo import WORLDS, demo
from stage1_foundations.failures.small import HASTY


def test_the_demo_shows_who_lies_in_which_world() -> None:
    report = demo(7)
    hasty, honest, watched, liars = (part for part in report.parts if isinstance(part, Table))
    assert [row[-1] for row in honest.rows] == ["yes"] * len(WORLDS)
    assert [row[-1] for row in hasty.rows].count("NO") == 5
    silent = {row[1:4] for row in honest.rows if row[1] == "sent 5, heard 0"}
    assert silent == {
        ("sent 5, heard 0", "unknown", "never"),
        ("sent 5, heard 0", "unknown", "once"),
    }
    assert len({row[1:-1] for row in watched.rows}) == 1, "until the trouble ends they look alike"
    assert [row[-1] for row in liars.rows] == ["yes", "yes", "NO"]
    verdicts = [part.result for part in report.parts if isinstance(part, Judged)]
    assert verdicts == ["no", "no", "yes"]
    names = [part.name for part in report.parts if isinstance(part, Trace)]
    assert len(set(names)) == len(names) >= len(WORLDS)


def test_the_explorer_finds_the_shortest_harm_that_the_hasty_client_does() -> None:
    found = explore_instance(HASTY)
    assert found.answer is Answer.NO
    assert found.counter_example is not None
    assert len(found.counter_example) == 4, "ask, do, lose patience, do again"


def test_live_runs_ask_for_commands_that_can_be_told_apart() -> None:
    asked = [
        some_command(Random(client), client, number)
        for client in ("c1", "c2", "c10")
        for number in range(100)
    ]
    amounts = [each.amount for each in asked if isinstance(each, Deposit | Withdraw)]
    assert len(set(amounts)) == len(amounts) == 240


# The checks, on histories that are easy to judge by eye.


def told(*operations: tuple[str, int | None, object]) -> History:
    """One client's operations, one after the other."""
    outcomes: dict[object, Outcome] = {None: Unknown(), "failed": Failed()}
    history = History()
    for number, (function, argument, told) in enumerate(operations):
        outcome = outcomes[told] if told in (None, "failed") else Ok(told)
        times = (10 * number, 10 * number + 5)
        history.operations.append(
            Operation(f"c{number}", function, None, argument, times[0], times[1], outcome)
        )
    return history


def answers(history: History) -> tuple[Answer, Answer]:
    verdicts: tuple[Verdict, Verdict] = (check_honesty(history), check_account(history))
    return verdicts[0].answer, verdicts[1].answer


def test_true_histories_pass_both_checks() -> None:
    for history in (
        told(("deposit", 5, 5), ("withdraw", 3, 2), ("statement", None, (5, -3))),
        told(("deposit", 5, None), ("statement", None, ()), ("statement", None, (5,))),
        told(("deposit", 5, None), ("statement", None, ())),
        told(("withdraw", 3, "failed"), ("deposit", 5, 5), ("statement", None, [5])),
    ):
        assert answers(history) == (Answer.YES, Answer.YES), history.operations


def test_lies_of_each_kind_fail_both_checks() -> None:
    for history in (
        told(("deposit", 5, 5), ("statement", None, ())),
        told(("deposit", 5, "failed"), ("statement", None, (5,))),
        told(("deposit", 5, 5), ("statement", None, (5, 5))),
        told(("deposit", 5, None), ("statement", None, (5, 5))),
        told(("deposit", 5, 5), ("statement", None, (5, 7))),
        told(("deposit", 5, 5), ("statement", None, 5)),
    ):
        assert answers(history) == (Answer.NO, Answer.NO), history.operations


def test_a_wrong_balance_or_a_wrong_order_fails_the_stronger_check() -> None:
    for history in (
        told(("deposit", 5, 7), ("statement", None, (5,))),
        told(("deposit", 5, 5), ("deposit", 7, 12), ("statement", None, (7, 5))),
        told(("withdraw", 5, -5), ("statement", None, (-5,))),
    ):
        assert check_account(history).answer is Answer.NO, history.operations
