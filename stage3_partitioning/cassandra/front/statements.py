"""A statement as operations of the node, and what the node says as an answer.

Nothing is decided here. A row is some cells of a partition: one for each column that is in no key,
and one that says that the row is there, though all its columns may hold nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from common.runtime.facade import Door
from common.values.history import Failed, Ok, Outcome
from stage3_partitioning.cassandra.front.cql import (
    Change,
    CreateKeyspace,
    CreateTable,
    Relation,
    Select,
    Statement,
    Term,
    Use,
)
from stage3_partitioning.cassandra.front.schema import EXISTS, Schema, Table, already_there
from stage3_partitioning.cassandra.front.system import COLUMNS, Row, System
from stage3_partitioning.cassandra.front.types import TYPES, Type
from stage3_partitioning.cassandra.front.wire import (
    INVALID,
    PROTOCOL_ERROR,
    READ_TIMEOUT,
    WRITE_TIMEOUT,
    CqlError,
    int32,
    short,
    string,
)
from stage3_partitioning.cassandra.replica import ALL, ONE, QUORUM, Get, Put, PutIf, Shown, Value

LEVELS = {1: ONE, 4: QUORUM, 5: ALL, 6: QUORUM, 7: QUORUM, 10: ONE}
"""Consistency levels by their codes. There is one data centre: LOCAL_ONE is ONE, and so on."""
OTHER_LEVELS = {0: "ANY", 2: "TWO", 3: "THREE"}
SERIAL = (8, 9)

BIGINT, INT, BOOLEAN = TYPES["bigint"], TYPES["int"], TYPES["boolean"]
APPLIED = "[applied]"


@dataclass(frozen=True, slots=True)
class Void:
    """It is done."""


@dataclass(frozen=True, slots=True)
class UsedKeyspace:
    """This connection uses another keyspace."""

    keyspace: str


@dataclass(frozen=True, slots=True)
class Created:
    """A keyspace, or a table of one."""

    keyspace: str
    table: str = ""


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows: the texts of their columns."""

    name: tuple[str, str]
    columns: Mapping[str, Type]
    rows: Sequence[Sequence[str | None]] = ()


Answer: TypeAlias = Void | UsedKeyspace | Created | Rows


@dataclass(frozen=True, slots=True)
class Asked:
    """How a client has sent a statement.

    Attributes:
        keyspace: that its connection uses.
        level: the code of the consistency level.
        timestamp: of its writes; 0 for the coordinator's clock.
        bound: the values of its markers, as bytes.
    """

    keyspace: str
    level: int = 1
    timestamp: int = 0
    bound: tuple[bytes | None, ...] = ()

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


class Statements:
    """Carries out statements.

    Args:
        door: to the node.
        schema, system: what is known of tables.
    """

    def __init__(self, door: Door, schema: Schema, system: System) -> None:
        self._door = door
        self.schema = schema
        self._system = system

    async def carry_out(self, statement: Statement, asked: Asked) -> Answer:
        """Carry out a statement.

        Raises:
            CqlError: it cannot be, or too few replicas have answered.
        """
        match statement:
            case Use(keyspace):
                return UsedKeyspace(await self.schema.keyspace(keyspace))
            case CreateKeyspace(keyspace, replication, softly):
                made = await self.schema.create_keyspace(keyspace, replication)
                return self._created(made, softly, keyspace)
            case CreateTable(name, columns, partition, clustering, softly):
                full = name[0] or asked.keyspace, name[1]
                made = await self.schema.create_table(full, columns, (partition, clustering))
                return self._created(made, softly, *full)
            case Select():
                return await self._select(statement, asked)
        return await self._change(statement, asked)

    def _created(self, made: bool, softly: bool, keyspace: str, table: str = "") -> Answer:
        if not made and not softly:
            raise already_there(keyspace, table)
        return Created(keyspace, table) if made else Void()

    async def table(self, name: tuple[str, str], asked: Asked) -> Table:
        """The table of a statement; a system table, too."""
        full = name[0] or asked.keyspace, name[1]
        if full in COLUMNS:
            return Table(*full, {name: TYPES[kind] for name, kind in COLUMNS[full].items()}, (), ())
        return await self.schema.table(*full)

    # Changes.

    async def _change(self, change: Change, asked: Asked) -> Answer:
        table = await self.table(change.name, asked)
        if not table.partition:
            raise CqlError(INVALID, f"{table.keyspace}.{table.name} cannot be changed")
        given = self._given(change, table, asked)
        if missing := [column for column in table.primary if given.get(column) is None]:
            raise CqlError(INVALID, f"the primary key needs a value for {', '.join(missing)}")
        keys = {column: text for column, text in given.items() if text is not None}
        key, row = table.key_of(keys), table.row_of(keys)
        values = tuple(
            Value(row, column, given.get(column)) for column in self._written(change, table, given)
        )
        if change.condition:
            return await self._change_if(change, table, asked, key, row, values)
        explicit = asked.number(change.timestamp, BIGINT)
        timestamp = explicit if explicit is not None else asked.timestamp
        outcome = await self._door.ask(Put(key, values, asked.named_level, max(timestamp, 0)))
        if not isinstance(outcome, Ok):
            raise too_few(outcome, WRITE_TIMEOUT, asked.level, "SIMPLE")
        return Void()

    def _given(self, change: Change, table: Table, asked: Asked) -> dict[str, str | None]:
        """What the statement says of each column, as text."""
        pairs = list(change.values)
        for relation in change.where:
            if relation.column not in table.primary or relation.sign != "=":
                raise CqlError(INVALID, "WHERE of a change says what each key column equals")
            pairs.append((relation.column, relation.term))
        for column, _ in pairs:
            column_of(table, column)
        if change.verb == "update":
            for column, _ in change.values:
                if column in table.primary:
                    raise CqlError(INVALID, f"{column} is in the primary key and cannot be SET")
        return {column: asked.text(term, table.columns[column]) for column, term in pairs}

    def _written(
        self, change: Change, table: Table, given: Mapping[str, str | None]
    ) -> tuple[str, ...]:
        """Which columns are written; what is not given of them is deleted."""
        if change.verb == "delete":
            for column in change.deleted:
                column_of(table, column)
                if column in table.primary:
                    raise CqlError(INVALID, f"{column} is in the primary key: delete the row")
            return change.deleted or (EXISTS, *table.regular)
        assert isinstance(given, dict)
        given[EXISTS] = ""
        return (EXISTS, *(column for column in table.regular if column in given))

    async def _change_if(
        self,
        change: Change,
        table: Table,
        asked: Asked,
        key: str,
        row: str,
        values: tuple[Value, ...],
    ) -> Answer:
        if change.timestamp is not None:
            raise CqlError(INVALID, "a change with IF gets its timestamp from Paxos")
        if change.condition == "not exists":
            expected = tuple(Value(row, column, None) for column in (EXISTS, *table.regular))
        elif change.condition == "exists":
            expected = (Value(row, EXISTS, ""),)
        else:
            expected = tuple(self._expected(each, table, asked, row) for each in change.expected)
        outcome = await self._door.ask(PutIf(key, expected, values))
        if not isinstance(outcome, Ok):
            raise too_few(outcome, WRITE_TIMEOUT, asked.level, "CAS")
        name = table.keyspace, table.name
        if outcome.value is True:
            return Rows(name, {APPLIED: BOOLEAN}, [["true"]])
        assert isinstance(outcome.value, tuple)
        there = {each.column: each.value for each in outcome.value}
        if there.get(EXISTS) is None and change.condition != "columns":
            return Rows(name, {APPLIED: BOOLEAN}, [["false"]])
        if change.condition == "not exists":
            keys = self._given(change, table, asked)
            there = {**there, **{column: keys[column] for column in table.primary}}
            columns = dict(table.columns)
        else:
            names = [each.column for each in expected if each.column != EXISTS]
            columns = {column: table.columns[column] for column in names}
        found = ["false", *(there.get(column) for column in columns)]
        return Rows(name, {APPLIED: BOOLEAN, **columns}, [found])

    def _expected(self, relation: Relation, table: Table, asked: Asked, row: str) -> Value:
        kind = column_of(table, relation.column)
        if relation.sign != "=" or relation.column in table.primary:
            raise CqlError(INVALID, "IF says what columns outside of the primary key equal")
        return Value(row, relation.column, asked.text(relation.term, kind))

    # Reading.

    async def _select(self, select: Select, asked: Asked) -> Rows:
        table = await self.table(select.name, asked)
        wanted = select.columns or tuple(table.columns)
        columns = {column: column_of(table, column) for column in wanted}
        limit = asked.number(select.limit, INT)
        if limit is not None and limit < 1:
            raise CqlError(INVALID, "LIMIT must be at least 1")
        name = table.keyspace, table.name
        if not table.partition:
            found = self._filtered(await self._system.rows(name), select, table, asked)
        else:
            found = await self._rows_of(select, table, asked)
        rows = [[row.get(column) for column in columns] for row in found[:limit]]
        return Rows(name, columns, rows)

    def _filtered(
        self, rows: Sequence[Row], select: Select, table: Table, asked: Asked
    ) -> list[Row]:
        wanted = {}
        for relation in select.where:
            if relation.sign != "=":
                raise CqlError(INVALID, "WHERE of a system table says what columns equal")
            wanted[relation.column] = asked.text(relation.term, column_of(table, relation.column))
        return [row for row in rows if all(row.get(name) == text for name, text in wanted.items())]

    async def _rows_of(self, select: Select, table: Table, asked: Asked) -> list[Row]:
        """Rows of one partition, in order."""
        texts, ranges = self._where(select, table, asked)
        key = table.key_of(texts)
        if asked.level in SERIAL:
            if ranges or any(column not in texts for column in table.primary):
                raise CqlError(INVALID, "a SERIAL read is of one row: say its whole primary key")
            row = table.row_of(texts)
            columns = tuple(Value(row, column, None) for column in (EXISTS, *table.regular))
            outcome = await self._door.ask(PutIf(key, columns, ()))
        else:
            first, last = bounds_of(table, texts, ranges)
            outcome = await self._door.ask(Get(key, first, last, asked.named_level))
        if not isinstance(outcome, Ok):
            raise too_few(outcome, READ_TIMEOUT, asked.level)
        assert isinstance(outcome.value, tuple)
        partition = {column: texts[column] for column in table.partition}
        return rows_from(outcome.value, table, partition)

    def _where(
        self, select: Select, table: Table, asked: Asked
    ) -> tuple[dict[str, str], list[tuple[str, str, str]]]:
        """What key columns equal, and in which range the next one is."""
        texts: dict[str, str] = {}
        ranges: list[tuple[str, str, str]] = []
        for relation in select.where:
            text = asked.text(relation.term, column_of(table, relation.column))
            if text is None or relation.column not in table.primary:
                raise CqlError(INVALID, "WHERE is about columns of the primary key, and not null")
            if relation.sign == "=":
                texts[relation.column] = text
            else:
                ranges.append((relation.column, relation.sign, text))
        if missing := [column for column in table.partition if column not in texts]:
            raise CqlError(
                INVALID,
                f"WHERE must say what {', '.join(missing)} equals: rows are read by partition",
            )
        known = [column for column in table.clustering if column in texts]
        following = table.clustering[len(known) : len(known) + 1]
        in_order = known == list(table.clustering[: len(known)])
        if not in_order or any((column,) != following for column, _, _ in ranges):
            order = ", ".join(table.clustering)
            raise CqlError(INVALID, f"clustering columns are named in their order: {order}")
        return texts, ranges


def column_of(table: Table, column: str) -> Type:
    """The type of a column. Raises: CqlError, where there is none of that name."""
    if column not in table.columns:
        raise CqlError(INVALID, f"Undefined column name {column} in {table.keyspace}.{table.name}")
    return table.columns[column]


def bounds_of(
    table: Table, texts: Mapping[str, str], ranges: Sequence[tuple[str, str, str]]
) -> tuple[str, str]:
    """The first row that is wanted, and the first one behind that is not ("" for no bound).

    The parts of a row's name are joined by the character 0, which is in no part. So what begins
    with some parts is from these with a 0 behind them up to these with a 1 behind them.
    """
    known = table.row_of(texts)
    if len([column for column in table.clustering if column in texts]) == len(table.clustering):
        return (known, known + "\0") if table.clustering else ("", "")
    begins = f"{known}\0" if known else ""
    first, last = begins, f"{known}\1" if known else ""
    for column, sign, text in ranges:
        here = begins + table.columns[column].as_key(text)
        behind = here + "\1"
        if sign in (">", ">="):
            first = max(first, behind if sign == ">" else here)
        else:
            end = here if sign == "<" else behind
            last = min(last, end) if last else end
    return first, last


def rows_from(shown: Sequence[Shown], table: Table, partition: Mapping[str, str]) -> list[Row]:
    """Cells of a partition as rows, in order; only those that are there."""
    rows: dict[str, dict[str, str | None]] = {}
    for each in shown:
        rows.setdefault(each.row, {})[each.column] = each.value
    return [
        {**partition, **table.texts_of(name), **cells}
        for name, cells in rows.items()
        if cells.get(EXISTS) is not None
    ]


def too_few(outcome: Outcome, code: int, level: int, kind: str = "") -> CqlError:
    """The node's word that it cannot say yes, in the protocol's form."""
    assert not isinstance(outcome, Ok)
    counts = short(level) + int32(0) + int32(1)
    if code == WRITE_TIMEOUT and isinstance(outcome, Failed):
        return CqlError(INVALID, f"nothing was written: {outcome.reason}")
    more = counts + (string(kind) if code == WRITE_TIMEOUT else b"\0")
    return CqlError(code, f"{outcome.reason}", more)
