"""A replica with a front: what Redis' protocol asks of it, beyond the clients of the lab.

A front is in the replica's own process. It writes several keys at once, reads several, and follows
the log: it hands that on to real Redis servers, which are followers of this replica.
"""

import sys
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from common.contract import CallId, NodeId, on, operation, record
from common.values.history import Failed, Ok, Unknown
from common.values.sizes import bytes_of
from stage3_partitioning.replication.log import MOST_BYTES, Copy, Entry, Position
from stage3_partitioning.replication.rejoin import Replica
from stage3_partitioning.replication.shipping import Ship

FRONT = "front"
"""The client of all writes that come by a front: nobody repeats them, so they need no numbers."""

MOST_TOLD = 1000
"""Writes that are told of at one time."""

MOST_STORED = 3_500_000
"""Bytes of all keys and values: a copy of them has to fit one message."""

EACH = 16
"""Bytes that a key and its value cost in a copy, beside their texts."""

NOT_LEADER = "this member does not lead"
FULL = "OOM command not allowed when used memory > 'maxmemory'"
TOO_LARGE = f"more than {MOST_BYTES} bytes cannot be written at one time"


@record
class Change:
    """What to do with a key: write ``value``, or with None delete it."""

    key: str
    value: str | None


def size_of(change: Change) -> int:
    """What a change costs of the room in a message."""
    return bytes_of(change.key, change.value) + EACH


def in_pieces(changes: Iterable[Change], most: int) -> Iterator[tuple[Change, ...]]:
    """Changes in their order, so many at most in a piece, and none too large for one write."""
    piece: list[Change] = []
    size = 0
    for change in changes:
        size += size_of(change)
        if piece and (size > MOST_BYTES or len(piece) == most):
            yield tuple(piece)
            piece, size = [], size_of(change)
        piece.append(change)
    if piece:
        yield tuple(piece)


@operation
class Write:
    """Make these changes, one right behind the other. Ends with Ok(:class:`Written`) when they are
    done, by the mode of the cluster; with Failed where this member does not lead."""

    changes: tuple[Change, ...]


@operation
class Read:
    """What is under these keys? Ends with Ok(values), None where nothing is."""

    keys: tuple[str, ...]


@operation
class Follow:
    """What is behind this position? Ends with Ok(:class:`Told`), as soon as there is something."""

    position: Position


@operation
class State:
    """All that is here, and what is behind this position. Ends with Ok(:class:`Picture`)."""

    position: Position


@operation
class Who:
    """Who leads? Ends with Ok((leader or None, epoch, offset))."""


@record
class Written:
    """Changes are done.

    Attributes:
        position: where they lead.
        there: how many of their keys were there before.
    """

    position: Position
    there: int


@record
class Told:
    """Changes behind a position, and the new position.

    Attributes:
        position: where the changes lead.
        changes: one for each place of the log; None for a leader's mark.
        again: that the log does not go through the position that was named, so a follower has to
            begin with a copy.
    """

    position: Position
    changes: tuple[Change | None, ...]
    again: bool = False


@record
class Picture:
    """A copy of everything, and the changes that lead to it."""

    copy: Copy
    told: Told


class Fronted(Replica):
    """A replica that a front can use."""

    carries = (Copy, Change, Picture, Told, Written)

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...], **options: Any) -> None:
        super().__init__(id, peers, **options)
        self.due: deque[tuple[int, CallId, Written]] = deque()
        """Writes of the front that wait: until which offset is confirmed, and for what."""
        self.room = 0
        """So many bytes may be stored at least; where they are used up it is looked at again."""
        self.following: list[tuple[CallId, Position]] = []
        """Who waits for something behind a position."""

    @on(Write)
    def write(self, write: Write, call: CallId) -> None:
        """Take the changes as the leader, ship them, and wait as any client does."""
        if not self.leads:
            self.finish(call, Failed(NOT_LEADER))
            return
        if why := self.refusal(write.changes):
            self.finish(call, Failed(why))
            return
        after = self.log.position
        there = sum(each.key in self.log.data for each in write.changes)
        entries = tuple(
            Entry(self.epoch, FRONT, 0, each.key, each.value)
            for each in write.changes
            if each.value is not None or each.key in self.log.data
        )
        self.take(entries)
        written = Written(self.log.position, there)
        if entries:
            self.broadcast(Ship(self.epoch, after, entries))
        if entries and self.needed:
            self.due.append((self.log.offset, call, written))
            self.answer_waiting()
        else:
            self.finish(call, Ok(written))

    def refusal(self, changes: tuple[Change, ...]) -> str:
        """Why these changes cannot be made; "" if they can."""
        size = sum(map(size_of, changes))
        if size > MOST_BYTES:
            return TOO_LARGE
        if all(each.value is None for each in changes):
            return ""
        self.room -= size
        if self.room < 0:
            stored = sum(bytes_of(*pair) + EACH for pair in self.log.data.items())
            self.room = MOST_STORED - stored - size
        return FULL if self.room < 0 else ""

    @on(Read)
    def read(self, read: Read, call: CallId) -> None:
        """Answer from what is here."""
        self.finish(call, Ok(tuple(self.log.data.get(key) for key in read.keys)))

    @on(State)
    def state(self, state: State, call: CallId) -> None:
        """A copy of all, and the way to it."""
        told = self.told(state.position, self.log.offset)
        self.finish(call, Ok(Picture(self.log.copy(), told)))

    @on(Who)
    def who(self, _: Who, call: CallId) -> None:
        """Who leads, as far as is known here."""
        self.finish(call, Ok((self.leader, self.epoch, self.log.offset)))

    @on(Follow)
    def follow(self, follow: Follow, call: CallId) -> None:
        """Tell what is behind the position, now or later."""
        self.following.append((call, follow.position))
        self.tell()

    def tell(self) -> None:
        """Tell those who wait what is behind their positions now."""
        waiting, self.following = self.following, []
        for call, position in waiting:
            if position == self.log.position:
                self.following.append((call, position))
            else:
                self.finish(call, Ok(self.told(position, MOST_TOLD)))

    def told(self, position: Position, most: int) -> Told:
        """The changes behind a position, so many at most."""
        if not self.log.has(position):
            return Told(self.log.position, (), again=True)
        entries = self.log.since(position[1], most, sys.maxsize)
        reached = self.log.at(position[1] + len(entries))
        changes = (Change(each.key, each.value) if each.client else None for each in entries)
        return Told(reached, tuple(changes))

    # Where the log, the epoch, or what is confirmed changes.

    def take(self, entries: tuple[Entry, ...]) -> None:
        """Add writes, and tell who follows."""
        super().take(entries)
        self.tell()

    def take_back(self, offset: int) -> None:
        """Take writes back: who has followed to beyond the fork has to begin again."""
        super().take_back(offset)
        self.tell()

    def enter(self, epoch: int, leader: NodeId | None) -> None:
        """In a new epoch nobody knows what becomes of writes that waited."""
        while self.due:
            _, call, _ = self.due.popleft()
            self.finish(call, Unknown("another member may lead"))
        super().enter(epoch, leader)

    def answer_waiting(self) -> None:
        """Tell the front, too, whose writes are confirmed."""
        super().answer_waiting()
        confirmed = self.confirmed() if self.needed else 0
        while self.due and self.due[0][0] <= confirmed:
            _, call, written = self.due.popleft()
            self.finish(call, Ok(written))
