"""Lamport's chat for the explorer: every order of a few posts and acknowledgements.

* :data:`TWO_POSTS`: three processes, two posts that do not know of each other. One order.
* :data:`AS_WORDS_COME`: the same without numbers on words, on links that do not keep their order.
  A word may then overtake the post that its sender had said before it. Two orders.
"""

from common.check.broadcast import check_total_order
from common.check.explorer import Bounds, Instance, WorldView
from common.check.verdict import Answer
from common.contract import NodeId, on
from stage2_communication.clocks.ordered import (
    Acknowledgement,
    OrderedChat,
    Say,
    TimedPost,
    Word,
)

THREE = ("n1", "n2", "n3")


class TakesWordsAsTheyCome(OrderedChat):
    """Believes that links keep the order of what a process says, as the paper does."""

    @on(TimedPost, Acknowledgement)
    def word_received(self, word: Word, sender: NodeId) -> None:
        """Take it at once."""
        self.take(word, sender)
        self.show_what_is_due()


def lines(world: WorldView) -> dict[NodeId, list[tuple[NodeId, str]]]:
    """What each process shows."""
    return {id: node.shown for id, node in world.items() if isinstance(node, OrderedChat)}


def one_order(world: WorldView) -> str | None:
    """all processes show the same posts in the same order, as far as each shows any"""
    verdict = check_total_order(lines(world))
    return verdict.sentence if verdict.answer is Answer.NO else None


def everything_is_shown(world: WorldView) -> bool:
    """everybody shows both posts"""
    return all(len(found) == 2 for found in lines(world).values())


def _two_posts(process: type[OrderedChat]) -> Instance:
    return Instance(
        nodes=dict.fromkeys(THREE, process),
        operations={"n1": (Say("a"),), "n3": (Say("c"),)},
        bounds=Bounds(timers=0),
        always=(one_order,),
        sometimes=(everything_is_shown,),
    )


TWO_POSTS = _two_posts(OrderedChat)
AS_WORDS_COME = _two_posts(TakesWordsAsTheyCome)
