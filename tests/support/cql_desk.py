"""CQL's front before nodes in the simulator: requests as a client sends them, without a socket."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

from common.contract import NodeId
from common.runtime.facade import Door
from common.sim.simulation import Simulation
from common.values.history import Outcome
from common.values.units import SECOND
from stage3_partitioning.cassandra.front import wire
from stage3_partitioning.cassandra.front.requests import Prepared, Requests
from stage3_partitioning.cassandra.front.schema import Schema
from stage3_partitioning.cassandra.front.statements import Statements
from stage3_partitioning.cassandra.front.system import System
from stage3_partitioning.cassandra.light import Cassandra

THREE = ("n1", "n2", "n3")
ONE, QUORUM, SERIAL = 1, 4, 8


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
    """Requests to one of three nodes."""

    def __init__(self) -> None:
        self.simulation = Simulation(dict.fromkeys(THREE, Cassandra), seed=1)
        self.simulation.run(1000)
        self.prepared: Prepared = {}
        self.requests = self.at("n1")

    def at(self, node: NodeId) -> Requests:
        """Another client's requests, at this node."""
        door = cast(Door, SimulatedDoor(self.simulation, node))
        schema = Schema(door)
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
        body.int32()
        columns = body.int32()
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
