"""View changes: another replica leads, and nothing that may have been carried out is lost.

Castro and Liskov 1999, sections 4.4 and 4.5. A backup that waits too long for a request suspects
the primary. It stops to take part in the view, and tells all what it has *prepared*, with the
certificates. The primary of the next view needs 2f + 1 such view changes. From them follows what it
has to propose again, and everybody computes that for themselves::

    n1 (silent)    n2                      n3                      n4
      |             | <---- view-change --- | <---- view-change --- |   2f + 1 with its own
      |             | ----- new-view -----> | --------------------> |   V, and O that follows
      |             |                       |                       |   prepare, commit ...

Why nothing is lost: a request that anybody has carried out had 2f + 1 commits, so f + 1 honest
replicas had it prepared. Any 2f + 1 view changes include one of these. Other certificates cannot
hide its certificate: of several for one number the one of the latest view counts, and in one view
there is none for another request.
"""

from collections.abc import Iterable, Mapping

from common.contract import NodeId, Signed, TimerId, on, record
from common.values.units import MS, SECOND
from stage7_advanced.pbft.certificates import proves_prepared, stable_digest
from stage7_advanced.pbft.checkpoints import Checkpoints
from stage7_advanced.pbft.messages import (
    Impatience,
    NewView,
    Prepared,
    PrePrepare,
    Status,
    Submit,
    ViewChange,
    digest_of,
)

LONGEST_WAIT = 8 * SECOND
"""Doubling ends here. (In the paper it has no end, since it does not say how late messages are.)"""


@record
class KeptView:
    """What a replica saves about its view: the one it is in or goes to, and what began it."""

    view: int
    began: Signed | None


class ViewChanges(Checkpoints):
    """A whole replica.

    Args:
        id: the name of this replica.
        peers: the other replicas.
        patience: how long a backup waits for a request before it suspects the primary, in
            microseconds.
        every, window, status_every: as of :class:`Checkpoints`.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        patience: int = 300 * MS,
        every: int = 16,
        window: int = 64,
        status_every: int = 50 * MS,
    ) -> None:
        super().__init__(id, peers, every=every, window=window, status_every=status_every)
        self.patience = patience
        self.began: Signed | None = None
        """The new-view message that began the present view; None for the first, or for none."""
        self.view_changes: dict[NodeId, Signed] = {}
        """Of each replica the view change to the latest view, this one's included."""
        self.in_vain = 0
        """View changes since a new request was carried out: each doubles the patience."""
        self.impatience: TimerId | None = None
        """What runs while a request waits, or while a view that was agreed on does not begin."""

    def on_start(self) -> None:
        """Go on in the view that was saved, or on the way to it.

        What was accepted in earlier views is void, as it was before the crash: else this replica
        would not take the word of the present primary for these numbers.
        """
        super().on_start()
        kept = self.saved.get("view")
        if isinstance(kept, KeptView):
            self.view, self.began = kept.view, kept.began
            self.active = self.began is not None
            for slot in self.slots.values():
                if slot.accepted is not None and slot.accepted.content.view < self.view:
                    slot.forget_votes()
            given = [number for number, slot in self.slots.items() if slot.accepted is not None]
            self.last_given = max(given, default=self.stable)
            if not self.active:
                self.say_view_change()

    # Patience (4.4, 4.5).

    def mind_the_primary(self, again: bool = False) -> None:
        """A timer runs exactly while a request waits here in a view that has begun (4.4).

        It begins again (``again``) when a request was carried out and another one waits. A request
        that comes while it runs does not begin it again: else clients that ask again and again
        would keep a primary in office that does nothing.
        """
        if self.active:
            if again or not self.waiting:
                self.stop_waiting()
            if self.waiting and self.impatience is None:
                self.wait()

    def wait(self) -> None:
        """Let the timer run: twice as long for each view change that was in vain (4.5.2)."""
        self.impatience = self.set_timer(
            min(self.patience << self.in_vain, LONGEST_WAIT), Impatience()
        )

    def stop_waiting(self) -> None:
        """Let no timer run."""
        if self.impatience is not None:
            self.cancel_timer(self.impatience)
            self.impatience = None

    def carry_out(self, signed: Signed) -> None:
        """A request that is new is carried out: so this view is a good one (4.5.2).

        From now on the wait is short again, for the next request that waits here, too. The null
        request, and one that was carried out before, say nothing good about a view.
        """
        request = signed.content
        if request.number > self.application.last(request.client)[0]:
            self.in_vain = 0
        super().carry_out(signed)

    @on(Impatience)
    def impatient(self, timer: Impatience) -> None:
        """It took too long: go to the next view (4.4)."""
        self.impatience = None
        self.note(f"suspects {self.group.primary(self.view)}")
        self.change_view(self.view + 1)

    # To the next view (4.4).

    def change_view(self, view: int) -> None:
        """Take part in this view no more, and tell all what was prepared here (4.4).

        From now on only checkpoints, view changes and new views are heard.

        A ``KeptView(view, None)`` is saved under ``"view"``.
        """
        self.stop_waiting()
        self.view, self.active, self.began = view, False, None
        self.in_vain += 1
        self.save("view", KeptView(view, None))
        self.say_view_change()

    def say_view_change(self) -> None:
        """Sign the view change, with all that is needed to prove what it says (4.4)."""
        prepared = tuple(
            slot.prepared for _, slot in sorted(self.slots.items()) if slot.prepared is not None
        )
        said = self.sign(ViewChange(self.view, self.stable, self.proof, prepared))
        self.broadcast(said)
        self.view_change_received(said)

    def take(self, signed: Signed) -> None:
        """A replica says something, and has signed it."""
        match signed.content:
            case ViewChange():
                self.view_change_received(signed)
            case NewView():
                self.new_view_received(signed)
            case _:
                super().take(signed)

    def view_change_received(self, signed: Signed) -> None:
        """A replica wants to go to another view (4.4, 4.5.2).

        * One that does not prove its checkpoint is ignored. The latest one of each replica counts.
        * If f + 1 replicas want to go to views above the own one, an honest one does: go with them,
          to the least of these views, whatever the own timer says.
        * If 2f + 1 want to go to the view that this replica is on its way to: the new primary
          begins it, and the others wait for that, but not forever. Those that want to go further
          count for the waiting, too (:meth:`see_whether_it_can_begin`).
        """
        said: ViewChange = signed.content
        known = self.view_changes.get(signed.signer)
        if known is not None and known.content.view >= said.view:
            return
        if not self.proves_checkpoint(said):
            return
        self.view_changes[signed.signer] = signed
        above = [
            each.content.view
            for each in self.view_changes.values()
            if each.content.view > self.view
        ]
        if len(above) > self.group.most_liars:
            self.change_view(min(above))
        elif said.view >= self.view and not self.active:
            self.see_whether_it_can_begin()

    def see_whether_it_can_begin(self) -> None:
        """Count who wants to go to the view that this replica is on its way to (4.4, 4.5.2).

        Its primary begins it with 2f + 1 of their view changes. Until then a replica waits, as soon
        as 2f + 1 are on their way to this view *or to a later one*. The paper counts those to this
        view alone. But each says its latest view only: a replica that has missed the earlier word
        of one that has gone on would wait for it forever, and so would the primary.
        """
        wanted = [each for each in self.view_changes.values() if each.content.view == self.view]
        gone = [each for each in self.view_changes.values() if each.content.view >= self.view]
        if self.leads() and len(wanted) >= self.group.quorum:
            self.begin_view(tuple(wanted[: self.group.quorum]))
        elif len(gone) >= self.group.quorum and self.impatience is None:
            self.wait()

    def proves_checkpoint(self, said: ViewChange) -> bool:
        """Whether a view change proves that its checkpoint is stable."""
        if said.stable == 0:
            return True
        return stable_digest(self.group, said.stable, said.proof, self.verify) is not None

    # What follows from view changes (4.4).

    def proved(self, view: int, view_changes: Iterable[Signed]) -> dict[int, PrePrepare]:
        """By number, what was prepared according to the view changes: the latest that is proved.

        A certificate counts if it is of an earlier view than ``view`` and holds by itself. Those
        that prove nothing are left out first; then, for each number, the one of the latest view
        counts.
        """
        found: dict[int, PrePrepare] = {}
        for change in view_changes:
            for certificate in change.content.prepared:
                if self.is_proved(view, certificate):
                    said: PrePrepare = certificate.pre_prepare.content
                    if said.number not in found or found[said.number].view < said.view:
                        found[said.number] = said
        return found

    def is_proved(self, view: int, certificate: Prepared) -> bool:
        """Whether a certificate holds, and is of a view before this one."""
        said = certificate.pre_prepare.content
        holds = proves_prepared(self.group, certificate, self.verify)
        return holds and said.view < view

    def proposals(self, view: int, view_changes: tuple[Signed, ...]) -> list[PrePrepare]:
        """What the primary of ``view`` has to propose again (O in 4.4).

        Let min-s be the latest stable checkpoint in all of the view changes, and max-s the greatest
        number that is proved to be prepared. For each number above min-s and up to max-s: the
        request that was prepared, or the null request where none was.
        """
        least = max(change.content.stable for change in view_changes)
        proved = {
            number: said
            for number, said in self.proved(view, view_changes).items()
            if least < number <= least + self.window
        }
        made: list[PrePrepare] = []
        for number in range(least + 1, max(proved, default=least) + 1):
            request = proved[number].request if number in proved else None
            made.append(PrePrepare(view, number, digest_of(request), request))
        return made

    # The new view (4.4).

    def begin_view(self, view_changes: tuple[Signed, ...]) -> None:
        """As its primary, begin the view: show why, and propose what follows (4.4)."""
        proposals = tuple(self.sign(said) for said in self.proposals(self.view, view_changes))
        said = self.sign(NewView(self.view, view_changes, proposals))
        self.broadcast(said)
        self.enter(said)

    def new_view_received(self, signed: Signed) -> None:
        """The primary of a view begins it (4.4). Believe it only as far as it is proved:

        * it comes from the primary of that view, which is not before the own one and has not begun
          here;
        * it shows a quorum of valid view changes of different replicas, all for that view;
        * what it proposes is exactly what follows from them, each with its signature.
        """
        said: NewView = signed.content
        ahead = said.view > self.view or (said.view == self.view and not self.active)
        if not ahead or signed.signer != self.group.primary(said.view):
            return
        if self.gives_the_right(said) and self.follows(said):
            self.enter(signed)

    def gives_the_right(self, said: NewView) -> bool:
        """Whether a quorum of different replicas wants to go to the view (V in 4.4)."""
        signers = {
            change.signer
            for change in said.view_changes
            if isinstance(change.content, ViewChange)
            and change.content.view == said.view
            and change.signer in self.group.names
            and self.verify(change)
            and self.proves_checkpoint(change.content)
        }
        return len(signers) >= self.group.quorum and len(signers) == len(said.view_changes)

    def follows(self, said: NewView) -> bool:
        """Whether the proposals are signed by the primary and follow from the view changes."""
        primary = self.group.primary(said.view)
        signed = all(each.signer == primary and self.verify(each) for each in said.pre_prepares)
        proposed = [each.content for each in said.pre_prepares]
        return signed and proposed == self.proposals(said.view, said.view_changes)

    def enter(self, signed: Signed) -> None:
        """The view has begun: take its proposals, and vote for them (4.4).

        The latest checkpoint that the view changes prove is stable here, too. What was accepted
        in earlier views is void, while certificates are kept. What waits here is for the new
        primary; if that is this replica, it gives numbers (:meth:`make_stable` does so, too) only
        once it has taken the proposals.

        A ``KeptView`` of the view and its proof is saved under ``"view"``.
        """
        said: NewView = signed.content
        self.view, self.active, self.began = said.view, True, signed
        self.save("view", KeptView(said.view, signed))
        latest: ViewChange = max(
            (change.content for change in said.view_changes), key=lambda change: change.stable
        )
        for slot in self.slots.values():
            slot.forget_votes()
        stable = self.last_given = max(self.stable, latest.stable)
        for proposal in said.pre_prepares:
            number = proposal.content.number
            self.last_given = max(self.last_given, number)
            if number > stable:  # and within the window: proposals() sees to that
                self.accept(proposal)
        if latest.stable > self.stable:
            self.make_stable(latest.stable, latest.proof)
        self.propose_waiting()
        if not self.leads():
            for request in self.waiting.values():
                self.send(self.group.primary(self.view), Submit(request))
        self.mind_the_primary(again=True)

    def status_received(self, signed: Signed) -> None:
        """A replica says how far it has come: what it lacks may be the view, too.

        If it is not in the view that has begun here, it gets the message that began it. If this
        replica is on its way to a view that it does not go to, it gets this one's view change.
        """
        super().status_received(signed)
        status: Status = signed.content
        behind = status.view < self.view or (status.view == self.view and not status.active)
        if behind and self.active and self.began is not None:
            self.send(signed.signer, self.began)
        elif behind and not self.active:
            self.send(signed.signer, self.view_changes[self.id])

    def status(self) -> Mapping[str, object]:
        """What a picture shows."""
        return {**super().status(), "in vain": self.in_vain}
