"""A server of the store. Raft handles commands and results unseen, so it says which it carries."""

from collections.abc import Mapping
from typing import Any

from common.contract import NodeId
from common.values.units import MS
from stage5_fault_tolerance.etcd.commands import (
    Changes,
    Compact,
    Compare,
    DeleteRange,
    Disarm,
    HashKV,
    LeaseGrant,
    LeaseKeepAlive,
    LeaseList,
    LeaseRevoke,
    LeaseTimeToLive,
    MoveLeader,
    Probe,
    Put,
    Range,
    Status,
    Txn,
)
from stage5_fault_tolerance.etcd.moving import Moving
from stage5_fault_tolerance.etcd.results import (
    DeleteResult,
    Done,
    Events,
    HashResult,
    KeyValue,
    LeaseIds,
    LeaseResult,
    LeaseTimes,
    Probed,
    PutResult,
    RangeResult,
    Refused,
    StatusResult,
    TxnResult,
)
from stage5_fault_tolerance.etcd.store import HistoryPart, LeaseKept


class EtcdServer(Moving):
    """A server of the replicated multi-version store.

    Args:
        id: the name of this server.
        peers: the other servers.
        config: what :class:`~stage4_consensus.raft.core.Core` takes. Timeouts are larger by
            default than there, because clients keep processors busy as well.
    """

    carries = (
        # What is asked, and what is in the log.
        *(Changes, Compact, Compare, DeleteRange, Disarm, HashKV, LeaseGrant, LeaseKeepAlive),
        *(LeaseList, LeaseRevoke, LeaseTimeToLive, MoveLeader, Probe, Put, Range, Status, Txn),
        # What is told, and what is in snapshots.
        *(DeleteResult, Done, Events, HashResult, HistoryPart, KeyValue, LeaseIds, LeaseKept),
        *(LeaseResult, LeaseTimes, Probed, PutResult, RangeResult, Refused, StatusResult),
        TxnResult,
    )

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...], **config: Any) -> None:
        defaults = {
            "election_timeout": (300 * MS, 600 * MS),
            "heartbeat_every": 100 * MS,
            "snapshot_every": 5000,
        }
        super().__init__(id, peers, **{**defaults, **config})

    def status(self) -> Mapping[str, object]:
        """What Raft says of itself, and how much is in the store."""
        history = self.store.history
        sizes = {"revision": history.revision, "keys": len(history.current)}
        return {**super().status(), **sizes, "leases": len(self.store.leases.held)}
