"""How ``lab run raftkv`` runs: five servers as processes, and SIGKILL for each, then for all.

One member after the other is killed while clients write, whoever leads among them; then all at
once. What was acknowledged must be there afterwards, and the history linearizable.
"""

from common.runtime.live import LiveLab, Variant
from stage4_consensus.raft.live import kill_everybody
from stage5_fault_tolerance.raftkv.checks import linearizable, some_command

LIVE = LiveLab(
    lab="raftkv",
    members=5,
    clients=4,
    columns=("role", "term", "leader", "last", "commit", "applied", "revision", "keys"),
    variants={
        "store": Variant(
            title="a key-value store on Raft",
            node="stage5_fault_tolerance.raftkv.server:RaftKeyValue",
            client="stage5_fault_tolerance.raftkv.client:KeyValueClient",
            choose=some_command,
            checks={"linearizable": linearizable},
            node_config={"snapshot_every": 300},
        )
    },
    trouble=kill_everybody,
)
"""For ``lab run raftkv``."""
