"""Serializability of list-append histories: each anomaly by its name (Adya 1999; Elle 2020)."""

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.check.serializability import check_serializability
from common.check.verdict import Answer, Budget, Verdict
from common.values.errors import BadInput
from common.values.history import Failed, Ok, Operation, Outcome, Unknown
from tests.common.check_brute_force import must_precede

Step = tuple[str, object, object]


def txn(text: str, start: int, end: int, process: str = "", outcome: str = "ok") -> Operation:
    """A transaction from text: ``x+1`` appends 1 to x, ``x:12`` reads the list 1, 2."""
    asked: list[Step] = []
    told: list[Step] = []
    for step in text.split():
        key, kind, rest = step[0], step[1], step[2:]
        if kind == "+":
            asked.append(("append", key, int(rest)))
            told.append(("append", key, int(rest)))
        else:
            asked.append(("r", key, None))
            told.append(("r", key, tuple(int(digit) for digit in rest)))
    ended: dict[str, Outcome] = {
        "ok": Ok(tuple(told)),
        "fail": Failed("conflict"),
        "info": Unknown("timed out"),
    }
    return Operation(process or text, "txn", None, tuple(asked), start, end, ended[outcome])


def check(*texts: str, strict: bool = False) -> Verdict:
    """Check transactions that run at the same time; ``!`` is an aborted one, ``?`` unknown."""
    kinds = {"!": "fail", "?": "info"}
    return check_serializability(
        [txn(text.strip("!?"), 0, 9, text, kinds.get(text[-1], "ok")) for text in texts],
        strict=strict,
    )


ANOMALIES = {
    "G0": ("x+1 y+1", "x+2 y+2", "x:12 y:21"),
    "G1a": ("x+1!", "x:1"),
    "G1b": ("x+1 x+2", "x:1"),
    "G1c": ("x+1 y:2", "y+2 x:1"),
    "G-single": ("x+1 y+1", "x:1 y:"),
    "G2-item": ("x: y+1", "y: x+1"),
    "internal": ("x+1 x:",),
    "incompatible-order": ("x+1", "x+2", "x:12", "x:21"),
    "duplicate-elements": ("x+1", "x:11"),
    "garbage-read": ("x:7",),
}


@pytest.mark.parametrize("name", ANOMALIES)
def test_refuses_each_anomaly_by_its_name(name: str) -> None:
    verdict = check(*ANOMALIES[name])
    assert verdict.answer is Answer.NO
    assert verdict.anomaly == name
    assert verdict.sentence.startswith(f"{name}: ")
    assert verdict.window


NOT_ANOMALIES = {
    "G0": ("x+1 y+1", "x+2 y+2", "x:12 y:12"),
    "G1a": ("x+1?", "x:1"),
    "G1b": ("x+1 x+2", "x:12"),
    "G1c": ("x+1 y:", "y+2 x:1"),
    "G-single": ("x+1 y+1", "x: y:"),
    "G2-item": ("x: y+1", "y:1 x+1"),
    "internal": ("x+1 x:1 x+2 x:12",),
    "incompatible-order": ("x+1", "x+2", "x:12", "x:1"),
    "duplicate-elements": ("x+1", "x:1", "x:1"),
    "garbage-read": ("x+7?", "x:7"),
}


@pytest.mark.parametrize("name", NOT_ANOMALIES)
def test_accepts_the_same_without_the_anomaly(name: str) -> None:
    assert check(*NOT_ANOMALIES[name]).answer is Answer.YES


def test_the_sentence_says_why_each_comes_before_the_next() -> None:
    verdict = check(*ANOMALIES["G-single"])
    assert verdict.sentence == (
        "G-single: T2 read 'y' without 1, which T1 appended (rw), but T2 read 1 in 'x', which T1 "
        "appended (wr) (T1 is by process x+1 y+1, T2 is by process x:1 y:)."
    )


def test_the_smallest_cycle_is_shown() -> None:
    """A long cycle of single rw edges, and a short one."""
    verdict = check("a: b+1", "b: c+1", "c: a+1", "x: y+1", "y: x+1")
    assert [each.process for each in verdict.window] == ["x: y+1", "y: x+1"]


def test_a_stale_read_is_serializable_but_not_strictly_so() -> None:
    history = [txn("x+1", 0, 1), txn("x:", 2, 3)]
    assert check_serializability(history).answer is Answer.YES
    verdict = check_serializability(history, strict=True)
    assert verdict.answer is Answer.NO
    assert verdict.anomaly == "G-single-realtime"
    assert "T1 returned before T2 was invoked" in verdict.sentence


def test_equal_times_are_concurrent() -> None:
    history = [txn("x+1", 0, 2), txn("x:", 2, 3)]
    assert check_serializability(history, strict=True).answer is Answer.YES


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (Operation("a", "read", "x", None, 0, 1, Ok()), "list-append knows no 'read'"),
        (Operation("a", "txn", None, 3, 0, 1, Ok()), "a transaction is a list of steps, not 3"),
        (Operation("a", "txn", None, (("w", 1, 2),), 0, 1), "is no step: write"),
        (Operation("a", "txn", None, (("r", 1, None),), 0, 1, Ok(())), "with the reads filled in"),
        (txn("x+1 x+1", 0, 1), "must be appended once"),
    ],
)
def test_what_is_no_such_transaction_is_bad_input(operation: Operation, expected: str) -> None:
    with pytest.raises(BadInput, match=expected):
        check_serializability([operation])


def test_without_steps_the_answer_is_unknown() -> None:
    history = [txn("x+1", 0, 1), txn("x:1", 0, 1)]
    assert check_serializability(history, Budget(2)).answer is Answer.UNKNOWN


# Against a second checker that tries every order.


def is_serializable(history: list[Operation], strict: bool) -> bool:
    """Whether some order of all certain and some unknown transactions explains every read."""
    certain = [each for each in history if isinstance(each.outcome, Ok)]
    unknown = [each for each in history if isinstance(each.outcome, Unknown)]
    for choice in range(1 << len(unknown)):
        chosen = [each for n, each in enumerate(unknown) if choice >> n & 1]
        if any(
            _explains(order) and not (strict and _against_time(order, history))
            for order in permutations(certain + chosen)
        ):
            return True
    return False


def _explains(order: tuple[Operation, ...]) -> bool:
    lists: dict[object, list[object]] = {}
    for each in order:
        known = isinstance(each.outcome, Ok)
        steps = each.outcome.value if isinstance(each.outcome, Ok) else each.argument
        for function, key, value in steps:  # type: ignore[attr-defined]
            if function == "append":
                lists.setdefault(key, []).append(value)
            elif known and tuple(lists.get(key, ())) != value:
                return False
    return True


def _against_time(order: tuple[Operation, ...], history: list[Operation]) -> bool:
    return any(
        must_precede(later, earlier, history)
        for place, later in enumerate(order)
        for earlier in order[:place]
    )


@st.composite
def executions(draw: st.DrawFn) -> list[Operation]:
    """Up to five transactions run in some order, of which one read may then be told otherwise."""
    texts: list[list[str]] = []
    lists: dict[str, str] = {"x": "", "y": ""}
    outcomes: list[str] = []
    value = 0
    for _ in range(draw(st.integers(1, 5))):
        steps: list[str] = []
        outcome = draw(st.sampled_from(("ok", "ok", "ok", "ok", "info", "fail")))
        for _ in range(draw(st.integers(1, 3))):
            key = draw(st.sampled_from("xy"))
            if draw(st.booleans()) and value < 9:
                value += 1
                steps.append(f"{key}+{value}")
                if outcome == "ok" or (outcome == "info" and draw(st.booleans())):
                    lists[key] += str(value)
            else:
                cut = draw(st.sampled_from((None, None, None, -1, -2)))
                steps.append(f"{key}:{lists[key][:cut]}")
        texts.append(steps)
        outcomes.append(outcome)
    history: list[Operation] = []
    free = {"a": 0, "b": 0}
    for steps, outcome in zip(texts, outcomes, strict=True):
        process = draw(st.sampled_from("ab"))
        start = free[process] + draw(st.integers(0, 2))
        free[process] = start + draw(st.integers(0, 3))
        history.append(txn(" ".join(steps), start, free[process], process, outcome))
    return sorted(history, key=lambda each: each.invoked_at)


@settings(max_examples=200, deadline=None)
@given(history=executions(), strict=st.booleans())
def test_agrees_with_trying_every_order(history: list[Operation], strict: bool) -> None:
    answer = check_serializability(history, strict=strict).answer
    assert (answer is Answer.YES) == is_serializable(history, strict)
