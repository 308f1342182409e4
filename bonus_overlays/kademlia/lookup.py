"""A lookup: from the few contacts that a node has to the nodes that are closest to a key.

Maymounkov and Mazières 2002, section 2.3. A lookup asks the closest contacts that it knows for
contacts that are closer still, asks those, and so on. Each answer comes from somebody who
knows the next half, quarter, eighth of the way better. So it takes some log2 n steps.

:class:`Search` is the bookkeeping of one lookup, with no message in it: which node to ask next, and
when to end. A lookup has found its ``k`` nodes once **the k closest that it has heard of have all
answered**. It does not end earlier: the very closest contact may be the one that knows somebody
closer. It does not end with the first round that brings nothing closer either, because a round is a
few nodes that happened to be asked. A contact that does not answer in time is left out, and the
next one moves up.
"""

from collections.abc import Sequence

from bonus_overlays.kademlia.buckets import Contact, Key, distance, is_key, number_of

ALPHA = 3
"""Requests under way at once in one lookup (section 2.3)."""

MOST_ASKED = 200
"""A lookup that has asked so many asks nobody else: liars can name closer contacts without end."""

MOST_TOLD = 32
"""Of the contacts in one answer, so many are read."""


class Search:
    """One lookup.

    Args:
        target: the key.
        k: how many nodes it is to find.
        alpha: how many are asked at once.
        start: contacts to begin with.
        but: a key that is left out where somebody names it: who asks knows itself.

    Attributes:
        heard: all contacts that anybody has named, by their distance from the target, without those
            that did not answer.
        hops: by key, how far each that was ever named is from the start: 0 for a contact that was
            known, else one more than for the contact that named it first.
        asked: the keys of those that were asked.
        answered: the keys of those that have answered.
        failed_keys: the keys of those that have not answered in time.
    """

    def __init__(
        self, target: Key, k: int, alpha: int, start: Sequence[Contact], but: Key = ""
    ) -> None:
        self.target = target
        self.k = k
        self.alpha = alpha
        self.heard: dict[int, Contact] = {}
        self.hops: dict[Key, int] = {but: 0}
        self.asked: set[Key] = set()
        self.answered: set[Key] = set()
        self.failed_keys: set[Key] = set()
        self._closest: tuple[Contact, ...] | None = None
        self.told(start, 0)

    @property
    def closest(self) -> tuple[Contact, ...]:
        """The k closest contacts that were heard of and did not fail, the closest one first."""
        if self._closest is None:
            first = sorted(self.heard)[: self.k]
            self._closest = tuple([self.heard[each] for each in first])
        return self._closest

    @property
    def under_way(self) -> int:
        """How many requests have no answer so far and have not failed."""
        return len(self.asked) - len(self.answered) - len(self.failed_keys)

    def next_to_ask(self) -> Contact | None:
        """The contact to ask now, which counts as asked from now on; None if there is none now.

        That is the closest one of the k closest (:attr:`closest`) that was not asked yet, as long
        as fewer than ``alpha`` requests are under way and :data:`MOST_ASKED` were not asked.
        """
        if self.under_way >= self.alpha or len(self.asked) >= MOST_ASKED:
            return None
        for contact in self.closest:
            if contact.key not in self.asked:
                self.asked.add(contact.key)
                return contact
        return None

    def told(self, contacts: Sequence[Contact], hops: int) -> None:
        """Contacts were named. One that was named before is no news; what has no key is none.

        Args:
            contacts: who.
            hops: how far they are from the start.
        """
        goal = number_of(self.target)  # looked up once for all
        for contact in contacts[:MOST_TOLD]:
            if contact.key not in self.hops and is_key(contact.key):
                self.heard[number_of(contact.key) ^ goal] = contact
                self.hops[contact.key] = hops
                self._closest = None

    def answer(self, contact: Contact, contacts: Sequence[Contact]) -> None:
        """``contact``, which was asked, has answered, and named ``contacts``, one hop further on.

        An answer that comes after the contact has failed is none.
        """
        if contact.key in self.asked and contact.key not in self.failed_keys:
            self.answered.add(contact.key)
            self.told(contacts, self.hops[contact.key] + 1)

    def failed(self, contact: Contact) -> None:
        """``contact``, which was asked, has not answered in time, and is heard of no more."""
        if contact.key in self.asked and contact.key not in self.answered:
            self.failed_keys.add(contact.key)
            self.heard.pop(distance(contact.key, self.target), None)
            self._closest = None

    @property
    def is_done(self) -> bool:
        """Whether the k closest have all answered; or nobody else may be asked, or is under way."""
        if all(contact.key in self.answered for contact in self.closest):
            return True
        return len(self.asked) >= MOST_ASKED and not self.under_way

    @property
    def found(self) -> tuple[Contact, ...]:
        """Those of the k closest that have answered, the closest one first."""
        return tuple(contact for contact in self.closest if contact.key in self.answered)
