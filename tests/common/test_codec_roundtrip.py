"""decode(encode(value)) == value, types included, for every codec and every kind of field."""

import math
from typing import Any

import pytest
from hypothesis import given, settings

from common.codec import Codec, JsonCodec, MessagePackCodec
from common.codec.plain import MAX_DEPTH, MAX_INTEGER_BITS
from common.contract import Node, NodeId, Numbered, on, record
from common.contract.schema import Schema
from common.values.errors import ContractError, RemoteProtocolError
from common.values.faults import Partition
from tests.common.codec_values import (
    CODECS,
    FLATS,
    NESTED,
    SCHEMA,
    VALUES,
    Ask,
    Delete,
    Empty,
    Hard,
    Level,
    Nested,
    Put,
    Role,
    Tick,
    Tree,
    same,
)


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.format.name)
@settings(max_examples=300, deadline=None, database=None)
@given(value=VALUES)
def test_every_value_comes_back_as_it_was(codec: Codec, value: object) -> None:
    data = codec.encode(value)
    assert same(codec.decode(data), value)
    assert same(codec.decode(memoryview(data)), value)
    assert same(codec.decode(memoryview(bytearray(data))), value)


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.format.name)
@settings(max_examples=200, deadline=None, database=None)
@given(value=FLATS | NESTED)
def test_the_short_way_and_the_long_way_write_the_same_bytes(codec: Any, value: object) -> None:
    plan = codec._plans[type(value)]
    assert plan.native
    assert codec.encode(value) == codec._encode_shape(plan, value)
    assert same(codec._decode_shape(codec.encode(value)), value)


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.format.name)
def test_floats_that_are_no_numbers_come_back(codec: Codec) -> None:
    for value in (math.inf, -math.inf, -0.0):
        assert same(codec.decode(codec.encode((value,))), (value,))
    back = codec.decode(codec.encode(math.nan))
    assert isinstance(back, float)
    assert math.isnan(back)


def test_json_is_readable() -> None:
    codec = JsonCodec(SCHEMA)
    assert codec.encode(Delete("x")) == b'{"type":"Delete","key":"x"}'
    assert codec.encode(Ask(Put("x", b"hi"))) == (
        b'{"type":"Ask","command":{"type":"Put","key":"x","value":"aGk="}}'
    )
    assert codec.encode(Empty()) == b'{"type":"Empty"}'
    assert codec.encode((1, b"hi")) == b'{"value":[1,{"bytes":"aGk="}]}'


def test_json_may_be_written_by_hand() -> None:
    codec = JsonCodec(SCHEMA)
    assert codec.decode(b' {\n "key" : "x", "type": "Delete" }\n') == Delete("x")
    assert codec.decode(b'{"type": "Nested", "pair": ["a", 1], "items": [], "grid": [[]]}') == (
        Nested(("a", 1), (), ((),))
    )


def test_messagepack_is_the_name_and_the_fields() -> None:
    assert MessagePackCodec(SCHEMA).encode(Delete("x")) == b"\x92\xa6Delete\x81\xa3key\xa1x"


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.format.name)
def test_an_integer_in_a_float_field_becomes_the_float_that_it_is(codec: Codec) -> None:
    @record
    class Weight:
        grams: float

    codec = type(codec)(Schema([Weight]))  # type: ignore[call-arg]
    assert same(codec.decode(codec.encode(Weight(2))), Weight(2.0))
    with pytest.raises(ContractError, match=r"Weight\.grams is 9007199254740993, expected float"):
        codec.encode(Weight(2**53 + 1))


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.format.name)
def test_an_old_reader_passes_over_new_fields_and_a_new_one_fills_in_old_ones(codec: Any) -> None:
    @record
    class Old:
        key: str

    @record
    class New:
        key: str
        version: int = 7

    old_name, new_name = Schema([Old]), Schema([New])
    old, new = type(codec)(old_name), type(codec)(new_name)
    renamed = new.encode(New("x", 8)).replace(b"New", b"Old")
    assert old.decode(renamed) == Old("x")
    assert new.decode(old.encode(Old("x")).replace(b"Old", b"New")) == New("x", 7)


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.format.name)
@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (Put("x", "text"), r"Put\.value is 'text', expected bytes"),  # type: ignore[arg-type]
        (Nested(("a", 1), (Put("x", b""), 5), ()), r"Nested\.items\[1\] is 5, expected Put"),  # type: ignore[arg-type]
        (Nested(("a", True), (), ()), r"Nested\.pair\[1\] is True, expected int"),
        (Nested(("a",), (), ()), r"Nested\.pair is \('a',\), expected a tuple of 2"),  # type: ignore[arg-type]
        (Tick(Tree(1, (Tree(2, [3]),))), r"Tick\.tree\.children\[0\]\.children is \[3\]"),  # type: ignore[arg-type]
        (Ask([1]), r"Ask\.command is \[1\], expected a plain value or a class of the schema"),
        ((1, ({},)), r"tuple\[1\]\[0\] is \{\}"),
        (2 ** (MAX_INTEGER_BITS + 1), "an integer of at most 4096 bits"),
        ("\ud800", "surrogates not allowed"),
        (object, "is <class 'object'>"),
    ],
)
def test_a_value_that_is_not_what_its_class_says_is_the_senders_fault(
    codec: Codec, value: object, sentence: str
) -> None:
    with pytest.raises(ContractError, match=sentence):
        codec.encode(value)


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.format.name)
def test_nesting_is_bounded_alike_on_both_sides(codec: Codec) -> None:
    deep: object = ()
    for _ in range(MAX_DEPTH):
        deep = (deep,)
    assert codec.decode(codec.encode(deep)) == deep
    with pytest.raises(ContractError, match="at most 100 levels of nesting"):
        codec.encode((deep,))


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.format.name)
def test_what_is_too_large_for_a_frame_is_refused_on_both_sides(codec: Any) -> None:
    small = type(codec)(SCHEMA, max_size=100)
    large = codec.encode(Delete("x" * 100))
    with pytest.raises(ContractError, match="more than the 100 that one frame may carry"):
        small.encode(Delete("x" * 100))
    with pytest.raises(RemoteProtocolError, match="at most 100 are allowed"):
        small.decode(large)


def test_the_schema_of_a_node_is_all_that_its_file_can_name() -> None:
    class Server(Node):
        @on(Ask)
        def asked(self, ask: Ask, call: int) -> None:
            self.note(str((ask, call)))

    schema = Schema.of(Server)
    assert {Ask, Put, Tree, Hard, Tick, Numbered, Role, Level} <= {
        *schema.kinds.values(),
        *schema.enums.values(),
    }
    assert Put in schema
    assert Partition not in schema
    assert Partition in schema | [Partition]
    assert schema.name_of(Put) == "Put"
    assert schema.name_of(NodeId) is None


def test_a_class_that_can_change_is_refused() -> None:
    class Plain:
        pass

    with pytest.raises(ContractError, match="Plain cannot cross a wire: declare it with @message"):
        Schema([Plain])
