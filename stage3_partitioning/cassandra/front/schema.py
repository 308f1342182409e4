"""Keyspaces and tables; which partition a row of a table is in, and under which name.

The schema is in the store itself, in a partition of its own that is changed by lightweight
transactions. It only grows: nothing is altered or dropped here. So what a node has read of it stays
true, and it is read again when something is not there.
"""

import json
from collections.abc import Mapping, Sequence
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


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Attributes:
        keyspace, name: its name.
        columns: the types of all columns, by name, the primary key first.
        partition: the columns of the primary key that say in which partition a row is.
        clustering: the other ones, that say which row of the partition it is.
    """

    keyspace: str
    name: str
    columns: Mapping[str, Type]
    partition: tuple[str, ...]
    clustering: tuple[str, ...]

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
        return json.dumps([self.keyspace, self.name, *parts])

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
        keyspaces: how each is said to be replicated.
        tables: by keyspace and name.
    """

    door: Door
    keyspaces: dict[str, dict[str, str]] = field(default_factory=dict)
    tables: dict[tuple[str, str], Table] = field(default_factory=dict)

    async def refresh(self) -> None:
        """Read all of it."""
        outcome = await self.door.ask(Get(PARTITION))
        if not isinstance(outcome, Ok) or not isinstance(outcome.value, tuple):
            raise CqlError(SERVER_ERROR, "too few replicas of the schema answer: try again")
        for shown in outcome.value:
            definition = json.loads(shown.value)
            if shown.row.startswith("keyspace "):
                self.keyspaces[definition["name"]] = definition["replication"]
            else:
                table = table_of(definition)
                self.tables[table.keyspace, table.name] = table

    async def table(self, keyspace: str, name: str) -> Table:
        """A table. Raises: CqlError, where there is none."""
        if not keyspace:
            raise CqlError(INVALID, f"no keyspace is in use: say USE, or keyspace.{name}")
        if (keyspace, name) not in self.tables:
            await self.refresh()
        if (keyspace, name) not in self.tables:
            raise CqlError(INVALID, f"unconfigured table {keyspace}.{name}")
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

    async def _create(self, row: str, definition: object) -> bool:
        nothing = Value(row, DEFINITION, None)
        wanted = Value(row, DEFINITION, json.dumps(definition))
        outcome = await self.door.ask(PutIf(PARTITION, (nothing,), (wanted,)))
        if not isinstance(outcome, Ok):
            raise CqlError(SERVER_ERROR, "it may have been created, or not: look, and try again")
        await self.refresh()
        return outcome.value is True


def table_of(definition: Mapping[str, Any]) -> Table:
    """A table as it was saved."""
    columns = {column: TYPES[kind] for column, kind in definition["columns"]}
    partition, clustering = tuple(definition["partition"]), tuple(definition["clustering"])
    return Table(definition["keyspace"], definition["name"], columns, partition, clustering)


def already_there(keyspace: str, table: str = "") -> CqlError:
    """What the client is told."""
    what = f"table {keyspace}.{table}" if table else f"keyspace {keyspace}"
    return CqlError(
        ALREADY_EXISTS, f"the {what} is there already", string(keyspace) + string(table)
    )
