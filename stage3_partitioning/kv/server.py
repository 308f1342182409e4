"""A node of the sharded store: a shard, and on one node the coordinator too."""

from typing import Unpack

from common.contract import NodeId
from stage3_partitioning.kv.commands import (
    Append,
    CompareAndSet,
    Delete,
    Expire,
    Get,
    Increment,
    Problem,
    Put,
    PutIf,
    TimeToLive,
)
from stage3_partitioning.kv.coordinator import Coordinator
from stage3_partitioning.kv.handover import Handover
from stage3_partitioning.kv.member import Config


class StoreNode(Handover, Coordinator):
    """A node of the sharded store. The arguments are those of ``Config``."""

    carries = (
        *(Get, Put, PutIf, Append, Increment, Delete, CompareAndSet, Expire, TimeToLive),
        Problem,
    )

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...], **config: Unpack[Config]) -> None:
        super().__init__(id, peers, **config)
