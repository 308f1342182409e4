"""The four session guarantees, kept and broken (Terry et al. 1994, section 3)."""

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.check.sessions import ALL, Guarantee, check_sessions
from common.check.verdict import Answer, Budget
from common.values.errors import BadInput
from common.values.history import History, Ok, Operation, Unknown

READ, WRITE = "read", "write"


def session(*steps: tuple[str, str, object], key: object = "x") -> History:
    """One operation after the other: process, function, value."""
    history = History()
    for at, (process, function, value) in enumerate(steps):
        argument = value if function == WRITE else None
        outcome = Ok() if function == WRITE else Ok(value)
        history.operations.append(
            Operation(process, function, key, argument, 2 * at, 2 * at + 1, outcome)
        )
    return history


BROKEN = {
    Guarantee.READ_YOUR_WRITES: [("a", WRITE, 1), ("a", READ, None)],
    Guarantee.MONOTONIC_READS: [("b", WRITE, 1), ("a", READ, 1), ("a", READ, None)],
}
KEPT = {
    Guarantee.READ_YOUR_WRITES: [("a", WRITE, 1), ("b", READ, None), ("a", READ, 1)],
    Guarantee.MONOTONIC_READS: [("b", WRITE, 1), ("a", READ, None), ("a", READ, 1)],
}


@pytest.mark.parametrize("guarantee", BROKEN)
def test_refuses_what_one_session_shows_to_be_broken(guarantee: Guarantee) -> None:
    verdict = check_sessions(session(*BROKEN[guarantee]))
    assert verdict.answer is Answer.NO
    assert verdict.anomaly == guarantee.value
    assert verdict.sentence.startswith(f"{guarantee.value.capitalize()} not kept on key 'x': a ")
    assert {each.process for each in verdict.window} == {"a"}


@pytest.mark.parametrize("guarantee", KEPT)
def test_accepts_what_a_session_may_see(guarantee: Guarantee) -> None:
    assert check_sessions(session(*KEPT[guarantee])).answer is Answer.YES


WRITES_SEEN_BACKWARDS = session(("a", WRITE, 1), ("a", WRITE, 2), ("b", READ, 2), ("b", READ, 1))
ANSWER_SEEN_BEFORE_ITS_QUESTION = session(
    ("a", WRITE, 1), ("b", READ, 1), ("b", WRITE, 2), ("c", READ, 2), ("c", READ, 1)
)


def test_names_the_guarantees_that_cannot_both_have_been_kept() -> None:
    verdict = check_sessions(WRITES_SEEN_BACKWARDS)
    assert verdict.answer is Answer.NO
    assert set((verdict.anomaly or "").split(" + ")) == {"monotonic writes", "monotonic reads"}
    assert "not both kept" in verdict.sentence


@pytest.mark.parametrize(
    ("history", "order", "blamed"),
    [
        (WRITES_SEEN_BACKWARDS, [2, 1], Guarantee.MONOTONIC_WRITES),
        (WRITES_SEEN_BACKWARDS, [1, 2], Guarantee.MONOTONIC_READS),
        (ANSWER_SEEN_BEFORE_ITS_QUESTION, [2, 1], Guarantee.WRITES_FOLLOW_READS),
        (ANSWER_SEEN_BEFORE_ITS_QUESTION, [1, 2], Guarantee.MONOTONIC_READS),
    ],
)
def test_a_known_order_of_versions_says_which_one_was_broken(
    history: History, order: list[object], blamed: Guarantee
) -> None:
    for guarantee in ALL:
        verdict = check_sessions(history, [guarantee], {"x": order})
        assert (verdict.answer is Answer.NO) == (guarantee is blamed)


def test_other_guarantees_do_not_matter() -> None:
    history = session(*BROKEN[Guarantee.READ_YOUR_WRITES])
    others = [each for each in ALL if each is not Guarantee.READ_YOUR_WRITES]
    assert check_sessions(history, others).answer is Answer.YES


def test_an_unknown_write_promises_nothing() -> None:
    history = session(("a", WRITE, 1), ("a", READ, None))
    history.operations[0].outcome = Unknown("timed out")
    assert check_sessions(history).answer is Answer.YES


def test_a_read_of_what_nobody_wrote_breaks_everything() -> None:
    assert check_sessions(session(("a", READ, 7))).anomaly == "thin-air read"


def test_values_that_are_written_twice_are_bad_input() -> None:
    with pytest.raises(BadInput, match="needs every value to be written once"):
        check_sessions(session(("a", WRITE, 1), ("b", WRITE, 1)))


def test_operations_that_are_not_reads_or_writes_are_bad_input() -> None:
    with pytest.raises(BadInput, match="knows read, write, get and put"):
        check_sessions(session(("a", "append", 1)))


def test_without_steps_the_answer_is_unknown() -> None:
    assert check_sessions(WRITES_SEEN_BACKWARDS, budget=Budget(1)).answer is Answer.UNKNOWN


def keeps(history: History, guarantees: list[Guarantee]) -> bool:
    """The definition, over every order of the versions. Nothing is the oldest."""
    written = [each.argument for each in history if each.function == WRITE]
    return any(_keeps(history, guarantees, [None, *order]) for order in permutations(written))


def _keeps(history: History, guarantees: list[Guarantee], order: list[object]) -> bool:
    for number, second in enumerate(history):
        for first in history.operations[:number]:
            if first.process != second.process:
                continue
            kinds = (first.function, second.function)
            older, newer = (
                order.index(each.argument if each.function == WRITE else each.outcome.value)  # type: ignore[union-attr]
                for each in (first, second)
            )
            strict = second.function == WRITE
            guarantee = {
                (WRITE, READ): Guarantee.READ_YOUR_WRITES,
                (READ, READ): Guarantee.MONOTONIC_READS,
                (WRITE, WRITE): Guarantee.MONOTONIC_WRITES,
                (READ, WRITE): Guarantee.WRITES_FOLLOW_READS,
            }[kinds]
            if guarantee in guarantees and not (older < newer or (older == newer and not strict)):
                return False
    return True


@st.composite
def sessions(draw: st.DrawFn) -> History:
    """Histories of one key in which only written values are read."""
    writes = draw(st.integers(1, 4))
    steps: list[tuple[str, str, object]] = [
        (draw(st.sampled_from("ab")), WRITE, value) for value in range(writes)
    ]
    values = st.one_of(st.none(), st.integers(0, writes - 1))
    for _ in range(draw(st.integers(0, 5))):
        place = draw(st.integers(0, len(steps)))
        steps.insert(place, (draw(st.sampled_from("ab")), READ, draw(values)))
    return session(*steps)


@settings(max_examples=200, deadline=None)
@given(history=sessions(), guarantees=st.lists(st.sampled_from(ALL), min_size=1, unique=True))
def test_agrees_with_trying_every_order_of_the_versions(
    history: History, guarantees: list[Guarantee]
) -> None:
    answer = check_sessions(history, guarantees).answer
    assert (answer is Answer.YES) == keeps(history, guarantees)
