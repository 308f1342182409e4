"""How many bytes a value takes on a wire, near enough, without a codec.

Used where bandwidth or a byte budget is simulated, and where a protocol bounds its messages. It
follows MessagePack's layout (a class name, then the fields in order) for what can be in a message,
and is the same on every machine.
"""

import enum
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

ENVELOPE_BYTES = 16
"""What a frame adds to its message: the length prefix, the message number, headers."""


def wire_size(message: object) -> int:
    """The size in bytes of the frame that carries ``message``."""
    return ENVELOPE_BYTES + value_size(message)


def value_size(value: Any) -> int:
    """The size in bytes of a value within a message."""
    measure = _MEASURES.get(value.__class__)
    if measure is not None:
        return measure(value)
    if isinstance(value, enum.Enum):
        return value_size(value.value)
    size, names = _layout(value.__class__)
    for name in names:
        size += value_size(getattr(value, name))
    return size


@cache
def _layout(kind: type[Any]) -> tuple[int, tuple[str, ...]]:
    """What the values of a class take without their fields, and the names of these."""
    name = kind.__name__
    assert is_dataclass(kind), f"a {name} cannot be in a message"
    return _head(1) + len(name), tuple(part.name for part in fields(kind))


def _size_of_integer(value: int) -> int:
    return 1 if -32 <= value < 128 else 1 + (value.bit_length() + 8) // 8


def _size_of_text(value: str) -> int:
    length = len(value) if value.isascii() else len(value.encode())
    return _head(length) + length


def _size_of_bytes(value: bytes) -> int:
    return _head(len(value)) + len(value)


def _size_of_tuple(value: tuple[object, ...]) -> int:
    return _head(len(value)) + sum(map(value_size, value))


def _head(length: int) -> int:
    return 1 if length < 32 else 2 if length < 256 else 3 if length < 65_536 else 5


_MEASURES: dict[type, Callable[[Any], int]] = {
    type(None): lambda _: 1,
    bool: lambda _: 1,
    int: _size_of_integer,
    float: lambda _: 9,
    str: _size_of_text,
    bytes: _size_of_bytes,
    tuple: _size_of_tuple,
}
