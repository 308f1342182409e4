"""The chats of the lab ``clocks`` in every world: four people, each at a process of their own.

There are no clients: people ask the processes themselves. The chats are for a calm day. A process
may stand still, and its clock may be wrong; what is lost, and who crashes, is for the lab ``chat``.
"""

from common.worlds import Size, Variant, Worlds
from common.worlds.troubles import stand_still
from stage2_communication.clocks.causal import CausalChat
from stage2_communication.clocks.checks import (
    causes_first,
    nothing_taken_back,
    one_order,
    say_or_look,
)
from stage2_communication.clocks.ordered import OrderedChat
from stage2_communication.clocks.small import AS_WORDS_COME, TWO_POSTS

CAUSAL = {"nothing is taken back": nothing_taken_back, "causes first": causes_first}

WORLDS = Worlds(
    __package__,
    variants={
        "ordered": Variant(
            "one order for all, by Lamport's clock",
            node=OrderedChat,
            choose=say_or_look,
            checks={**CAUSAL, "one order": one_order},
        ),
        "causal": Variant(
            "causes first, by vectors", node=CausalChat, choose=say_or_look, checks=CAUSAL
        ),
    },
    live=Size(members=4),
    bears=("pause", "clock", "disk"),
    columns=("time", "shown", "waiting"),
    trouble=stand_still,
    small={"two-posts": TWO_POSTS},
    broken={"as-words-come": AS_WORDS_COME},
)
