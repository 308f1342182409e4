"""Graded suite of the lab ``serialization``, first part: JSON that all programs read alike."""

import json
import math
from random import Random
from typing import Any

import pytest

from common.course.suites.grading import Sweep, graded
from common.values.errors import BadInput, RemoteProtocolError
from tests.stage2_communication.serialization.lab import SerializationLab

LAB = "serialization"

ATOMS = (
    None, True, False, 0, -1, 2**53 - 1, 2**53, -(2**53), 2**200, 0.5, -0.0, 1e300, math.inf,
    -math.inf, "", "héllo", "$int", b"", b"\0\xff",
)  # fmt: skip
KEYS = ("", "a", "b", "é", "$int", "$bytes", "$object", "$float", "$else")


def some_value(random: Random, depth: int = 3) -> Any:
    """Any value, also one that looks like a mark."""
    choice = random.randrange(4) if depth else 0
    if choice == 1:
        return [some_value(random, depth - 1) for _ in range(random.randrange(4))]
    if choice >= 2:
        keys = random.sample(KEYS, random.randrange(4))
        return {key: some_value(random, depth - 1) for key in keys}
    return random.choice(ATOMS)


def turned_round(value: Any) -> Any:
    """The same value, its keys set in the other order."""
    if isinstance(value, list):
        return [turned_round(each) for each in value]
    if isinstance(value, dict):
        return {key: turned_round(value[key]) for key in reversed(value)}
    return value


def as_floats(text: str) -> Any:
    """JSON as a reader that has only floats understands it: JavaScript, say."""
    return json.loads(text, parse_int=lambda digits: int(float(digits)))


@graded(points=3, title="There and back", requirement="read(write(value)) is the value")
def test_every_value_comes_back_with_its_type(lab: SerializationLab, sweep: Sweep) -> None:
    for seed in sweep(60):
        value = some_value(Random(f"json/{seed}"))
        data = lab.careful_json.write(value)
        assert repr(lab.careful_json.read(data)) == repr(turned_like(value, data)), data
    assert math.isnan(lab.careful_json.read(lab.careful_json.write(float("nan"))))
    some: list[Any] = [{}, [], "", b"", {"": {}}, [[], {}], {"a": None}]
    for empty in some:
        assert lab.careful_json.read(lab.careful_json.write(empty)) == empty


def turned_like(value: Any, data: bytes) -> Any:
    """The value, its keys in the order of the bytes, which are sorted."""
    if isinstance(value, list):
        return [turned_like(each, data) for each in value]
    if isinstance(value, dict):
        return {key: turned_like(value[key], data) for key in sorted(value)}
    return value


@graded(points=2, title="Numbers that are exact", requirement="RFC 8259, section 6")
def test_a_reader_that_has_only_floats_rounds_nothing(lab: SerializationLab) -> None:
    for number in (2**53 - 1, 2**53, 2**53 + 1, -(2**53) + 1, -(2**53) - 1, 2**64 + 1):
        text = lab.careful_json.write([number]).decode()
        assert as_floats(text) == json.loads(text), f"{text} is rounded by some reader"
        assert lab.careful_json.read(text.encode()) == [number]
    assert lab.careful_json.write([2**53 - 1, 1]) == b"[9007199254740991,1]", (
        "a number if it can be"
    )
    assert lab.careful_json.write(-(2**53)) == b'{"$int":"-9007199254740992"}'
    assert lab.careful_json.write(-(2**53) + 1) == b"-9007199254740991"


@graded(points=2, title="Equal bytes", requirement="RFC 8785's aim: one value, one text")
def test_equal_values_have_equal_bytes_whatever_was_set_first(
    lab: SerializationLab, sweep: Sweep
) -> None:
    for seed in sweep(30):
        value = some_value(Random(f"order/{seed}"))
        data = lab.careful_json.write(value)
        assert data == lab.careful_json.write(turned_round(value))
        assert lab.careful_json.write(lab.careful_json.read(data)) == data
    assert lab.careful_json.write({"b": [1, None], "a": "é"}) == '{"a":"é","b":[1,null]}'.encode()


@graded(points=2, title="Marks", requirement="what JSON lacks is an object with one key")
def test_what_json_lacks_is_marked_and_what_looks_like_a_mark_as_well(
    lab: SerializationLab,
) -> None:
    cases: dict[str, Any] = {
        '{"$bytes":"aGk="}': b"hi",
        '{"$float":"-inf"}': -math.inf,
        '{"$int":"9007199254740992"}': 2**53,
        '{"$object":{"$int":"1"}}': {"$int": "1"},
        '{"$object":{"$object":{"$object":{"$else":{"$bytes":""}}}}}': {"$object": {"$else": b""}},
        '{"$int":"1","b":2}': {"$int": "1", "b": 2},
    }
    for text, value in cases.items():
        assert lab.careful_json.write(value).decode() == text
        assert lab.careful_json.read(text.encode()) == value
        assert lab.value_of(lab.plain_of(value)) == value
    for text in (
        '{"$int":"5"}', '{"$int":"09007199254740993"}', '{"$int":9007199254740993}',
        '{"$float":"1.5"}', '{"$bytes":"a"}', '{"$bytes":null}', '{"$else":1}', '{"$object":[]}',
    ):  # fmt: skip
        with pytest.raises(RemoteProtocolError):
            lab.careful_json.read(text.encode())


@graded(points=2, title="A key twice", requirement="RFC 8259, section 4")
def test_a_key_that_comes_twice_is_refused_wherever_it_stands(lab: SerializationLab) -> None:
    assert lab.careful_json.read(b'{"a":{"b":1},"b":{"b":1}}') == {"a": {"b": 1}, "b": {"b": 1}}
    for text in (
        '{"a":1,"a":1}',
        '{"a":null,"a":0}',
        '[{"x":{"a":1,"b":2,"a":3}}]',
        '{"\\u0061":1,"a":2}',
    ):
        with pytest.raises(RemoteProtocolError, match="'a' came twice"):
            lab.careful_json.read(text.encode())


@graded(points=2, title="What is refused", requirement="readers differ, so nobody reads it")
def test_what_readers_understand_in_different_ways_is_refused_in_a_sentence(
    lab: SerializationLab,
) -> None:
    assert lab.careful_json.read(b' [1.5, "x"] ') == [1.5, "x"], "and what all understand is not"
    for text in ("[NaN]", "[-Infinity]", "[1e999]", "[9007199254740992]", "[-9007199254740992]",
                 "[1,]", "", "{'a':1}", "[1] 2"):  # fmt: skip
        with pytest.raises(RemoteProtocolError) as caught:
            lab.careful_json.read(text.encode())
        assert "\n" not in str(caught.value)
    with pytest.raises(RemoteProtocolError):
        lab.careful_json.read(b'["\xff"]')
    for value in ({1: "a"}, (1, 2), [{1, 2}], bytearray(), ["\ud800"]):
        with pytest.raises(BadInput):
            lab.careful_json.write(value)


@graded(points=2, title="Nesting", requirement="at most 100 deep, in both directions")
def test_what_is_nested_too_deeply_is_refused_before_the_stack_is(lab: SerializationLab) -> None:
    for around in (lambda value: [value], lambda value: {"a": value, "b": 1}):
        value = around(around(1))
        assert lab.plain_of(value, 98) == value, "the innermost is the hundredth"
        assert lab.value_of(value, 98) == value
        with pytest.raises(BadInput, match="nested"):
            lab.plain_of(value, 99)
        with pytest.raises(RemoteProtocolError, match="nested"):
            lab.value_of(value, 99)
    marked = {"$object": {"$else": [1]}}
    assert lab.value_of(marked, 98) == {"$else": [1]}
    with pytest.raises(RemoteProtocolError, match="nested"):
        lab.value_of(marked, 99)
    assert lab.careful_json.read(b"[" * 30 + b"]" * 30) == nested(30)
    for depth in (102, 100_000):
        for begin, end in ((b"[", b"]"), (b'{"a":', b"}")):
            with pytest.raises(RemoteProtocolError, match="nested"):
                lab.careful_json.read(begin * depth + b"1" + end * depth)


def nested(depth: int) -> list[Any]:
    """Lists in lists."""
    return [nested(depth - 1)] if depth > 1 else []
