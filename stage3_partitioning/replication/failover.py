"""Failover: another member leads, and the old leader is fenced off, even if it still runs.

Kleppmann, chapter 5, "Leader failure: failover", and chapter 8 on fencing tokens. Here nobody
notices a dead leader: an *operator* decides (``operator.py``), and names a new epoch. There are two
steps:

1. ``Fence``: a member that hears of a new epoch follows nobody of an older one any more, and says
   where its log ends. Once enough members have said so, the old leader cannot confirm anything, for
   too few followers listen to it.
2. ``Promote``: the member that is furthest leads the new epoch. It begins with a mark in the log,
   so that every later position is above all of older epochs.

"Furthest" is the greatest position: the epoch first, then the offset. "Enough" is all members but
as many as the mode waits for: then one of those who answered has each write that was acknowledged.
In ``async`` mode none is waited for. So whatever the new leader lacks is lost, acknowledged or not.

There is one operator, and it uses no epoch twice. Real systems elect: Redis Sentinel and MongoDB by
a majority that votes for an epoch or term, Patroni by a lease in etcd, MySQL's orchestrator by Raft
among its own servers. The lab ``election`` is about that. What is here, fence and position, is in
all of them; Viewstamped Replication and Raft are what comes out if the two steps are one vote.

An old leader that still runs, and hears nothing, goes on: in ``async`` mode it acknowledges writes
that will be lost, and it answers reads from its old state. Who has written or read in the new epoch
asks for a position that it has not, and is told so; for others only a lease could forbid it.
"""

from common.contract import NodeId, message, on
from stage3_partitioning.replication.log import Entry, Position
from stage3_partitioning.replication.sessions import Serving
from stage3_partitioning.replication.shipping import Ask, Ship

# Between the operator and the members.


@message
class Fence:
    """Follow nobody of an epoch before this one, and tell me where your log ends."""

    epoch: int


@message
class Fenced:
    """So I do. My log ends there."""

    epoch: int
    position: Position


@message
class Promote:
    """Lead this epoch, with the log that ends where you said so (``Fenced``)."""

    epoch: int
    position: Position


@message
class Promoted:
    """I lead it. Before its mark my log ended there."""

    epoch: int
    position: Position


@message
class Outdated:
    """You speak for an epoch that is over. I know of this one."""

    epoch: int


class Replaceable(Serving):
    """A member that a new epoch can make a leader, or a follower.

    Its epoch and who leads it are on disk under "epoch", as a pair.
    """

    def on_start(self) -> None:
        """Know again in which epoch it was, and who leads that."""
        super().on_start()
        self.epoch, self.leader = self.saved.get("epoch", (self.epoch, self.leader))

    def enter(self, epoch: int, leader: NodeId | None) -> None:
        """Be in an epoch under this leader; None while it has none that is known.

        Save the pair under "epoch". What followers had said to this member as an older leader
        counts no more, and nobody waits for it: forget ``acknowledged`` and ``waiting``.
        """
        self.epoch, self.leader = epoch, leader
        self.save("epoch", (epoch, leader))
        self.acknowledged, self.waiting = {}, {}

    @on(Fence)
    def fence_received(self, fence: Fence, sender: NodeId) -> None:
        """The operator prepares a new epoch.

        A later epoch than this one is entered, without a leader. If that is, or was already, the
        epoch of this member, and it has no leader yet, say ``Fenced``. Else it is over: say
        ``Outdated``, with the epoch that is known here.
        """
        if fence.epoch > self.epoch:
            self.note(f"fenced: epoch {fence.epoch} begins")
            self.enter(fence.epoch, None)
        if fence.epoch == self.epoch and self.leader is None:
            self.send(sender, Fenced(self.epoch, self.log.position))
        else:
            self.send(sender, Outdated(self.epoch))

    @on(Promote)
    def promote_received(self, promote: Promote, sender: NodeId) -> None:
        """The operator makes this member the leader of the epoch.

        That holds if it is in this very epoch, which has no leader, and its log still ends where
        the operator believes: then lead, and begin with a mark, an entry of client "" with number
        0, key "" and value None. If it leads it already, the word came twice: only answer.
        ``Promoted`` says where the log ended before the mark.

        In any other epoch, or if another one leads, say ``Outdated``. So it does with another log:
        it has lost its disk since it was fenced, and it may have led this epoch with that log.
        """
        is_as_fenced = self.leader is None and self.log.position == promote.position
        if promote.epoch != self.epoch or not (is_as_fenced or self.leads):
            self.send(sender, Outdated(self.epoch))
            return
        if is_as_fenced:
            self.enter(self.epoch, self.id)
            self.note(f"leads epoch {self.epoch}, from {self.log.position} on")
            self.lead_with(Entry(self.epoch, "", 0, "", None))
        before = self.log.at(self.log.first_of(self.epoch) - 1)
        self.send(sender, Promoted(self.epoch, before))

    @on(Outdated)
    def outdated_received(self, outdated: Outdated, sender: NodeId) -> None:
        """Somebody knows a later epoch: enter it. Its leader will say that it leads."""
        if outdated.epoch > self.epoch:
            self.note(f"epoch {self.epoch} is over: {sender} knows of {outdated.epoch}")
            self.enter(outdated.epoch, None)

    def follows(self, epoch: int, leader: NodeId) -> bool:
        """Whether a word of ``leader``, as the leader of ``epoch``, is to be followed.

        Of an older epoch it is not, and ``leader`` is told that with ``Outdated``. A later epoch is
        entered under this leader, and so is this one, if it has no leader that is known here.
        """
        if epoch < self.epoch:
            self.send(leader, Outdated(self.epoch))
            return False
        if epoch > self.epoch or self.leader is None:
            self.enter(epoch, leader)
        return True

    @on(Ship)
    def ship_received(self, ship: Ship, sender: NodeId) -> None:
        """Writes come only from a leader that this member follows."""
        if self.follows(ship.epoch, sender):
            super().ship_received(ship, sender)

    @on(Ask)
    def ask_received(self, ask: Ask, sender: NodeId) -> None:
        """A follower of this very epoch is shipped to; others do not follow this leader."""
        if ask.epoch == self.epoch:
            super().ask_received(ask, sender)
