"""INSERT, UPDATE and DELETE as writes of the node: alone, with a condition, or several in a batch.

A row is some cells of a partition: one for each column that is in no key, and one that says that
the row is there, though all its columns may hold nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from common.runtime.facade import Door
from common.values.history import Ok
from stage3_partitioning.cassandra.front.exchange import Answer, Asked, Rows, Void, too_few
from stage3_partitioning.cassandra.front.schema import EXISTS, Table, column_of
from stage3_partitioning.cassandra.front.syntax import Change, Relation
from stage3_partitioning.cassandra.front.types import TYPES
from stage3_partitioning.cassandra.front.wire import INVALID, WRITE_TIMEOUT, CqlError
from stage3_partitioning.cassandra.lsm import Cell, newer
from stage3_partitioning.cassandra.replica import Put, PutIf, Value

BIGINT, BOOLEAN = TYPES["bigint"], TYPES["boolean"]
APPLIED = "[applied]"


@dataclass(frozen=True, slots=True)
class Write:
    """What a change writes.

    Attributes:
        keys: the texts of the primary key.
        key, row: the partition, and the row of it.
        values: of the row.
    """

    keys: Mapping[str, str]
    key: str
    row: str
    values: tuple[Value, ...]


class Changes:
    """Carries out changes.

    Args:
        door: to the node.
    """

    def __init__(self, door: Door) -> None:
        self._door = door

    async def one(self, change: Change, table: Table, asked: Asked) -> Answer:
        """Carry out one change of a table.

        Raises:
            CqlError: it cannot be, or too few replicas have answered.
        """
        write = write_of(change, table, asked)
        if change.condition:
            return await self._one_if(change, table, asked, write)
        timestamp = asked.number(change.timestamp, BIGINT)
        await self._put(write.key, write.values, asked, timestamp)
        return Void()

    async def batch(
        self, changes: Sequence[tuple[Change, Table, Asked]], asked: Asked, timestamp: int | None
    ) -> None:
        """Carry out several changes as one write: each replica gets all of them, or none.

        They have one timestamp. So if two of them write one column, the order in which they are
        said means nothing: the column holds what replicas choose of two cells of one timestamp.

        Args:
            changes: each with its table, and with how it was sent.
            asked: how the batch was sent.
            timestamp: that the batch says; None for none.
        """
        writes = []
        for change, table, each in changes:
            if change.condition or change.timestamp is not None:
                raise CqlError(
                    INVALID, "no change in a batch says IF, or a timestamp: BATCH says that for all"
                )
            writes.append(write_of(change, table, each))
        if len({write.key for write in writes}) > 1:
            raise CqlError(
                INVALID, "a batch is about one partition: send what is for others by itself"
            )
        cells: dict[tuple[str, str], Cell] = {}
        for value in (value for write in writes for value in write.values):
            name = value.row, value.column
            holds = newer(cells.get(name), Cell(value.value, 0))
            assert holds is not None
            cells[name] = holds
        if writes:
            values = tuple(Value(*name, cell.value) for name, cell in cells.items())
            await self._put(writes[0].key, values, asked, timestamp)

    async def _put(
        self, key: str, values: tuple[Value, ...], asked: Asked, timestamp: int | None
    ) -> None:
        timestamp = asked.timestamp if timestamp is None else timestamp
        outcome = await self._door.ask(Put(key, values, asked.named_level, max(timestamp, 0)))
        if not isinstance(outcome, Ok):
            raise too_few(outcome, WRITE_TIMEOUT, asked.level, "SIMPLE")

    async def _one_if(self, change: Change, table: Table, asked: Asked, write: Write) -> Answer:
        if change.timestamp is not None:
            raise CqlError(INVALID, "a change with IF gets its timestamp from Paxos")
        row = write.row
        if change.condition == "not exists":
            expected = tuple(Value(row, column, None) for column in (EXISTS, *table.regular))
        elif change.condition == "exists":
            expected = (Value(row, EXISTS, ""),)
        else:
            expected = tuple(_expected(each, table, asked, row) for each in change.expected)
        outcome = await self._door.ask(PutIf(write.key, expected, write.values))
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
            there |= write.keys
            columns = dict(table.columns)
        else:
            names = [each.column for each in expected if each.column != EXISTS]
            columns = {column: table.columns[column] for column in names}
        found = ["false", *(there.get(column) for column in columns)]
        return Rows(name, {APPLIED: BOOLEAN, **columns}, [found])


def write_of(change: Change, table: Table, asked: Asked) -> Write:
    """What a change writes. Raises: CqlError, where it says what cannot be."""
    if not table.partition:
        raise CqlError(INVALID, f"{table.keyspace}.{table.name} cannot be changed")
    given = _given(change, table, asked)
    if missing := [column for column in table.primary if given.get(column) is None]:
        raise CqlError(INVALID, f"the primary key needs a value for {', '.join(missing)}")
    keys = {column: text for column in table.primary if (text := given[column]) is not None}
    row = table.row_of(keys)
    values = tuple(Value(row, *each) for each in _written(change, table, given))
    return Write(keys, table.key_of(keys), row, values)


def _given(change: Change, table: Table, asked: Asked) -> dict[str, str | None]:
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
    change: Change, table: Table, given: Mapping[str, str | None]
) -> list[tuple[str, str | None]]:
    """The columns that are written, and their texts; None deletes."""
    if change.verb == "delete":
        for column in change.deleted:
            column_of(table, column)
            if column in table.primary:
                raise CqlError(INVALID, f"{column} is in the primary key: delete the row")
        return [(column, None) for column in change.deleted or (EXISTS, *table.regular)]
    return [(EXISTS, ""), *((column, given[column]) for column in table.regular if column in given)]


def _expected(relation: Relation, table: Table, asked: Asked, row: str) -> Value:
    kind = column_of(table, relation.column)
    if relation.sign != "=" or relation.column in table.primary:
        raise CqlError(INVALID, "IF says what columns outside of the primary key equal")
    return Value(row, relation.column, asked.text(relation.term, kind))
