"""A map whose values are CRDTs themselves, and whose keys can be removed.

Almeida, Shoker and Baquero 2018, section 7.4 (the OR-map); Riak's maps and Automerge's documents
are of this kind. A value in a map is a multi-value register, an OR-set, or a map again. Its entries
are the map's entries, under its key, and *its context is the map's*: a value has none of its own.
That is what makes removal of a key right. If each value had its own context, a key that is removed
would take its context along, and an older copy of the value would look new again.
"""

from typing import TypeVar

from common.contract import record
from stage7_advanced.crdt.dots import Dotted, Entries

Value = TypeVar("Value", bound=Dotted)


@record
class ORMap(Dotted):
    """A map from texts to values of dotted kinds.

    The payload of an entry is ``(key, payload in the value)``. A key is there as long as its value
    has an entry; a value without entries is the same as no value.
    """

    def keys(self) -> tuple[str, ...]:
        """The keys that are there, in order of the alphabet."""
        return tuple(sorted({key for _, key, _ in self._rows()}))

    def get(self, key: str, kind: type[Value]) -> Value:
        """The value under ``key``, as a ``kind``: its entries, in the context of the whole map."""
        found = tuple((dot, payload) for dot, name, payload in self._rows() if name == key)
        return kind(found, self.seen)

    def put(self, key: str, delta: Dotted) -> "ORMap":
        """The delta of a change to the value under ``key``.

        Args:
            key: whose value is changed.
            delta: what changing that value has returned::

                map.put("milk", map.get("milk", MultiValueRegister).write("n1", "2 litres"))

        Returns:
            The same change one floor higher: each entry under the key, and what ``delta`` has seen.
        """
        entries: Entries = tuple((dot, (key, payload)) for dot, payload in delta.entries)
        return ORMap(entries, delta.seen)

    def remove(self, key: str) -> "ORMap":
        """The delta of removing ``key`` with all that is seen of its value here.

        What somebody else changes in the value at the same time stays, and the key with it.
        """
        return self.without(tuple((dot, row) for dot, row in self.entries if _key(row) == key))

    def _rows(self) -> list[tuple[tuple[str, int], str, object]]:
        return [(dot, _key(row), row[1]) for dot, row in self.entries if isinstance(row, tuple)]


def _key(row: object) -> str:
    assert isinstance(row, tuple), "the payload of a map's entry is (key, payload)"
    return str(row[0])
