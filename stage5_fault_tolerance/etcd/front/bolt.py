"""Writes a file of bbolt, the database in which etcd keeps what it holds. Pure.

The file is a tree of pages, after bbolt's own ``page.go``, ``bucket.go`` and ``db.go``. Pages 0 and
1 say where the tree's root is, page 2 lists free pages (there is none), the others are leaves and
branches. A bucket is a tree of its own; its root is written in a leaf of the root bucket. A page
that is too small for one large value goes on into those that follow it.
"""

from collections.abc import Callable, Mapping
from struct import Struct
from typing import TypeVar

PAGE = 4096
MAGIC, VERSION = 0xED0CDAED, 2
BRANCH, LEAF, META, FREELIST = 0x01, 0x02, 0x04, 0x10
BUCKET = 0x01
"""The flag of an element whose value is the root of another tree."""

_HEADER = Struct("<QHHI")
"""Of a page: its number, its kind, how many elements it has, how many pages it goes on for."""
_LEAF = Struct("<IIII")
"""An element of a leaf: flags; where its key is, from here on; lengths of key and value."""
_BRANCH = Struct("<IIQ")
"""An element of a branch: where its key is, from here on; its length; the page below."""
_META = Struct("<IIIIQQQQQ")
"""What pages 0 and 1 say: magic, version, page size, flags, root and its sequence, the page of the
free list, how many pages there are, and the number of the last transaction."""
_ROOT = Struct("<QQ")
_NUMBER = Struct("<Q")

Element = tuple[int, bytes, bytes]
"""Flags, key, value."""

_Any = TypeVar("_Any")


def database(buckets: Mapping[bytes, Mapping[bytes, bytes]]) -> bytes:
    """A whole file.

    Args:
        buckets: by name, what is in each bucket; names and keys are not empty.
    """
    pages = _Pages()
    roots = [
        (BUCKET, name, _ROOT.pack(pages.tree([(0, key, held[key]) for key in sorted(held)]), 0))
        for name, held in sorted(buckets.items())
    ]
    root = pages.tree(roots)
    count = 3 + pages.count
    free = _page(2, FREELIST, 0, b"")
    return _meta(0, root, count) + _meta(1, root, count) + free + b"".join(pages.written)


class _Pages:
    """Pages in the order in which they are written, from number 3 on."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.count = 0

    def _write(self, kind: int, elements: int, body: bytes) -> int:
        number = 3 + self.count
        page = _page(number, kind, elements, body)
        self.written.append(page)
        self.count += len(page) // PAGE
        return number

    def tree(self, elements: list[Element]) -> int:
        """Write a tree whose leaves hold these elements, which are in order; returns its root."""
        below = [
            (each[0][1] if each else b"", self._write(LEAF, len(each), _leaf(each)))
            for each in _filled(elements, _LEAF.size, lambda one: len(one[1]) + len(one[2]))
        ]
        while len(below) > 1:
            below = [
                (each[0][0], self._write(BRANCH, len(each), _branch(each)))
                for each in _filled(below, _BRANCH.size, lambda one: len(one[0]))
            ]
        return below[0][1]


def _filled(elements: list[_Any], head: int, length: Callable[[_Any], int]) -> list[list[_Any]]:
    """Elements by page, at least two on each where there are two; one page where there is none."""
    pages: list[list[_Any]] = [[]]
    size = _HEADER.size
    for element in elements:
        more = head + length(element)
        if len(pages[-1]) >= 2 and size + more > PAGE:
            pages.append([])
            size = _HEADER.size
        pages[-1].append(element)
        size += more
    return pages


def _leaf(elements: list[Element]) -> bytes:
    """The elements of a leaf, and behind them keys and values."""
    heads, data = b"", b""
    for number, (flags, key, value) in enumerate(elements):
        place = (len(elements) - number) * _LEAF.size + len(data)
        heads += _LEAF.pack(flags, place, len(key), len(value))
        data += key + value
    return heads + data


def _branch(elements: list[tuple[bytes, int]]) -> bytes:
    """The elements of a branch: the first key of each page below, and its number."""
    heads, data = b"", b""
    for number, (key, below) in enumerate(elements):
        place = (len(elements) - number) * _BRANCH.size + len(data)
        heads += _BRANCH.pack(place, len(key), below)
        data += key
    return heads + data


def _page(number: int, kind: int, elements: int, body: bytes) -> bytes:
    """A page, with as many behind it as it needs."""
    more = max(0, -(-(_HEADER.size + len(body)) // PAGE) - 1)
    page = _HEADER.pack(number, kind, elements, more) + body
    return page.ljust((1 + more) * PAGE, b"\0")


def _meta(number: int, root: int, count: int) -> bytes:
    """Page 0 or 1. Of the two that with the later transaction counts."""
    body = _META.pack(MAGIC, VERSION, PAGE, 0, root, 0, 2, count, number)
    return _page(number, META, 0, body + _NUMBER.pack(_fnv(body)))


def _fnv(data: bytes) -> int:
    """The checksum FNV-1a of 64 bits."""
    found = 0xCBF29CE484222325
    for byte in data:
        found = (found ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return found
