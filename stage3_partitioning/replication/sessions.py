"""What a client may rely on that reads at followers, although they lag.

Terry et al. 1994, "Session guarantees for weakly consistent replicated data", section 4; Kleppmann,
chapter 5, "Problems with Replication Lag". A client that reads at any follower may miss its own
write, and may see time run backward from one read to the next. Two positions mend that, kept by the
client, sent with each read, and checked by the member:

* *read your writes*: a read comes from a state at the position of the client's last write, or
  later.
* *monotonic reads*: a read comes from a state at the position of its last read, or later.

*Consistent prefix* needs no third one. A follower takes writes in the order of the log, so no state
has an answer without its question. But two reads at two followers may show the answer from one and
no question from the other; monotonic reads forbid that, too, for positions are of the whole log,
not of one key.

A member that is not far enough says ``Behind``, and the client goes to the leader, which has
everything. Real systems wait for the follower instead (PostgreSQL: ``pg_wal_replay_wait``; MySQL:
``WAIT_FOR_EXECUTED_GTID_SET``; MongoDB: ``afterClusterTime``), or send all reads of a person to one
follower.

After a failover that lost writes, positions of the lost ones are below all of the new epoch. So
nobody waits for them, and the client misses its write: it *is* lost.
"""

from collections.abc import Sequence
from typing import Any

from common.contract import NodeId, message, on
from common.values.history import Ok
from stage3_partitioning.replication.acknowledging import Acknowledging
from stage3_partitioning.replication.client import Client
from stage3_partitioning.replication.log import NOWHERE, Position
from stage3_partitioning.replication.shipping import GetRequest, Got, PutDone

WRITES, READS = "read your writes", "monotonic reads"
BOTH = (WRITES, READS)


@message
class Behind:
    """My state is not so far. The leader is ``leader``, if I know one."""

    number: int
    leader: NodeId | None


class Serving(Acknowledging):
    """A member that answers a read only if it is far enough."""

    @on(GetRequest)
    def get_requested(self, request: GetRequest, sender: NodeId) -> None:
        """A client wants to read in a state at ``at_least`` or later.

        If this log ends before that, say ``Behind``. Else answer as always.
        """
        if self.log.position < request.at_least:
            self.send(sender, Behind(request.number, self.leader))
            return
        super().get_requested(request, sender)


class Session(Client):
    """A client that remembers how far it has written and read.

    Args:
        id, peers, options: as for :class:`~stage3_partitioning.replication.client.Client`.
        keeps: which guarantees.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        keeps: Sequence[str] = BOTH,
        **options: Any,
    ) -> None:
        super().__init__(id, peers, **options)
        self.keeps = tuple(keeps)
        self.wrote: Position = NOWHERE
        """The furthest position of a write that this client was told of."""
        self.read: Position = NOWHERE
        """The furthest position of a state that this client has read."""

    def at_least(self) -> Position:
        """The least position that keeps those guarantees that are to be kept."""
        wrote = self.wrote if WRITES in self.keeps else NOWHERE
        read = self.read if READS in self.keeps else NOWHERE
        return max(wrote, read)

    @on(PutDone)
    def put_done_received(self, done: PutDone, sender: NodeId) -> None:
        """It is written: remember the furthest position of a write, then go on as any client."""
        self.wrote = max(self.wrote, done.position)
        super().put_done_received(done, sender)

    @on(Got)
    def got_received(self, got: Got, sender: NodeId) -> None:
        """It is read: remember the furthest position, if somebody waits for it (``under_way``).

        An answer that comes too late was shown to nobody.
        """
        if got.number in self.under_way:
            self.read = max(self.read, got.position)
        self.end(got.number, Ok(got.value))

    @on(Behind)
    def behind_received(self, behind: Behind, sender: NodeId) -> None:
        """That member is not far enough: ask the leader, if it is known, within this attempt."""
        if behind.leader is None:
            self.not_now(behind.number, f"{sender} is behind, and knows no leader")
        else:
            self.redirect(behind.number, behind.leader)
