"""Bencode: how BitTorrent writes numbers, bytes, lists and dictionaries (BEP 3).

There is one way to write each value: numbers without leading zeros, dictionaries in the order of
their keys, each key once. A reader that insists on that can hash what it reads, and gets what
everybody gets.

A datagram is a claim by a stranger. Nesting is bounded, so that a thousand opened lists are refused
and do not end the process, and so is the length of a number.
"""

from typing import TypeAlias

from common.runtime.refusals import Refused

Value: TypeAlias = "int | bytes | list[Value] | dict[bytes, Value]"

MOST_DEPTH = 16
"""Lists and dictionaries within each other. KRPC needs four; a value of BEP 44 may have more."""
MOST_DIGITS = 20
"""Digits of a number with its sign: enough for 64 bits."""


def encode(value: object) -> bytes:
    """A value as bytes. Texts are written as UTF-8, tuples as lists."""
    match value:
        case bool():
            raise TypeError("bencode has no truth values: write 0 or 1")
        case int():
            return b"i%de" % value
        case bytes():
            return b"%d:%b" % (len(value), value)
        case str():
            return encode(value.encode())
        case list() | tuple():
            return b"l%be" % b"".join(encode(part) for part in value)
        case dict():
            keyed = {key.encode() if isinstance(key, str) else key: value[key] for key in value}
            parts = [encode(key) + encode(keyed[key]) for key in sorted(keyed)]
            return b"d%be" % b"".join(parts)
    raise TypeError(f"bencode has no way to write a {type(value).__name__}")


def decode(data: bytes) -> Value:
    """The value that is written in ``data``, and nothing behind it.

    Raises:
        Refused: it is cut, nested too deep, or not written in the one way there is.
    """
    reader = _Reader(data)
    value = reader.value(0)
    if reader.at != len(data):
        raise Refused("garbled", f"it has {len(data) - reader.at} bytes behind its end")
    return value


class _Reader:
    """Reads one value after the other.

    Attributes:
        at: the place of the next byte.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def value(self, depth: int) -> Value:
        first = self._data[self.at : self.at + 1]
        if first.isdigit():
            return self._text()
        if not first or first not in b"ild":
            raise Refused("cut" if not first else "garbled", f"it has no value at byte {self.at}")
        if depth >= MOST_DEPTH:
            raise Refused("garbled", f"it is nested more than {MOST_DEPTH} deep")
        self.at += 1
        if first == b"i":
            return self._number(b"e")
        return self._list(depth) if first == b"l" else self._dictionary(depth)

    def _ends(self) -> bool:
        if self._data[self.at : self.at + 1] != b"e":
            return False
        self.at += 1
        return True

    def _list(self, depth: int) -> list[Value]:
        values: list[Value] = []
        while not self._ends():
            values.append(self.value(depth + 1))
        return values

    def _dictionary(self, depth: int) -> dict[bytes, Value]:
        values: dict[bytes, Value] = {}
        last = None
        while not self._ends():
            if not self._data[self.at : self.at + 1].isdigit():
                raise Refused("garbled", f"it has a key that is no text at byte {self.at}")
            key = self._text()
            if last is not None and key <= last:
                raise Refused("garbled", "it has a dictionary whose keys are not in order")
            values[key] = self.value(depth + 1)
            last = key
        return values

    def _text(self) -> bytes:
        length = self._number(b":")
        begin, self.at = self.at, self.at + length
        if self.at > len(self._data):
            raise Refused("cut", f"it ends within a text of {length} bytes")
        return self._data[begin : self.at]

    def _number(self, end: bytes) -> int:
        begin = self.at
        stop = self._data.find(end, begin, begin + MOST_DIGITS + 1)
        digits = self._data[begin:stop] if stop >= 0 else b""
        number = digits.removeprefix(b"-")
        if not number.isdigit() or (number[:1] == b"0" and digits != b"0"):
            raise Refused("garbled", f"it has no number at byte {begin}")
        self.at = stop + 1
        return int(digits)
