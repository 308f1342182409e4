"""A table whose entries have stamps: the later one wins, so all sites end with the same table.

Demers and others 1987, section 1.1: an entry is a value and a stamp, from a clock and a name. So no
two updates have the same one. In whatever order entries come, the greatest stamp stays.

A deleted entry is an entry: its value is None, and it is called a *death certificate* (section 2).
"""

from collections.abc import Iterator
from typing import TypeAlias
from zlib import crc32

from common.contract import NodeId, record

Stamp: TypeAlias = tuple[int, NodeId]
"""When by the clock of the site, in microseconds, and which site."""


@record
class Entry:
    """What was said last of a key.

    Attributes:
        key: of what.
        value: the text; None if it was deleted.
        stamp: of the update.
        active: when a death certificate was last spread, by the clock of some site; else 0.
        keepers: the sites that keep a death certificate longer than the others do.
    """

    key: str
    value: str | None
    stamp: Stamp
    active: int = 0
    keepers: tuple[NodeId, ...] = ()


class Store:
    """The table of one site.

    Attributes:
        entries: by key.
        checksum: of all entries, in whatever order they came; kept up to date at each change.
    """

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.checksum = 0

    def __iter__(self) -> Iterator[Entry]:
        """All entries, by key."""
        return (self.entries[key] for key in sorted(self.entries))

    def merge(self, entry: Entry) -> bool:
        """Take an entry, if it is later than what is here; says whether it was.

        Later means a greater stamp. Of two that are the same update, the one that was activated
        later is later (that is for death certificates).
        """
        here = self.entries.get(entry.key)
        if here is not None and (here.stamp, here.active) >= (entry.stamp, entry.active):
            return False
        self.drop(entry.key)
        self.entries[entry.key] = entry
        self.checksum ^= sum_of(entry)
        return True

    def drop(self, key: str) -> None:
        """Have no entry of this key, as if there had never been one."""
        here = self.entries.pop(key, None)
        if here is not None:
            self.checksum ^= sum_of(here)

    def since(self, time: int) -> tuple[Entry, ...]:
        """The entries that were stamped, or activated, at that time or later; by key."""
        return tuple(each for each in self if max(each.stamp[0], each.active) >= time)

    def later_than(self, others: tuple[Entry, ...]) -> tuple[Entry, ...]:
        """The entries that somebody lacks who has just these others; by key."""
        theirs = {each.key: (each.stamp, each.active) for each in others}
        return tuple(
            each for each in self if (each.stamp, each.active) > theirs.get(each.key, ((-1, ""), 0))
        )


def sum_of(entry: Entry) -> int:
    """The checksum of one entry; that of a table is all of them, combined by exclusive or."""
    return crc32(repr((entry.key, entry.value, entry.stamp, entry.active)).encode())
