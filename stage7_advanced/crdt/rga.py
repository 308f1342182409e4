"""RGA: a text of which everybody may type in their own copy. It is Automerge's, and it interleaves.

Roh, Jeon, Kim and Lee 2011, "Replicated abstract data types: building blocks for collaborative
applications", section 5; Attiya et al. 2016, "Specification and complexity of collaborative text
editing", prove what is promised: all copies show the same text, and two characters never change
their order.

Each character has an identity, a stamp (time, replica) by Lamport's clock, and remembers *after*
which character it was typed. That one is never taken out of the row: who deletes it only hides it.
If two people type after the same character, the later stamp stands first.

**What is wrong with it.** Two people type at the same place, both from the back to the front: each
character is put before the one they have typed just now, so all are "after" the same character. The
rule sorts them by time, and the two words come out shuffled (Kleppmann et al. 2019, "Interleaving
anomalies in collaborative text editors"; automerge-classic#395). ``fugue.py`` mends that.
"""

from common.contract import NodeId, record
from stage2_communication.clocks.lamport import Stamp
from stage7_advanced.crdt.sequence import Sequence


@record
class InsertAfter:
    """An operation: a new character.

    Attributes:
        id: its identity, a stamp greater than that of every character that its author knew.
        sign: what is shown.
        after: the character behind which it was typed; None for the front of the text.
    """

    id: Stamp
    sign: str
    after: Stamp | None


@record
class Hide:
    """An operation: the character ``id`` is deleted.

    Attributes:
        stamp: of the operation; every operation has one that is greater than all before it.
        id: which character.
    """

    stamp: Stamp
    id: Stamp


class RgaText:
    """One copy of the text.

    Operations go to every other copy, once and after all that their author had seen: a character
    after the one behind which it stands, and a deletion after its character.

    Args:
        replica: who types in this copy.
    """

    def __init__(self, replica: NodeId) -> None:
        self.replica = replica
        self.time = 0
        """The greatest time of all operations that this copy has done: a Lamport clock."""
        self.row: Sequence[Stamp] = Sequence()
        """All characters that were ever typed, shown or not."""

    def text(self) -> str:
        """What is shown."""
        return self.row.text()

    def insert(self, index: int, sign: str) -> InsertAfter:
        """Type ``sign`` here, so that it is shown at ``index``; returns what to tell the others.

        It stands after the character that is shown before it.
        """
        after = self.row.at(index - 1) if index else None
        operation = InsertAfter((self.time + 1, self.replica), sign, after)
        self.apply(operation)
        return operation

    def delete(self, index: int) -> Hide:
        """Delete here what is shown at ``index``; returns what to tell the others."""
        operation = Hide((self.time + 1, self.replica), self.row.at(index))
        self.apply(operation)
        return operation

    def apply(self, operation: InsertAfter | Hide) -> None:
        """Do what somebody else did, or this copy itself just now.

        The time is that of the latest operation, so what is typed here from now on is later. A new
        character stands behind its ``after``, but behind all characters there whose stamp is
        greater (2011, section 5.2): those were typed after the same one, or after one of these.
        """
        if isinstance(operation, Hide):
            self.time = max(self.time, operation.stamp[0])
            self.row.hide(operation.id)
            return
        self.time = max(self.time, operation.id[0])
        before = operation.after
        while (following := self.row.after(before)) is not None and following > operation.id:
            before = following
        self.row.insert_after(before, operation.id, operation.sign)
