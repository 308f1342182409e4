"""Rejoin: a member whose history went another way takes back what nobody else has.

An old leader comes back, and its log ends with writes that the new leader never had: the *divergent
suffix*. It must not ship them, and it cannot keep them, or copies would differ for good. So it
takes them back, and lists them, for a person may want to do them again (MongoDB writes them to a
file in its ``rollback`` folder).

The rule is that of Redis' PSYNC and of KIP-101 and KIP-279 in Kafka. A follower says where its log
ends, an epoch and an offset, and the leader decides:

* Its own history goes through that position, and the backlog still has all that comes behind: it
  ships that. (Redis: *partial resync*.)
* Its history does not: ``Truncate`` says up to where the two can be the same, the *fork*.
* What the follower lacks is in the backlog no more: ``Replace`` has a copy of everything. (Redis:
  *full resync*.)

Redis knows two histories: ``replid`` with its offset, and ``replid2`` with
``second_replid_offset``, up to which the one before is a part of this one. The lineage of
:mod:`.log` knows all.

**An empty leader.** A leader that comes back without its disk has an empty log in an epoch in which
its followers have a full one. In one epoch a leader's log only grows. So a follower never takes
back writes of the very epoch whose leader tells it to; and a leader that hears of a follower with
more of its own epoch than it has itself, leads no longer. Redis has no such rule: a master without
persistence that restarts is followed, and all copies are emptied (redis#6434).
"""

from collections.abc import Mapping
from typing import Any

from common.contract import NodeId, message, on
from stage3_partitioning.replication.failover import Replaceable
from stage3_partitioning.replication.log import Copy, Entry, Position
from stage3_partitioning.replication.shipping import Ask

BACKLOG = 10_000
"""Writes that a member keeps to ship them one by one."""


@message
class AskAll:
    """My log ends at ``position``, and I cannot take back as much as you want: send a copy."""

    epoch: int
    position: Position


@message
class Truncate:
    """Our histories can be the same up to ``fork``, at most: take back what you have behind it."""

    epoch: int
    fork: Position


@message
class Replace:
    """What you lack is in my backlog no more: here is all, and up to where you may have it."""

    epoch: int
    fork: Position
    copy: Copy


class Replica(Replaceable):
    """A member that rejoins with what it has.

    What it took back in this and earlier lives is on disk, under ("lost", a number from 0): one
    tuple of entries for each time.

    Args:
        id, peers, options: as for :class:`~stage3_partitioning.replication.failover.Replaceable`.
        backlog: how many writes are kept to be shipped one by one.
    """

    def __init__(
        self, id: NodeId, peers: tuple[NodeId, ...], *, backlog: int = BACKLOG, **options: Any
    ) -> None:
        super().__init__(id, peers, **options)
        self.backlog = backlog
        self.lost: list[tuple[Entry, ...]] = []
        """Each time that writes were taken back: which."""

    def status(self) -> Mapping[str, object]:
        """How many writes were taken back, too."""
        return {**super().status(), "lost": sum(map(len, self.lost))}

    def on_start(self) -> None:
        """Know again what was taken back."""
        super().on_start()
        saved: Mapping[Any, Any] = self.saved
        while gone := saved.get(("lost", len(self.lost))):
            self.lost.append(gone)

    # The leader's half.

    def strayed(self, ask: Ask, sender: NodeId) -> None:
        """A follower is at a position that cannot be continued from here.

        * Its position is beyond this log, in this epoch: this leader has lost its memory. Lead no
          longer: enter the epoch without a leader, until the operator names the next.
        * Else, the ``fork`` of this log and that position: if the follower is behind it, because
          its history went another way, and the backlog reaches back to it, ``Truncate``.
        * Else ``Replace``, with a copy.
        """
        if ask.position > self.log.position:
            self.note(f"{sender} has {ask.position}, this leader less: it leads no longer")
            self.enter(self.epoch, None)
            return
        fork = self.log.fork(ask.position)
        if fork[1] >= self.log.start:
            self.send(sender, Truncate(self.epoch, fork))
        else:
            self.send(sender, Replace(self.epoch, fork, self.log.copy()))

    @on(AskAll)
    def ask_all_received(self, ask: AskAll, sender: NodeId) -> None:
        """A follower of this epoch wants a copy: ``Replace`` it, if this member leads."""
        if self.leads and ask.epoch == self.epoch:
            fork = self.log.fork(ask.position)
            self.send(sender, Replace(self.epoch, fork, self.log.copy()))

    # The follower's half.

    def may_take_back(self, epoch: int, leader: NodeId, fork: Position) -> bool:
        """Whether writes behind ``fork`` may be taken back because ``leader`` says so.

        It must be a leader that this member follows. And no write of the leader's own epoch may be
        behind the fork: such a leader has lost what it shipped.
        """
        if not self.follows(epoch, leader):
            return False
        if self.log.position[0] == epoch and self.log.position > fork:
            self.note(f"no write of epoch {epoch} is taken back, whatever its leader {leader} says")
            return False
        return True

    @on(Truncate)
    def truncate_received(self, truncate: Truncate, sender: NodeId) -> None:
        """The leader's history is another one behind the fork.

        If it may: take back what is behind *this* log's fork with that position (the two need not
        be the same), and ``Ask`` again. What is in the base cannot be taken back: then ``AskAll``.
        """
        if not self.may_take_back(truncate.epoch, sender, truncate.fork):
            return
        _, offset = self.log.fork(truncate.fork)
        if offset < self.log.start:
            self.send(sender, AskAll(self.epoch, self.log.position))
            return
        self.take_back(offset)
        self.send(sender, Ask(self.epoch, self.log.position))

    def take_back(self, offset: int) -> None:
        """Cut the log behind an offset, on disk as well, and list what goes.

        On disk each write is under ("entry", its offset): forget those. What goes is saved under
        ("lost", number), as a tuple, and appended to ``lost``. If nothing goes, nothing is listed.
        """
        gone = self.log.cut(offset)
        for place in range(offset + 1, offset + 1 + len(gone)):
            self.forget(("entry", place))
        if gone:
            self.list_lost(tuple(gone))

    def list_lost(self, gone: tuple[Entry, ...]) -> None:
        """Remember what was taken back; marks of leaders are no loss, but they are listed too."""
        self.save(("lost", len(self.lost)), gone)
        self.lost.append(gone)
        self.note(f"takes back {len(gone)} writes", keys=tuple(each.key for each in gone))

    @on(Replace)
    def replace_received(self, replace: Replace, sender: NodeId) -> None:
        """The leader has sent a copy of everything: it takes the place of what is here.

        If it may: list as lost what this log's backlog has behind its fork with the leader's
        history, and take the copy (``log.replace``). It is saved under "base", and each write that
        was here is forgotten, ("entry", its offset). Then ``Ask`` for what comes behind it.
        """
        if not self.may_take_back(replace.epoch, sender, replace.fork):
            return
        _, offset = self.log.fork(replace.fork)
        gone = tuple(self.log.entries[max(0, offset - self.log.start) :])
        for place in range(self.log.start + 1, self.log.offset + 1):
            self.forget(("entry", place))
        if gone:
            self.list_lost(gone)
        self.log.replace(replace.copy)
        self.save("base", replace.copy)
        self.send(sender, Ask(self.epoch, self.log.position))

    # The backlog.

    def take(self, entries: tuple[Entry, ...]) -> None:
        """Add writes, and fold the oldest into the base when there are twice as many as are kept.

        Then the new base is saved under "base", and each write in it, ("entry", its offset), is
        forgotten. (Not each time: a fold saves a copy of everything.)
        """
        super().take(entries)
        if len(self.log.entries) > 2 * self.backlog:
            start = self.log.start
            folded = self.log.fold(self.backlog)
            self.save("base", self.log.base)
            for place in range(start + 1, start + 1 + folded):
                self.forget(("entry", place))
