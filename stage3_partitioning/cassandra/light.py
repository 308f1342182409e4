"""Part 5: lightweight transactions. A write that is done only if a condition holds, by Paxos.

Jonathan Ellis 2013, "Lightweight transactions in Cassandra 2.0"; Lamport 2001, "Paxos Made Simple".
"Write this if nobody has this name yet" cannot be had from quorums: two coordinators may both find
that nobody has it. So the replicas of a partition agree, with Paxos, which of them comes next:

======== ============================================= ============================================
phase    the coordinator asks                          a replica answers
======== ============================================= ============================================
prepare  will you take nothing below this ballot?      what it accepted, committed and has in cells
propose  accept these cells (or none) at this ballot   accepted, unless it has promised a higher one
commit   they are accepted by a majority: write them   written
======== ============================================= ============================================

**Somebody's half-done write comes first.** If a promise shows accepted cells that not all of the
majority have committed, the coordinator proposes *these* under its own ballot, commits them, and
begins again. They may have been accepted by a majority, and their client may be told so.

**Looking is a round, too.** If the condition does not hold, or there is nothing to write, *no
cells* are proposed nevertheless. Why? An older proposal may be accepted by one replica that this
coordinator has not heard. Unless a majority accepts something newer, that proposal can still come
through, and then two looks one after the other contradict each other: CASSANDRA-12126, and Scylla's
issue 6299.

**A coordinator whose own cells were refused does not try again.** One replica may have accepted
them, and somebody else may finish them. A second try would find its own value, and tell the person
that the condition does not hold. So that ends as *unknown*.

Cells are stamped with the number of their ballot, which is above all timestamps that the majority
has for the columns. Plain writes go past all this: who needs the promise must not mix them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from common.contract import CallId, NodeId, on, timer
from common.values.history import Failed, Ok, Outcome, Unknown
from common.values.quorum import majority
from common.values.units import MS
from stage3_partitioning.cassandra.acceptor import (
    NO_BALLOT,
    Accepted,
    Acceptor,
    Ballot,
    Commit,
    Committed,
    Prepare,
    Promise,
    Proposal,
    Propose,
    Refused,
)
from stage3_partitioning.cassandra.lsm import Cell, Cells, Name
from stage3_partitioning.cassandra.quorum import TimeIsOver, shown, together
from stage3_partitioning.cassandra.replica import PutIf

ATTEMPTS = 12
"""So often a coordinator begins, at most, for one call."""

BACK_OFF = 40 * MS
"""A coordinator that was overtaken waits up to so long, by chance, before it begins again."""


@timer
class BeginAgain:
    """It is time for another attempt at what waits under this round."""

    round: int


@dataclass(slots=True)
class Deciding:
    """A lightweight transaction under way.

    Attributes:
        call: whom to tell.
        asked: what the person wants.
        homes: the replicas of the partition.
        attempts: how often it was begun.
        ballot: of this attempt.
        promises: by replica, in this attempt.
        proposal: what is proposed in this attempt, and then committed; None before.
        agreed: who has accepted it, and then, once a majority has, who has committed it.
        committing: whether a majority has accepted it.
        outcome: what the person is told when it is through; None if it is somebody else's.
    """

    call: CallId
    asked: PutIf
    homes: tuple[NodeId, ...]
    attempts: int = 0
    ballot: Ballot = NO_BALLOT
    promises: dict[NodeId, Promise] = field(default_factory=dict)
    proposal: Proposal | None = None
    agreed: set[NodeId] = field(default_factory=set)
    committing: bool = False
    outcome: Outcome | None = None

    @property
    def names(self) -> tuple[Name, ...]:
        """Of the columns that are expected to hold something, and of those to be written."""
        columns = {(each.row, each.column) for each in (*self.asked.expected, *self.asked.values)}
        return tuple((self.asked.key, *each) for each in sorted(columns))

    @property
    def is_unsure(self) -> bool:
        """Whether the person's own cells are proposed: somebody may write them, now or later."""
        own = self.outcome is not None and self.proposal is not None
        return own and self.proposal is not None and self.proposal.cells != ()


class Cassandra(Acceptor):
    """A node that coordinates lightweight transactions, too."""

    def on_start(self) -> None:
        """Remember the number of the last ballot."""
        super().on_start()
        self.last_ballot: int = self.saved.get("ballot", 0)

    @on(PutIf)
    def put_if(self, asked: PutIf, call: CallId) -> None:
        """Begin."""
        self.attempt(Deciding(call, asked, self.homes(asked.key)))

    def attempt(self, deciding: Deciding) -> None:
        """Prepare with another ballot, in another round; after :data:`ATTEMPTS` it has failed.

        The number of a ballot is what the clock shows, and more than any number that this node has
        used or heard of, ``last_ballot``. It is saved under ``"ballot"``: no later life may use it
        again. Promises, proposal and outcome of an earlier attempt count no more, and nothing is
        ``committing``.
        """
        if deciding.attempts == ATTEMPTS:
            self.finish(deciding.call, Failed("others were faster each time: try again"))
            return
        self.last_ballot = max(self.now, self.last_ballot + 1)
        self.save("ballot", self.last_ballot)
        deciding.attempts += 1
        deciding.ballot = (self.last_ballot, self.id)
        deciding.promises.clear()
        deciding.proposal = deciding.outcome = None
        deciding.committing = False
        round = self.begin(deciding)
        for home in deciding.homes:
            self.send(home, Prepare(round, deciding.asked.key, deciding.ballot, deciding.names))

    @on(Promise)
    def promise_received(self, promise: Promise, sender: NodeId) -> None:
        """One promise more; with those of a majority it is decided what to propose."""
        deciding = self.deciding(promise.round)
        if deciding is not None and deciding.proposal is None:
            deciding.promises[sender] = promise
            if len(deciding.promises) == majority(len(deciding.homes)):
                self.decide(promise.round, deciding)

    def decide(self, round: int, deciding: Deciding) -> None:
        """Propose what must come next.

        * Of what the promises show as accepted, take the one with the highest ballot. If it has
          cells, and not all of these replicas have committed that ballot or a higher one: its cells
          again. Nobody is told anything then.
        * Else the condition is looked at, in the newest cells of these replicas. If it holds, and
          there is something to write: the person's cells, with the ballot's number as timestamp;
          the outcome is Ok(True). If a cell is as new as the ballot, its timestamp is heard of, and
          it begins again.
        * Else no cells; the outcome is Ok with what the expected columns hold.
        """
        promises = deciding.promises
        latest = max((each.accepted for each in promises.values()), key=lambda each: each.ballot)
        if latest.cells and any(each.committed < latest.ballot for each in promises.values()):
            self.propose(round, deciding, latest.cells, None)
            return
        newest = dict(together({home: each.cells for home, each in promises.items()}))
        if not deciding.asked.values or not self.holds(deciding.asked, newest):
            self.propose(round, deciding, (), Ok(self.looked_at(deciding.asked, newest)))
            return
        number = deciding.ballot[0]
        greatest = max((cell.timestamp for cell in newest.values()), default=0)
        if greatest >= number:
            self.last_ballot = max(self.last_ballot, greatest)
            del self.rounds[round]
            self.attempt(deciding)
            return
        asked = deciding.asked
        cells = tuple(
            sorted(
                ((asked.key, each.row, each.column), Cell(each.value, number))
                for each in asked.values
            )
        )
        self.propose(round, deciding, cells, Ok(True))

    def holds(self, asked: PutIf, newest: Mapping[Name, Cell]) -> bool:
        """Whether each expected column holds what is expected; nothing and deleted are alike."""
        return all(
            value_of(newest.get((asked.key, each.row, each.column))) == each.value
            for each in asked.expected
        )

    def looked_at(self, asked: PutIf, newest: Mapping[Name, Cell]) -> object:
        """The expected columns that hold something or held it, as a person is shown them."""
        names = sorted({(asked.key, each.row, each.column) for each in asked.expected})
        return shown(tuple((name, newest[name]) for name in names if name in newest))

    def propose(
        self, round: int, deciding: Deciding, cells: Cells, outcome: Outcome | None
    ) -> None:
        """Propose cells to all replicas."""
        deciding.proposal, deciding.outcome = Proposal(deciding.ballot, cells), outcome
        deciding.agreed, deciding.committing = set(), False
        for home in deciding.homes:
            self.send(home, Propose(round, deciding.asked.key, deciding.proposal))

    @on(Accepted)
    def accepted_received(self, accepted: Accepted, sender: NodeId) -> None:
        """One replica more has accepted. When a majority has, the cells are committed.

        Where there are no cells, there is nothing to commit, and it is through.
        """
        deciding = self.deciding(accepted.round)
        if deciding is None or deciding.proposal is None or deciding.committing:
            return
        deciding.agreed.add(sender)
        if len(deciding.agreed) == majority(len(deciding.homes)):
            deciding.agreed, deciding.committing = set(), True
            if not deciding.proposal.cells:
                self.through(accepted.round, deciding)
                return
            for home in deciding.homes:
                self.send(home, Commit(accepted.round, deciding.asked.key, deciding.proposal))

    @on(Committed)
    def committed_received(self, committed: Committed, sender: NodeId) -> None:
        """One replica more has committed. When a majority has, it is through."""
        deciding = self.deciding(committed.round)
        if deciding is not None and deciding.committing:
            deciding.agreed.add(sender)
            if len(deciding.agreed) == majority(len(deciding.homes)):
                self.through(committed.round, deciding)

    def through(self, round: int, deciding: Deciding) -> None:
        """Tell the person; if it was somebody else's proposal, begin again with the own wish."""
        del self.rounds[round]
        if deciding.outcome is None:
            self.attempt(deciding)
        else:
            self.finish(deciding.call, deciding.outcome)

    @on(Refused)
    def refused_received(self, refused: Refused, sender: NodeId) -> None:
        """Somebody has a higher ballot. Begin again above it, after a while.

        But not if the person's own cells are proposed: that ends as unknown, unless a majority has
        accepted them nevertheless.
        """
        deciding = self.deciding(refused.round)
        if deciding is None or deciding.committing:
            return
        self.last_ballot = max(self.last_ballot, refused.promised[0])
        if deciding.is_unsure:
            return
        del self.rounds[refused.round]
        round = self.begin(deciding)
        self.set_timer(self.random.randrange(BACK_OFF), BeginAgain(round))

    @on(BeginAgain)
    def begin_again(self, timer: BeginAgain) -> None:
        """Make another attempt, if there is still time for it."""
        deciding = self.rounds.pop(timer.round, None)
        if isinstance(deciding, Deciding):
            self.attempt(deciding)

    @on(TimeIsOver)
    def time_is_over(self, timer: TimeIsOver) -> None:
        """Too few replicas have answered: unknown if the own cells are proposed, else failed."""
        deciding = self.deciding(timer.round)
        if deciding is None:
            super().time_is_over(timer)
            return
        del self.rounds[timer.round]
        why = "too few replicas have answered in time"
        self.finish(deciding.call, Unknown(why) if deciding.is_unsure else Failed(why))

    def deciding(self, round: int) -> Deciding | None:
        """The lightweight transaction that is under way in this round."""
        found = self.rounds.get(round)
        return found if isinstance(found, Deciding) else None


def value_of(cell: Cell | None) -> str | None:
    """What a cell holds; None where there is none, or a tombstone."""
    return None if cell is None else cell.value
