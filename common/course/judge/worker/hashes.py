"""Finds values of a stranger's that were chosen to have one hash.

A dict or a set of such values is slow: each is compared with all others. Texts have hashes that
nobody can foretell, but those of numbers and tuples are the same everywhere, and there are as many
tuples of one hash as anybody wants. What the judge may keep in a dict or a set is therefore counted
here. Honest values share a hash now and then (``-1`` and ``-2`` do), never a hundred times.
"""

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from common.values.errors import RemoteProtocolError

MOST_OF_ONE_HASH = 100
"""So many values may share the hashes of others."""

LONG = 4096
"""Bytes of a line in which there may be enough such values to matter."""

KEYED = (str, bytes)
"""Classes whose hashes follow from a secret of this process."""


class Hashes:
    """Values that one life of a node gives to the judge one by one: keys, results."""

    def __init__(self) -> None:
        self._first: dict[int, object] = {}
        self._others: list[object] = []

    def add(self, value: object) -> None:
        """Count one more. Raises: RemoteProtocolError, if too many have the hashes of others."""
        if value is None or value.__class__ in KEYED:
            return
        try:
            first = self._first.setdefault(hash(value), value)
        except TypeError:  # it can be in no dict
            return
        if first != value and value not in self._others:
            self._others.append(value)
            if len(self._others) > MOST_OF_ONE_HASH:
                raise _too_many()


def check_scattered(value: Any) -> None:
    """See that there is no long tuple within a value whose members have one hash.

    Raises:
        RemoteProtocolError: there is one.
    """
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if each.__class__ is tuple:
            check_members(each)
            waiting += [part for part in each if part.__class__ not in PLAIN]
        elif is_dataclass(each):
            waiting += [getattr(each, field.name) for field in fields(each)]


def check_members(parts: Sequence[Any]) -> None:
    """See that a set could be made of these values. Raises: RemoteProtocolError."""
    if len(parts) > MOST_OF_ONE_HASH:
        seen = Hashes()
        for part in parts:
            seen.add(part)


PLAIN = frozenset((str, bytes, int, float, bool, type(None)))


def _too_many() -> RemoteProtocolError:
    return RemoteProtocolError(
        f"more than {MOST_OF_ONE_HASH} of its values have the hashes of others: no dict can hold "
        "them in good time"
    )
