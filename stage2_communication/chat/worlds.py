"""The lab ``chat`` in every world: members, a person at each, and what happens to them.

n1 opened the room, with n2 and n3. n4 comes later; n3 leaves after a while. People say something or
look what there is to read, all the time. Live, links lose and double, and n1 is killed and comes
back from its disk. What people said and were shown is checked.

In a terminal, people sit at the members themselves: see ``front/terminal.py``.
"""

from common.worlds import Size, Variant, Worlds
from common.worlds.troubles import kill_first, rough_then_calm, together
from stage2_communication.chat.causal import CausalMember
from stage2_communication.chat.checks import (
    causes_first,
    each_once,
    nothing_lost,
    same_order,
    say_or_look,
    shown_stays,
)
from stage2_communication.chat.client import ChatClient
from stage2_communication.chat.small import (
    AS_THEY_ARRIVE,
    BY_TIME_ALONE,
    CAUSAL_ORDER,
    REMOVAL,
    TOTAL_ORDER,
)
from stage2_communication.chat.total import TotalOrderMember

CAUSAL = {
    "each post once": each_once,
    "nothing lost": nothing_lost,
    "what is shown stays": shown_stays,
    "causes first": causes_first,
}

WORLDS = Worlds(
    __package__,
    variants={
        "total": Variant(
            "one order for all, by Lamport's times",
            node=TotalOrderMember,
            client=ChatClient,
            choose=say_or_look,
            checks={**CAUSAL, "one order": same_order},
        ),
        "causal": Variant(
            "causes first, by vectors",
            node=CausalMember,
            client=ChatClient,
            choose=say_or_look,
            checks=CAUSAL,
        ),
    },
    live=Size(members=4, clients=4, config={"founders": ("n1", "n2", "n3")}),
    columns=("members", "shown", "waiting", "for"),
    trouble=together(rough_then_calm, kill_first),
    small={"total-order": TOTAL_ORDER, "removal": REMOVAL, "causal-order": CAUSAL_ORDER},
    broken={"by-time-alone": BY_TIME_ALONE, "as-they-arrive": AS_THEY_ARRIVE},
    people=True,
)
