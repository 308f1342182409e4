"""How a client has sent a statement, and what it is answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from common.values.history import Failed, Ok, Outcome
from stage3_partitioning.cassandra.front.syntax import Term
from stage3_partitioning.cassandra.front.types import Type
from stage3_partitioning.cassandra.front.wire import (
    INVALID,
    PROTOCOL_ERROR,
    WRITE_TIMEOUT,
    CqlError,
    int32,
    short,
    string,
)
from stage3_partitioning.cassandra.replica import ALL, ONE, QUORUM

LEVELS = {1: ONE, 4: QUORUM, 5: ALL, 6: QUORUM, 7: QUORUM, 10: ONE}
"""Consistency levels by their codes. There is one data centre: LOCAL_ONE is ONE, and so on."""
OTHER_LEVELS = {0: "ANY", 2: "TWO", 3: "THREE"}
SERIAL = (8, 9)


@dataclass(frozen=True, slots=True)
class Void:
    """It is done."""


@dataclass(frozen=True, slots=True)
class UsedKeyspace:
    """This connection uses another keyspace."""

    keyspace: str


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """A keyspace, or a table of one, is ``CREATED``; a table is ``DROPPED``."""

    change: str
    keyspace: str
    table: str = ""


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows: the texts of their columns.

    Attributes:
        name: keyspace and table.
        columns: their types, by name.
        rows: the texts.
        next_page: where the next page begins; None where this is the last one.
    """

    name: tuple[str, str]
    columns: Mapping[str, Type]
    rows: Sequence[Sequence[str | None]] = ()
    next_page: "Place | None" = None


@dataclass(frozen=True, slots=True)
class Place:
    """A place in what a SELECT finds, which a client gets and brings back with its next request.

    Attributes:
        shown: how many rows have been on the pages before.
        row: the name of the last one.
    """

    shown: int
    row: str

    def write(self) -> bytes:
        """As a client gets it."""
        return f"{self.shown}:{self.row}".encode()

    @classmethod
    def read(cls, data: bytes) -> "Place":
        """As a client brings it. Raises: CqlError, where this is none."""
        shown, colon, row = data.decode("utf-8", "replace").partition(":")
        if not (shown.isascii() and shown.isdecimal() and len(shown) < 10 and colon):
            raise CqlError(PROTOCOL_ERROR, "this paging state was not given by this server")
        return cls(int(shown), row)


Answer: TypeAlias = Void | UsedKeyspace | SchemaChange | Rows


@dataclass(frozen=True, slots=True)
class Asked:
    """How a client has sent a statement.

    Attributes:
        keyspace: that its connection uses.
        level: the code of the consistency level.
        timestamp: of its writes; 0 for the coordinator's clock.
        bound: the values of its markers, as bytes.
        page: how many rows at the most a page has; 0 for all of them.
        place: where the page begins; None for the beginning.
    """

    keyspace: str
    level: int = 1
    timestamp: int = 0
    bound: tuple[bytes | None, ...] = ()
    page: int = 0
    place: Place | None = None

    def text(self, term: Term, kind: Type) -> str | None:
        """A term as a text of this type."""
        if term.kind == "?":
            if term.marker >= len(self.bound):
                raise CqlError(
                    INVALID, f"{len(self.bound)} values are bound, and there are more markers"
                )
            return kind.bound(self.bound[term.marker])
        return None if term.kind == "null" else kind.literal(term.kind, term.words)

    def number(self, term: Term | None, kind: Type) -> int | None:
        """A term as a number."""
        text = None if term is None else self.text(term, kind)
        return None if text is None else int(text)

    @property
    def named_level(self) -> str:
        """The level as the node knows it."""
        if self.level in LEVELS:
            return LEVELS[self.level]
        if self.level in OTHER_LEVELS:
            name = OTHER_LEVELS[self.level]
            raise CqlError(INVALID, f"{name} is not supported: say ONE, QUORUM or ALL")
        if self.level in SERIAL:
            raise CqlError(INVALID, "SERIAL is for reads of one row, and for what says IF")
        raise CqlError(PROTOCOL_ERROR, f"there is no consistency level with the code {self.level}")


def too_few(outcome: Outcome, code: int, level: int, kind: str = "") -> CqlError:
    """The node's word that it cannot say yes, in the protocol's form."""
    assert not isinstance(outcome, Ok)
    counts = short(level) + int32(0) + int32(1)
    if code == WRITE_TIMEOUT and isinstance(outcome, Failed):
        return CqlError(INVALID, f"nothing was written: {outcome.reason}")
    more = counts + (string(kind) if code == WRITE_TIMEOUT else b"\0")
    return CqlError(code, f"{outcome.reason}", more)
