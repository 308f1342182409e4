"""Linearizability: what is accepted, what is refused, and why."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.check.linearizability import check_linearizability
from common.check.model import Model
from common.check.models import CAS_REGISTER, KEY_VALUE, LOCK, QUEUE, REGISTER
from common.check.verdict import Answer, Budget, Verdict
from common.values.errors import BadInput
from common.values.history import Failed, History, Ok, Operation, Unknown
from tests.common.check_brute_force import is_linearizable
from tests.common.check_histories import done, histories, unknown

MODELS = {model.name: model for model in (REGISTER, CAS_REGISTER, KEY_VALUE, QUEUE, LOCK)}


def check(model: Model, *operations: Operation) -> Verdict:
    return check_linearizability(History(operations), model)


# Registers, and what the definition says of time.


def test_accepts_reads_of_the_latest_value() -> None:
    write = done("a", "write", 1, None, 0, 1)
    assert check(REGISTER, write, done("b", "read", None, 1, 2, 3)).answer is Answer.YES


def test_refuses_a_stale_read_and_says_what_was_to_be_expected() -> None:
    verdict = check(
        REGISTER,
        done("a", "write", 1, None, 0, 1),
        done("a", "write", 2, None, 2, 3),
        done("b", "read", None, 1, 4, 5),
    )
    assert verdict.answer is Answer.NO
    assert verdict.exit_code == 1
    assert [str(each) for each in verdict.window] == ["a write(2) -> ok", "b read() -> 1"]
    assert verdict.sentence.endswith("b read() -> 1 cannot be, since by then the value is 2.")


def test_accepts_either_value_while_a_write_is_under_way() -> None:
    write = done("a", "write", 1, None, 0, 9)
    for value in (None, 1):
        assert check(REGISTER, write, done("b", "read", None, value, 2, 3)).answer is Answer.YES


def test_refuses_the_new_value_before_the_old_one() -> None:
    verdict = check(
        REGISTER,
        done("a", "write", 1, None, 0, 9),
        done("b", "read", None, 1, 1, 2),
        done("c", "read", None, None, 3, 4),
    )
    assert verdict.answer is Answer.NO
    assert [each.process for each in verdict.window] == ["b", "c"]


def test_equal_times_are_concurrent() -> None:
    write = done("a", "write", 1, None, 0, 5)
    assert check(REGISTER, write, done("b", "read", None, None, 5, 6)).answer is Answer.YES


def test_equal_times_within_a_process_are_in_order() -> None:
    write = done("a", "write", 1, None, 0, 5)
    assert check(REGISTER, write, done("a", "read", None, None, 5, 6)).answer is Answer.NO


def test_a_read_of_a_value_that_nobody_wrote_is_a_window_by_itself() -> None:
    verdict = check(REGISTER, done("a", "write", 1, None, 0, 1), done("b", "read", None, 7, 0, 5))
    assert [str(each) for each in verdict.window] == ["b read() -> 7"]


def test_true_is_not_one() -> None:
    write = done("a", "write", 1, None, 0, 1)
    assert check(REGISTER, write, done("b", "read", None, True, 2, 3)).answer is Answer.NO


# Outcomes.


@pytest.mark.parametrize("value", [None, 1])
def test_an_unknown_write_may_have_happened_or_not(value: object) -> None:
    write = unknown("a", "write", 1, 0)
    assert check(REGISTER, write, done("b", "read", None, value, 2, 3)).answer is Answer.YES


def test_an_unknown_write_may_take_effect_long_after_it_was_given_up() -> None:
    late = Operation("a", "write", None, 1, 0, 1, Unknown("timed out"))
    verdict = check(
        REGISTER, late, done("b", "read", None, None, 2, 3), done("b", "read", None, 1, 4, 5)
    )
    assert verdict.answer is Answer.YES


def test_an_unknown_write_happens_at_most_once() -> None:
    verdict = check(
        REGISTER,
        unknown("a", "write", 1, 0),
        done("b", "read", None, 1, 2, 3),
        done("b", "write", 2, None, 4, 5),
        done("b", "read", None, 1, 6, 7),
    )
    assert verdict.answer is Answer.NO


def test_a_failed_write_did_not_happen() -> None:
    failed = Operation("a", "write", None, 1, 0, 1, Failed("refused"))
    assert check(REGISTER, failed, done("b", "read", None, 1, 2, 3)).answer is Answer.NO


# The other models.


def test_a_compare_and_set_swaps_what_it_expected() -> None:
    swap = done("a", "compare-and-set", (None, 1), True, 0, 1)
    assert check(CAS_REGISTER, swap, done("b", "read", None, 1, 2, 3)).answer is Answer.YES


def test_a_compare_and_set_that_found_what_it_expected_cannot_refuse() -> None:
    swap = done("a", "compare-and-set", (None, 1), False, 0, 1)
    assert check(CAS_REGISTER, swap).answer is Answer.NO


def test_appends_are_joined_in_the_order_of_time() -> None:
    first = done("a", "append", "x", None, 0, 1, "k")
    second = done("a", "append", "y", None, 2, 3, "k")
    good = done("b", "get", None, "xy", 4, 5, "k")
    bad = done("b", "get", None, "yx", 4, 5, "k")
    assert check(KEY_VALUE, first, second, good).answer is Answer.YES
    verdict = check(KEY_VALUE, first, second, bad)
    assert verdict.answer is Answer.NO
    assert "on key 'k'" in verdict.sentence


def test_keys_are_checked_one_by_one() -> None:
    verdict = check(
        KEY_VALUE,
        done("a", "put", "1", None, 0, 1, "x"),
        done("a", "get", None, "", 2, 3, "y"),
        done("a", "get", None, "", 4, 5, "x"),
    )
    assert verdict.answer is Answer.NO
    assert {each.key for each in verdict.window} == {"x"}


def test_a_queue_gives_out_in_the_order_it_took_in() -> None:
    taken = [done("a", "enqueue", n, None, 2 * n, 2 * n + 1) for n in (0, 1)]
    first, second = (done("b", "dequeue", None, n, 10, 11) for n in (0, 1))
    assert check(QUEUE, *taken, first).answer is Answer.YES
    verdict = check(QUEUE, *taken, second)
    assert verdict.answer is Answer.NO
    assert "the queue is [0] or [0, 1]" in verdict.sentence


def test_a_lock_has_one_holder() -> None:
    first = done("a", "acquire", None, True, 0, 1)
    release = done("a", "release", None, True, 2, 3)
    assert check(LOCK, first, release, done("b", "acquire", None, True, 4, 5)).answer is Answer.YES
    verdict = check(LOCK, first, done("b", "acquire", None, True, 2, 3))
    assert verdict.answer is Answer.NO
    assert "the holder is 'a'" in verdict.sentence


def test_an_operation_that_the_model_does_not_know_is_bad_input() -> None:
    with pytest.raises(BadInput, match="register does not know 'append'"):
        check(REGISTER, done("a", "append", 1, None, 0, 1))


def test_a_compare_and_set_without_a_pair_is_bad_input() -> None:
    with pytest.raises(BadInput, match="takes the pair"):
        check(CAS_REGISTER, done("a", "compare-and-set", 1, True, 0, 1))


# Budgets.


def hard_history() -> History:
    """Concurrent enqueues, then a dequeue of what is only enqueued later."""
    puts = [done(f"p{n}", "enqueue", n, None, 0, 10) for n in range(6)]
    late = done("p", "enqueue", 99, None, 30, 31)
    return History([*puts, done("q", "dequeue", None, 99, 20, 21), late])


def test_concurrent_enqueues_do_not_multiply() -> None:
    """Forty pairs of concurrent enqueues, dequeued one after the other: 2**40 orders, one legal."""
    puts = [done(f"p{n % 2}", "enqueue", n, None, n // 2, n // 2) for n in range(80)]
    takes = [done("q", "dequeue", None, n ^ 1, 100 + n, 100 + n) for n in range(80)]
    verdict = check_linearizability(History([*puts, *takes]), QUEUE, Budget(steps=5_000))
    assert verdict.answer is Answer.YES
    takes[40].outcome, takes[70].outcome = takes[70].outcome, takes[40].outcome
    verdict = check_linearizability(History([*puts, *takes]), QUEUE, Budget(steps=5_000))
    assert verdict.answer is Answer.NO


def test_a_search_that_runs_out_of_steps_says_unknown() -> None:
    verdict = check_linearizability(hard_history(), QUEUE, Budget(steps=100))
    assert verdict.answer is Answer.UNKNOWN
    assert verdict.exit_code == 2
    assert "after all 100 steps" in verdict.sentence


def test_a_search_with_enough_steps_says_no() -> None:
    assert check_linearizability(hard_history(), QUEUE).answer is Answer.NO


def test_a_deadline_that_has_passed_says_unknown() -> None:
    verdict = check_linearizability(hard_history(), QUEUE, Budget(deadline=lambda: True))
    assert verdict.answer is Answer.UNKNOWN
    assert "deadline" in verdict.sentence


def test_a_hard_key_does_not_keep_an_easy_one_from_being_refused() -> None:
    hard = [
        *(Operation(f"q{n}", "enqueue", "a", n, 0, 10, Ok()) for n in range(12)),
        Operation("q", "dequeue", "a", None, 20, 21, Ok(99)),
    ]
    easy = Operation("q", "dequeue", "b", None, 30, 31, Ok(1))
    verdict = check_linearizability(History([*hard, easy]), QUEUE, Budget(steps=50_000))
    assert verdict.answer is Answer.NO
    assert verdict.window == (easy,)


def test_the_same_history_gives_the_same_verdict() -> None:
    assert check_linearizability(hard_history(), QUEUE) == check_linearizability(
        hard_history(), QUEUE
    )


# Against the dumb one.


@settings(max_examples=200, deadline=None)
@given(data=st.data(), name=st.sampled_from(sorted(MODELS)))
def test_agrees_with_trying_every_order(data: st.DataObject, name: str) -> None:
    history = data.draw(histories(name))
    verdict = check_linearizability(history, MODELS[name])
    expected = is_linearizable(history.operations, MODELS[name])
    assert (verdict.answer is Answer.YES) == expected
    if not expected:
        assert verdict.window


@settings(max_examples=100, deadline=None)
@given(data=st.data(), name=st.sampled_from(sorted(MODELS)))
def test_a_window_is_a_proof_that_needs_each_of_its_operations(
    data: st.DataObject, name: str
) -> None:
    """All other operations freed, there is still no order; and one more freed, there is."""
    model, history = MODELS[name], data.draw(histories(name))
    verdict = check_linearizability(history, model)
    if verdict.answer is Answer.YES or "whatever" in verdict.sentence:
        return
    window = {id(each) for each in verdict.window}
    assert not is_linearizable(freed(history, window, model), model)
    end = max(each.returned_at or 0 for each in verdict.window)
    begun = History(each for each in history if each.invoked_at <= end)
    for each in verdict.window:
        assert is_linearizable(freed(begun, window - {id(each)}, model), model)


def freed(history: History, kept: set[int], model: Model) -> list[Operation]:
    """The history with every operation but ``kept`` of unknown outcome."""
    found: list[Operation] = []
    for each in history:
        if id(each) in kept:
            found.append(each)
        elif not isinstance(each.outcome, Failed) and not model.is_read_only(each):
            found.append(
                Operation(each.process, each.function, None, each.argument, each.invoked_at)
            )
    return found
