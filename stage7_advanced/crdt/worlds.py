"""The list and the text of the lab ``crdt`` in every world: a person at each replica.

There are no clients: people ask the replicas themselves, and every one answers at once, whatever
goes wrong. Live, the last replica is cut off, and its person goes on all the time; the first one is
killed.

In a terminal, people edit one text, each at a copy of their own: see ``front/terminal.py``.
"""

from common.worlds import Size, Variant, Worlds
from common.worlds.troubles import cut_off_last, kill_first, together
from stage7_advanced.crdt.checks import (
    added_stays,
    change_or_look,
    one_order,
    type_or_erase,
    typed_is_shown,
)
from stage7_advanced.crdt.deltas import DeltaReplica
from stage7_advanced.crdt.garbage import CollectingReplica
from stage7_advanced.crdt.gossip import StateReplica
from stage7_advanced.crdt.operations import TextReplica
from stage7_advanced.crdt.small import ADD_AND_REMOVE, BY_POSITION, TYPE_TOGETHER

LIST = {"what is added stays": added_stays}
TEXT = {"one order of all signs": one_order, "what is typed is shown": typed_is_shown}

WORLDS = Worlds(
    __package__,
    variants={
        "text": Variant(
            "a text, by operations; gravestones go when they can",
            node=CollectingReplica,
            choose=type_or_erase,
            checks=TEXT,
        ),
        "kept": Variant(
            "a text, by operations; every gravestone is kept",
            node=TextReplica,
            choose=type_or_erase,
            checks=TEXT,
        ),
        "deltas": Variant(
            "a shopping list, by what has changed",
            node=DeltaReplica,
            choose=change_or_look,
            checks=LIST,
        ),
        "states": Variant(
            "a shopping list, by whole states",
            node=StateReplica,
            choose=change_or_look,
            checks=LIST,
        ),
    },
    live=Size(members=4),
    columns=("shown", "gravestones", "retired", "waiting", "items", "deltas"),
    trouble=together(cut_off_last, kill_first),
    small={"add-and-remove": ADD_AND_REMOVE, "type-together": TYPE_TOGETHER},
    broken={"by-position": BY_POSITION},
    people=True,
)
