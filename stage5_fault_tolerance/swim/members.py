"""The table of one member: what it believes of everybody else, and which member it probes next.

A member that has heard nothing of a peer believes it to be alive in incarnation 0. Only what
differs from that is stored, and of the order of probing only what differs from that of ``peers``.
So 10,000 tables of 10,000 members, which share one tuple of names, fit into one simulation.
"""

from collections.abc import Iterator
from functools import lru_cache
from random import Random

from common.contract import NodeId, record
from stage5_fault_tolerance.swim.messages import ALIVE, DEAD, SUSPECT, Alive, Dead, Suspect, Update

MAX_MEMBERS = 20_000
"""A table takes no more names than this: a name is a claim by a stranger."""


@record
class Entry:
    """What is believed of one member: its state, and the incarnation in which it has that state."""

    state: str
    incarnation: int


AT_FIRST = Entry(ALIVE, 0)
"""What is believed of a peer of which nothing was heard."""


def entry_of(update: Update) -> Entry:
    """What somebody believes who believes this update."""
    return Entry(_STATES[type(update)], update.incarnation)


def update_of(member: NodeId, entry: Entry, teller: NodeId) -> Update:
    """The update that tells an entry; who tells it takes the place of the accuser."""
    if entry.state == ALIVE:
        return Alive(member, entry.incarnation)
    accusation = Suspect if entry.state == SUSPECT else Dead
    return accusation(member, entry.incarnation, teller)


class Table:
    """What one member believes.

    Args:
        id: whose table it is; it is in its own table never.
        peers: who is known from the beginning. ``id`` may be among them, and is left out.
    """

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        self._id = id
        self._peers = peers
        self._founders = _as_set(peers)
        self._entries: dict[NodeId, Entry] = {}
        self._moved: dict[int, NodeId] = {}  # by place in the order of probing
        self.size = len(peers)
        """How many names are in the order of probing."""
        self.turn = 0
        """How many of them were drawn in this round; the rest is still to come."""
        self.dead: list[NodeId] = []
        """Who is believed to be dead, the latest last."""
        self.suspects = 0
        """How many are suspected."""

    def __getitem__(self, member: NodeId) -> Entry:
        """What is believed of a member that is known. Raises: KeyError, where it is not."""
        found = self.get(member)
        if found is None:
            raise KeyError(member)
        return found

    def get(self, member: NodeId) -> Entry | None:
        """What is believed of a member; None for one that is not known, and for this one."""
        found = self._entries.get(member)
        if found is None and member in self._founders and member != self._id:
            return AT_FIRST
        return found

    def __setitem__(self, member: NodeId, entry: Entry) -> None:
        """Believe something else of a member, or take in a new one."""
        before = self.get(member)
        if before is None:
            self._moved[self.size] = member
            self.size += 1
        elif before.state == DEAD:
            self.dead.remove(member)
        self.suspects += entry.state == SUSPECT
        self.suspects -= before is not None and before.state == SUSPECT
        if entry.state == DEAD:
            self.dead.append(member)
        self._entries[member] = entry

    def __iter__(self) -> Iterator[NodeId]:
        """Everybody that is known, the dead too; not this member itself."""
        yield from (peer for peer in self._peers if peer != self._id)
        yield from (name for name in self._entries if name not in self._founders)

    @property
    def full(self) -> bool:
        """Whether no new name is taken."""
        return self.size >= MAX_MEMBERS

    @property
    def living(self) -> int:
        """How many members there are, this one included and the dead left out."""
        return self.size - len(self.dead) + (self._id not in self._founders)

    def is_living(self, member: NodeId) -> bool:
        """Whether a member is known, is not this one, and is not believed to be dead."""
        entry = self.get(member)
        return entry is not None and entry.state != DEAD

    def draw(self, random: Random) -> NodeId:
        """Draw one of those that had no turn in this round, each with the same chance."""
        self.turn %= self.size
        place = random.randrange(self.turn, self.size)
        drawn = self._at(place)
        self._moved[place], self._moved[self.turn] = self._at(self.turn), drawn
        self.turn += 1
        return drawn

    def next_to_probe(self, random: Random) -> NodeId | None:
        """The member to probe now: round-robin in an order by chance (SWIM, section 4.3).

        Each round draws everybody once (:meth:`draw`), and the next round in a new order. So a
        member is probed at most 2n - 1 periods after the time before. Those that are not living are
        passed over at once. None where nobody is living; two rounds are enough to know that.
        """
        for _ in range(2 * self.size):
            if self.is_living(drawn := self.draw(random)):
                return drawn
        return None

    def some(self, count: int, random: Random, but: NodeId) -> list[NodeId]:
        """Up to ``count`` living members by chance, without ``but``."""
        enough = min(self.size, count + len(self.dead) + 2)
        drawn = (self._at(place) for place in random.sample(range(self.size), enough))
        return [name for name in drawn if name != but and self.is_living(name)][:count]

    def _at(self, place: int) -> NodeId:
        found = self._moved.get(place)
        return self._peers[place] if found is None else found


@lru_cache(maxsize=64)
def _as_set(peers: tuple[NodeId, ...]) -> frozenset[NodeId]:
    return frozenset(peers)


_STATES = {Alive: ALIVE, Suspect: SUSPECT, Dead: DEAD}
