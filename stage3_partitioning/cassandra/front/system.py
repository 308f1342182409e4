"""The tables that clients ask before anything else: who is there, and what tables there are."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias
from uuid import NAMESPACE_DNS, uuid5

from common.contract import NodeId
from stage3_partitioning.cassandra.front.schema import Schema, Table

RELEASE, CQL_VERSION = "3.11.0", "3.4.4"
"""As which Cassandra a client should treat this server."""

Row: TypeAlias = Mapping[str, str | None]
"""Texts of a row, by column."""

_ABOUT_A_NODE = {
    "host_id": "uuid",
    "data_center": "text",
    "rack": "text",
    "release_version": "text",
    "schema_version": "uuid",
    "tokens": "set<text>",
}
_OF_KEYSPACE = {"keyspace_name": "text"}

COLUMNS: dict[tuple[str, str], dict[str, str]] = {
    ("system", "local"): {
        "key": "text",
        "cluster_name": "text",
        "cql_version": "text",
        "native_protocol_version": "text",
        "partitioner": "text",
        "broadcast_address": "inet",
        "listen_address": "inet",
        "rpc_address": "inet",
        "rpc_port": "int",
        **_ABOUT_A_NODE,
    },
    ("system", "peers_v2"): {
        "peer": "inet",
        "peer_port": "int",
        "native_address": "inet",
        "native_port": "int",
        **_ABOUT_A_NODE,
    },
    ("system_schema", "keyspaces"): {
        **_OF_KEYSPACE,
        "durable_writes": "boolean",
        "replication": "map<text, text>",
    },
    ("system_schema", "tables"): {
        **_OF_KEYSPACE,
        "table_name": "text",
        "flags": "set<text>",
        "comment": "text",
    },
    ("system_schema", "columns"): {
        **_OF_KEYSPACE,
        "table_name": "text",
        "column_name": "text",
        "clustering_order": "text",
        "kind": "text",
        "position": "int",
        "type": "text",
    },
    **{
        ("system_schema", name): {**_OF_KEYSPACE, **dict.fromkeys(columns, "text")}
        for name, columns in (
            ("types", ("type_name",)),
            ("functions", ("function_name",)),
            ("aggregates", ("aggregate_name",)),
            ("triggers", ("table_name", "trigger_name")),
            ("indexes", ("table_name", "index_name")),
            ("views", ("view_name",)),
        )
    },
}
"""The columns of each table, and their types. The last ones are always empty."""


class System:
    """What is in the system tables of one node.

    Args:
        schema: what is known of tables.
        node: the node.
        members: all nodes.
        host, ports: where clients reach them.
    """

    def __init__(
        self,
        schema: Schema,
        node: NodeId,
        members: tuple[NodeId, ...],
        host: str,
        ports: Mapping[NodeId, int],
    ) -> None:
        self._schema = schema
        self._node = node
        self._members = members
        self._host = host
        self._ports = ports
        self._tables: dict[tuple[str, str], Callable[[], Iterable[Row]]] = {
            ("system", "local"): self._local,
            ("system", "peers_v2"): self._peers,
            ("system_schema", "keyspaces"): self._keyspaces,
            ("system_schema", "tables"): self._all_tables,
            ("system_schema", "columns"): self._columns,
        }

    async def rows(self, name: tuple[str, str]) -> list[Row]:
        """All rows of a system table."""
        await self._schema.refresh()
        return list(self._tables.get(name, list)())

    def _local(self) -> Iterable[Row]:
        yield {
            "key": "local",
            "cluster_name": "course",
            "cql_version": CQL_VERSION,
            "native_protocol_version": "4",
            "partitioner": "org.apache.cassandra.dht.Murmur3Partitioner",
            "broadcast_address": self._host,
            "listen_address": self._host,
            "rpc_address": self._host,
            "rpc_port": str(self._ports[self._node]),
            **self._about(self._node),
        }

    def _peers(self) -> Iterable[Row]:
        for node in self._members:
            if node != self._node:
                port = str(self._ports[node])
                yield {
                    "peer": self._host,
                    "peer_port": port,
                    "native_address": self._host,
                    "native_port": port,
                    **self._about(node),
                }

    def _about(self, node: NodeId) -> Row:
        """What both tables say of a node. Any node coordinates, so tokens say little here."""
        share = 2**64 // len(self._members)
        token = self._members.index(node) * share - 2**63
        tables = sorted((*name, table.id) for name, table in self._schema.tables.items())
        version = json.dumps([sorted(self._schema.keyspaces), tables])
        return {
            "host_id": str(uuid5(NAMESPACE_DNS, f"{node}.course")),
            "data_center": "course",
            "rack": "rack",
            "release_version": RELEASE,
            "schema_version": str(uuid5(NAMESPACE_DNS, version)),
            "tokens": json.dumps([str(token)]),
        }

    def _keyspaces(self) -> Iterable[Row]:
        for name, replication in sorted(self._schema.keyspaces.items()):
            yield {
                "keyspace_name": name,
                "durable_writes": "true",
                "replication": json.dumps(replication),
            }

    def _sorted(self) -> list[Table]:
        return [table for _, table in sorted(self._schema.tables.items())]

    def _all_tables(self) -> Iterable[Row]:
        for table in self._sorted():
            yield {
                "keyspace_name": table.keyspace,
                "table_name": table.name,
                "flags": '["compound"]',
                "comment": "",
            }

    def _columns(self) -> Iterable[Row]:
        for table in self._sorted():
            for column, kind in table.columns.items():
                key, position = "regular", -1
                if column in table.partition:
                    key, position = "partition_key", table.partition.index(column)
                elif column in table.clustering:
                    key, position = "clustering", table.clustering.index(column)
                yield {
                    "keyspace_name": table.keyspace,
                    "table_name": table.name,
                    "column_name": column,
                    "clustering_order": "asc" if key == "clustering" else "none",
                    "kind": key,
                    "position": str(position),
                    "type": kind.name,
                }
