"""The operator: commands a failover, and says what it found."""

from typing import Any

from common.contract import CallId, NodeId, on, operation, timer
from common.values.history import Failed, Ok, Unknown
from common.values.units import MS
from stage3_partitioning.replication.acknowledging import Mode, needed
from stage3_partitioning.replication.failover import Fence, Fenced, Outdated, Promote, Promoted
from stage3_partitioning.replication.log import Position
from stage3_partitioning.replication.sessions import Session

GATHER = 100 * MS
"""How long an operator listens for positions, so that a member that is slow can be the furthest."""

TRIES = 10
"""How often it asks those who have not answered, before it gives up."""


@operation
class Failover:
    """Make the furthest member the leader of a new epoch. Ends with Ok((its name, the epoch))."""


@timer
class Go:
    """It is time for the next step of the failover to this epoch."""

    epoch: int


def furthest(positions: dict[NodeId, Position]) -> NodeId:
    """The member whose log has the greatest position; of several the first by name."""
    best = max(positions.values())
    return min(member for member, position in positions.items() if position == best)


class Operator(Session):
    """A client that can also command a failover. Of all clients only one does.

    Args:
        id, peers, options: as for :class:`~stage3_partitioning.replication.sessions.Session`.
        mode: that of the members.
    """

    def __init__(
        self, id: NodeId, peers: tuple[NodeId, ...], *, mode: Mode = "semi-sync", **options: Any
    ) -> None:
        super().__init__(id, peers, **options)
        members = len(self.servers)
        self.enough = 1 if mode == "async" else members - needed(mode, members - 1)
        """How many positions are enough: all but as many as a leader waits for. Then one of them
        has each write that was acknowledged. In async mode no number is enough for that, so one
        will do."""
        self.highest = 1
        """The highest epoch that this operator has named or heard of; saved under "highest"."""
        self.call: CallId | None = None
        self.positions: dict[NodeId, Position] = {}
        self.chosen: NodeId | None = None
        self.tries = 0

    def on_start(self) -> None:
        """Never name an epoch twice, not even after a crash."""
        super().on_start()
        self.highest = self.saved.get("highest", 1)

    @on(Failover)
    def failover(self, failover: Failover, call: CallId) -> None:
        """Name a new epoch, and fence off the older ones."""
        if self.call is not None:
            self.finish(call, Failed("a failover is under way"))
            return
        self.call, self.tries = call, 0
        self.begin()

    def begin(self) -> None:
        """Begin with a new epoch, which is on disk before anybody hears of it."""
        self.highest += 1
        self.save("highest", self.highest)
        self.positions, self.chosen = {}, None
        self.step_on()

    def step_on(self) -> None:
        """Ask those from whom an answer is lacking, and wait."""
        epoch = self.highest
        if self.chosen is not None:
            self.send(self.chosen, Promote(epoch, self.positions[self.chosen]))
        else:
            for member in self.servers:
                if member not in self.positions:
                    self.send(member, Fence(epoch))
        self.set_timer(GATHER, Go(epoch))

    @on(Fenced)
    def fenced_received(self, fenced: Fenced, sender: NodeId) -> None:
        """A member follows no older epoch any more.

        Once a leader is chosen nothing counts but why it was: it may have lost its disk meanwhile.
        """
        if fenced.epoch == self.highest and self.call is not None and self.chosen is None:
            self.positions[sender] = fenced.position

    @on(Go)
    def go(self, timer: Go) -> None:
        """Promote the furthest, if enough have answered; ask again if not; in the end give up."""
        if timer.epoch != self.highest or self.call is None:
            return
        self.tries += 1
        if self.tries > TRIES:
            call, self.call = self.call, None
            told = "the new leader did not answer" if self.chosen else "too few members answered"
            self.finish(call, Unknown(told))
            return
        if self.chosen is None and len(self.positions) >= self.enough:
            self.chosen = furthest(self.positions)
        self.step_on()

    @on(Promoted)
    def promoted_received(self, promoted: Promoted, sender: NodeId) -> None:
        """The new leader leads."""
        if promoted.epoch == self.highest and self.call is not None:
            call, self.call = self.call, None
            self.leader = sender
            self.note(f"{sender} leads epoch {promoted.epoch}, from {promoted.position} on")
            self.finish(call, Ok((sender, promoted.epoch)))

    @on(Outdated)
    def outdated_received(self, outdated: Outdated, sender: NodeId) -> None:
        """A member knows a later epoch than this operator did: begin again above it."""
        if outdated.epoch > self.highest:
            self.highest = outdated.epoch
            if self.call is not None:
                self.begin()
