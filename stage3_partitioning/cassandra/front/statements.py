"""A statement as operations of the node, and what the node says as an answer.

Nothing is decided here. What changes rows is in ``changes``.
"""

from collections.abc import Mapping, Sequence

from common.runtime.facade import Door
from common.values.history import Ok
from stage3_partitioning.cassandra.front.changes import BIGINT, Changes
from stage3_partitioning.cassandra.front.exchange import (
    SERIAL,
    Answer,
    Asked,
    Place,
    Rows,
    SchemaChange,
    UsedKeyspace,
    Void,
    too_few,
)
from stage3_partitioning.cassandra.front.schema import (
    EXISTS,
    Schema,
    Table,
    already_there,
    column_of,
    unknown_table,
)
from stage3_partitioning.cassandra.front.syntax import (
    Batch,
    Change,
    CreateKeyspace,
    CreateTable,
    DropTable,
    Name,
    Select,
    Statement,
    Truncate,
    Use,
)
from stage3_partitioning.cassandra.front.system import COLUMNS, Row, System
from stage3_partitioning.cassandra.front.types import TYPES
from stage3_partitioning.cassandra.front.wire import INVALID, READ_TIMEOUT, CqlError
from stage3_partitioning.cassandra.quorum import TOO_MUCH
from stage3_partitioning.cassandra.replica import Get, PutIf, Shown, Value

INT = TYPES["int"]


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
        self._changes = Changes(door)

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
            case DropTable(name, softly):
                full = name[0] or asked.keyspace, name[1]
                if await self.schema.drop_table(*full):
                    return SchemaChange("DROPPED", *full)
                if not softly:
                    raise unknown_table(*full)
                return Void()
            case Truncate(name):
                await self.schema.truncate(name[0] or asked.keyspace, name[1])
                return Void()
            case Select():
                return await self._select(statement, asked)
            case Batch(changes, timestamp):
                given = asked.number(timestamp, BIGINT)
                return await self.batch([(change, asked) for change in changes], asked, given)
        return await self._changes.one(statement, await self.table(statement.name, asked), asked)

    async def batch(
        self, changes: Sequence[tuple[Change, Asked]], asked: Asked, timestamp: int | None = None
    ) -> Answer:
        """Carry out a batch: each change, and how it was sent."""
        of_tables = [(each, await self.table(each.name, how), how) for each, how in changes]
        await self._changes.batch(of_tables, asked, timestamp)
        return Void()

    def _created(self, made: bool, softly: bool, keyspace: str, table: str = "") -> Answer:
        if not made and not softly:
            raise already_there(keyspace, table)
        return SchemaChange("CREATED", keyspace, table) if made else Void()

    async def table(self, name: Name, asked: Asked) -> Table:
        """The table of a statement; a system table, too."""
        full = name[0] or asked.keyspace, name[1]
        if full in COLUMNS:
            return Table(*full, {name: TYPES[kind] for name, kind in COLUMNS[full].items()}, (), ())
        return await self.schema.table(*full)

    # Reading.

    async def _select(self, select: Select, asked: Asked) -> Rows:
        table = await self.table(select.name, asked)
        wanted = select.columns or tuple(table.columns)
        columns = {column: column_of(table, column) for column in wanted}
        limit = asked.number(select.limit, INT)
        if limit is not None and limit < 1:
            raise CqlError(INVALID, "LIMIT must be at least 1")
        name = table.keyspace, table.name
        found: Sequence[Row]
        next_page = None
        if not table.partition:
            found = self._filtered(await self._system.rows(name), select, table, asked)
        else:
            all_rows = await self._rows_of(select, table, asked)
            found, next_page = page_of(all_rows, table, asked, limit)
        rows = [[row.get(column) for column in columns] for row in found[:limit]]
        return Rows(name, columns, rows, next_page)

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
        """Rows of one partition, in order, from the place on where the page begins."""
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
            if asked.place is not None:
                first = max(first, asked.place.row + "\0")
            outcome = await self._door.ask(Get(key, first, last, asked.named_level))
        if outcome == TOO_MUCH:
            raise CqlError(INVALID, TOO_MUCH.reason)
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


def page_of(
    rows: Sequence[Row], table: Table, asked: Asked, limit: int | None
) -> tuple[Sequence[Row], Place | None]:
    """The first page of these rows, and where the next one begins; None where there is none.

    Args:
        rows: all that are left, from the place on at which the page begins.
        limit: of rows on all pages together.
    """
    before = asked.place.shown if asked.place is not None else 0
    left = rows if limit is None else rows[: max(limit - before, 0)]
    if not 0 < asked.page < len(left):
        return left, None
    page = left[: asked.page]
    keys = {column: text for column in table.clustering if (text := page[-1][column]) is not None}
    return page, Place(before + len(page), table.row_of(keys))
