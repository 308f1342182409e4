"""Chats for the explorer: every order of a few posts and acknowledgements.

* :data:`TOTAL_ORDER`: three members, two posts that do not know of each other, a doubled message.
  One order.
* :data:`REMOVAL`: total order, and n1 removes n3 while n2 and n3 post. One order, n3's too.
* :data:`BY_TIME_ALONE`: Lamport's rule to the letter, on a network that reorders. Wrong: a word
  that says only what time it is may overtake a post, and the explorer finds how.
* :data:`CAUSAL_ORDER`: n1 asks, n2 answers once it is shown that, n3 says something by itself.
  Right.
* :data:`AS_THEY_ARRIVE`: the same, shown as they arrive. Wrong, in three choices.

Members here begin in an empty room and know it, and nothing is lost: so they need not ask each
other what they hold, which would make the instance large and show nothing of the order.
"""

from collections.abc import Sequence
from typing import TypeAlias

from common.check.broadcast import check_causal_order, check_total_order
from common.check.explorer import Bounds, Instance, WorldView
from common.check.verdict import Answer
from common.contract import NodeId
from stage2_communication.chat.arrival import ArrivalMember
from stage2_communication.chat.causal import CausalMember
from stage2_communication.chat.member import Member
from stage2_communication.chat.messages import Post, Remove, Said, Say
from stage2_communication.chat.spreading import Spreader
from stage2_communication.chat.total import TotalOrderMember, stamp_of, time_of
from stage2_communication.clocks.vector import VectorClock

THREE = ("n1", "n2", "n3")
Message: TypeAlias = tuple[NodeId, int]


class WithoutRepair(Spreader):
    """A member that never asks: nothing is lost in these instances."""

    def ask(self, members: Sequence[NodeId]) -> None:
        """Not needed."""

    def settle(self) -> None:
        """Show what is due, and keep no watch."""
        self.show_what_is_due()


class Answering(WithoutRepair):
    """A member that answers: n2 says yes as soon as it is shown what n1 has said."""

    transcript: list[Post]

    def settle(self) -> None:
        """Show what is due; answer what was asked."""
        super().settle()
        asked = any(post.author == "n1" for post in self.transcript)
        if self.id == "n2" and asked and not self.held.count("n2"):
            self.post(Said("yes"))
            super().settle()


class InTotalOrder(WithoutRepair, TotalOrderMember):
    """The total order of this lab."""


class ByTimeAlone(InTotalOrder):
    """Asks of an acknowledgement only whether its sender's clock is beyond the time of the post.

    That is Lamport's rule, and right where links keep their order. A clock is beyond the times of
    all posts that its member holds.
    """

    def has_acknowledged(self, member: NodeId, post: Post) -> bool:
        """Whether the member's clock is known to be beyond the time of the post."""
        if member in (self.id, post.author):
            return True
        holds = self.theirs.get(member, VectorClock()).counts()
        witnessed = (self.held.get(author, count) for author, count in holds)
        return any(one is not None and stamp_of(one) >= stamp_of(post) for one in witnessed)


class InCausalOrder(Answering, CausalMember):
    """The causal order of this lab."""


class AsTheyArrive(Answering, ArrivalMember):
    """No order."""


def shown(world: WorldView) -> dict[NodeId, list[Message]]:
    """What each member shows."""
    return {
        id: [(post.author, post.number) for post in node.transcript]
        for id, node in world.items()
        if isinstance(node, Member)
    }


def one_order(world: WorldView) -> str | None:
    """all members show the same posts in the same order, as far as each shows any"""
    verdict = check_total_order(shown(world))
    return verdict.sentence if verdict.answer is Answer.NO else None


def by_time(world: WorldView) -> str | None:
    """every member shows posts in the order of their Lamport times"""
    for id, node in world.items():
        assert isinstance(node, Member), "all nodes are members"
        times = [time_of(post) for post in node.transcript]
        if times != sorted(times):
            return f"{id} shows posts of the times {times}"
    return None


def question_first(world: WorldView) -> str | None:
    """nobody shows the answer before the question"""
    causes: dict[object, Sequence[object]] = {("n2", 1): [("n1", 1)]}
    verdict = check_causal_order(shown(world), causes)
    return verdict.sentence if verdict.answer is Answer.NO else None


def everything_is_shown(world: WorldView) -> bool:
    """everybody shows all that was posted"""
    held = [node.held.total for node in world.values() if isinstance(node, Member)]
    return max(held) > 1 and all(len(found) == max(held) for found in shown(world).values())


def the_others_show_all(world: WorldView) -> bool:
    """the removed one is out, and the others show the other post and the removal"""
    found = shown(world)
    return len(found["n1"]) == len(found["n2"]) >= 2 and ("n2", 1) in found["n1"]


def _two_posts(member: type[TotalOrderMember]) -> Instance:
    return Instance(
        nodes=dict.fromkeys(THREE, member),
        operations={"n1": (Say("a"),), "n3": (Say("c"),)},
        bounds=Bounds(duplicates=1, timers=0),
        always=(one_order, by_time),
        sometimes=(everything_is_shown,),
    )


def _answer(member: type[Member]) -> Instance:
    return Instance(
        nodes=dict.fromkeys(THREE, member),
        operations={"n1": (Say("why?"),), "n3": (Say("hm"),)},
        bounds=Bounds(timers=0),
        always=(question_first,),
        sometimes=(everything_is_shown,),
    )


TOTAL_ORDER = _two_posts(InTotalOrder)
BY_TIME_ALONE = _two_posts(ByTimeAlone)
REMOVAL = Instance(
    nodes=dict.fromkeys(THREE, InTotalOrder),
    operations={"n1": (Remove("n3"),), "n2": (Say("b"),), "n3": (Say("c"),)},
    bounds=Bounds(timers=0),
    always=(one_order, by_time),
    sometimes=(the_others_show_all,),
)
CAUSAL_ORDER = _answer(InCausalOrder)
AS_THEY_ARRIVE = _answer(AsTheyArrive)
