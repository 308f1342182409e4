"""A client of the store: which operation takes which way, and how a refusal ends.

Finding the leader, redirects, retries under the same number and the honest end of an operation
are those of every client on Raft (:mod:`stage4_consensus.raft.client`). Changes go through the log,
once each. What only looks goes past the log, by ReadIndex. A transaction always takes the log: it
is one way for all of them, whatever their steps.
"""

from common.contract import CallId, on
from common.contract.sizes import wire_size
from common.values.history import Failed, Ok, Outcome
from stage4_consensus.raft.client import RaftClient
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
from stage5_fault_tolerance.raftkv.store import MAX_COMMAND


class KeyValueClient(RaftClient):
    """A client of the replicated key-value store."""

    carries = (Compare, Item, RangeResult, TransactionResult, Refused)

    @on(Put, Append, Delete, CompareAndSet, Transaction)
    def change(
        self, operation: Put | Append | Delete | CompareAndSet | Transaction, call: CallId
    ) -> None:
        """Have it carried out, once; what is too large for the log is not even sent."""
        size = wire_size(operation)
        if size > MAX_COMMAND:
            self.finish(call, Failed(f"it takes {size} bytes, and {MAX_COMMAND} is the most"))
        else:
            self.execute(operation, call)

    @on(Get, Range)
    def look(self, operation: Get | Range, call: CallId) -> None:
        """Read what is not stale, without an entry in the log."""
        self.query(operation, call)

    def finish(self, call: CallId, outcome: Outcome) -> None:
        """End the operation. What the store refused has certainly not happened: it failed."""
        if isinstance(outcome, Ok) and isinstance(outcome.value, Refused):
            outcome = Failed(outcome.value.reason)
        super().finish(call, outcome)
