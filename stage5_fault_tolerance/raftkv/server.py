"""A server of the store. What keeps it alive is Raft (stage 4); here it is told what to keep alive.

What a protocol's file can name, its nodes can send and save; so the commands and their results are
named here, though Raft handles them unseen.
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

COMMANDS = (Get, Put, Append, Delete, CompareAndSet, Range, Transaction, Compare)
"""What is in the log."""

RESULTS = (Item, RangeResult, TransactionResult, Refused)
"""What is in answers, and in the snapshot with its table of sessions."""


class RaftKeyValue(Raft):
    """A server of the replicated key-value store."""

    def new_application(self) -> Application:
        """A store without a key."""
        return KeyValueStore()

    def status(self) -> Mapping[str, object]:
        """What Raft says of itself, and how much is in the store."""
        store = self.machine.application
        assert isinstance(store, KeyValueStore), "this server has made it"
        return {**super().status(), "revision": store.revision, "keys": len(store.items)}
