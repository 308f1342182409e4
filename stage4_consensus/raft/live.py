"""How ``lab run raft`` runs: five servers as processes, all of which are killed at some time.

Whoever leads is killed with SIGKILL, because everybody is, one after the other; then all at once.
What was acknowledged must be there afterwards, and the history linearizable.
"""

from collections.abc import Mapping, Sequence

from common.runtime.live import LiveLab, Variant
from common.values.faults import Crash, Fault, Restart, Schedule
from common.values.units import MS
from stage4_consensus.raft.checks import linearizable, some_change_or_query


def kill_everybody(members: Sequence[str], duration: int) -> Schedule:
    """Kill the members one after the other, each back before the next goes; then all at once."""
    faults: list[Fault] = []
    begin, turn = duration // 5, duration // (2 * len(members))
    for number, member in enumerate(members):
        at = begin + number * turn
        faults += [Crash(at, member), Restart(at + turn * 3 // 4, member)]
    for member in members:
        faults += [
            Crash(duration * 75 // 100, member),
            Restart(duration * 80 // 100, member),
        ]
    return Schedule(faults)


def _variant(title: str, config: Mapping[str, object], server: str = "RaftRegisters") -> Variant:
    return Variant(
        title=title,
        node=f"stage4_consensus.raft.registers:{server}",
        client="stage4_consensus.raft.registers:RegistersClient",
        choose=some_change_or_query,
        checks={"linearizable": linearizable},
        node_config=config,
    )


LIVE = LiveLab(
    lab="raft",
    members=5,
    clients=4,
    columns=("role", "term", "leader", "last", "commit", "applied", "snapshot"),
    variants={
        "read-index": _variant("reads by a round of heartbeats", {"snapshot_every": 500}),
        "lease": _variant(
            "reads by lease, if clocks run nearly alike",
            {"snapshot_every": 500, "lease_us": 100 * MS},
        ),
        "parallel-writes": _variant(
            "the leader writes while its followers do", {"snapshot_every": 500}, "ParallelRegisters"
        ),
    },
    trouble=kill_everybody,
)
