"""Lookups over disjoint paths: what helps where some of the nodes lie.

Baumgart and Mies 2007, "S/Kademlia: a practicable approach towards secure key-based routing",
section 4.4. A node that answers a lookup decides where it goes next. If it lies, and names only its
friends, which name only their friends, the lookup ends among them: its k closest have all answered,
and none of them is honest. So the value is hidden, though its holders are there. That is an
*eclipse*, and one liar on the way is enough.

So a lookup takes ``d`` paths. The contacts that it begins with are dealt out to the paths, and each
path goes on by itself, with what is named to it. No node is asked on two paths, so one liar is on
one path. If a part p of all nodes lies, and h nodes are asked on a path, then a path is clean with
probability (1 - p)^h, and at least one of d paths is with 1 - (1 - (1 - p)^h)^d.

The price is up to d times as many requests. It does not help against somebody with very many nodes:
for that it has to be hard to choose one's key, or to have many of them (section 4.1).
"""

from collections.abc import Sequence
from typing import Any

from bonus_overlays.kademlia.buckets import Contact, Key, closest_of, number_of
from bonus_overlays.kademlia.lookup import MOST_TOLD, Search
from bonus_overlays.kademlia.publishing import Dht
from common.contract import NodeId

PATHS = 3
"""Paths of a lookup; S/Kademlia measures with 4 and 8."""


class DisjointSearch(Search):
    """The bookkeeping of one lookup over several paths, each of which is a lookup of its own.

    Args:
        target: the key.
        k: how many nodes to find, on each path.
        alpha: requests under way at once, on each path.
        start: contacts to begin with, the closest one first; they are dealt out in turn.
        count: how many paths there are, at most as many as contacts.
        but: a key that is left out.

    Attributes:
        paths: the paths.
        path_of: by key, the path on which a contact was heard of first; it belongs to no other.
    """

    def __init__(
        self,
        target: Key,
        k: int,
        alpha: int,
        start: Sequence[Contact],
        count: int = PATHS,
        but: Key = "",
    ) -> None:
        super().__init__(target, k, alpha, start, but)
        count = max(1, min(count, len(start)))
        dealt = [start[number::count] for number in range(count)]
        self.paths = [Search(target, k, alpha, contacts, but) for contacts in dealt]
        self.path_of = {
            contact.key: number for number, contacts in enumerate(dealt) for contact in contacts
        }

    def next_to_ask(self) -> Contact | None:
        """The contact to ask now: the first that any path wants to ask, path after path."""
        for path in self.paths:
            contact = path.next_to_ask()
            if contact is not None:
                return contact
        return None

    def answer(self, contact: Contact, contacts: Sequence[Contact]) -> None:
        """``contact`` has answered: its path goes on with what it names, but for contacts that
        another path has heard of already. Only the first :data:`MOST_TOLD` are read."""
        number = self.path_of.get(contact.key)
        if number is None:
            return
        named = contacts[:MOST_TOLD]
        if contact.key in self.paths[number].asked:
            for each in named:
                self.path_of.setdefault(each.key, number)
        self.paths[number].answer(
            contact, [each for each in named if self.path_of.get(each.key) == number]
        )

    def failed(self, contact: Contact) -> None:
        """``contact`` has not answered: its path goes on without it."""
        number = self.path_of.get(contact.key)
        if number is not None:
            self.paths[number].failed(contact)

    @property
    def is_done(self) -> bool:
        """Whether all paths have come to their ends: a liar's path ends first."""
        return all(path.is_done for path in self.paths)

    @property
    def found(self) -> tuple[Contact, ...]:
        """The k closest of all that were found on any path, the closest one first."""
        found = {number_of(each.key): each for path in self.paths for each in path.found}
        return closest_of(found, self.target, self.k)


class Careful(Dht):
    """A node of the table whose lookups take several paths.

    Args:
        id, peers, options: as for :class:`~bonus_overlays.kademlia.publishing.Dht`.
        paths: how many.
    """

    def __init__(
        self, id: NodeId, peers: tuple[NodeId, ...], *, paths: int = PATHS, **options: Any
    ) -> None:
        super().__init__(id, peers, **options)
        self.paths = paths

    def new_search(self, target: Key, start: tuple[Contact, ...]) -> Search:
        """A lookup over several paths."""
        return DisjointSearch(target, self.k, self.alpha, start, self.paths, self.key)
