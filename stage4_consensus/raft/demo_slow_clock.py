"""The schedule that breaks a lease: the leader's clock is ten times too slow, and it is cut off.

Its lease lasts 140 ms by its own clock, which is 1.4 s. The others elect another leader after 150
to 300 ms, and that one takes a write; the old leader goes on answering reads from what it has. With
ReadIndex in place of the lease the same schedule shows no more than a leader that does not answer.
"""

from dataclasses import dataclass

from common.check.verdict import Verdict
from common.contract import Node, NodeId
from common.sim import Simulation
from common.trace.format import Meta
from common.trace.recorder import Recorder
from common.values.faults import Clock, Partition
from common.values.units import MS, SECOND
from stage4_consensus.raft.checks import linearizable
from stage4_consensus.raft.core import Core
from stage4_consensus.raft.messages import Role
from stage4_consensus.raft.registers import Get, Put, RaftRegisters, RegistersClient

SERVERS, CLIENTS = ("n1", "n2", "n3"), ("c1", "c2")
LEASE = 140 * MS
DRIFT = -900_000
"""Parts per million: a tenth of the right speed."""

EVERY = 30 * MS
"""How often c1 reads."""

END = 2 * SECOND


@dataclass(frozen=True, slots=True)
class Story:
    """What came of it.

    Attributes:
        leader: who was cut off.
        verdict: whether what clients were told is linearizable.
        lines: the trace.
    """

    leader: NodeId
    verdict: Verdict
    lines: str


def tell(lease_us: int, seed: int) -> Story:
    """Play it with leases of this length, or with 0 for ReadIndex."""

    def server(id: NodeId, peers: tuple[NodeId, ...]) -> Node:
        return RaftRegisters(id, peers, lease_us=lease_us, heartbeat_every=10 * MS)

    lines: list[str] = []
    recorder = Recorder(lines.append, Meta(lab="raft", nodes=SERVERS, clients=CLIENTS, seed=seed))
    simulation = Simulation(
        dict.fromkeys(SERVERS, server),
        dict.fromkeys(CLIENTS, RegistersClient),
        seed=seed,
        observers=[recorder],
    )
    simulation.run(SECOND)
    for client in CLIENTS:  # from now on both know the leader
        simulation.call(client, Put("x", "old"))
        simulation.run(simulation.now + SECOND // 2)
    leader = _leader(simulation)
    rest = tuple(id for id in SERVERS if id != leader)
    simulation.inject(Clock(simulation.now, leader, drift=DRIFT))
    simulation.call("c1", Get("x"))
    simulation.run(simulation.now + 100 * MS)
    simulation.inject(Partition(simulation.now, ((leader, "c1"), (*rest, "c2"))))
    simulation.call("c2", Put("x", "new"))
    end = simulation.now + END
    while simulation.now < end:
        asked = simulation.call("c1", Get("x"))
        simulation.run(simulation.now + EVERY)
        if asked.returned_at is None:
            break
    simulation.run(end)
    verdict = linearizable(simulation.history)
    recorder.verdict(simulation.now, None, "linearizable", verdict.answer.value, verdict.sentence)
    return Story(leader, verdict, "".join(lines))


def _leader(simulation: Simulation) -> NodeId:
    return next(
        id
        for id, node in simulation.nodes.items()
        if isinstance(node, Core) and node.role is Role.LEADER
    )
