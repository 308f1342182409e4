"""Shapes: for each type that a field can have, how its values become plain data and come back."""

import enum
from abc import ABC, abstractmethod
from base64 import b64encode
from collections.abc import Callable
from typing import Any, TypeAlias

from common.codec.plain import (
    Format,
    Mismatch,
    as_float,
    check_depth,
    pack_atom,
    read_base64,
    unpack_tagged,
)

Convert: TypeAlias = Callable[[Any, int], Any]
"""A shape's pack or unpack."""


def each(convert: Convert, values: Any, depth: int) -> list[Any]:
    """Convert each of ``values``; a Mismatch says at which place it happened."""
    check_depth(depth)
    done: list[Any] = []
    try:
        for value in values:
            done.append(convert(value, depth + 1))
    except Mismatch as error:
        raise error.within(f"[{len(done)}]") from None
    return done


class Shape(ABC):
    """How the values of one type are written.

    Attributes:
        text: the type in words.
        native: msgspec, given the type, reads and writes it in just this way by itself.
        reads: plain data of this very class is the value itself; None where there is no such.
        writes: a value of this very class is its own plain data; None where there is no such.
    """

    text: str
    native: bool
    reads: type | None = None
    writes: type | None = None

    @abstractmethod
    def fits(self, value: Any) -> bool:
        """Whether ``value`` is of the type, all the way down."""

    @abstractmethod
    def pack(self, value: Any, depth: int = 0, /) -> Any:
        """The plain data for ``value``. Raises: Mismatch."""

    @abstractmethod
    def unpack(self, plain: Any, depth: int = 0, /) -> Any:
        """The value that ``plain`` stands for. Raises: Mismatch."""


class AtomShape(Shape):
    """One of bool, int, float, str, bytes, None."""

    def __init__(self, kind: type, format: Format) -> None:
        self.kind = kind
        self.format = format
        self.text = "None" if kind is type(None) else kind.__name__
        self.native = kind is not float or format.has_odd_floats
        self.reads = None if kind is bytes and not format.has_bytes else kind
        limited = {int: True, float: not format.has_odd_floats, bytes: not format.has_bytes}
        self.writes = None if limited.get(kind) else kind

    def fits(self, value: Any) -> bool:
        if type(value) is self.kind:
            return True
        return self.kind is float and type(value) is int and as_float(value) == value

    def pack(self, value: Any, _depth: int = 0) -> Any:
        if not self.fits(value):
            raise Mismatch(self.text, value)
        if self.kind is bytes and not self.format.has_bytes:
            return b64encode(value).decode()
        return pack_atom(float(value) if self.kind is float else value, self.format)

    def unpack(self, plain: Any, _depth: int = 0) -> Any:
        if self.kind is bytes and not self.format.has_bytes:
            return read_base64(plain)
        value = unpack_tagged(plain) if type(plain) is dict else plain
        if not self.fits(value):
            raise Mismatch(self.text, plain)
        return float(value) if self.kind is float else value


class EnumShape(Shape):
    """A member of one enum, written as its name."""

    native = False

    def __init__(self, kind: type[enum.Enum]) -> None:
        self.kind = kind
        self.text = f"a member of {kind.__name__}"

    def fits(self, value: Any) -> bool:
        return type(value) is self.kind

    def pack(self, value: Any, _depth: int = 0) -> Any:
        if not self.fits(value):
            raise Mismatch(self.text, value)
        return value.name

    def unpack(self, plain: Any, _depth: int = 0) -> Any:
        if type(plain) is not str or plain not in self.kind.__members__:
            raise Mismatch(self.text, plain)
        return self.kind[plain]


class TupleShape(Shape):
    """A tuple of a certain length, each place with its own type."""

    def __init__(self, parts: tuple[Shape, ...]) -> None:
        self.parts = parts
        self.text = f"a tuple of {len(parts)}"
        self.native = all(part.native for part in parts)

    def fits(self, value: Any) -> bool:
        return (
            type(value) is tuple
            and len(value) == len(self.parts)
            and all(part.fits(inner) for part, inner in zip(self.parts, value, strict=True))
        )

    def pack(self, value: Any, depth: int = 0) -> Any:
        return self._each(value, tuple, [part.pack for part in self.parts], depth)

    def unpack(self, plain: Any, depth: int = 0) -> Any:
        return tuple(self._each(plain, list, [part.unpack for part in self.parts], depth))

    def _each(self, value: Any, kind: Any, converts: list[Convert], depth: int) -> list[Any]:
        if type(value) is not kind or len(value) != len(converts):
            raise Mismatch(self.text, value)
        parts = iter(converts)
        return each(lambda inner, depth: next(parts)(inner, depth), value, depth)


class SequenceShape(Shape):
    """A tuple of any length, all of one type."""

    def __init__(self, item: Shape) -> None:
        self.item = item
        self.text = f"a tuple of {item.text}"
        self.native = item.native

    def fits(self, value: Any) -> bool:
        return type(value) is tuple and all(map(self.item.fits, value))

    def pack(self, value: Any, depth: int = 0) -> Any:
        if type(value) is not tuple:
            raise Mismatch(self.text, value)
        return each(self.item.pack, value, depth)

    def unpack(self, plain: Any, depth: int = 0) -> Any:
        if type(plain) is not list:
            raise Mismatch(self.text, plain)
        return tuple(each(self.item.unpack, plain, depth))


class OptionalShape(Shape):
    """Something, or None."""

    def __init__(self, inner: Shape) -> None:
        self.inner = inner
        self.text = f"{inner.text} or None"
        self.native = inner.native

    def fits(self, value: Any) -> bool:
        return value is None or self.inner.fits(value)

    def pack(self, value: Any, depth: int = 0) -> Any:
        return None if value is None else self._or_none(self.inner.pack, value, depth)

    def unpack(self, plain: Any, depth: int = 0) -> Any:
        return None if plain is None else self._or_none(self.inner.unpack, plain, depth)

    def _or_none(self, convert: Convert, value: Any, depth: int) -> Any:
        try:
            return convert(value, depth)
        except Mismatch as error:
            if not error.path:
                error.expected = self.text
            raise
