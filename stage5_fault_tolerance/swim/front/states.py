"""What travels over TCP: all that a member knows (push/pull), and a ping where UDP had no answer.

A member that joins, and each one now and then, sends its whole list to another, which answers with
its own: anti-entropy, which makes up for gossip that was lost. The list is a header, one map for
each member, and data of the application above (Serf's clocks), which a member of SWIM passes over.

A list tells of somebody's death only at second hand. So a row that says dead is a suspicion here,
as in memberlist: if the member lives, it can still refute.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import msgpack

from common.contract import NodeId
from common.runtime.refusals import Refused
from stage5_fault_tolerance.swim.front.book import MAX_NAMES
from stage5_fault_tolerance.swim.front.packets import (
    UNREADABLE,
    Fields,
    Kind,
    encrypted,
    kind_of,
    labelled,
    uncompressed,
    without_label,
    write,
)
from stage5_fault_tolerance.swim.front.translate import (
    FIRST_INCARNATION,
    Translator,
    incarnation_of,
    where,
)
from stage5_fault_tolerance.swim.messages import (
    ALIVE,
    DEAD,
    SUSPECT,
    Alive,
    Dead,
    Suspect,
    Update,
    Updates,
)

MAX_STREAM = 4 * 1024 * 1024
"""What one connection may bring, in bytes, and what may become of it when it is uncompressed."""
_CHUNK = 64 * 1024


class State(IntEnum):
    """The states of a member in a list."""

    ALIVE = 0
    SUSPECT = 1
    DEAD = 2
    LEFT = 3


STATES = {ALIVE: State.ALIVE, SUSPECT: State.SUSPECT, DEAD: State.DEAD}
"""What the node's words are in a list. It has none for those that left: it calls them dead."""

TELLER = "Teller"
"""A field of our own in the header: whose list it is. Agents pass over it, and have none: then only
the host of the list's sender is known."""

Row = tuple[NodeId, str, int]
"""Of the answer to ``Members``: name, state, incarnation."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody said at the beginning of a connection.

    Attributes:
        kind: PING or PUSH_PULL.
        fields: of the ping, or of the header of the list.
        updates: what the list says.
    """

    kind: Kind
    fields: Fields
    updates: Updates = ()


class Stream:
    """Reads what a peer says over one connection.

    Args:
        reader: the connection.
        most: so many bytes may come.
    """

    def __init__(self, reader: asyncio.StreamReader, most: int) -> None:
        self._reader = reader
        self._left = most
        self._most = most
        self._unpacker: Any = msgpack.Unpacker(raw=True, strict_map_key=False, max_buffer_size=most)

    async def first(self, label: str) -> Kind:
        """The kind of what comes, behind its label. Raises: Refused."""
        begin = await self._exactly(1)
        if begin[0] == Kind.LABEL:
            length = await self._exactly(1)
            begin += length + await self._exactly(length[0]) + await self._exactly(1)
        return kind_of(without_label(begin, label))

    async def fields(self, kind: Kind) -> Fields:
        """The next map. Raises: Refused, where none comes."""
        while True:
            try:
                return Fields(kind, self._unpacker.unpack())
            except msgpack.OutOfData:
                self._unpacker.feed(await self._more())
            except UNREADABLE:
                raise Refused("garbled", f"it has a {kind.name} that is no MessagePack") from None

    async def skip(self, count: int) -> None:
        """Pass over so many bytes."""
        count -= len(self._unpacker.read_bytes(count))
        while count > 0:
            count -= len(await self._more(count))

    async def _more(self, most: int = _CHUNK) -> bytes:
        if not self._left:
            raise Refused("too_long", f"it sent more than the {self._most} bytes that are allowed")
        data = await self._reader.read(min(most, _CHUNK, self._left))
        if not data:
            raise Refused("cut", "it ended its connection before it had said all")
        self._left -= len(data)
        return data

    async def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            data += await self._more(count - len(data))
        return data


async def read_stream(
    reader: asyncio.StreamReader, translator: Translator, teller: NodeId
) -> Asked:
    """What a peer says first.

    Args:
        reader: the connection.
        translator: for the label, and to learn where members are.
        teller: who is named as the accuser of members that the list says are not alive.

    Raises:
        Refused: it is nothing that we take.
    """
    stream = Stream(reader, MAX_STREAM)
    kind = await stream.first(translator.label)
    if kind is Kind.COMPRESS:
        inner = asyncio.StreamReader()
        inner.feed_data(uncompressed(await stream.fields(kind), MAX_STREAM))
        inner.feed_eof()
        stream = Stream(inner, MAX_STREAM)
        kind = await stream.first("")
    if kind is Kind.ENCRYPT:
        raise encrypted()
    if kind is Kind.PING:
        return Asked(kind, await stream.fields(kind))
    if kind is not Kind.PUSH_PULL:
        raise Refused("garbled", f"it began a connection with {kind.name}")
    header = await stream.fields(kind)
    updates: list[Update] = []
    for _ in range(header.number("Nodes", MAX_NAMES)):
        updates += updates_of(await stream.fields(kind), translator, teller)
    await stream.skip(header.number("UserStateLen", MAX_STREAM))
    return Asked(kind, header, tuple(updates))


def updates_of(row: Fields, translator: Translator, teller: NodeId) -> Updates:
    """What one row of a list says. Raises: Refused, where a field is wrong."""
    member, incarnation = row.name("Name"), incarnation_of(row)
    translator.learn(member, row)
    match row.number("State", State.LEFT):
        case State.ALIVE:
            return (Alive(member, incarnation),)
        case State.LEFT:
            return (Dead(member, incarnation, member),)
        case _:
            return (Suspect(member, incarnation, teller),)


def list_of(rows: Sequence[Row], translator: Translator, *, joins: bool) -> bytes:
    """All that a member knows, as it is sent; those without a known address are left out."""
    told = [(row, place) for row in rows if (place := translator.book[row[0]]) is not None]
    header: Mapping[str, object] = {
        "Nodes": len(told),
        "UserStateLen": 0,
        "Join": joins,
        TELLER: translator.node,
    }
    parts = [write(Kind.PUSH_PULL, header)]
    for (name, state, incarnation), place in told:
        said = {"Name": name, "Incarnation": incarnation + FIRST_INCARNATION}
        row = {**said, "State": int(STATES[state]), **where(place)}
        parts.append(msgpack.packb(row, use_bin_type=False))
    return labelled(b"".join(parts), translator.label)
