"""A client of the store for the simulator and for ``lab run``; real clients speak gRPC instead.

It finds the leader by itself and repeats what is not answered, as every client on Raft here does,
so each of its changes happens once even if a leader dies on the way.
"""

from typing import Any

from common.contract import CallId, Node, NodeId, on
from common.values.history import Failed, Ok, Outcome
from stage4_consensus.raft.client import RaftClient
from stage5_fault_tolerance.etcd.commands import Compare, DeleteRange, Put, Range, Txn
from stage5_fault_tolerance.etcd.results import (
    DeleteResult,
    KeyValue,
    PutResult,
    RangeResult,
    Refused,
    TxnResult,
)


class EtcdClient(Node):
    """A client of the replicated store. The subnode in it speaks with the servers' Rafts.

    Args:
        id, peers, config: as for :class:`~stage4_consensus.raft.client.RaftClient`.
    """

    subnodes = (RaftClient,)
    carries = (Compare, DeleteResult, KeyValue, PutResult, RangeResult, TxnResult)

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...], **config: Any) -> None:
        super().__init__(id, peers)
        self.raft = self.subnode("raft", RaftClient(id, peers, **config))

    @on(Put, DeleteRange, Txn)
    def change(self, request: Put | DeleteRange | Txn, call: CallId) -> None:
        """Have it carried out, once."""
        self.raft.execute(request, call)

    @on(Range)
    def look(self, request: Range, call: CallId) -> None:
        """Read what is not stale, without an entry in the log."""
        self.raft.query(request, call)

    def finish(self, call: CallId, outcome: Outcome) -> None:
        """What the store refused has not happened."""
        match outcome:
            case Ok(Refused(reason)):
                outcome = Failed(reason)
        super().finish(call, outcome)
