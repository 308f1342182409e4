"""Every version of every key, by revision, until it is compacted (multi-version storage).

The *log* is the history itself: all versions in the order in which they came, deletions among them.
The rest is an index over it. The log answers watches, the index answers reads of any revision, and
a snapshot is the log alone.
"""

from bisect import bisect_left, bisect_right, insort
from operator import attrgetter
from zlib import crc32

from stage5_fault_tolerance.etcd.commands import FROM_KEY_ON
from stage5_fault_tolerance.etcd.results import KeyValue

COST_OF_VERSION = 64
"""Bytes counted for a version beside its key and value."""

_by_revision = attrgetter("mod_revision")


class History:
    """Versions of keys.

    Attributes:
        revision: the number of the latest change; 1 before the first, as in etcd.
        compacted: what was before this revision is forgotten, unless it was still there then; -1
            before anything was.
        log: all versions that are not forgotten, by revision, and in order within one.
        current: what is there now, by key.
        size: about how many bytes the log takes.
    """

    def __init__(self) -> None:
        self.revision = 1
        self.compacted = -1
        self.log: list[KeyValue] = []
        self.current: dict[bytes, KeyValue] = {}
        self.size = 0
        self._live: list[bytes] = []
        """The keys of ``current`` in order."""
        self._versions: dict[bytes, list[KeyValue]] = {}
        """All of ``log`` by key."""
        self._known: list[bytes] = []
        """The keys of ``_versions`` in order."""

    # Change.

    def add(self, version: KeyValue) -> None:
        """Add a version, a put or a deletion; its revision is not below that of any other."""
        key = version.key
        self.log.append(version)
        self.size += cost_of(version)
        versions = self._versions.get(key)
        if versions is None:
            versions = self._versions[key] = []
            insort(self._known, key)
        versions.append(version)
        if version.is_deletion():
            if self.current.pop(key, None) is not None:
                del self._live[bisect_left(self._live, key)]
        else:
            if key not in self.current:
                insort(self._live, key)
            self.current[key] = version

    def compact(self, revision: int) -> None:
        """Forget all versions that no read at ``revision`` or later can see.

        What came at the revision itself is kept, a deletion too, though no read can see that: a
        watch may begin there, and must be told (etcd issues 18089 and 19179)."""
        self.compacted = revision
        log, self.log = self.log, []
        kept = [version for version in log if self._is_seen(version, revision)]
        self.replace(kept)

    def _is_seen(self, version: KeyValue, revision: int) -> bool:
        if version.mod_revision >= revision:
            return True
        return not version.is_deletion() and self.find(version.key, revision) is version

    def replace(self, log: list[KeyValue]) -> None:
        """Let this be the whole log, and build the index again."""
        self.log, self.current, self._live = [], {}, []
        self._versions, self._known, self.size = {}, [], 0
        for version in log:
            self.add(version)

    # Look.

    def find(self, key: bytes, revision: int) -> KeyValue | None:
        """What was there as of ``revision``; None if nothing was."""
        versions = self._versions.get(key, [])
        place = bisect_right(versions, revision, key=_by_revision)
        found = versions[place - 1] if place else None
        return None if found is None or found.is_deletion() else found

    def scan(self, key: bytes, range_end: bytes, revision: int) -> list[KeyValue]:
        """What was there of a span as of ``revision``, by key."""
        if not self.log or revision >= self.log[-1].mod_revision:
            if not range_end:
                found = self.current.get(key)
                return [] if found is None else [found]
            return [self.current[each] for each in span(self._live, key, range_end)]
        keys = span(self._known, key, range_end)
        return [found for each in keys if (found := self.find(each, revision)) is not None]

    def since(self, revision: int, limit: int) -> list[KeyValue]:
        """The log from ``revision`` on, about ``limit`` versions; no revision is cut in two."""
        start = bisect_left(self.log, revision, key=_by_revision)
        end = start + limit
        if end < len(self.log):
            end = bisect_right(self.log, self.log[end - 1].mod_revision, key=_by_revision)
        return self.log[start:end]

    def before(self, version: KeyValue) -> KeyValue | None:
        """What was there until ``version`` came; None if nothing was, or it is forgotten."""
        if version.mod_revision <= self.compacted:
            return None
        return self.find(version.key, version.mod_revision - 1)

    def hash(self, revision: int) -> int:
        """A checksum of the log up to ``revision``: equal histories have equal ones."""
        total = crc32(str(self.compacted).encode())
        for version in self.log:
            if version.mod_revision > revision:
                break
            total = crc32(repr(version).encode(), total)
        return total


def span(keys: list[bytes], key: bytes, range_end: bytes) -> list[bytes]:
    """Those of ``keys``, which are in order, that the span names."""
    first = bisect_left(keys, key)
    if not range_end:
        return keys[first : first + 1] if keys[first : first + 1] == [key] else []
    last = len(keys) if range_end == FROM_KEY_ON else bisect_left(keys, range_end)
    return keys[first:last]


def cost_of(version: KeyValue) -> int:
    """About how many bytes a version takes in memory and in a snapshot."""
    return len(version.key) + len(version.value) + COST_OF_VERSION
