"""Shapes: for each type that a field can have, how its values become plain data and come back."""

import enum
from abc import ABC, abstractmethod
from base64 import b64encode
from collections.abc import Callable
from dataclasses import MISSING, fields
from operator import attrgetter
from typing import Any, TypeAlias

from common.codec.plain import (
    MISSING_FIELD,
    Format,
    Mismatch,
    as_float,
    check_depth,
    key_of,
    pack_atom,
    read_base64,
    unpack_tagged,
)
from common.contract.kinds import field_types

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
    """

    text: str
    native: bool

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


class RecordShape(Shape):
    """A dataclass of the schema, written as a map of its fields."""

    def __init__(self, kind: type) -> None:
        self.kind = kind
        self.text = kind.__name__
        self.native = False  # until complete() knows better
        self.fields: tuple[tuple[str, str, Shape, bool], ...] = ()
        self._signatures: set[tuple[type, ...]] | None = None
        self._values: Callable[[Any], tuple[Any, ...]] = lambda _: ()

    def complete(self, shape_of: Callable[[Any], Shape]) -> None:
        """Fill in the fields. A second step, because a record may contain records of its kind."""
        needed = {
            field.name: field.default is MISSING and field.default_factory is MISSING
            for field in fields(self.kind)
        }
        self.fields = tuple(
            (name, key_of(name), shape_of(annotation), needed[name])
            for name, annotation in field_types(self.kind).items()
        )
        shapes = [shape for _, _, shape, _ in self.fields]
        self.native = all(shape.native and name == key for name, key, shape, _ in self.fields)
        names = [name for name, _, _, _ in self.fields]
        if len(names) == 1:
            get = attrgetter(names[0])
            self._values = lambda value: (get(value),)
        elif names:
            self._values = attrgetter(*names)
        if all(isinstance(shape, AtomShape) and shape.kind is not float for shape in shapes):
            self._signatures = {tuple(shape.kind for shape in shapes)}  # type: ignore[attr-defined]

    def fits(self, value: Any) -> bool:
        if type(value) is not self.kind:
            return False
        if self._signatures is not None:
            return tuple(map(type, self._values(value))) in self._signatures
        values = self._values(value)
        return all(field[2].fits(inner) for field, inner in zip(self.fields, values, strict=True))

    def pack(self, value: Any, depth: int = 0) -> Any:
        if type(value) is not self.kind:
            raise Mismatch(self.text, value)
        check_depth(depth)
        plain: dict[str, Any] = {}
        for name, key, shape, _ in self.fields:
            try:
                plain[key] = shape.pack(getattr(value, name), depth + 1)
            except Mismatch as error:
                raise error.within(f".{name}") from None
        return plain

    def unpack(self, plain: Any, depth: int = 0) -> Any:
        if type(plain) is not dict:
            raise Mismatch(f"a map of the fields of {self.text}", plain)
        check_depth(depth)
        values: dict[str, Any] = {}
        for name, key, shape, needed in self.fields:
            if key in plain:
                try:
                    values[name] = shape.unpack(plain[key], depth + 1)
                except Mismatch as error:
                    raise error.within(f".{name}") from None
            elif needed:
                raise Mismatch(shape.text, MISSING_FIELD).within(f".{name}")
        try:
            return self.kind(**values)
        except (ValueError, TypeError) as error:  # its own __post_init__ refuses them
            raise Mismatch(f"a valid {self.text} ({error})", plain) from None
