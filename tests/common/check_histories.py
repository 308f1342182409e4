"""Small histories for tests: written by hand in one line each, or drawn by Hypothesis."""

from collections.abc import Sequence

from hypothesis import strategies as st

from common.values.history import Failed, History, Ok, Operation, Outcome, Unknown


def done(
    process: str,
    function: str,
    argument: object,
    result: object,
    start: int,
    end: int,
    key: object = None,
) -> Operation:
    """An operation that happened, from ``start`` to ``end``."""
    return Operation(process, function, key, argument, start, end, Ok(result))


def unknown(
    process: str, function: str, argument: object, start: int, key: object = None
) -> Operation:
    """An operation that never returned."""
    return Operation(process, function, key, argument, start)


_VALUES = st.integers(0, 2)


def _outcomes(results: st.SearchStrategy[object]) -> st.SearchStrategy[Outcome]:
    happened = results.map(Ok)
    return st.one_of(happened, happened, happened, st.just(Unknown()), st.just(Failed()))


def _asked(model: str) -> st.SearchStrategy[tuple[str, object, Outcome]]:
    """Function, argument and outcome of an operation that the model knows."""
    optional = st.one_of(st.none(), _VALUES)
    nothing = st.none()
    flags = st.sampled_from((True, False))
    pairs = st.tuples(optional, _VALUES)
    text = st.sampled_from(("a", "b", "ab"))
    texts = st.sampled_from((None, "", "a", "b", "ab", "ba", "abb", "aba"))
    known: dict[str, Sequence[tuple[str, st.SearchStrategy[object], st.SearchStrategy[object]]]] = {
        "register": (("read", nothing, optional), ("write", _VALUES, nothing)),
        "cas-register": (
            ("read", nothing, optional),
            ("write", _VALUES, nothing),
            ("compare-and-set", pairs, flags),
        ),
        "kv": (
            ("get", nothing, texts),
            ("put", text, nothing),
            ("append", text, nothing),
            ("append", text, nothing),
            ("delete", nothing, nothing),
            ("compare-and-set", st.tuples(texts, text), flags),
        ),
        "queue": (("enqueue", _VALUES, nothing), ("dequeue", nothing, optional)),
        "lock": (("acquire", nothing, flags), ("release", nothing, flags)),
    }
    asked = [
        st.tuples(st.just(function), arguments, _outcomes(results))
        for function, arguments, results in known[model]
    ]
    return st.one_of(asked)


@st.composite
def histories(draw: st.DrawFn, model: str, most: int = 7) -> History:
    """Histories of up to ``most`` operations on one object, by up to four processes.

    A process waits for its operation to return; times are often equal.
    """
    operations: list[Operation] = []
    free_at: dict[str, int] = {}
    for _ in range(draw(st.integers(1, most))):
        process = draw(st.sampled_from("abcd"))
        start = free_at.get(process, 0) + draw(st.integers(0, 4))
        end = start + draw(st.integers(0, 5))
        function, argument, outcome = draw(_asked(model))
        operations.append(Operation(process, function, None, argument, start, end, outcome))
        free_at[process] = end
    operations.sort(key=lambda each: each.invoked_at)
    return History(operations)
