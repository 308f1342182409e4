"""Suspicion: nobody is dead before it had time to say that it lives.

SWIM, section 4.2. A member that sends no ack is *suspected* first. It is probed as before, and
everybody hears of the suspicion, itself too. Then it refutes: it raises its **incarnation** and
says that it is alive in that one. Only the member itself ever raises its incarnation, so a greater
one proves that it has lived longer. If no refutation comes for the suspicion timeout, it is dead.

What is believed of a member only ever grows. Updates about it are in one order, by incarnation,
and within an incarnation alive, suspect, dead. Each table keeps the greatest that it has heard, so
all tables agree in the end, in whatever order news come, and however often.

Where we leave the paper: there, Confirm (our Dead) beats everything forever, and a member that
comes back needs another name. Here, as in HashiCorp's memberlist, a greater incarnation beats Dead.
A member that was restarted does not know its incarnation any more, and begins at 0. So it must be
told that
it is dead: a member that believes so answers its ping with that, and then it goes beyond that
incarnation (memberlist#311 is what happens otherwise: it stays invisible). The order stays total,
so the argument above holds.
"""

from typing import Unpack

from common.contract import NodeId, on, timer
from stage5_fault_tolerance.swim.members import Entry, entry_of, update_of
from stage5_fault_tolerance.swim.messages import (
    ALIVE,
    DEAD,
    MAX_INCARNATION,
    SUSPECT,
    Alive,
    Dead,
    Suspect,
    Update,
    Updates,
)
from stage5_fault_tolerance.swim.probing import Prober, ProberOptions

GROWTH = {ALIVE: 0, SUSPECT: 1, DEAD: 2}
"""The order of the states within one incarnation."""


def overrides(new: Entry, old: Entry | None) -> bool:
    """Whether ``new`` is to be believed where ``old`` is believed (section 4.2, table).

    The greater incarnation wins; of two in the same incarnation the later state (:data:`GROWTH`).
    The same once more is no news. If a member is not known (None), everything about it is news,
    Dead too: who forgets that lets an old Alive in.
    """
    if old is None:
        return True
    return (new.incarnation, GROWTH[new.state]) > (old.incarnation, GROWTH[old.state])


def is_plausible(update: Update) -> bool:
    """Whether an update can be true, as far as its incarnation goes.

    No incarnation is less than 0 or greater than :data:`MAX_INCARNATION`. An accusation in the
    greatest one could never be refuted. One forged message would evict the member forever
    (memberlist#359), so it is not believed. The price: a member that was driven to the greatest
    incarnation cannot be accused any more.
    """
    most = MAX_INCARNATION if isinstance(update, Alive) else MAX_INCARNATION - 1
    return 0 <= update.incarnation <= most


@timer
class SuspicionEnds:
    """The member had time enough to refute the suspicion of this incarnation."""

    member: NodeId
    incarnation: int


class SuspecterOptions(ProberOptions, total=False):
    """How a :class:`Suspecter` is set up; see there."""

    suspicion: int


class Suspecter(Prober):
    """A member that suspects before it gives up, and refutes where it is suspected.

    Args:
        id, peers, options: as of a :class:`Prober`.
        suspicion: how many periods a suspicion lasts, for each doubling of the number of members.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        suspicion: int = 1,
        **options: Unpack[ProberOptions],
    ) -> None:
        super().__init__(id, peers, **options)
        self.suspicion = suspicion
        self.incarnation = 0
        """The incarnation of this member; nobody has heard of a greater one from it."""

    def own_incarnation(self) -> int:
        """The incarnation of this member."""
        return self.incarnation

    def failed(self, member: NodeId) -> None:
        """Suspect a member that sends no ack, in the incarnation in which it is known.

        If it is suspected or dead already, that is no news.
        """
        self.tell(Suspect(member, self.table[member].incarnation, self.id))

    def learn(self, update: Update) -> bool:
        """Believe what :func:`overrides` what was believed; returns whether that was news.

        What is not plausible is no news. What somebody says of this member itself is no news
        either: see :meth:`heard_of_oneself`. A suspicion ends after :meth:`suspicion_timeout`. A
        table that is full takes nobody new.
        """
        if not is_plausible(update):
            return False
        if update.member == self.id:
            self.heard_of_oneself(update)
            return False
        known = self.table.get(update.member)
        if not overrides(entry_of(update), known) or (known is None and self.table.full):
            return False
        self.believe(update)
        if isinstance(update, Suspect):
            self.suspicion_begins(update)
        return True

    def suspicion_begins(self, suspect: Suspect) -> None:
        """Give the member its time."""
        ends = SuspicionEnds(suspect.member, suspect.incarnation)
        self.set_timer(self.suspicion_timeout(), ends)

    def suspicion_timeout(self) -> int:
        """How long a suspicion lasts, in microseconds.

        ``suspicion`` periods for each binary digit of the number of living members: news, and the
        answer to them, need a time that grows with its logarithm.
        """
        return self.suspicion * self.table.living.bit_length() * self.period

    @on(SuspicionEnds)
    def suspicion_ends(self, ends: SuspicionEnds) -> None:
        """It is dead in that incarnation. If it has refuted, that is no news to anybody."""
        self.tell(Dead(ends.member, ends.incarnation, self.id))

    def heard_of_oneself(self, update: Update) -> None:
        """Refute what is said against this member; adopt an incarnation of an earlier life.

        * Alive: where its incarnation is the greater one, it was an earlier life's; go on from it.
        * An accusation in the present incarnation, or in a greater one: the new incarnation is one
          more than that of the accusation. Spread that this member is alive in it.
        * An accusation in an earlier incarnation was refuted already. Its accuser does not know
          that, so spread again that this member is alive in the present one; do not raise it.
        """
        if isinstance(update, Alive):
            self.incarnation = max(self.incarnation, update.incarnation)
            return
        if update.incarnation >= self.incarnation:
            self.incarnation = update.incarnation + 1
        self.spread(Alive(self.id, self.incarnation))

    def updates_for(self, to: NodeId) -> Updates:
        """What the next message to a member carries besides."""
        return self.accusation_of(to)

    def accusation_of(self, to: NodeId) -> Updates:
        """Tell a member that it is believed to be dead: it must hear that to come back."""
        known = self.table.get(to)
        if known is not None and known.state == DEAD:
            return (update_of(to, known, self.id),)
        return ()
