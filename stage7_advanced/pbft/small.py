"""PBFT for the explorer: four replicas, one number, every order of everything, and all lies.

What is explored are the very classes of the lab. A message that was sent lasts: it may arrive at
any time, again and again, or never. So each loss, delay and repetition is in it. And a liar that
says *everything at once* (:class:`SaysEverything`: each vote that it could sign, for each request,
to everybody) can do no more by choosing: what it would not have said may just not arrive. So these
are not some lies, they are all of them, about two requests and one number.

Three things keep the instances small, and none of them hides a run that could break agreement:

* two requests, a client's and the null request, and no answers;
* a vote is heard only when it is the next thing that is needed: since messages last, one that comes
  too early can come again, and one for another request only takes a voice away, as a loss does;
* no checkpoints and no saves: nobody crashes, since a replica that comes back with its promises is
  one that was slow.
"""

from itertools import combinations

from common.check.explorer import Bounds, Instance, WorldView
from common.check.explorer.instance import Goal
from common.contract import Node, NodeId, Signed, digest, on
from common.contract.registers import Put
from stage7_advanced.pbft.messages import (
    Commit,
    Prepare,
    PrePrepare,
    Request,
)
from stage7_advanced.pbft.normal import NormalCase
from stage7_advanced.pbft.store import NormalStore

FOUR = ("n1", "n2", "n3", "n4")


ASKED = Request("n1", 1, Put("x", "a"))
"""What n1 asks for, as its own client."""


class SaysEverything(Node):
    """A liar: it signs all that it could, for each of two requests, and tells it to everybody."""

    signs = True
    carries = (Request, Put)

    def on_start(self) -> None:
        """Say everything."""
        for request in (ASKED, None):
            if self.id == "n1":
                signed = None if request is None else self.sign(request)
                self.broadcast(self.sign(PrePrepare(0, 1, digest(request), signed)))
            self.broadcast(self.sign(Prepare(0, 1, digest(request))))
            self.broadcast(self.sign(Commit(0, 1, digest(request))))

    @on(Signed)
    def not_interested(self, signed: Signed, sender: NodeId) -> None:
        """It has said everything."""


class OneNumber(NormalCase):
    """An honest replica that hears what it needs next."""

    def take(self, signed: Signed) -> None:
        """Hear it, if it is the next thing that matters."""
        said = signed.content
        if not isinstance(said, Prepare | Commit) or self.needs(said):
            super().take(signed)

    def needs(self, vote: Prepare | Commit) -> bool:
        """Prepares for what was accepted, until it is prepared; then commits, until it is done."""
        slot = self.slots.get(1)
        if slot is None or slot.accepted is None or vote.digest != slot.accepted.content.digest:
            return False
        prepared = self.id in slot.commits
        return not prepared if isinstance(vote, Prepare) else prepared and not slot.committed

    def was_executed(self, number: int) -> None:
        """How it came to that does not matter any more."""
        self.slots[number].prepares.clear()
        self.slots[number].commits = {self.id: self.slots[number].commits[self.id]}

    def keep(self, number: int) -> None:
        """Nobody crashes, so nothing is saved."""

    def reply(self, client: NodeId, number: int, result: object) -> None:
        """Nobody waits for an answer."""


class OneRound(OneNumber, NormalStore):
    """The normal case with one number."""


class HonestPrimary(OneRound):
    """An honest replica that has a request of its own, if it is the primary."""

    def on_start(self) -> None:
        """Propose it."""
        if self.leads():
            self.propose(1, self.sign(ASKED))


def honest(world: WorldView) -> dict[NodeId, NormalCase]:
    """The replicas that do not lie."""
    return {id: node for id, node in world.items() if isinstance(node, NormalCase)}


def carried_out(world: WorldView) -> dict[NodeId, str]:
    """What each honest replica has carried out under number 1, as a digest."""
    found: dict[NodeId, str] = {}
    for id, node in honest(world).items():
        if node.executed:
            asked = [name for name in FOUR if node.application.last(name)[0]]
            found[id] = f"what {asked[0]} asked for" if asked else "nothing"
    return found


def agreement(world: WorldView) -> str | None:
    """no two honest replicas carry out different requests under one number"""
    for (one, first), (other, second) in combinations(carried_out(world).items(), 2):
        if first != second:
            return f"{one} carries out {first} with number 1, and {other} {second}"
    return None


def all_carry_it_out(world: WorldView) -> bool:
    """every honest replica carries the request out"""
    return len(carried_out(world)) == len(honest(world))


def two_stories_are_believed(world: WorldView) -> bool:
    """two honest replicas have accepted different requests"""
    heard = {
        node.slots[1].accepted.content.digest
        for node in honest(world).values()
        if 1 in node.slots and node.slots[1].accepted is not None
    }
    return len(heard) > 1


def _one_number(liars: tuple[NodeId, ...], replica: type[NormalCase], *sometimes: Goal) -> Instance:
    alike = [id for id in FOUR if id not in liars and id != "n1"]
    return Instance(
        nodes={id: SaysEverything if id in liars else replica for id in FOUR},
        bounds=Bounds(duplicates=None, losses=None, timers=0),
        always=(agreement,),
        sometimes=(all_carry_it_out, *sometimes),
        symmetric=(alike,),
        lying=liars,
    )


LYING_PRIMARY = _one_number(("n1",), OneRound, two_stories_are_believed)
"""The primary says everything."""

LYING_BACKUP = _one_number(("n4",), HonestPrimary)
"""A backup says everything."""

TWO_LIARS = _one_number(("n1", "n4"), OneRound, two_stories_are_believed)
"""One more than f: the explorer finds how agreement breaks."""
