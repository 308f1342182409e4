"""Protobuf and Avro out of the same dataclasses: every value comes back, and garbage is refused."""

import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.codec import MessagePackCodec, codec_named
from common.codec.named import NAMES
from common.contract import message
from common.contract.schema import Schema
from common.values.errors import ContractError, MissingTool, RemoteProtocolError
from tests.common.codec_values import SCHEMA, VALUES, Delete, Empty, Put, Tree, same

pytest.importorskip("google.protobuf", reason="protobuf is missing: pip install -e '.[codec]'")
pytest.importorskip("fastavro", reason="fastavro is missing: pip install -e '.[codec]'")

from common.codec.avro import AvroCodec  # what they need is there
from common.codec.protobuf import ProtobufCodec

CODECS: list[Any] = [ProtobufCodec(SCHEMA), AvroCodec(SCHEMA)]
BOTH = pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.format.name)


@BOTH
@settings(max_examples=50, deadline=None, database=None)
@given(value=VALUES)
def test_every_value_comes_back_as_it_was(codec: Any, value: object) -> None:
    data = codec.encode(value)
    assert same(codec.decode(data), value)
    assert same(codec.decode(memoryview(data)), value)


@BOTH
@settings(max_examples=50, deadline=None, database=None)
@given(data=st.binary(max_size=40))
def test_garbage_is_refused_in_a_sentence_or_is_a_value(codec: Any, data: bytes) -> None:
    try:
        codec.decode(data)
    except RemoteProtocolError as error:
        refused = str(error)
        assert refused.isprintable()


@BOTH
def test_a_message_that_is_cut_or_of_no_class_is_refused(codec: Any) -> None:
    data = codec.encode(Put("key", b"value"))
    for length in range(1, len(data)):
        try:
            found = codec.decode(data[:length])
        except RemoteProtocolError:
            continue
        assert found is None or isinstance(found, Put), "Protobuf does not see where a field ends"
    known = type(codec)(Schema([Stranger]))
    stranger = known.encode(Stranger(1))
    assert known.decode(stranger) == Stranger(1)
    with pytest.raises(RemoteProtocolError, match="which is not in the schema"):
        codec.decode(stranger)
    with pytest.raises(ContractError, match="takes 2"):
        type(codec)(SCHEMA, 100).encode(Put("k", bytes(200)))
    with pytest.raises(RemoteProtocolError, match="at most 100"):
        type(codec)(SCHEMA, 100).decode(bytes(200))
    with pytest.raises(ContractError, match=r"Put.key is 5"):
        codec.encode(Put(5, b""))  # type: ignore[arg-type]


@BOTH
def test_what_is_nested_deeply_comes_back_or_is_refused(codec: Any) -> None:
    tree = Tree(0)
    for label in range(1, 31):
        tree = Tree(label, (tree,))
    assert codec.decode(codec.encode(tree)) == tree
    value: Any = ()
    for _ in range(2000):
        value = (value,)
    with pytest.raises(ContractError, match="nest"):
        codec.encode(value)


@message
class Stranger:
    """A message that the others do not know, with fields that have been mistaken for something."""

    number: int
    name: str = "name"
    type: str = "type"
    value: tuple[str, ...] = ("value",)


@message
class Old:
    """Yesterday's message."""

    number: int
    text: str = "none"


FIELDS = {"__annotations__": {"number": int, "text": str, "more": int}, "text": "none", "more": 7}
NEW: Any = message(type("Old", (), {**FIELDS, "__module__": __name__}))
"""Today's message of the same name."""


def test_by_protobuf_an_old_reader_and_a_new_one_understand_each_other() -> None:
    old, new = ProtobufCodec(Schema([Old])), ProtobufCodec(Schema([NEW]))
    assert old.decode(new.encode(NEW(1, "x", 2))) == Old(1, "x")
    assert new.decode(old.encode(Old(1, "x"))) == NEW(1, "x", 7), "the default of the class"


def test_they_are_shorter_than_messagepack() -> None:
    value = Tree(1, (Tree(2), Tree(3), Tree(4)))
    packed, *others = (
        len(codec.encode(value)) for codec in (MessagePackCodec(SCHEMA), *reversed(CODECS))
    )
    assert others[0] < others[1] < packed


@pytest.mark.parametrize("name", NAMES)
def test_codecs_are_found_by_name(name: Any) -> None:
    codec = codec_named(name, SCHEMA)
    assert codec.decode(codec.encode(Empty())) == Empty()


@pytest.mark.parametrize("name", NAMES)
def test_what_one_codec_carries_the_others_do_too_whatever_the_bytes(name: Any) -> None:
    codec = codec_named(name, SCHEMA)
    for text in ("\0" * 4_000_000, "\x80" * 2_000_000):
        assert codec.decode(codec.encode(Delete(text))) == Delete(text)
    with pytest.raises(ContractError, match="that one frame may carry"):
        codec.encode(Delete("\0" * 4_200_000))


def test_a_codec_whose_library_is_missing_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "fastavro", None)
    monkeypatch.delitem(sys.modules, "common.codec.avro", raising=False)
    with pytest.raises(MissingTool, match="pip install -e"):
        codec_named("avro", SCHEMA)
