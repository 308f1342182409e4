"""Causal consistency: the bad patterns of Bouajjani et al. 2017, section 5, one by one."""

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.check.causal import check_causal
from common.check.verdict import Answer, Budget
from common.values.history import History, Ok, Operation, Unknown


def program(**sessions: str) -> History:
    """A history from sessions such as ``a="x=1 y:2 z:-"``: writes, reads, the initial value.

    The sessions run one after the other; causal consistency does not look at that.
    """
    history = History()
    for process, text in sessions.items():
        for step in text.split():
            at = 2 * len(history)
            key, value = step[0], None if step[2] == "-" else int(step[2:])
            if step[1] == "=":
                operation = Operation(process, "write", key, value, at, at + 1, Ok())
            else:
                operation = Operation(process, "read", key, None, at, at + 1, Ok(value))
            history.operations.append(operation)
    return history


BAD = {
    "ThinAirRead": program(a="x:7"),
    "CyclicCO": program(a="x:2 y=1", b="y:1 x=2"),
    "WriteCOInitRead": program(a="x=1 y=1", b="y:1 x:-"),
    "WriteCORead": program(a="x=1 x=2 y=1", b="y:1 x:1"),
}
FORK = program(a="x=1", b="x=2", c="x:1 x:2", d="x:2 x:1")


@pytest.mark.parametrize("pattern", BAD)
def test_refuses_each_bad_pattern_by_its_name(pattern: str) -> None:
    verdict = check_causal(BAD[pattern])
    assert verdict.answer is Answer.NO
    assert verdict.anomaly == pattern
    assert verdict.sentence.startswith(f"{pattern}: ")
    assert verdict.window


def test_accepts_that_clients_see_concurrent_writes_in_different_orders() -> None:
    assert check_causal(program(a="x=1", b="y=1", c="x:1 y:-", d="y:1 x:-")).answer is Answer.YES


def test_accepts_a_late_effect_whose_cause_was_not_seen() -> None:
    assert check_causal(program(a="x=1 y=1", b="y:- x:1 y:1")).answer is Answer.YES


def test_conflicting_writes_may_be_ordered_differently_unless_convergence_is_asked_for() -> None:
    assert check_causal(FORK).answer is Answer.YES
    verdict = check_causal(FORK, convergent=True)
    assert verdict.answer is Answer.NO
    assert verdict.anomaly == "CyclicCF"


def test_an_answer_is_not_seen_without_its_question() -> None:
    verdict = check_causal(program(a="q=1", b="q:1 r=2", c="r:2 q:-"))
    assert verdict.anomaly == "WriteCOInitRead"
    assert (
        "c read('q') -> nothing saw the initial value, though a write('q', 1)" in verdict.sentence
    )


def test_an_unknown_write_does_not_come_before_what_its_process_did_next() -> None:
    history = program(a="x=1 y=1", b="y:1 x:-")
    history.operations[0].outcome = Unknown("timed out")
    assert check_causal(history).answer is Answer.YES


def test_without_steps_the_answer_is_unknown() -> None:
    assert check_causal(FORK, Budget(1)).answer is Answer.UNKNOWN


# A second checker, from the definitions (section 3) by trying every order.


def causal_past(history: History) -> dict[int, set[int]] | None:
    """What comes before each operation; None if something comes before itself, or from nowhere."""
    operations = history.operations
    before = {
        (i, j)
        for j, later in enumerate(operations)
        for i, earlier in enumerate(operations)
        if (i < j and earlier.process == later.process) or _saw(later, earlier)
    }
    for read in operations:
        value = read.outcome.value  # type: ignore[union-attr]
        told = read.function == "read" and value is not None
        if told and not any(_saw(read, write) for write in operations):
            return None
    for k in range(len(operations)):
        before |= {(i, j) for i, m in before if m == k for n, j in before if n == k}
    if any(i == j for i, j in before):
        return None
    return {n: {i for i, j in before if j == n} for n in range(len(operations))}


def _saw(read: Operation, write: Operation) -> bool:
    return (read.function, write.function, read.key) == (
        "read",
        "write",
        write.key,
    ) and read.outcome == Ok(write.argument)


def is_causal(history: History, convergent: bool) -> bool:
    """Whether each read follows from an order of its past: one for all if convergent."""
    past = causal_past(history)
    if past is None:
        return False
    writes = [n for n, each in enumerate(history) if each.function == "write"]
    orders = [
        order
        for order in permutations(writes)
        if all(order.index(i) < order.index(j) for j in writes for i in past[j] if i in writes)
    ]
    reads = [n for n, each in enumerate(history) if each.function == "read"]
    explains = {
        (read, order): _last(history, read, past[read], order)
        == history.operations[read].outcome.value  # type: ignore[union-attr]
        for read in reads
        for order in orders
    }
    if convergent:
        return any(all(explains[read, order] for read in reads) for order in orders)
    return all(any(explains[read, order] for order in orders) for read in reads)


def _last(history: History, read: int, past: set[int], order: tuple[int, ...]) -> object:
    key = history.operations[read].key
    seen = [n for n in order if n in past and history.operations[n].key == key]
    return history.operations[seen[-1]].argument if seen else None


@st.composite
def programs(draw: st.DrawFn) -> History:
    """Up to four writes and five reads of two keys by three processes."""
    writes = draw(st.lists(st.sampled_from("xy"), min_size=1, max_size=4))
    steps = [f"{key}={value}" for value, key in enumerate(writes)]
    for _ in range(draw(st.integers(0, 5))):
        key = draw(st.sampled_from("xy"))
        values = ["-", *(str(value) for value, own in enumerate(writes) if own == key)]
        steps.insert(draw(st.integers(0, len(steps))), f"{key}:{draw(st.sampled_from(values))}")
    sessions: dict[str, list[str]] = {"a": [], "b": [], "c": []}
    for step in steps:
        sessions[draw(st.sampled_from("abc"))].append(step)
    return program(**{name: " ".join(own) for name, own in sessions.items()})


@settings(max_examples=200, deadline=None)
@given(history=programs(), convergent=st.booleans())
def test_agrees_with_trying_every_order(history: History, convergent: bool) -> None:
    answer = check_causal(history, convergent=convergent).answer
    assert (answer is Answer.YES) == is_causal(history, convergent)
