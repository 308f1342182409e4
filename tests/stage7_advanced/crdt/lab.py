"""The lab ``crdt``, as its suite sees it."""

from typing import TYPE_CHECKING

from common.course.suites.under_test import LabUnderTest

if TYPE_CHECKING:
    from stage7_advanced.crdt import garbage


class CrdtLab(LabUnderTest):
    """What the suite uses of the lab; the names come from the implementation under test."""

    if TYPE_CHECKING:
        from stage7_advanced.crdt.counters import GCounter, PNCounter
        from stage7_advanced.crdt.deltas import Delta, DeltaReplica, Taken
        from stage7_advanced.crdt.dots import Context
        from stage7_advanced.crdt.fugue import Delete, FugueText, Insert
        from stage7_advanced.crdt.garbage import CollectingReplica, Heard, PrunedText
        from stage7_advanced.crdt.gossip import Add, GossipAgain, Look, Remove, State, StateReplica
        from stage7_advanced.crdt.maps import ORMap
        from stage7_advanced.crdt.operations import (
            AskAgain,
            Edit,
            Edits,
            Erase,
            Have,
            Show,
            TextReplica,
            Type,
        )
        from stage7_advanced.crdt.registers import LastWriterRegister, MultiValueRegister
        from stage7_advanced.crdt.rga import Hide, InsertAfter, RgaText
        from stage7_advanced.crdt.sets import GSet, ORSet, TwoPhaseSet

        least = staticmethod(garbage.least)
