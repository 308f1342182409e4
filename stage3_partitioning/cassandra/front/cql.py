"""Statements of CQL: the few that this server understands, read by hand, one function for each.

An error says line and column, what was expected, and what is there.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from stage3_partitioning.cassandra.front.syntax import (
    Batch,
    Change,
    CreateKeyspace,
    CreateTable,
    DropTable,
    Name,
    Relation,
    Select,
    Statement,
    Term,
    Truncate,
    Use,
)
from stage3_partitioning.cassandra.front.tokens import END, Token, tokens_of
from stage3_partitioning.cassandra.front.types import BLOB, NUMBER, OF_COLUMNS, TEXT, UUID_, WORD

T = TypeVar("T")
MOST_MARKERS = 1000


@dataclass(slots=True)
class Reader:
    """Reads tokens from left to right."""

    tokens: list[Token]
    at: int = 0
    markers: int = field(default=0)

    @property
    def next(self) -> Token:
        """The token that comes next."""
        return self.tokens[self.at]

    def take(self) -> Token:
        """Go one token on."""
        token = self.next
        self.at += token.kind != END
        return token

    def has(self, *words: str) -> bool:
        """Go on over these words or signs, if they are there."""
        ahead = self.tokens[self.at : self.at + len(words)]
        there = [each.words for each in ahead if each.kind in ("word", "sign")] == list(words)
        self.at += len(words) if there else 0
        return there

    def must(self, *words: str) -> None:
        """Go on over words or signs that must be there."""
        for word in words:
            if not self.has(word):
                self.next.fail(f"{word.upper()!r} is expected, not {self.next.words!r}")

    def name(self) -> str:
        """A name."""
        if self.next.kind != "word":
            self.next.fail(f"a name is expected, not {self.next.words!r}")
        return self.take().words

    def table(self) -> Name:
        """The name of a table."""
        first = self.name()
        return (first, self.name()) if self.has(".") else ("", first)

    def term(self) -> Term:
        """A value."""
        if self.has("?"):
            if self.markers == MOST_MARKERS:
                self.next.fail(f"a statement has at most {MOST_MARKERS} markers")
            self.markers += 1
            return Term("?", "?", self.markers - 1)
        token = self.take()
        if token.kind == "word" and token.words == "null":
            return Term("null", "null")
        if token.kind not in (TEXT, NUMBER, WORD, BLOB, UUID_):
            token.fail(f"a value is expected, not {token.words!r}")
        return Term(token.kind, token.words)

    def listed(self, each: Callable[[], T], by: str = ",") -> tuple[T, ...]:
        """Several of a kind, with a word or sign between."""
        found = [each()]
        while self.has(by):
            found.append(each())
        return tuple(found)

    def relation(self) -> Relation:
        """``column = value``."""
        column, token = self.name(), self.take()
        if token.words not in ("=", "<", "<=", ">", ">="):
            token.fail(f"a comparison is expected, not {token.words!r}")
        return Relation(column, token.words, self.term())


def parse(cql: str) -> tuple[Statement, int]:
    """The statement, and how many markers it has.

    Raises:
        CqlError: it is none that this server understands.
    """
    reader = Reader(tokens_of(cql))
    first = reader.take()
    known = VERBS.get(first.words) if first.kind == "word" else None
    if known is None:
        verbs = ", ".join(VERBS).upper()
        first.fail(f"no statement that is known here begins with {first.words!r}: {verbs} do")
    statement = known(reader)
    reader.has(";")
    if reader.next.kind != END:
        reader.next.fail(f"the statement should end here, not go on with {reader.next.words!r}")
    return statement, reader.markers


def _use(reader: Reader) -> Use:
    return Use(reader.name())


def _create(reader: Reader) -> Statement:
    if reader.has("keyspace"):
        return _create_keyspace(reader)
    if reader.has("table"):
        return _create_table(reader)
    return reader.next.fail(f"KEYSPACE or TABLE is expected, not {reader.next.words!r}")


def _create_keyspace(reader: Reader) -> CreateKeyspace:
    softly = reader.has("if", "not", "exists")
    keyspace = reader.name()
    reader.must("with", "replication", "=", "{")
    pairs = reader.listed(lambda: _pair(reader))
    reader.must("}")
    if reader.has("and"):
        reader.must("durable_writes", "=", "true")
    return CreateKeyspace(keyspace, dict(pairs), softly)


def _pair(reader: Reader) -> tuple[str, str]:
    name = reader.term().words
    reader.must(":")
    return name, reader.term().words


def _create_table(reader: Reader) -> CreateTable:
    softly = reader.has("if", "not", "exists")
    name, columns = reader.table(), {}
    partition: tuple[str, ...] = ()
    clustering: tuple[str, ...] = ()
    reader.must("(")
    begin = reader.next
    while True:
        token = reader.next
        if reader.has("primary", "key"):
            reader.must("(")
            if reader.has("("):
                partition = reader.listed(reader.name)
                reader.must(")")
            else:
                partition = (reader.name(),)
            clustering = reader.listed(reader.name) if reader.has(",") else ()
            reader.must(")")
        else:
            column = reader.name()
            kind = reader.take()
            if kind.words not in OF_COLUMNS:
                kind.fail(f"there is no type {kind.words!r} here: {', '.join(OF_COLUMNS)}")
            if column in columns:
                token.fail(f"the column {column} is there twice")
            columns[column] = kind.words
            if reader.has("primary", "key"):
                partition = (column,)
        if not reader.has(","):
            break
    reader.must(")")
    keys = (*partition, *clustering)
    if not partition or len(set(keys)) < len(keys) or not set(keys) <= set(columns):
        begin.fail("a table needs one PRIMARY KEY, of columns that it has, each once")
    return CreateTable(name, columns, partition, clustering, softly)


def _drop(reader: Reader) -> DropTable:
    reader.must("table")
    softly = reader.has("if", "exists")
    return DropTable(reader.table(), softly)


def _truncate(reader: Reader) -> Truncate:
    reader.has("table")
    return Truncate(reader.table())


def _timestamp(reader: Reader) -> Term | None:
    if not reader.has("using"):
        return None
    reader.must("timestamp")
    return reader.term()


def _insert(reader: Reader) -> Change:
    reader.must("into")
    name = reader.table()
    reader.must("(")
    columns = reader.listed(reader.name)
    reader.must(")", "values", "(")
    begin = reader.next
    terms = reader.listed(reader.term)
    reader.must(")")
    if len(columns) != len(terms) or len(set(columns)) < len(columns):
        begin.fail(f"{len(terms)} values are for {len(columns)} columns, each of which is once")
    condition = "not exists" if reader.has("if", "not", "exists") else ""
    values = tuple(zip(columns, terms, strict=True))
    timestamp = _timestamp(reader)
    return Change("insert", name, values=values, condition=condition, timestamp=timestamp)


def _assignment(reader: Reader) -> tuple[str, Term]:
    column = reader.name()
    reader.must("=")
    return column, reader.term()


def _condition(reader: Reader) -> tuple[str, tuple[Relation, ...]]:
    if not reader.has("if"):
        return "", ()
    if reader.has("exists"):
        return "exists", ()
    return "columns", reader.listed(reader.relation, "and")


def _update(reader: Reader) -> Change:
    name, timestamp = reader.table(), _timestamp(reader)
    reader.must("set")
    values = reader.listed(lambda: _assignment(reader))
    reader.must("where")
    where = reader.listed(reader.relation, "and")
    condition, expected = _condition(reader)
    return Change("update", name, where, values, (), condition, expected, timestamp)


def _delete(reader: Reader) -> Change:
    deleted = () if reader.has("from") else reader.listed(reader.name)
    if deleted:
        reader.must("from")
    name, timestamp = reader.table(), _timestamp(reader)
    reader.must("where")
    where = reader.listed(reader.relation, "and")
    condition, expected = _condition(reader)
    return Change("delete", name, where, (), deleted, condition, expected, timestamp)


def _batch(reader: Reader) -> Batch:
    if not reader.has("unlogged"):
        reader.has("logged")
    reader.must("batch")
    timestamp, changes = _timestamp(reader), list[Change]()
    while not reader.has("apply", "batch"):
        token = reader.take()
        known = CHANGES.get(token.words) if token.kind == "word" else None
        if known is None:
            token.fail(f"INSERT, UPDATE, DELETE or APPLY BATCH is expected, not {token.words!r}")
        changes.append(known(reader))
        reader.has(";")
    return Batch(tuple(changes), timestamp)


def _select(reader: Reader) -> Select:
    columns = () if reader.has("*") else reader.listed(reader.name)
    reader.must("from")
    name = reader.table()
    where = reader.listed(reader.relation, "and") if reader.has("where") else ()
    limit = reader.term() if reader.has("limit") else None
    reader.has("allow", "filtering")
    return Select(name, columns, where, limit)


CHANGES: dict[str, Callable[[Reader], Change]] = {
    "insert": _insert,
    "update": _update,
    "delete": _delete,
}

VERBS: dict[str, Callable[[Reader], Statement]] = {
    "use": _use,
    "create": _create,
    "drop": _drop,
    "truncate": _truncate,
    **CHANGES,
    "begin": _batch,
    "select": _select,
}
"""By their first word, who reads them."""
