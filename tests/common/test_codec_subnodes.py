"""Messages of subnodes on wires: a name in front of what is written as ever."""

import contextlib
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.codec import Codec, JsonCodec, Memory, MessagePackCodec
from common.contract import Inner, InnerKey, InnerTimer, Node, NodeId, message, on, record
from common.contract.schema import Schema
from common.values.errors import ContractError, RemoteProtocolError
from tests.common import codec_values
from tests.common.codec_values import VALUES, Put, same

NAMES = st.text(min_size=1, max_size=300).filter(lambda name: "/" not in name)


@record
class Command:
    """Of any content, so that its bytes are worth keeping."""

    content: object


@message
class Batch:
    """Commands for a log."""

    commands: tuple[Command, ...]


class Within(Node):
    """Takes batches, and carries all kinds of value."""

    carries = (*codec_values.SCHEMA.kinds.values(), *codec_values.SCHEMA.enums.values())

    @on(Batch)
    def batch(self, batch: Batch, sender: NodeId) -> None: ...


class Around(Node):
    subnodes = (Within,)


SCHEMA = Schema.of(Around)
PACK = MessagePackCodec(SCHEMA)
CODECS: list[Codec] = [PACK, JsonCodec(SCHEMA)]


def within(names: list[str], message: object) -> object:
    for name in reversed(names):
        message = Inner(name, message)
    return message


@pytest.mark.parametrize("codec", CODECS, ids=["MessagePack", "JSON"])
@settings(max_examples=100, deadline=None, database=None)
@given(names=st.lists(NAMES, max_size=20), value=VALUES)
def test_a_message_comes_back_under_all_its_names(
    codec: Codec, names: list[str], value: object
) -> None:
    wrapped = within(names, value)
    assert same(codec.decode(codec.encode(wrapped)), wrapped)
    assert same(codec.decode(memoryview(codec.encode(wrapped))), wrapped)


def test_a_name_costs_its_letters_and_one_byte() -> None:
    bare = Put("x", b"1")
    assert len(PACK.encode(Inner("shard", bare))) == len(PACK.encode(bare)) + len("shard") + 1


def test_keys_and_timers_of_subnodes_can_be_written_too() -> None:
    for value in (
        InnerKey("a", InnerKey("b", ("log", 3, b"\x00"))),
        InnerTimer("a", Put("x", b"")),
    ):
        for codec in CODECS:
            assert codec.decode(codec.encode(value)) == value


@pytest.mark.parametrize("names", [[], ["a"], ["a", "b"]])
def test_what_came_to_a_subnode_is_not_encoded_again_when_it_is_saved(names: list[str]) -> None:
    memory = Memory()
    sent = within(names, Batch((Command(Put("x", b"1")),)))
    got: Any = MessagePackCodec(SCHEMA, memory=memory).decode(PACK.encode(sent))
    while isinstance(got, Inner):
        got = got.message
    (command,) = got.commands
    assert memory.find(command) is not None


def test_a_codec_without_subnodes_refuses_their_messages() -> None:
    plain = MessagePackCodec(Schema([Put]))
    with pytest.raises(ContractError, match="cannot encode"):
        plain.encode(Inner("a", Put("x", b"1")))
    with pytest.raises(RemoteProtocolError):
        plain.decode(PACK.encode(Inner("a", Put("x", b"1"))))


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        (["a", "Put", {"key": 3, "value": b""}], r"Inner\.message\.key is 3, expected str"),
        (["a", "Nobody", {}], "'Nobody', expected a class of the schema"),
        (["a", "b", "Put", {"key": "x"}], r"Inner\.message\.message\.value is missing"),
        ([7, "Put", {"key": "x", "value": b""}], "expected an array of the name"),
        (["a", "b", "c"], "expected an array of the name"),
        (["a", 4, "Put", {}], "expected an array of the name"),
    ],
)
def test_what_a_stranger_writes_as_a_subnodes_message_is_told_exactly(
    parts: list[Any], why: str
) -> None:
    with pytest.raises(RemoteProtocolError, match=why):
        PACK.decode(msgspec.msgpack.encode(parts))


@settings(max_examples=300, deadline=None, database=None)
@given(data=st.binary(max_size=60), parts=st.integers(0x91, 0x9F))
def test_no_bytes_do_more_than_be_refused(data: bytes, parts: int) -> None:
    with contextlib.suppress(RemoteProtocolError):
        PACK.decode(bytes([parts]) + data)
