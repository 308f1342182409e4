"""The table of sessions, in which a server sees that its own batch was applied."""

from typing import Any

from common.contract import AtMostOnce, NodeId
from common.contract.sizes import value_size

KEPT_BYTES = 64 * 1024
"""Larger results of batches are not in snapshots."""


class ServerSessions(AtMostOnce):
    """The table of sessions; in snapshots it leaves out results that are large.

    A transaction may find as much as is in the store. A server that learns from a snapshot that its
    batch was carried out can then not tell its clients with what result: for them it is unknown.
    """

    def last_of(self, server: NodeId) -> tuple[int, object]:
        """The number of a server's last batch that was applied, and its result if it is known."""
        return self._last.get(server, (0, None))

    def snapshot(self) -> object:
        """As in AtMostOnce, without large results."""
        whole: Any = super().snapshot()
        inner, table = whole
        return (inner, tuple((*row[:2], _if_small(row[2])) for row in table))


def _if_small(result: object) -> object:
    return result if value_size(result) <= KEPT_BYTES else None


def expiry_session(server: NodeId) -> str:
    """Under which name a leader ends leases."""
    return f"{server}/leases"
