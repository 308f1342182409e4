"""Keyspaces and tables; which partition a row of a table is in, and under which name.

The schema is in the store itself, in a partition of its own that is changed by lightweight
transactions. A node keeps what it has read of it for :data:`KEPT_SECONDS`. So a drop is told a
little later than it is done: when it is told, no node that can read the schema goes by the old one.

**A table has an id**, the timestamp of its definition, and the id is in the keys of its partitions.
A table that is dropped and made again has another id, and none of the old rows. To truncate a table
is to write its definition once more. The old rows stay on disk; nobody finds them.
"""

import asyncio
import json
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from common.runtime.facade import Door
from common.values.history import Ok
from stage3_partitioning.cassandra.front.types import TYPES, Type
from stage3_partitioning.cassandra.front.wire import (
    ALREADY_EXISTS,
    INVALID,
    SERVER_ERROR,
    CqlError,
    string,
)
from stage3_partitioning.cassandra.replica import Get, PutIf, Value

PARTITION = "system_schema"
DEFINITION = "definition"
EXISTS = ""
"""The column that says that a row is there, though all others may hold nothing."""

KEPT_SECONDS = 1.0
MARGIN = 1.25
"""By how much longer a drop waits: clocks of machines do not run alike."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Attributes:
        keyspace, name: its name.
        columns: the types of all columns, by name, the primary key first.
        partition: the columns of the primary key that say in which partition a row is.
        clustering: the other ones, that say which row of the partition it is.
        id: the timestamp of its definition.
    """

    keyspace: str
    name: str
    columns: Mapping[str, Type]
    partition: tuple[str, ...]
    clustering: tuple[str, ...]
    id: int = 0

    @property
    def primary(self) -> tuple[str, ...]:
        """The primary key."""
        return (*self.partition, *self.clustering)

    @property
    def regular(self) -> tuple[str, ...]:
        """The columns that are in no key."""
        return tuple(column for column in self.columns if column not in self.primary)

    def key_of(self, texts: Mapping[str, str]) -> str:
        """The key of a partition, from the texts of its columns."""
        parts = [self.columns[column].as_key(texts[column]) for column in self.partition]
        return json.dumps([self.keyspace, self.name, self.id, *parts])

    def row_of(self, texts: Mapping[str, str]) -> str:
        """The name of a row, or of what rows begin with if the last columns are left out."""
        known = [column for column in self.clustering if column in texts]
        return "\0".join(self.columns[column].as_key(texts[column]) for column in known)

    def texts_of(self, row: str) -> dict[str, str]:
        """The clustering columns of a row, from its name."""
        found = {}
        for column, part in zip(self.clustering, row.split("\0"), strict=False):
            back = self.columns[column].from_key
            found[column] = back(part) if back is not None else part
        return found


@dataclass(slots=True)
class Schema:
    """What a node knows of keyspaces and tables.

    Attributes:
        door: to the node.
        kept: for how many seconds it is not read again.
        keyspaces: how each is said to be replicated.
        tables: by keyspace and name.
        definitions: as they are saved, by row.
        read_at: when it was read last, by the clock of the event loop.
    """

    door: Door
    kept: float = KEPT_SECONDS
    keyspaces: dict[str, dict[str, str]] = field(default_factory=dict)
    tables: dict[tuple[str, str], Table] = field(default_factory=dict)
    definitions: dict[str, str] = field(default_factory=dict)
    read_at: float = -math.inf

    async def refresh(self) -> None:
        """Read all of it."""
        began = asyncio.get_running_loop().time()
        outcome = await self.door.ask(Get(PARTITION))
        if not isinstance(outcome, Ok) or not isinstance(outcome.value, tuple):
            raise CqlError(SERVER_ERROR, "too few replicas of the schema answer: try again")
        if began < self.read_at:
            return  # somebody has begun later, and is through already
        there = [shown for shown in outcome.value if shown.value is not None]
        self.definitions = {shown.row: shown.value for shown in there}
        self.keyspaces, self.tables = {}, {}
        for shown in there:
            definition = json.loads(shown.value)
            if shown.row.startswith("keyspace "):
                self.keyspaces[definition["name"]] = definition["replication"]
            else:
                table = table_of(definition, shown.timestamp)
                self.tables[table.keyspace, table.name] = table
        self.read_at = began

    async def refresh_if_old(self) -> None:
        """Read it again, if it was read too long ago.

        A node that cannot goes on with what it knows: it is cut off from a majority, and clients
        who ask for one replica are served nevertheless.
        """
        if asyncio.get_running_loop().time() - self.read_at >= self.kept:
            with suppress(CqlError):
                await self.refresh()

    async def table(self, keyspace: str, name: str) -> Table:
        """A table. Raises: CqlError, where there is none."""
        if not keyspace:
            raise no_keyspace(name)
        await self.refresh_if_old()
        if (keyspace, name) not in self.tables:
            await self.refresh()
        if (keyspace, name) not in self.tables:
            raise unknown_table(keyspace, name)
        return self.tables[keyspace, name]

    async def keyspace(self, name: str) -> str:
        """The name itself. Raises: CqlError, where there is no such keyspace."""
        if name not in self.keyspaces:
            await self.refresh()
        if name not in self.keyspaces:
            raise CqlError(INVALID, f"Keyspace '{name}' does not exist")
        return name

    async def create_keyspace(self, name: str, replication: Mapping[str, str]) -> bool:
        """Make a keyspace; says whether it was not there before."""
        return await self._create(f"keyspace {name}", {"name": name, "replication": replication})

    async def create_table(
        self, name: tuple[str, str], columns: Mapping[str, str], keys: Sequence[Sequence[str]]
    ) -> bool:
        """Make a table; says whether it was not there before."""
        await self.keyspace(name[0])
        partition, clustering = keys
        first = (*partition, *clustering)
        ordered = [*first, *sorted(column for column in columns if column not in first)]
        definition = {
            "keyspace": name[0],
            "name": name[1],
            "columns": [[column, columns[column]] for column in ordered],
            "partition": list(partition),
            "clustering": list(clustering),
        }
        for column in first:
            if TYPES[columns[column]].key is None:
                TYPES[columns[column]].as_key("")  # says why
        return await self._create(f"table {name[0]}.{name[1]}", definition)

    async def drop_table(self, keyspace: str, name: str) -> bool:
        """Drop a table, with its rows; says whether it was there."""
        if not keyspace:
            raise no_keyspace(name)
        return await self._redefine(keyspace, name, lambda definition: None)

    async def truncate(self, keyspace: str, name: str) -> None:
        """Drop all rows of a table. Raises: CqlError, where there is no such table."""
        await self.table(keyspace, name)
        if not await self._redefine(keyspace, name, lambda definition: definition):
            raise unknown_table(keyspace, name)

    async def _redefine(
        self, keyspace: str, name: str, changed: Callable[[str], str | None]
    ) -> bool:
        """Write a table's definition once more, or none; says whether there was one."""
        row = f"table {keyspace}.{name}"
        while True:
            await self.refresh()
            definition = self.definitions.get(row)
            if definition is None:
                return False
            if await self._write(row, definition, changed(definition)):
                await asyncio.sleep(self.kept * MARGIN)
                return True

    async def _create(self, row: str, definition: object) -> bool:
        return await self._write(row, None, json.dumps(definition))

    async def _write(self, row: str, expected: str | None, wanted: str | None) -> bool:
        """Write a row, if it holds what is expected; says whether it did."""
        was, will_be = (Value(row, DEFINITION, each) for each in (expected, wanted))
        outcome = await self.door.ask(PutIf(PARTITION, (was,), (will_be,)))
        if not isinstance(outcome, Ok):
            raise CqlError(SERVER_ERROR, "it may have been done, or not: look, and try again")
        await self.refresh()
        return outcome.value is True


def column_of(table: Table, column: str) -> Type:
    """The type of a column. Raises: CqlError, where there is none of that name."""
    if column not in table.columns:
        raise CqlError(INVALID, f"Undefined column name {column} in {table.keyspace}.{table.name}")
    return table.columns[column]


def table_of(definition: Mapping[str, Any], id: int) -> Table:
    """A table as it was saved."""
    columns = {column: TYPES[kind] for column, kind in definition["columns"]}
    partition, clustering = tuple(definition["partition"]), tuple(definition["clustering"])
    return Table(definition["keyspace"], definition["name"], columns, partition, clustering, id)


def no_keyspace(table: str) -> CqlError:
    """What the client is told."""
    return CqlError(INVALID, f"no keyspace is in use: say USE, or keyspace.{table}")


def unknown_table(keyspace: str, name: str) -> CqlError:
    """What the client is told."""
    return CqlError(INVALID, f"unconfigured table {keyspace}.{name}")


def already_there(keyspace: str, table: str = "") -> CqlError:
    """What the client is told."""
    what = f"table {keyspace}.{table}" if table else f"keyspace {keyspace}"
    return CqlError(
        ALREADY_EXISTS, f"the {what} is there already", string(keyspace) + string(table)
    )
