"""The log, and the questions that Raft asks of it. Pure: no node, no disk, no network.

Entries are numbered from 1. A prefix of the log may have been replaced by a snapshot; then all that
is known of that prefix is the index and the term of its last entry (section 7).
"""

from bisect import bisect_right
from collections.abc import Iterable

from common.contract.sizes import value_size
from stage4_consensus.raft.messages import Entry


class Log:
    """The entries after a snapshot.

    Args:
        snapshot_index: the snapshot replaces all entries up to this index; 0 for no snapshot.
        snapshot_term: the term of the entry at ``snapshot_index``.
        entries: the entries after it, in order.
    """

    def __init__(
        self, snapshot_index: int = 0, snapshot_term: int = 0, entries: Iterable[Entry] = ()
    ) -> None:
        self.snapshot_index = snapshot_index
        self.snapshot_term = snapshot_term
        self.last_index = snapshot_index
        """Index of the last entry; the snapshot's if there is none after it."""
        self._entries: list[Entry] = []
        self._ends: list[int] = []
        """For each entry, the bytes that it and those before it take on a wire."""
        for entry in entries:
            self.append(entry)

    @property
    def last_term(self) -> int:
        """Term of the last entry; the snapshot's if there is none after it."""
        return self._entries[-1].term if self._entries else self.snapshot_term

    def entry(self, index: int) -> Entry:
        """The entry at ``index``, which must be after the snapshot and not beyond the end."""
        assert self.snapshot_index < index <= self.last_index, f"there is no entry {index}"
        return self._entries[index - self.snapshot_index - 1]

    def term_at(self, index: int) -> int:
        """The term of the entry at ``index``, which may be the snapshot's last; 0 at index 0."""
        return self.snapshot_term if index == self.snapshot_index else self.entry(index).term

    def entries_from(self, first: int, most: int, most_bytes: int) -> tuple[Entry, ...]:
        """The entries from index ``first`` on: at most so many, and so many bytes; at least one."""
        start = first - self.snapshot_index - 1
        assert start >= 0, f"entry {first} has been compacted away"
        fitting = bisect_right(self._ends, self.bytes_up_to(first - 1) + most_bytes)
        return tuple(self._entries[start : min(start + most, max(start + 1, fitting))])

    def bytes_up_to(self, index: int) -> int:
        """How many bytes the entries after the snapshot, up to ``index``, take on a wire."""
        return self._ends[index - self.snapshot_index - 1] if index > self.snapshot_index else 0

    def matches(self, index: int, term: int) -> bool:
        """Whether the entry at ``index`` is the one that a current leader has there with ``term``.

        What a snapshot replaced was committed, so each later leader has the same there (Leader
        Completeness, section 5.4.3).
        """
        if index < self.snapshot_index:
            return True
        return index <= self.last_index and self.term_at(index) == term

    def is_up_to_date(self, last_index: int, last_term: int) -> bool:
        """Whether a log that ends like this is at least as up-to-date as this one (5.4.1).

        The later last term is more up-to-date; with equal last terms, the longer log.
        """
        return (last_term, last_index) >= (self.last_term, self.last_index)

    def append(self, entry: Entry) -> int:
        """Add an entry at the end; returns its index."""
        self._ends.append(self.bytes_up_to(self.last_index) + value_size(entry))
        self._entries.append(entry)
        self.last_index += 1
        return self.last_index

    def truncate_from(self, index: int) -> None:
        """Delete the entry at ``index`` and all that follow it."""
        start = index - self.snapshot_index - 1
        del self._entries[start:], self._ends[start:]
        self.last_index = self.snapshot_index + len(self._entries)

    def compact_to(self, index: int, term: int) -> None:
        """Delete all entries up to and including ``index``: a snapshot has them."""
        gone = min(index, self.last_index) - self.snapshot_index
        before = self.bytes_up_to(self.snapshot_index + gone)
        self._entries = self._entries[gone:]
        self._ends = [end - before for end in self._ends[gone:]]
        self.snapshot_index, self.snapshot_term = index, term
        self.last_index = index + len(self._entries)

    def parts(self, most: int) -> list[tuple[int, int]]:
        """The terms of the last ``most`` entries, each with the index of its first one there."""
        entries = self._entries[-most:]
        found: list[tuple[int, int]] = []
        for index, entry in enumerate(entries, self.last_index - len(entries) + 1):
            if not found or found[-1][0] != entry.term:
                found.append((entry.term, index))
        return found

    def first_index_of_term_at(self, index: int) -> int:
        """The first index, after the snapshot, of the run of entries with the term at ``index``."""
        term = self.term_at(index)
        while index - 1 > self.snapshot_index and self.term_at(index - 1) == term:
            index -= 1
        return index

    def last_index_of_term(self, term: int, before: int) -> int:
        """The last index before ``before`` with an entry of ``term``; 0 if there is none."""
        for index in range(min(before - 1, self.last_index), self.snapshot_index, -1):
            found = self.term_at(index)
            if found <= term:
                return index if found == term else 0
        return 0
