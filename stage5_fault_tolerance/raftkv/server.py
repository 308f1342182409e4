"""A server of the store. What keeps it alive is Raft (stage 4); here it is told what to keep alive.

Raft handles the commands and their results unseen, so the server says which ones it carries.
"""

from collections.abc import Mapping

from common.contract import Application
from stage4_consensus.raft.server import Raft
from stage5_fault_tolerance.raftkv.commands import (
    Append,
    Compare,
    CompareAndSet,
    Delete,
    Get,
    Item,
    Put,
    Range,
    RangeResult,
    Refused,
    Transaction,
    TransactionResult,
)
from stage5_fault_tolerance.raftkv.store import KeyValueStore


class RaftKeyValue(Raft):
    """A server of the replicated key-value store."""

    carries = (
        *(Get, Put, Append, Delete, CompareAndSet, Range, Transaction, Compare),  # in the log
        *(Item, RangeResult, TransactionResult, Refused),  # in answers and in the snapshot
    )

    def new_application(self) -> Application:
        """A store without a key."""
        return KeyValueStore()

    def status(self) -> Mapping[str, object]:
        """What Raft says of itself, and how much is in the store."""
        store = self.machine.application
        assert isinstance(store, KeyValueStore), "this server has made it"
        return {**super().status(), "revision": store.revision, "keys": len(store.items)}
