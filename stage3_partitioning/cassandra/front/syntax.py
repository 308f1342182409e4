"""What statements of CQL say, once they are read: a class for each kind."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Term:
    """A value in a statement: a literal, null (kind ``null``), or a marker (kind ``?``)."""

    kind: str
    words: str
    marker: int = -1


Name: TypeAlias = tuple[str, str]
"""Keyspace and table; the keyspace is "" where the statement leaves it out."""


@dataclass(frozen=True, slots=True)
class Relation:
    """``column = term``, or with another comparison."""

    column: str
    sign: str
    term: Term


@dataclass(frozen=True, slots=True)
class Use:
    """USE keyspace."""

    keyspace: str


@dataclass(frozen=True, slots=True)
class CreateKeyspace:
    """CREATE KEYSPACE."""

    keyspace: str
    replication: dict[str, str]
    if_not_exists: bool


@dataclass(frozen=True, slots=True)
class CreateTable:
    """CREATE TABLE."""

    name: Name
    columns: dict[str, str]
    partition: tuple[str, ...]
    clustering: tuple[str, ...]
    if_not_exists: bool


@dataclass(frozen=True, slots=True)
class Change:
    """INSERT, UPDATE or DELETE.

    Attributes:
        verb: which of the three.
        name: the table.
        where: what the columns of the primary key are.
        values: what is written; of an INSERT the primary key, too.
        deleted: of a DELETE, which columns; none for the row.
        condition: ``""``, ``not exists``, ``exists``, or ``columns``.
        expected: for ``columns``: what they must hold.
        timestamp: of USING TIMESTAMP.
    """

    verb: str
    name: Name
    where: tuple[Relation, ...] = ()
    values: tuple[tuple[str, Term], ...] = ()
    deleted: tuple[str, ...] = ()
    condition: str = ""
    expected: tuple[Relation, ...] = ()
    timestamp: Term | None = None


@dataclass(frozen=True, slots=True)
class Select:
    """SELECT; no columns are all columns."""

    name: Name
    columns: tuple[str, ...]
    where: tuple[Relation, ...]
    limit: Term | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Several changes of one partition, as one write.

    Attributes:
        changes: in the order in which they are said.
        timestamp: of USING TIMESTAMP.
    """

    changes: tuple[Change, ...]
    timestamp: Term | None = None


@dataclass(frozen=True, slots=True)
class DropTable:
    """DROP TABLE."""

    name: Name
    if_exists: bool


@dataclass(frozen=True, slots=True)
class Truncate:
    """TRUNCATE: all rows of a table go, and the table stays."""

    name: Name


Statement: TypeAlias = (
    Use | CreateKeyspace | CreateTable | DropTable | Truncate | Change | Batch | Select
)
