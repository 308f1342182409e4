"""CQL's front before nodes in the simulator: requests as a client sends them, without a socket."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from common.contract import NodeId
from common.runtime.facade import Door
from common.sim.simulation import Simulation
from common.values.history import Outcome
from common.values.units import SECOND
from stage3_partitioning.cassandra.front import wire
from stage3_partitioning.cassandra.front.requests import Prepared, Requests
from stage3_partitioning.cassandra.front.schema import KEPT_SECONDS, Schema
from stage3_partitioning.cassandra.front.statements import Statements
from stage3_partitioning.cassandra.front.system import System
from stage3_partitioning.cassandra.front.wire import CqlError
from stage3_partitioning.cassandra.light import Cassandra

THREE = ("n1", "n2", "n3")
ONE, QUORUM, SERIAL = 1, 4, 8
VOID, SCHEMA_CHANGE = 1, 5
"""Kinds of results."""


class SimulatedDoor:
    """A door to a node in the simulator: time passes until it has answered."""

    def __init__(self, simulation: Simulation, node: NodeId) -> None:
        self.simulation = simulation
        self.node = node
        self.members = THREE
        self.log: Callable[[str], None] = [].append  # type: ignore[assignment]

    async def ask(self, operation: object) -> Outcome:
        """Let it happen."""
        asked = self.simulation.call(self.node, operation)
        end = self.simulation.now + SECOND
        assert self.simulation.run_until(lambda: asked.returned_at is not None, end)
        return asked.outcome


class Desk:
    """Requests to one of three nodes.

    Args:
        kept: for how many seconds a node keeps what it has read of the schema.

    Attributes:
        next_page: where the next page of the last answer begins; None where there is none.
    """

    def __init__(self, kept: float = KEPT_SECONDS) -> None:
        self.kept = kept
        self.next_page: bytes | None = None
        self.simulation = Simulation(dict.fromkeys(THREE, Cassandra), seed=1)
        self.simulation.run(1000)
        self.prepared: Prepared = {}
        self.requests = self.at("n1")

    def at(self, node: NodeId) -> Requests:
        """Another client's requests, at this node."""
        door = cast(Door, SimulatedDoor(self.simulation, node))
        schema = Schema(door, self.kept)
        system = System(schema, node, THREE, "127.0.0.1", dict.fromkeys(THREE, 9042))
        return Requests(Statements(door, schema, system), self.prepared)

    def send(self, opcode: int, body: bytes) -> tuple[int, bytes]:
        """One request, and its answer."""
        return asyncio.run(self.requests.answer(opcode, body))

    def query(self, cql: str, *bound: bytes | None, level: int = QUORUM) -> Any:
        """A statement; its answer is rows of bytes, or the kind of the result."""
        text = cql.encode()
        return self._told(
            self.send(wire.QUERY, wire.int32(len(text)) + text + parameters(bound, level))
        )

    def page(self, cql: str, size: int, state: bytes | None = None) -> list[Any]:
        """One page of a SELECT; ``next_page`` says where the next one begins."""
        text, flags = cql.encode(), 0x04 | (0x08 if state is not None else 0)
        body = wire.int32(len(text)) + text + wire.short(QUORUM) + bytes([flags])
        body += wire.int32(size) + (b"" if state is None else wire.value(state))
        found: list[Any] = self._told(self.send(wire.QUERY, body))
        return found

    def batch(self, *changes: tuple[str | bytes, tuple[bytes | None, ...]], kind: int = 0) -> Any:
        """A batch: texts, or ids of prepared statements, with their values."""
        body = bytes([kind]) + wire.short(len(changes))
        for said, bound in changes:
            if isinstance(said, str):
                body += b"\0" + wire.int32(len(said.encode())) + said.encode()
            else:
                body += b"\1" + wire.short(len(said)) + said
            body += wire.short(len(bound)) + b"".join(map(wire.value, bound))
        return self._told(self.send(wire.BATCH, body + wire.short(QUORUM) + b"\0"))

    def execute(self, id: bytes, *bound: bytes | None) -> Any:
        """A prepared statement."""
        body = wire.short(len(id)) + id + parameters(bound, QUORUM)
        return self._told(self.send(wire.EXECUTE, body))

    def prepare(self, cql: str) -> tuple[bytes, list[tuple[str, int]], list[int]]:
        """Prepare it: the id, names and types of its markers, and which are the partition's key."""
        text = cql.encode()
        _, data = self.send(wire.PREPARE, wire.int32(len(text)) + text)
        body = wire.Body(data)
        assert body.int32() == 4
        id = body.short_bytes()
        body.int32()
        markers = body.int32()
        keys = [body.short() for _ in range(body.int32())]
        body.string()
        body.string()
        return id, [(body.string(), body.short()) for _ in range(markers)], keys

    def _told(self, answer: tuple[int, bytes]) -> Any:
        opcode, data = answer
        assert opcode == wire.RESULT
        body = wire.Body(data)
        kind = body.int32()
        if kind != 2:
            return kind
        flags = body.int32()
        columns = body.int32()
        self.next_page = body.value() if flags & 0x02 else None
        body.string()
        body.string()
        for _ in range(columns):
            body.string()
            for _ in range({0x22: 2, 0x21: 3}.get(body.short(), 1) - 1):
                body.short()
        return [tuple(body.value() for _ in range(columns)) for _ in range(body.int32())]


def parameters(bound: tuple[bytes | None, ...], level: int) -> bytes:
    """What comes behind a statement: the level, and values for its markers."""
    if not bound:
        return wire.short(level) + b"\0"
    return wire.short(level) + b"\1" + wire.short(len(bound)) + b"".join(map(wire.value, bound))


def desk_of_a_shop() -> Desk:
    """A keyspace in use, and a table with two clustering columns."""
    desk = Desk()
    with_replication = "WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 3}"
    assert desk.query(f"CREATE KEYSPACE shop {with_replication}") == SCHEMA_CHANGE
    assert desk.query("USE shop") == 3
    columns = "who text, day int, place text, item text, n int"
    key = "PRIMARY KEY (who, day, place)"
    assert desk.query(f"CREATE TABLE cart ({columns}, {key})") == SCHEMA_CHANGE
    return desk


def number(told: int) -> bytes:
    """An int as it is bound."""
    return told.to_bytes(4, signed=True)


def refusal(desk: Desk, cql: str, *bound: bytes | None, level: int = QUORUM) -> tuple[int, str]:
    """Code and sentence of the error that a statement brings."""
    with pytest.raises(CqlError) as error:
        desk.query(cql, *bound, level=level)
    return error.value.code, error.value.message
