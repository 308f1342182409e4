"""The schedule that breaks a lease: the leader's clock is ten times too slow, and it is cut off.

Its lease lasts 140 ms by its own clock, which is 1.4 s. The others elect another leader after 150
to 300 ms, and that one takes a write; the old leader goes on answering reads from what it has. With
ReadIndex in place of the lease the same schedule shows no more than a leader that does not answer.
"""

from dataclasses import dataclass

from common.check.verdict import Verdict
from common.contract import NodeId
from common.contract.registers import Get, Put
from common.sim import Simulation
from common.values.faults import Clock, Partition
from common.values.units import MS, SECOND
from common.worlds import Size
from stage4_consensus.raft.core import Core
from stage4_consensus.raft.messages import Role
from stage4_consensus.raft.worlds import WORLDS

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
    config = {"lease_us": lease_us, "heartbeat_every": 10 * MS}
    scene = WORLDS.scene("lease", Size(members=SERVERS, clients=CLIENTS, config=config), seed=seed)
    scene.run(SECOND)
    for client in CLIENTS:  # from now on both know the leader
        scene.call(client, Put("x", "old"))
        scene.run(scene.now + SECOND // 2)
    leader = _leader(scene)
    rest = tuple(id for id in SERVERS if id != leader)
    scene.inject(Clock(scene.now, leader, drift=DRIFT))
    scene.call("c1", Get("x"))
    scene.run(scene.now + 100 * MS)
    scene.inject(Partition(scene.now, ((leader, "c1"), (*rest, "c2"))))
    scene.call("c2", Put("x", "new"))
    end = scene.now + END
    while scene.now < end:
        asked = scene.call("c1", Get("x"))
        scene.run(scene.now + EVERY)
        if asked.returned_at is None:
            break
    scene.run(end)
    verdict = scene.judged("linearizable", scene.checks["linearizable"](scene.history))
    return Story(leader, verdict, scene.lines)


def _leader(simulation: Simulation) -> NodeId:
    return next(
        id
        for id, node in simulation.nodes.items()
        if isinstance(node, Core) and node.role is Role.LEADER
    )
