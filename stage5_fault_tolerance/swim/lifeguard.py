"""Lifeguard: a slow member doubts itself before it doubts others.

Dadgar, Phillips, Currey 2018, "Lifeguard: local health awareness for more accurate failure
detection", section III. SWIM's false alarms come from few members: those that are slow themselves.
They read acks too late, and take a refutation for none. Three remedies, in HashiCorp's memberlist
since 2016:

* **Self-awareness** (III-A, LHA-Probe): each member counts signs that it is slow itself. The more
  there are, the longer its period and its patience. A helper without an ack answers with a *nack*:
  no ack and no nack is a sign that the asker is the slow one.
* **Dogpile** (III-B, LHA-Suspicion): a suspicion begins with a long timeout. Each further accuser
  that comes to it independently shortens it: one slow member alone convinces nobody soon.
* **Buddy system** (III-C): a ping to a suspect tells it of the suspicion, so that it can refute at
  once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Unpack

from common.contract import NodeId, TimerId, on, timer
from stage5_fault_tolerance.swim.dissemination import Swim, SwimOptions
from stage5_fault_tolerance.swim.members import Entry, update_of
from stage5_fault_tolerance.swim.messages import (
    SUSPECT,
    Ack,
    Alive,
    Nack,
    PingReq,
    Suspect,
    Update,
    Updates,
)
from stage5_fault_tolerance.swim.suspicion import SuspicionEnds

MOST_DOUBT = 8
"""S: the greatest local health multiplier, at which times are nine times as long."""

PATIENCE = 6
"""Beta: so many times the least suspicion timeout is the greatest one."""

SHRINKING = {1: (0, 1000), 2: (0, 631, 1000), 3: (0, 500, 792, 1000)}
"""How far a timeout has gone from its greatest to its least, in thousandths, with 0, 1 ... K
further accusers: log(c + 1) / log(K + 1). By K, the number of them that is enough."""


@timer
class HelpIsLate:
    """The target of a PingReq has not answered the ping of this number."""

    number: int


@dataclass(slots=True)
class Suspicion:
    """A suspicion that this member knows of.

    Attributes:
        accusers: who has come to it, the first one first.
        began_at: when this member heard of it.
        timer: ends it.
    """

    accusers: list[NodeId]
    began_at: int
    timer: TimerId


class Lifeguard(Swim):
    """A member of SWIM that knows how well it is itself. Its arguments are those of ``Swim``."""

    def __init__(
        self, id: NodeId, peers: tuple[NodeId, ...], **options: Unpack[SwimOptions]
    ) -> None:
        super().__init__(id, peers, **options)
        self.doubt = 0
        """The local health multiplier: 0 is healthy, :data:`MOST_DOUBT` the greatest."""
        self.silent: list[NodeId] = []
        """Which helpers were asked in this period, and have sent no nack."""
        self.suspicions: dict[NodeId, Suspicion] = {}
        """The latest suspicion of each member that was suspected."""

    def status(self) -> Mapping[str, object]:
        """What is believed, and how much this member doubts itself."""
        return {**super().status(), "doubt": self.doubt}

    # Self-awareness.

    def doubt_more(self, points: int) -> None:
        """Count signs for being slow, or with -1 one against it; between 0 and MOST_DOUBT."""
        self.doubt = min(max(self.doubt + points, 0), MOST_DOUBT)

    def scaled(self, time: int) -> int:
        """Periods and ping timeouts are ``doubt + 1`` times as long."""
        return time * (self.doubt + 1)

    def probe_next(self) -> None:
        """As before; nobody has been asked for help with this one."""
        self.silent = []
        super().probe_next()

    def ask_for_help(self, helper: NodeId, target: NodeId) -> None:
        """As before; and remember whose nack, at least, is to come."""
        self.silent.append(helper)
        super().ask_for_help(helper, target)

    @on(PingReq)
    def ping_req_received(self, request: PingReq, sender: NodeId) -> None:
        """As before; and set a timer, of ``ping_timeout``, for the ack of the ping just sent."""
        super().ping_req_received(request, sender)
        self.set_timer(self.ping_timeout, HelpIsLate(self.last_number))

    @on(HelpIsLate)
    def help_is_late(self, late: HelpIsLate) -> None:
        """If the ack has not come yet, tell the asker by a Nack of its own number.

        If the ack comes later, it is passed on too.
        """
        if late.number in self.helping:
            asker, number = self.helping[late.number]
            self.send(asker, Nack(number))

    @on(Nack)
    def nack_received(self, nack: Nack, sender: NodeId) -> None:
        """A helper of the present probe is not silent: the path to it is good."""
        if nack.number == self.probe and sender in self.silent:
            self.silent.remove(sender)

    @on(Ack)
    def ack_received(self, ack: Ack, sender: NodeId) -> None:
        """As before; the first ack of the present probe is a sign of being well: doubt less."""
        if ack.number == self.probe and not self.acked:
            self.doubt_more(-1)
        super().ack_received(ack, sender)

    def failed(self, member: NodeId) -> None:
        """A probe that failed is one sign of being slow; helpers that were silent are another one.

        Then suspect the member, as before. If it is suspected already, this member is one more
        accuser, which has come to it independently.
        """
        self.doubt_more(2 if self.silent else 1)
        super().failed(member)

    def heard_of_oneself(self, update: Update) -> None:
        """As before; to have to refute is a sign of being slow."""
        if not isinstance(update, Alive) and update.incarnation >= self.incarnation:
            self.doubt_more(1)
        super().heard_of_oneself(update)

    # Dogpile.

    def learn(self, update: Update) -> bool:
        """As before; but a suspicion that is known already may have another accuser."""
        known = self.table.get(update.member)
        if isinstance(update, Suspect) and known == Entry(SUSPECT, update.incarnation):
            self.accuser_joins(update)
            return False
        return super().learn(update)

    def suspicion_begins(self, suspect: Suspect) -> None:
        """Give the member the greatest time, for there is one accuser so far."""
        ends = SuspicionEnds(suspect.member, suspect.incarnation)
        timer = self.set_timer(self.timeout_with(1), ends)
        self.suspicions[suspect.member] = Suspicion([suspect.accuser], self.now, timer)

    def accuser_joins(self, suspect: Suspect) -> None:
        """If this accuser is a new one, the time is shorter, counted from its beginning.

        The first K of them are told on as well, so that it gets shorter everywhere; later ones
        change nothing.
        """
        suspicion = self.suspicions[suspect.member]
        accusers = suspicion.accusers
        if suspect.accuser in accusers or len(accusers) > self.accusers_enough():
            return
        accusers.append(suspect.accuser)
        self.spread(suspect)
        self.cancel_timer(suspicion.timer)
        left = suspicion.began_at + self.timeout_with(len(accusers)) - self.now
        ends = SuspicionEnds(suspect.member, suspect.incarnation)
        suspicion.timer = self.set_timer(max(left, 0), ends)

    def accusers_enough(self) -> int:
        """K: how many further accusers make the time the shortest; there may not be so many."""
        return min(max(SHRINKING), self.table.living - 2)

    def timeout_with(self, accusers: int) -> int:
        """How long a suspicion lasts in all that has so many accusers, in microseconds.

        The least time is that of SWIM (``suspicion_timeout``), the greatest :data:`PATIENCE` times
        as long. From one accuser to K + 1 it goes down as :data:`SHRINKING` says (III-B: by the
        logarithm). If K is less than 1, nobody else could come to it: then it is the least.
        """
        least, enough = self.suspicion_timeout(), self.accusers_enough()
        if enough < 1:
            return least
        further = min(accusers - 1, enough)
        return least * PATIENCE - least * (PATIENCE - 1) * SHRINKING[enough][further] // 1000

    # Buddy system.

    def accusation_of(self, to: NodeId) -> Updates:
        """Tell a member not only that it is believed to be dead, but also that it is suspected."""
        known = self.table.get(to)
        if known is not None and known.state == SUSPECT:
            return (update_of(to, known, self.id),)
        return super().accusation_of(to)
