"""Part 4: tunable consistency. Each request says how many replicas it waits for.

Lakshman and Malik 2010, section 5.1. Any node coordinates any request. It sends a write to all
replicas of the partition, a read too, and answers as soon as enough have answered: ``ONE``, a
``QUORUM`` (more than half), or ``ALL``. Writes and reads by quorum meet in one replica at least, so
a read sees each write that had ended before it. With ``ONE`` it may not.

**The newest timestamp wins**, cell by cell. There are no siblings as in Dynamo. Of two writes that
do not know of each other one is lost, and which one, the clocks decide.

**Read repair.** Replicas that have answered with less than all of these have together are sent
what they lack, *and the reader waits until they have it on disk*. Why wait? A write may be at one
replica only. A first read meets that replica and shows the new value; a later read meets the two
others and would show the old one. With the repair on a quorum of disks, a later read by quorum sees
it as well. Replicas that answer later are repaired, too; nobody waits for them.

A coordinator that does not hear from enough replicas in time cannot take a write back. Some of them
may have it. So a write ends as *unknown*, and its cells may show up later; a read has failed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from common.contract import CallId, NodeId, begin_life, on, timer
from common.values.history import Failed, Ok, Unknown
from common.values.quorum import majority
from common.values.units import MS
from stage3_partitioning.cassandra.lsm import Cell, Cells, Name, merged
from stage3_partitioning.cassandra.replica import (
    ALL,
    MOST_BYTES,
    ONE,
    QUORUM,
    Found,
    Get,
    Mutate,
    Mutated,
    Put,
    Read,
    Replica,
    Shown,
    TooMuch,
)

PATIENCE = 200 * MS
"""How long a coordinator waits for the replicas."""

TOO_MUCH = Failed(f"these rows have more than {MOST_BYTES} bytes: read fewer of the partition")
"""How a read ends that would not fit one message."""


@timer
class TimeIsOver:
    """The round has waited long enough."""

    round: int


@dataclass(slots=True)
class Writing:
    """A write under way.

    Attributes:
        call: whom to tell.
        needed: how many replicas have to have it.
        timestamp: of its cells; what the person is told.
        done: who has it on disk.
    """

    call: CallId
    needed: int
    timestamp: int
    done: set[NodeId] = field(default_factory=set)


@dataclass(slots=True)
class Reading:
    """A read under way.

    Attributes:
        call: whom to tell.
        needed: how many replicas have to answer.
        homes: all of them.
        found: by replica, what it has answered.
        shown: what the first ``needed`` of them have together; None before.
        repairing: who has been sent what it lacks, and has not said that it is on disk.
        told: whether the person has been told.
    """

    call: CallId
    needed: int
    homes: tuple[NodeId, ...]
    found: dict[NodeId, Cells] = field(default_factory=dict)
    shown: Cells | None = None
    repairing: set[NodeId] = field(default_factory=set)
    told: bool = False


def needed(level: str, replicas: int) -> int:
    """How many replicas of so many a level waits for; 0 if there is no such level."""
    return {ONE: 1, QUORUM: majority(replicas), ALL: replicas}.get(level, 0)


def together(found: Mapping[NodeId, Cells]) -> Cells:
    """What several replicas have together: of each name the newest cell."""
    return tuple(merged(found.values()))


def lacking(all_cells: Cells, cells: Cells) -> Cells:
    """Which of all cells are not among those that a replica has, or are newer there."""
    have = dict(cells)
    return tuple((name, cell) for name, cell in all_cells if have.get(name) != cell)


class Coordinator(Replica):
    """A node that coordinates reads and writes.

    Args:
        id, peers, options: as for :class:`~stage3_partitioning.cassandra.replica.Replica`.
        patience: in microseconds, how long a round waits for the replicas.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        patience: int = PATIENCE,
        **options: Any,
    ) -> None:
        super().__init__(id, peers, **options)
        self.patience = patience
        self.rounds: dict[int, Any] = {}
        """What is under way. A crash forgets it, and its callers hear no more."""
        self.last_round = 0
        """The number of the latest round. It only grows, over crashes too."""
        self.last_timestamp = 0
        """Of the latest write that this node has stamped; no two of them are equal."""

    def on_start(self) -> None:
        """Begin with rounds that no earlier life has used: an answer to one of these is late."""
        super().on_start()
        self.last_round = begin_life(self)

    def status(self) -> Mapping[str, object]:
        """What is under way, too."""
        return {**super().status(), "rounds": len(self.rounds)}

    def new_timestamp(self) -> int:
        """What the clock shows, and more than any timestamp that this life has given."""
        self.last_timestamp = max(self.now, self.last_timestamp + 1)
        return self.last_timestamp

    # Writing.

    @on(Put)
    def put(self, put: Put, call: CallId) -> None:
        """Stamp the cells, and send them to all replicas of the partition.

        All cells of a Put have one timestamp: the given one, or a new one if that is 0. A level
        that there is not has failed at once.
        """
        homes = self.homes(put.key)
        enough = needed(put.level, len(homes))
        if not enough:
            self.finish(call, no_such_level(put.level))
            return
        timestamp = put.timestamp or self.new_timestamp()
        cells = tuple(
            ((put.key, each.row, each.column), Cell(each.value, timestamp)) for each in put.values
        )
        round = self.begin(Writing(call, enough, timestamp))
        for home in homes:
            self.send(home, Mutate(round, cells))

    @on(Mutated)
    def mutated_received(self, mutated: Mutated, sender: NodeId) -> None:
        """One replica more has it on disk: what a write has sent, or a read's repair.

        When enough have a write, it ends with Ok(timestamp), and the round is over.
        """
        under_way = self.rounds.get(mutated.round)
        if isinstance(under_way, Reading):
            under_way.repairing.discard(sender)
            self.look_at_reading(mutated.round, under_way)
        elif isinstance(under_way, Writing):
            under_way.done.add(sender)
            if len(under_way.done) >= under_way.needed:
                del self.rounds[mutated.round]
                self.finish(under_way.call, Ok(under_way.timestamp))

    # Reading.

    @on(Get)
    def get(self, get: Get, call: CallId) -> None:
        """Ask all replicas of the partition. A level that there is not has failed at once."""
        homes = self.homes(get.key)
        enough = needed(get.level, len(homes))
        if not enough:
            self.finish(call, no_such_level(get.level))
            return
        round = self.begin(Reading(call, enough, homes))
        for home in homes:
            self.send(home, Read(round, *bounds(get)))

    @on(Found)
    def found_received(self, found: Found, sender: NodeId) -> None:
        """One replica more has answered.

        When just enough have, what they have together is what will be shown. Replicas that lack
        some of it are sent that in this round, and are waited for. A replica that answers later is
        compared with all that have answered. Those that lack something then are sent it without a
        round (0).
        """
        reading = self.rounds.get(found.round)
        if not isinstance(reading, Reading) or sender in reading.found:
            return
        reading.found[sender] = found.cells
        everything = together(reading.found)
        if len(reading.found) == reading.needed:
            reading.shown = everything
        if reading.shown is not None:
            first = len(reading.found) == reading.needed
            for home, cells in reading.found.items():
                if less := lacking(everything, cells):
                    self.send(home, Mutate(found.round if first else 0, less))
                    reading.found[home] = everything
                    if first:
                        reading.repairing.add(home)
        self.look_at_reading(found.round, reading)

    def look_at_reading(self, round: int, reading: Reading) -> None:
        """Tell the person, once, when enough have answered and all of them have it on disk.

        When all replicas have answered as well, the round is over.
        """
        if reading.shown is not None and not reading.repairing and not reading.told:
            reading.told = True
            self.finish(reading.call, Ok(shown(reading.shown)))
        if reading.told and len(reading.found) == len(reading.homes):
            del self.rounds[round]

    @on(TooMuch)
    def too_much_received(self, too_much: TooMuch, sender: NodeId) -> None:
        """The read has failed, and nobody has to wait for the other replicas."""
        reading = self.rounds.get(too_much.round)
        if isinstance(reading, Reading) and not reading.told:
            del self.rounds[too_much.round]
            self.finish(reading.call, TOO_MUCH)

    # Rounds.

    def begin(self, under_way: object) -> int:
        """Number a round, and give it some time."""
        self.last_round += 1
        self.rounds[self.last_round] = under_way
        self.set_timer(self.patience, TimeIsOver(self.last_round))
        return self.last_round

    @on(TimeIsOver)
    def time_is_over(self, timer: TimeIsOver) -> None:
        """End the round: a write that has no end is unknown, a read has failed."""
        under_way = self.rounds.pop(timer.round, None)
        if isinstance(under_way, Writing):
            why = f"{len(under_way.done)} replicas have it for certain"
            self.finish(under_way.call, Unknown(f"{why}, {under_way.needed} are needed"))
        elif isinstance(under_way, Reading) and not under_way.told:
            why = f"{len(under_way.found)} replicas have answered"
            if under_way.shown is not None:
                why = "what the replicas have differently could not be repaired in time"
            self.finish(under_way.call, Failed(f"{why}, {under_way.needed} are needed"))


def no_such_level(level: str) -> Failed:
    """What the person is told."""
    return Failed(f"there is no consistency level {level!r}: it is {ONE}, {QUORUM} or {ALL}")


def bounds(get: Get) -> tuple[Name, Name]:
    """The first name that a Get wants, and the first one behind that it does not want."""
    last = (get.key, get.last, "") if get.last else (get.key + "\0", "", "")
    return (get.key, get.first, ""), last


def shown(cells: Cells) -> tuple[Shown, ...]:
    """Cells of one partition, as a person is shown them."""
    return tuple(Shown(row, column, cell.value, cell.timestamp) for (_, row, column), cell in cells)
