"""When a gravestone can go: not before everybody knows that everybody knows.

A character that was deleted stays in the tree of ``fugue.py``, since an edit that is still under
way may name it as a parent. It can go once no such edit can come any more. That takes two rounds:

1. Its deletion is **causally stable**: every replica has said that it has done that edit, and all
   that it had said before has come. (Baquero, Almeida and Shoker 2014, "Making operation-based
   CRDTs operation-based", section 4.) Everybody knows of the deletion. But somebody who does not
   know yet that it is stable still has the gravestone, and may make it a parent just now. So the
   gravestone is **retired**: it leaves the tree, and what is remembered of it is its place. No new
   edit from here names it. If one comes that does, it is put back there, and all is as before.
2. Its retirement is stable: every replica has *said* that it knows the deletion to be stable. So
   none of them makes it a parent again, and what they made before has come. It is **dropped**.

Only a leaf is retired. The place of all others does not depend on a leaf, so nothing moves.

A replica that is away for a year keeps everybody's gravestones for a year. That is why Yjs and
Automerge do not do this, and keep them forever, packed as well as they can.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from common.contract import NodeId, message, on
from common.values.units import MS
from stage2_communication.clocks.vector import Counts, VectorClock
from stage7_advanced.crdt.counters import as_counts
from stage7_advanced.crdt.dots import Dot
from stage7_advanced.crdt.fugue import Change, Delete, FugueText, Insert, Side
from stage7_advanced.crdt.operations import AskAgain, Edits, TextReplica


def least(vectors: Sequence[Counts]) -> Counts:
    """What is in the past of all these: entry by entry the least; 0 for who is not in one."""
    first, *others = map(dict, vectors)
    return as_counts(
        {
            name: min([count, *(other.get(name, 0) for other in others)])
            for name, count in first.items()
        }
    )


def everywhere(vectors: Iterable[VectorClock]) -> VectorClock:
    """The least of these vectors."""
    return VectorClock(least([vector.counts() for vector in vectors]))


class PrunedText(FugueText):
    """A text whose gravestones can be retired, put back, and dropped."""

    def __init__(self, replica: NodeId) -> None:
        super().__init__(replica)
        self.retired: dict[Dot, tuple[Dot | None, Side]] = {}
        """Where the retired ones belong: parent and side. Children come before their parents."""

    def retire(self, id: Dot) -> Dot | None:
        """Take a gravestone out of the tree and the row, if it is a leaf there.

        Returns:
            Its parent, which may be a leaf now; None where nothing was retired, or the parent is
            the root.
        """
        place = self.tree.get(id)
        if place is None or self.row.shows(id) or place.lefts or place.rights:
            return None
        self.retired[id] = (place.parent, place.side)
        self.tree[place.parent].children(place.side).remove(id)
        del self.tree[id]
        self.row.remove(id)
        return place.parent

    def put_back(self, id: Dot | None) -> None:
        """Put a retired gravestone back into the tree and the row, its retired parent before it.

        Parent, side and identity say where: everybody who still has it has it at the same place.
        Nothing happens where ``id`` is not retired.
        """
        if id in self.retired:
            parent, side = self.retired.pop(id)
            self.put_back(parent)
            self.grow(id, None, parent, side)

    def apply(self, operation: Change) -> None:
        """Do it, as ever; but a parent that is retired is put back first.

        A deletion of a retired one has nothing left to do: it was deleted before. It must not put
        it back: a leaf whose deletion is stable must not be in the tree when the next edit is made.
        """
        if isinstance(operation, Insert):
            self.put_back(operation.parent)
        elif operation.id in self.retired:
            return
        super().apply(operation)

    def drop(self, ids: Iterable[Dot]) -> list[Dot]:
        """Forget these retired ones for good, but for those that a retired child still needs.

        Returns:
            Those that are forgotten.
        """
        needed = Counter(parent for parent, _ in self.retired.values())
        gone, dropped = set(ids), []
        for id, (parent, _) in list(self.retired.items()):
            if id in gone and not needed[id]:
                del self.retired[id]
                needed[parent] -= 1
                dropped.append(id)
        return dropped


@message
class Heard:
    """What I have done, and what I know to be done by everybody.

    Attributes:
        counts: these many edits of each replica are done here: send me those that I lack.
        stable: these many of them I know to be done by all; what they deleted is retired here.
    """

    counts: Counts
    stable: Counts


class CollectingReplica(TextReplica):
    """A copy of the text without old gravestones."""

    text: PrunedText

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...], *, every: int = 50 * MS) -> None:
        super().__init__(id, peers, every=every)
        self.text = PrunedText(id)
        self.gravestones: dict[Dot, list[tuple[NodeId, int]]] = {}
        """By character all edits here that delete it, by author and number, until it is dropped."""
        self.looked_at = 0
        """So many of the edits were searched for deletions."""
        self.stable = VectorClock()
        """So many edits of each replica are known to be done by all. Durable; it only grows."""
        self.told_done = {peer: VectorClock() for peer in peers}
        """What each peer has said that it has done, as far as all that it said before is here."""
        self.told_stable = {peer: VectorClock() for peer in peers}
        """What each peer has said that it knows to be stable, likewise."""

    def status(self) -> Mapping[str, object]:
        """How much is shown, gone and retired."""
        return {**super().status(), "retired": len(self.text.retired)}

    def on_start(self) -> None:
        """Do all edits once more, and retire again what an earlier life has said to be stable.

        Others may have dropped that by now; so this life must not make it a parent again.
        """
        super().on_start()
        self.stable = VectorClock(self.saved.get("stable", ()))
        self.retire_what_is_stable()

    @on(AskAgain)
    def ask_again(self, timer: AskAgain) -> None:
        """Collect what can go, then tell all others what is done and stable here."""
        self.collect()
        self.broadcast(Heard(self.done.counts(), self.stable.counts()))
        self.set_timer(self.every, AskAgain())

    @on(Heard)
    def heard_received(self, heard: Heard, sender: NodeId) -> None:
        """Send what the sender lacks. Believe its word only once all its edits before it are here.

        An edit that it made before, and that was lost, may name any gravestone.
        """
        there = VectorClock(heard.counts)
        if self.done[sender] >= there[sender]:
            self.told_done[sender].merge(there)
            self.told_stable[sender].merge(VectorClock(heard.stable))
        if lacking := self.lacking(there):
            self.send(sender, Edits(lacking))

    # Collecting.

    def collect(self) -> None:
        """Find out what is stable, and make that durable; retire, then drop.

        ``stable.counts()`` is saved under ``"stable"``.
        """
        before = self.stable.counts()
        self.stable.merge(everywhere([self.done, *self.told_done.values()]))
        if self.stable.counts() != before:
            self.save("stable", self.stable.counts())
        self.retire_what_is_stable()
        settled = everywhere([self.stable, *self.told_stable.values()])
        gone = [id for id in self.gravestones if self.is_deleted(id, settled)]
        for id in self.text.drop(gone):
            del self.gravestones[id]

    def retire_what_is_stable(self) -> None:
        """Retire each gravestone whose deletion is stable and that is a leaf, and then its parent.

        The parent may be a leaf now, and its deletion stable, too. A gravestone that is a leaf and
        stable must not be left in the tree: the next edit here might name it.
        """
        self.look_for_deletions()
        for gravestone in list(self.gravestones):
            id: Dot | None = gravestone
            while id is not None and self.is_deleted(id, self.stable):
                id = self.text.retire(id)

    def is_deleted(self, id: Dot, done: VectorClock) -> bool:
        """Whether a character is deleted where ``done`` is done: by any of its deletions.

        Two people may have deleted it, and a third one have heard of one of them alone. What counts
        here must count for all who have done the same: so it is not the first deletion that came.
        """
        return any(done[author] >= number for author, number in self.gravestones.get(id, ()))

    def look_for_deletions(self) -> None:
        """Note for each character the edits here that delete it."""
        for edit in self.edits[self.looked_at :]:
            for change in edit.changes:
                if isinstance(change, Delete):
                    deletions = self.gravestones.setdefault(change.id, [])
                    deletions.append((edit.author, edit.number))
        self.looked_at = len(self.edits)
