"""When is a write done? At once, when one follower has it, or when all have it.

Kleppmann, chapter 5, "Synchronous Versus Asynchronous Replication". The mode says how many
followers must have a write on disk before its client hears ``PutDone``:

* ``async``: none. The fastest; but a write may be acknowledged, and be on one disk only.
* ``semi-sync``: one, no matter which. One slow follower delays nobody.
* ``sync``: all. Any single copy is enough afterwards; but one follower that is away stops all
  writes.

The leader has a write in its log in any mode, and everybody reads it there. Only the word to the
client waits. (MySQL shows a write to others before or after that wait, by ``AFTER_COMMIT`` or
``AFTER_SYNC``. A client may so read what is later lost: nobody was promised that it stays.)

Nothing is taken back when a follower does not answer. MySQL's semi-synchronous mode then falls back
to asynchronous after a while (``rpl_semi_sync_master_timeout``), and so promises nothing just when
it counts. Here the client's call ends *unknown*.
"""

from typing import Any, Literal, TypeAlias

from common.contract import NodeId, on
from stage3_partitioning.replication.log import Position
from stage3_partitioning.replication.shipping import Have, Member

Mode: TypeAlias = Literal["async", "semi-sync", "sync"]


def needed(mode: Mode, followers: int) -> int:
    """How many followers must have a write before it is done."""
    return {"async": 0, "semi-sync": min(1, followers), "sync": followers}[mode]


class Acknowledging(Member):
    """A member whose clients wait for followers.

    Args:
        id, peers, options: as for :class:`~stage3_partitioning.replication.shipping.Member`.
        mode: how many followers they wait for.
    """

    def __init__(
        self, id: NodeId, peers: tuple[NodeId, ...], *, mode: Mode = "semi-sync", **options: Any
    ) -> None:
        super().__init__(id, peers, **options)
        self.needed = needed(mode, len(peers))
        self.acknowledged: dict[NodeId, int] = {}
        """At a leader: of each follower, up to which offset it has said to have this log."""
        self.waiting: dict[NodeId, tuple[int, Position, int]] = {}
        """Of each client that waits: its number, its write's position, and which offset followers
        must have."""

    def confirmed(self) -> int:
        """The greatest offset that at least ``needed`` followers have. (``needed`` is 1 or more.)

        Followers that have said nothing have nothing.
        """
        offsets = sorted((self.acknowledged.get(peer, 0) for peer in self.peers), reverse=True)
        return offsets[self.needed - 1]

    def written(self, client: NodeId, number: int, position: Position) -> None:
        """A client's write is on the leader's disk: if no follower is needed, tell it so.

        If one is, the client waits, for the write's offset, or for the first write of this epoch if
        that is later. Why: a write that an earlier leader left behind, and that is repeated now,
        could be outlived by a later epoch that has never heard of it, even when it is on many
        disks. A write of this epoch behind it settles that (Ongaro and Ousterhout 2014, section
        5.4.2).
        """
        if not self.needed:
            super().written(client, number, position)
            return
        offset = max(position[1], self.log.first_of(self.epoch))
        self.waiting[client] = (number, position, offset)
        self.answer_waiting()

    @on(Have)
    def have_received(self, have: Have, sender: NodeId) -> None:
        """A follower has the log up to there: remember it, and answer those who waited for it.

        Only a word to this leader in this very epoch counts. Words may overtake each other, so an
        offset that was reached stays reached.
        """
        if self.leads and have.epoch == self.epoch:
            self.acknowledged[sender] = max(have.offset, self.acknowledged.get(sender, 0))
            self.answer_waiting()

    def answer_waiting(self) -> None:
        """Tell those clients whose offset is confirmed, and let them wait no more."""
        if not self.needed:
            return
        confirmed = self.confirmed()
        for client, (number, position, offset) in list(self.waiting.items()):
            if offset <= confirmed:
                del self.waiting[client]
                super().written(client, number, position)
