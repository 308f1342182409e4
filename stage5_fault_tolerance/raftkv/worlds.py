"""The lab ``raftkv`` in every world: a store that survives whatever Raft survives.

Live, one server after the other is killed with SIGKILL while clients write, the leader among them,
and then all at once. What was acknowledged must be there afterwards.
"""

from common.worlds import Size, Variant, Worlds
from common.worlds.troubles import kill_in_turn_then_all
from stage5_fault_tolerance.raftkv.checks import linearizable, some_command
from stage5_fault_tolerance.raftkv.client import KeyValueClient
from stage5_fault_tolerance.raftkv.server import RaftKeyValue

WORLDS = Worlds(
    __package__,
    variants={
        "store": Variant(
            "a key-value store on Raft",
            node=RaftKeyValue,
            client=KeyValueClient,
            choose=some_command,
            checks={"linearizable": linearizable},
        )
    },
    live=Size(members=5, clients=4, config={"snapshot_every": 300}),
    simulated=Size(members=3, clients=3, config={"snapshot_every": 10, "piece_parts": 4}),
    columns=("role", "term", "leader", "last", "commit", "applied", "revision", "keys"),
    trouble=kill_in_turn_then_all,
)
