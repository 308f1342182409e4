"""What the store needs of a disk: files that only grow, and lines that say whether they are whole.

A crash may cut what is being written at any byte. So every line begins with a checksum of the rest:
a line that was cut does not fit its own.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Protocol
from zlib import crc32

_CHECKSUM = 9
"""Eight digits and a space."""


class PowerCut(Exception):
    """The power failed while something was being written."""


class Files(Protocol):
    """Files by name. What a method has done is on the disk when it returns."""

    def names(self) -> tuple[str, ...]:
        """All files, in order of their names."""

    def size(self, name: str) -> int:
        """How many bytes a file has."""

    def read(self, name: str, position: int, length: int) -> bytes:
        """The bytes from ``position`` on; fewer than ``length`` where the file ends before."""

    def append(self, name: str, data: bytes) -> None:
        """Write to the end of a file; it begins with this where there is none."""

    def remove(self, name: str) -> None:
        """Throw a file away."""


class MemoryFiles:
    """Files in memory, and a power cut where a test wants one.

    Args:
        contents: what is there already.
        power: after so many bytes the power fails; removing a file counts as one. None for never.

    Attributes:
        reads: how often something was read.
        written: how many bytes were written.
    """

    def __init__(
        self, contents: Mapping[str, bytes] | None = None, power: int | None = None
    ) -> None:
        self._data = {name: bytearray(data) for name, data in (contents or {}).items()}
        self.power = power
        self.reads = 0
        self.written = 0

    def contents(self) -> dict[str, bytes]:
        """All that is on the disk."""
        return {name: bytes(data) for name, data in sorted(self._data.items())}

    def names(self) -> tuple[str, ...]:
        """All files, in order of their names."""
        return tuple(sorted(self._data))

    def size(self, name: str) -> int:
        """How many bytes a file has."""
        return len(self._data[name])

    def read(self, name: str, position: int, length: int) -> bytes:
        """The bytes from ``position`` on."""
        self.reads += 1
        return bytes(self._data[name][position : position + length])

    def append(self, name: str, data: bytes) -> None:
        """Write to the end, as far as the power lasts."""
        lasts = len(data) if self.power is None else min(len(data), self.power)
        if lasts or not data:
            self._data.setdefault(name, bytearray()).extend(data[:lasts])
        self._use(len(data))
        self.written += len(data)

    def remove(self, name: str) -> None:
        """Throw a file away, if there is power."""
        self._use(1)
        del self._data[name]

    def _use(self, power: int) -> None:
        if self.power is not None:
            if power > self.power:
                raise PowerCut
            self.power -= power


def line_of(content: object) -> bytes:
    """A line with this content, which is what JSON can say, behind its checksum."""
    body = json.dumps(content, separators=(",", ":")).encode()
    return b"%08x %b\n" % (crc32(body), body)


def content_of(line: bytes) -> Any:
    """The content of a line; None where it is not whole."""
    body = line[_CHECKSUM:-1]
    whole = line[-1:] == b"\n" and line[:_CHECKSUM] == b"%08x " % crc32(body)
    return json.loads(body) if whole else None


def contents_of(data: bytes) -> Iterator[Any]:
    """The contents of all lines up to the first one that is not whole."""
    for line in data.splitlines(keepends=True):
        content = content_of(line)
        if content is None:
            return
        yield content
