"""A view change for the explorer: four replicas, one number, and a liar, until view 1 begins.

The replicas are those of ``small.py``, with the lab's view change. Each may lose its patience at
any moment of view 0, however late messages come. The liar says everything that it
could: both votes for each request, and view changes that bring nothing along, or a certificate if
there is one. Where the liar is n2, which leads view 1, it begins the view with each quorum of view
changes that it can show, and with each proposal.

This must hold, since otherwise view changes would lose something: for every honest replica view 1
begins with what any honest replica has carried out in view 0.

The bound is that view 1 ends where it begins, for its three phases are those that ``small.py``
explores. What keeps the instances small besides, and hides no run that could break the promise:

* The liar's votes are always there, so they are heard before those of others.
* Only the new primary hears view changes, and only while it waits for them. The rule that f + 1 of
  them take a replica along adds nothing where each may lose its patience at any moment.
* A certificate is forgotten when the view change that has it was sent.
"""

from functools import partial
from itertools import combinations

from common.check.explorer import Bounds, Instance, WorldView
from common.contract import Node, NodeId, Signed, digest, on
from common.contract.registers import Put
from stage7_advanced.pbft.certificates import Group
from stage7_advanced.pbft.messages import (
    Commit,
    NewView,
    Prepare,
    Prepared,
    PrePrepare,
    Request,
    ViewChange,
    digest_of,
)
from stage7_advanced.pbft.normal import Slot
from stage7_advanced.pbft.small import ASKED, FOUR, OneNumber, agreement, carried_out, honest
from stage7_advanced.pbft.store import Store

GROUP = Group(FOUR)

FREE = "its number free"
"""View 1 begins so if nothing was prepared: its primary may give the number to any request."""


class UntilViewOne(OneNumber, Store):
    """An honest replica that goes to view 1 at any moment.

    Args:
        id: the name of this replica.
        peers: the other replicas.
        liar: which of them lies.
    """

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...], *, liar: NodeId) -> None:
        super().__init__(id, peers, window=1, status_every=0)
        self.liar = liar
        self.begun_with: str | None = None
        """With what view 1 has begun here."""

    def on_start(self) -> None:
        """Ask for something as the primary of view 0; and lose patience some time."""
        if self.leads():
            self.propose(1, self.sign(ASKED))
        self.wait()

    def mind_the_primary(self, again: bool = False) -> None:
        """The timer runs all the time, whatever waits."""

    def take(self, signed: Signed) -> None:
        """Hear it, if it is the next thing that matters."""
        if self.begun_with is not None:
            return
        match signed.content:
            case Prepare() | Commit():
                heard = signed.signer == self.liar or self.has_heard_the_liar(signed.content)
            case ViewChange():
                heard = self.leads() and not self.active
            case _:
                heard = True
        if heard:
            super().take(signed)

    def has_heard_the_liar(self, vote: Prepare | Commit) -> bool:
        """Whether the liar has voted here, if it has a vote. (A primary says no prepare.)"""
        if isinstance(vote, Prepare) and self.liar == self.group.primary(0):
            return True
        slot = self.slots.get(vote.number, Slot())
        return self.liar in (slot.prepares if isinstance(vote, Prepare) else slot.commits)

    def change_view(self, view: int) -> None:
        """The votes of the old view are void, and its certificates are told."""
        super().change_view(view)
        self.slots.clear()
        self.in_vain = 0
        if not self.leads():
            self.view_changes.clear()

    def wait(self) -> None:
        """Nobody loses patience in view 1."""
        if self.view == 0:
            super().wait()

    def begin_view(self, view_changes: tuple[Signed, ...]) -> None:
        """The order in which they came does not matter."""
        super().begin_view(tuple(sorted(view_changes, key=lambda change: change.signer)))

    def enter(self, signed: Signed) -> None:
        """View 1 begins: what was said before does not matter any more."""
        self.begun_with = FREE
        for said in signed.content.pre_prepares:
            request = said.content.request
            self.begun_with = f"what {request.signer} asked for" if request else "nothing"
        self.view, self.active = 1, True
        self.view_changes.clear()

    def save(self, key: object, value: object) -> None:
        """Nobody crashes, so nothing is saved."""


class LiesUntilViewOne(Node):
    """A liar: it signs all that it could, and tells it to everybody."""

    signs = True
    carries = (Request, Put)

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        super().__init__(id, peers)
        self.words: dict[str, Signed] = {}
        """By digest, what was proposed in view 0."""
        self.prepares: dict[NodeId, Signed] = {}
        """By backup, what it voted for in view 0."""
        self.shown = False
        """Whether it has shown a certificate."""

    def on_start(self) -> None:
        """Vote for everything; and bring nothing along to view 1."""
        for about in (digest(ASKED), digest(None)):
            self.broadcast(self.sign(Prepare(0, 1, about)))
            self.broadcast(self.sign(Commit(0, 1, about)))
        if self.id == GROUP.primary(0):
            for request in (self.sign(ASKED), None):
                said = self.sign(PrePrepare(0, 1, digest_of(request), request))
                self.broadcast(said)
                self.words[said.content.digest] = said
        self.want_view_1(())

    def want_view_1(self, prepared: tuple[Prepared, ...]) -> Signed:
        """Say that it wants to go to view 1, and what it brings along."""
        said = self.sign(ViewChange(1, 0, (), prepared))
        self.broadcast(said)
        return said

    @on(Signed)
    def signed_received(self, signed: Signed, sender: NodeId) -> None:
        """Hear what can be shown to others, until there is a certificate to show."""
        match signed.content:
            case PrePrepare(view=0):
                self.words[signed.content.digest] = signed
            case Prepare() if not self.shown:
                self.prepares[signed.signer] = signed
        for about, word in self.words.items():
            if not self.shown:
                self.show_a_certificate(word, Prepare(0, 1, about))

    def show_a_certificate(self, word: Signed, vote: Prepare) -> None:
        """Bring a certificate along to view 1, if there are enough votes, with its own."""
        alike = {id: said for id, said in self.prepares.items() if said.content == vote}
        if word.signer != self.id:
            alike[self.id] = self.sign(vote)
        if len(alike) >= GROUP.quorum - 1:
            self.shown = True
            self.prepares.clear()
            self.want_view_1((Prepared(word, tuple(alike[id] for id in sorted(alike))),))


class BringsNothing(LiesUntilViewOne):
    """A liar that brings nothing along to view 1, whatever it could show."""

    def signed_received(self, signed: Signed, sender: NodeId) -> None:
        """It has said everything."""


class LyingNewPrimary(LiesUntilViewOne):
    """A liar that leads view 1: it begins it in each way that others may believe.

    It brings no certificate along itself, for that would only bind its own hands.
    """

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        super().__init__(id, peers)
        self.view_changes: list[Signed] = []
        """All that it has heard, and its own."""
        self.shown = True

    def want_view_1(self, prepared: tuple[Prepared, ...]) -> Signed:
        """Its own view change is among those that it shows."""
        said = super().want_view_1(prepared)
        self.view_changes.append(said)
        return said

    def signed_received(self, signed: Signed, sender: NodeId) -> None:
        """Hear view changes as well, and begin view 1 with each quorum of which one is new."""
        super().signed_received(signed, sender)
        if not isinstance(signed.content, ViewChange) or signed in self.view_changes:
            return
        for others in combinations(self.view_changes, GROUP.quorum - 1):
            self.begin_view(tuple(sorted((*others, signed), key=lambda each: each.signer)))
        self.view_changes = sorted((*self.view_changes, signed), key=lambda each: each.signer)

    def begin_view(self, shown: tuple[Signed, ...]) -> None:
        """Begin it with nothing, with the null request, and with what was proposed in view 0."""
        requests = (None, *[word.content.request for word in self.words.values()])
        said = [self.sign(PrePrepare(1, 1, digest_of(each), each)) for each in requests]
        for proposals in ((), *[(each,) for each in said]):
            self.broadcast(self.sign(NewView(1, shown, proposals)))


def begun(world: WorldView) -> dict[NodeId, str]:
    """With what view 1 has begun for each honest replica for which it has."""
    return {
        id: node.begun_with
        for id, node in honest(world).items()
        if isinstance(node, UntilViewOne) and node.begun_with is not None
    }


def nothing_is_lost(world: WorldView) -> str | None:
    """view 1 begins with what any honest replica has carried out in view 0"""
    for one, done in carried_out(world).items():
        for other, begins in begun(world).items():
            if begins != done:
                return f"{one} has carried out {done}, and for {other} view 1 begins with {begins}"
    return None


def it_begins_with_what_was_carried_out(world: WorldView) -> bool:
    """view 1 begins with what some honest replica has carried out"""
    return bool(set(begun(world).values()) & set(carried_out(world).values()))


def it_begins_with_its_number_free(world: WorldView) -> bool:
    """view 1 begins with its number free, since nothing was prepared"""
    return FREE in begun(world).values()


def view_change(
    *liars: NodeId, lies: type[Node] = LiesUntilViewOne, replica: type[UntilViewOne] = UntilViewOne
) -> Instance:
    """Four replicas until view 1 begins, of which these lie."""
    good = partial(replica, liar=liars[-1])
    alike = () if {"n3", "n4"} & set(liars) else (("n3", "n4"),)
    return Instance(
        nodes={id: lies if id in liars else good for id in FOUR},
        bounds=Bounds(duplicates=None, losses=None),
        always=(agreement, nothing_is_lost),
        sometimes=(it_begins_with_what_was_carried_out, it_begins_with_its_number_free),
        symmetric=alike,
        lying=liars,
    )


VIEW_CHANGES = {
    "view-change-lying-primary": view_change("n1"),
    "view-change-lying-new-primary": view_change("n2", lies=LyingNewPrimary),
    "view-change-lying-backup": view_change("n4"),
}
BROKEN_VIEW_CHANGE = {"view-change-two-liars": view_change("n1", "n4", lies=BringsNothing)}
"""One more than f: what was carried out is lost."""
