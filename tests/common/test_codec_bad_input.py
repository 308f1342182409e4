"""Whatever a stranger sends, a codec answers with a value of the schema or one clear sentence."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from common.codec import Codec, JsonCodec, MessagePackCodec
from common.values.errors import ContractError, RemoteProtocolError
from tests.common.codec_values import CODECS, SCHEMA, VALUES, same

JSON, MESSAGEPACK = JsonCodec(SCHEMA), MessagePackCodec(SCHEMA)

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False)
    | st.text(max_size=3) | st.sampled_from(["Put", "Hard", "type", "bytes", "int", "LEADER"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["type", "key", "value", "bytes", "int", "float", "enum", "x"]), inner,
        max_size=3,
    ),
    max_leaves=8,
)  # fmt: skip


def understand(codec: Codec, data: bytes) -> object:
    """Decode; the only other way out is one sentence of moderate length."""
    try:
        return codec.decode(data)
    except RemoteProtocolError as error:
        text = str(error)
        assert text
        assert "\n" not in text
        assert len(text) < 1000
        return None


by_codec = pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.format.name)
bounded = settings(max_examples=400, deadline=None, database=None)


@by_codec
@bounded
@given(data=st.binary(max_size=200))
@example(data=b"")
@example(data=b"\x92")
@example(data=b"\xdd\xff\xff\xff\xff")
@example(data=b"\x91" * 100_000)
@example(data=b"[" * 100_000)
@example(data=b'{"value":' + b"9" * 5000 + b"}")
@example(data=b"\x92\xc0\xd6\xff\x00\x00\x00\x01")  # a timestamp, which is none of our types
@example(data=b"\x92\xc0\x81\x90\x01")  # a map whose key is a list
def test_random_bytes_raise_nothing_but_remote_protocol_error(codec: Codec, data: bytes) -> None:
    understand(codec, data)


@by_codec
@bounded
@given(value=VALUES, random=st.randoms(use_true_random=False))
def test_damaged_messages_raise_nothing_but_remote_protocol_error(
    codec: Codec, value: object, random: Any
) -> None:
    data = bytearray(codec.encode(value))
    place = random.randrange(len(data))
    understand(codec, bytes(data[:place]))
    data[place] = random.randrange(256)
    understand(codec, bytes(data))
    understand(codec, bytes(data) + b"\x00")


@by_codec
@bounded
@given(name=st.sampled_from([*SCHEMA.kinds, "Stranger"]), fields=st.dictionaries(st.text(), PLAIN))
def test_what_is_understood_at_all_can_be_said_again(
    codec: Any, name: str, fields: dict[str, object]
) -> None:
    kind = SCHEMA.kinds.get(name)
    names = kind.__match_args__ if kind else ()  # type: ignore[attr-defined]
    body = dict(zip(names, fields.values(), strict=False))
    value = understand(codec, codec._write_record(name, body))
    if value is not None:
        assert same(codec.decode(codec.encode(value)), value)


@by_codec
@bounded
@given(data=st.data())
def test_the_short_way_accepts_nothing_that_the_long_way_refuses(codec: Any, data: Any) -> None:
    plan = data.draw(st.sampled_from([plan for plan in codec._by_name.values() if plan.native]))
    body = {key: data.draw(PLAIN) for key in plan.shape.keys}
    message = codec._write_record(plan.name, body)
    assert understand(codec, message) == _long_way(codec, message)


def _long_way(codec: Any, message: bytes) -> object:
    try:
        return codec._decode_shape(message)
    except RemoteProtocolError:
        return None


@pytest.mark.parametrize(
    ("plain", "sentence"),
    [
        ({"type": "Stranger"}, "'Stranger' came, which is not in the schema: it has Empty, "),
        ({"type": "Put"}, r"Put\.key is missing, expected str"),
        ({"type": "Put", "key": 5, "value": ""}, r"Put\.key is 5, expected str"),
        ({"type": "Put", "key": "", "value": "?"}, r"Put\.value is '\?', expected bytes as base64"),
        ({"type": "Tree", "label": 1.0}, r"Tree\.label is 1\.0, expected int"),
        ({"type": "Tree", "label": True}, r"Tree\.label is True, expected int"),
        ({"type": "Tree", "label": "1"}, r"Tree\.label is '1', expected int"),
        (
            {"type": "Tree", "label": 1, "children": [{"label": 2}, {"label": None}]},
            r"Tree\.children\[1\]\.label is None, expected int",
        ),
        ({"type": "Ask", "command": {"type": "Nobody"}}, r"Ask\.command\.type is 'Nobody'"),
        ({"type": "Ask", "command": {"key": 1}}, r"Ask\.command is \{'key': 1\}, expected a plain"),
        ({"type": "Ask", "command": {"enum": "Role.KING"}}, "a member of an enum of the schema"),
        ({"type": "Ask", "command": {"int": "1" * 1300}}, r"Ask\.command is \{'int': '1111"),
        ({"type": "Partition", "at": 1, "groups": [["a"], "b"]}, r"groups\[1\] is 'b'"),
        (5, "the message is 5, expected an"),
    ],
)
def test_the_sentence_names_the_field_and_what_was_expected(plain: Any, sentence: str) -> None:
    with pytest.raises(RemoteProtocolError, match=sentence):
        JSON.decode(json.dumps(plain).encode())
    if isinstance(plain, dict) and "base64" not in sentence:
        fields = {name: value for name, value in plain.items() if name != "type"}
        packed = msgspec.msgpack.encode((plain["type"], fields))
        with pytest.raises(RemoteProtocolError, match=sentence):
            MESSAGEPACK.decode(packed)


@by_codec
def test_bytes_after_the_message_are_refused(codec: Codec) -> None:
    data = codec.encode((1, 2))
    with pytest.raises(RemoteProtocolError, match="trailing characters"):
        codec.decode(data + data)


def test_a_class_that_refuses_its_own_fields_is_a_remote_fault() -> None:
    from common.contract import record
    from common.contract.schema import Schema

    @record
    class Positive:
        number: int

        def __post_init__(self) -> None:
            if self.number < 1:
                raise ContractError("number is below 1")

    codec = MessagePackCodec(Schema([Positive]))
    data = codec.encode(Positive(1)).replace(b"\x01", b"\x00")
    with pytest.raises(RemoteProtocolError, match="number is below 1"):
        codec.decode(data)
