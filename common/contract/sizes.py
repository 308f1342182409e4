"""How many bytes a value takes on a wire, near enough, without a codec.

Used where bandwidth or a byte budget is simulated, and where a protocol bounds its messages. It
follows MessagePack's layout (a class name, then the fields in order) for what can be in a message,
and is the same on every machine.
"""

import enum
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any, TypeAlias

from common.contract.wrapped import Inner

ENVELOPE_BYTES = 16
"""What a frame adds to its message: the length prefix, the message number, headers."""

Measure: TypeAlias = Callable[[Any], int]


def wire_size(message: object) -> int:
    """The size in bytes of the frame that carries ``message``."""
    return ENVELOPE_BYTES + value_size(message)


def value_size(value: object) -> int:
    """The size in bytes of a value within a message."""
    return _MEASURES[value.__class__](value)


class _Measures(dict[type, Measure]):
    """By class, what measures its values; for a declared class it is made when first needed."""

    def __missing__(self, kind: type) -> Measure:
        made = _size_of_member if issubclass(kind, enum.Enum) else _measure_of(kind)
        self[kind] = made
        return made


def _measure_of(kind: type[Any]) -> Measure:
    """One expression over all fields, compiled: a loop over them takes twice as long."""
    name = kind.__name__
    assert is_dataclass(kind), f"a {name} cannot be in a message"
    terms = [str(_head(1) + len(name))]
    terms += [f"by_kind[(x := value.{part.name}).__class__](x)" for part in fields(kind)]
    measure: Measure = eval(f"lambda value: {' + '.join(terms)}", {"by_kind": _MEASURES})
    return measure


def _size_of_member(value: enum.Enum) -> int:
    return value_size(value.value)


def _size_of_integer(value: int) -> int:
    return 1 if -32 <= value < 128 else 1 + (value.bit_length() + 8) // 8


def _size_of_text(value: str) -> int:
    length = len(value) if value.isascii() else len(value.encode())
    return _head(length) + length


def _size_of_bytes(value: bytes) -> int:
    return _head(len(value)) + len(value)


def _size_of_tuple(value: tuple[object, ...]) -> int:
    return _head(len(value)) + sum([_MEASURES[part.__class__](part) for part in value])


def _size_of_inner(value: Inner) -> int:
    return _size_of_text(value.to) + value_size(value.message)  # a name in front, and no more


def _head(length: int) -> int:
    return 1 if length < 32 else 2 if length < 256 else 3 if length < 65_536 else 5


_MEASURES = _Measures({
    type(None): lambda _: 1,
    bool: lambda _: 1,
    int: _size_of_integer,
    float: lambda _: 9,
    str: _size_of_text,
    bytes: _size_of_bytes,
    tuple: _size_of_tuple,
    Inner: _size_of_inner,
})  # fmt: skip
