"""What is sent to several nodes and saved too is encoded once, and comes out as ever."""

import msgspec
import pytest

from common.codec import Memory, MessagePackCodec
from common.contract import message, record
from common.contract.schema import Schema
from common.values.errors import RemoteProtocolError


@record
class Line:
    """A part that is worth remembering: a value of any type in a record in a row."""

    number: int
    content: object


@record
class Word:
    """What a line may hold."""

    text: str


@message
class Page:
    """A message with a row of lines."""

    lines: tuple[Line, ...]


SCHEMA = Schema([Page, Line, Word])
PAGE = Page((Line(1, Word("a")), Line(2, ("b", None, Word("c"))), Line(3, b"d")))


def test_values_that_were_sent_or_received_are_written_as_by_a_codec_that_never_saw_them() -> None:
    memory = Memory()
    wire, disk = MessagePackCodec(SCHEMA, memory=memory), MessagePackCodec(SCHEMA, memory=memory)
    fresh = MessagePackCodec(SCHEMA)
    data = wire.encode(PAGE)
    assert wire.encode(PAGE) == data == fresh.encode(PAGE)
    received = wire.decode(data)
    assert received == PAGE
    assert isinstance(received, Page)
    assert wire.encode(received) == data
    for line in (*PAGE.lines, *received.lines):
        assert memory.find(line) is not None, "it is remembered"
        assert disk.encode(line) == fresh.encode(line)
        assert disk.decode(disk.encode(line)) == line


def test_an_equal_value_that_is_another_is_not_taken_for_it() -> None:
    memory = Memory()
    codec = MessagePackCodec(SCHEMA, memory=memory)
    codec.encode(PAGE)
    assert memory.find(Line(1, Word("a"))) is None
    changed = Page((Line(1, Word("z")), *PAGE.lines[1:]))
    assert codec.decode(codec.encode(changed)) == changed


def test_a_memory_forgets_what_it_has_held_longest() -> None:
    memory = Memory(most_bytes=100)
    lines = [Line(number, None) for number in range(20)]
    for line in lines:
        memory.keep(line, b"x" * 10)
    assert [memory.find(line) is not None for line in lines] == [False] * 10 + [True] * 10
    memory.keep(lines[-1], b"y" * 95)
    assert memory.find(lines[-1]) == b"y" * 95
    assert memory.find(lines[-2]) is None


@pytest.mark.parametrize("damage", [b"\xc1", b"\x81\xa6number\x01", b""])
def test_a_damaged_part_of_a_message_is_refused_with_a_sentence(damage: bytes) -> None:
    whole = msgspec.msgpack.encode(("Page", {"lines": [msgspec.Raw(damage)]}))
    with pytest.raises(RemoteProtocolError):
        MessagePackCodec(SCHEMA).decode(whole)
