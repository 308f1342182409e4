"""Values that were chosen to have one hash are refused before a dict or a set is made of them."""

from collections.abc import Callable

import pytest

from common.contract.effects import Deliver, Save, Send
from common.course.judge.worker.hashes import MOST_OF_ONE_HASH, Hashes, check_scattered
from common.course.judge.worker.values import Unfit, Values
from common.values.errors import RemoteProtocolError

MASK, PRIME_1, PRIME_2, PRIME_5 = (
    2**64 - 1, 11400714785074694791, 14029467366897019727, 2870177450012600261,
)  # fmt: skip
"""The constants of a tuple's hash in CPython (``Objects/tupleobject.c``, after xxHash)."""


def pairs_of_one_hash(count: int) -> list[tuple[int, int]]:
    """Pairs of numbers of less than 64 bits."""
    inverse = pow(PRIME_2, -1, MASK + 1)
    made: list[tuple[int, int]] = []
    first = 0
    while len(made) < count:
        first += 1
        lane = PRIME_5 + first * PRIME_2 & MASK
        second = (12345 - ((lane << 31 | lane >> 33) & MASK) * PRIME_1) * inverse & MASK
        if second < 2**61 - 1:
            made.append((first, second))
    assert len({hash(pair) for pair in made}) == 1
    return made


PAIRS = pairs_of_one_hash(MOST_OF_ONE_HASH + 2)


def test_keys_of_one_hash_are_refused_however_they_come() -> None:
    seen = Hashes()
    for pair in PAIRS[:-1]:
        seen.add(pair)
        seen.add(pair)  # a key that is saved under again is no other key
    with pytest.raises(RemoteProtocolError, match="hashes of others"):
        seen.add(PAIRS[-1])


@pytest.mark.parametrize("wide", [lambda v: v, lambda v: ("x", (v,)), lambda v: Deliver(v)])
def test_a_long_tuple_of_one_hash_is_found_wherever_it_is(wide: Callable[[object], object]) -> None:
    for effect in (Save("k", wide(tuple(PAIRS))), Send("b", wide(tuple(PAIRS)))):
        with pytest.raises(RemoteProtocolError):
            check_scattered(effect)


@pytest.mark.parametrize("kind", ["list", "tuple", "set"])
def test_nor_does_a_function_return_them(kind: str) -> None:
    plain = {kind: [{"tuple": list(pair)} for pair in PAIRS]}
    values = Values({}, lambda value: {}, lambda plain: None)
    with pytest.raises(Unfit, match="hashes of others"):
        values.unpack(plain)
    assert values.unpack({"list": [{"tuple": [0, 0]}] * 1_000}) == [(0, 0)] * 1_000


def test_honest_values_pass() -> None:
    seen = Hashes()
    values = [("log", number) for number in range(-500, 5_000)]
    twins = [-1, -2, (0, -1), (0, -2)] * 200  # their hashes are those of others, as it happens
    for value in (*values, *values, *twins, "text", b"bytes", None, (), [1], float("nan")):
        seen.add(value)
    check_scattered(Save("log", (tuple(values), ("text",) * 500, (1,) * 500)))
