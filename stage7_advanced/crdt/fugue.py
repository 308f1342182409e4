"""Fugue: a text of which everybody may type in their own copy, and words stay whole.

Weidner and Kleppmann 2023, "The Art of the Fugue: minimizing interleaving in collaborative text
editing", sections 4 and 5. All characters that were ever typed are a tree. Each stands on the left
or on the right of its parent, and the text is the tree from left to right: first all that is on the
left of a character, then itself, then all that is on its right.

A character that is typed between two neighbours becomes a child of one of them:

* on the right of the left neighbour, if nothing is there yet;
* else on the left of the right neighbour; nothing is on that side, or it would be the neighbour.

So a word is one branch of the tree, whether it was typed from the front (a chain to the right) or
from the back (a chain to the left). Two people who type at the same place make two branches, which
stand one behind the other and never mix. In ``rga.py`` a word from the back is no branch.

A character that was deleted stays in the tree, since others may know it as a parent: *neighbour*
means the next one in the tree, shown or not. ``garbage.py`` says when it can go.
"""

from bisect import bisect
from typing import Literal, TypeAlias

from common.contract import NodeId, record
from stage7_advanced.crdt.dots import Dot
from stage7_advanced.crdt.sequence import Sequence

Side: TypeAlias = Literal["left", "right"]


@record
class Insert:
    """An operation: a new character.

    Attributes:
        id: its identity: the replica that typed it, and which of that replica's characters it is.
        sign: what is shown.
        parent: whose child it is; None for the root of the tree, which is no character.
        side: on which side of the parent it stands.
    """

    id: Dot
    sign: str
    parent: Dot | None
    side: Side


@record
class Delete:
    """An operation: the character ``id`` is deleted."""

    id: Dot


Change: TypeAlias = Insert | Delete


class Place:
    """What hangs on one character of the tree.

    Attributes:
        parent: whose child it is, None for the root's; ``side`` says on which side.
        lefts: its children on the left, in the order of their identities; ``rights`` likewise.
    """

    __slots__ = ("lefts", "parent", "rights", "side")

    def __init__(self, parent: Dot | None, side: Side) -> None:
        self.parent = parent
        self.side: Side = side
        self.lefts: list[Dot] = []
        self.rights: list[Dot] = []

    def children(self, side: Side) -> list[Dot]:
        """Those on one side."""
        return self.lefts if side == "left" else self.rights


class FugueText:
    """One copy of the text.

    Operations go to every other copy, once and after all that their author had seen: a character
    after its parent, and a deletion after its character.

    Args:
        replica: who types in this copy.
    """

    def __init__(self, replica: NodeId) -> None:
        self.replica = replica
        self.typed = 0
        """How many characters this replica has ever typed."""
        self.tree: dict[Dot | None, Place] = {None: Place(None, "right")}
        """The place of each character, shown or not, by its identity; None is the root."""
        self.row: Sequence[Dot] = Sequence()
        """The same from left to right, without the root."""

    def __len__(self) -> int:
        """How many characters are shown."""
        return len(self.row)

    def text(self) -> str:
        """What is shown."""
        return self.row.text()

    # Typing here.

    def insert(self, index: int, sign: str) -> Insert:
        """Type ``sign`` here, so that it is shown at ``index``; returns what to tell the others.

        Its place is that :meth:`behind` the character that is shown before it.

        Raises:
            IndexError: the text is shorter than that.
        """
        parent, side = self.behind(self.row.at(index - 1) if index else None)
        operation = Insert((self.replica, self.typed + 1), sign, parent, side)
        self.apply(operation)
        return operation

    def behind(self, left: Dot | None) -> tuple[Dot | None, Side]:
        """Where in the tree a new character belongs that is typed right behind ``left``.

        It stands on the right of its left neighbour, if that has no child there; or else on the
        left of its right neighbour, which is the next one of the row, a gravestone or not.

        Args:
            left: the left neighbour; None for the front of the text, where it is the root.

        Returns:
            The parent, and the side.
        """
        if not self.tree[left].rights:
            return left, "right"
        return self.row.after(left), "left"

    def delete(self, index: int) -> Delete:
        """Delete here what is shown at ``index``; returns what to tell the others.

        Raises:
            IndexError: nothing is shown there.
        """
        operation = Delete(self.row.at(index))
        self.apply(operation)
        return operation

    # What others did.

    def apply(self, operation: Change) -> None:
        """Do what somebody else did, or this copy itself just now. Two may delete the same.

        Raises:
            ValueError: a character comes twice, or before its parent; or a deletion before its
                character. Operations are to come once, and after all that their author had seen.
        """
        if isinstance(operation, Delete):
            self.must_be_there(operation.id, operation)
            self.row.hide(operation.id)
            return
        if operation.id in self.tree:
            raise ValueError(f"{operation} comes twice: deliver each operation once")
        self.must_be_there(operation.parent, operation)
        replica, number = operation.id
        if replica == self.replica:
            self.typed = max(self.typed, number)
        self.grow(operation.id, operation.sign, operation.parent, operation.side)

    def must_be_there(self, id: Dot | None, operation: Change) -> None:
        """Check that the character that an operation needs is in the tree."""
        if id not in self.tree:
            raise ValueError(
                f"{operation} comes before the character {id}: deliver an operation after all that "
                "its author had seen"
            )

    def grow(self, id: Dot, sign: str | None, parent: Dot | None, side: Side) -> None:
        """Hang a new character into the tree, and put it into the row.

        Among its siblings it stands in the order of identities. In the row it comes right behind
        the branch of the sibling before it, or right before the branch of the one behind it. If
        there is no such sibling, the parent is the neighbour: right behind the parent stands its
        first child on the right, and right before it its last one on the left.
        """
        self.tree[id] = Place(parent, side)
        siblings = self.tree[parent].children(side)
        at = bisect(siblings, id)
        siblings.insert(at, id)
        if side == "right":
            self.row.insert_after(self.last(siblings[at - 1]) if at else parent, id, sign)
        elif at + 1 < len(siblings):
            self.row.insert_before(self.first(siblings[at + 1]), id, sign)
        else:
            assert parent is not None, "nothing stands on the left of the root"
            self.row.insert_before(parent, id, sign)

    def first(self, id: Dot) -> Dot:
        """The first character of the branch that begins with ``id``."""
        while lefts := self.tree[id].lefts:
            id = lefts[0]
        return id

    def last(self, id: Dot) -> Dot:
        """The last character of the branch that begins with ``id``."""
        while rights := self.tree[id].rights:
            id = rights[-1]
        return id
