"""The lab ``raft`` in every world: registers on a replicated log.

Live, one server after the other is killed with SIGKILL while clients write, the leader among them,
and then all at once. What was acknowledged must be there afterwards, and the history linearizable.
"""

from common.contract.node import Node
from common.values.units import MS
from common.worlds import Size, Variant, Worlds
from common.worlds.troubles import kill_in_turn_then_all
from stage4_consensus.raft.checks import linearizable, some_change_or_query
from stage4_consensus.raft.registers import ParallelRegisters, RaftRegisters, RegistersClient
from stage4_consensus.raft.small import TWO_COMMANDS, WITH_A_CRASH


def _variant(title: str, server: type[Node] = RaftRegisters, lease_us: int = 0) -> Variant:
    return Variant(
        title,
        node=server,
        client=RegistersClient,
        choose=some_change_or_query,
        checks={"linearizable": linearizable},
        config={"lease_us": lease_us},
    )


WORLDS = Worlds(
    __package__,
    variants={
        "read-index": _variant("reads by a round of heartbeats"),
        "lease": _variant("reads by lease, if clocks run nearly alike", lease_us=100 * MS),
        "parallel-writes": _variant(
            "the leader writes while its followers do", server=ParallelRegisters
        ),
    },
    live=Size(members=5, clients=4, config={"snapshot_every": 500}),
    simulated=Size(
        members=3,
        clients=("c1", "c2", "admin"),
        config={"snapshot_every": 10, "piece_parts": 4},
    ),
    columns=("role", "term", "leader", "last", "commit", "applied", "snapshot"),
    trouble=kill_in_turn_then_all,
    small={"two-commands": TWO_COMMANDS, "with-a-crash": WITH_A_CRASH},
)
