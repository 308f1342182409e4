"""The shape of a dataclass of the schema."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from typing import Any

from common.codec.plain import Mismatch, Words, check_depth, key_of
from common.codec.shapes import AtomShape, Convert, SequenceShape, Shape
from common.contract.kinds import field_types


class RecordShape(Shape):
    """A dataclass, written as a map of its fields.

    Args:
        kind: the dataclass.

    Attributes:
        fields_fit: whether all fields of a value, which is a ``kind``, are of their types.
        shapes: those of the fields, by name, in order.
    """

    def __init__(self, kind: type) -> None:
        self.kind = kind
        self.text = kind.__name__
        self.native = False  # until complete() knows better
        self.fields_fit: Callable[[Any], bool] = lambda _: True
        self.shapes: dict[str, Shape] = {}
        self._writers: tuple[tuple[str, str, Convert, type | None], ...] = ()
        self._readers: tuple[tuple[str, str, Convert, type | None, str | None], ...] = ()

    def complete(self, shape_of: Callable[[Any], Shape]) -> None:
        """Fill in the fields. A second step, because a record may contain records of its kind."""
        shapes = {name: shape_of(type) for name, type in field_types(self.kind).items()}
        self.shapes = shapes
        needed = {
            field.name: shapes[field.name].text
            for field in fields(self.kind)
            if field.default is MISSING and field.default_factory is MISSING
        }
        self._writers = tuple(
            (name, key_of(name), shape.pack, shape.writes) for name, shape in shapes.items()
        )
        self._readers = tuple(
            (name, key_of(name), shape.unpack, shape.reads, needed.get(name))
            for name, shape in shapes.items()
        )
        self.native = all(shape.native and key_of(name) == name for name, shape in shapes.items())
        self.fields_fit = _test_of_fields(shapes)

    @property
    def keys(self) -> tuple[str, ...]:
        """The map keys of the fields, in order."""
        return tuple(key for _, key, _, _ in self._writers)

    def fits(self, value: Any) -> bool:
        return type(value) is self.kind and self.fields_fit(value)

    def pack(self, value: Any, depth: int = 0) -> Any:
        if type(value) is not self.kind:
            raise Mismatch(self.text, value)
        check_depth(depth)
        plain: dict[str, Any] = {}
        name = ""
        try:
            for name, key, pack, as_it_is in self._writers:
                inner = getattr(value, name)
                plain[key] = inner if type(inner) is as_it_is else pack(inner, depth + 1)
        except Mismatch as error:
            raise error.within(f".{name}") from None
        return plain

    def unpack(self, plain: Any, depth: int = 0) -> Any:
        if type(plain) is not dict:
            raise Mismatch(f"a map of the fields of {self.text}", plain)
        check_depth(depth)
        values: dict[str, Any] = {}
        name = ""
        try:
            for name, key, unpack, as_it_is, needed in self._readers:
                inner = plain.get(key, MISSING)
                if type(inner) is as_it_is:
                    values[name] = inner
                elif inner is not MISSING:
                    values[name] = unpack(inner, depth + 1)
                elif needed is not None:
                    raise Mismatch(needed, Words("missing"))
        except Mismatch as error:
            raise error.within(f".{name}") from None
        try:
            return self.kind(**values)
        except (ValueError, TypeError) as error:  # its own __post_init__ refuses them
            raise Mismatch(f"a valid {self.text} ({error})", plain) from None


def _test_of_fields(shapes: Mapping[str, Shape]) -> Callable[[Any], bool]:
    """The test whether the fields of a value, here with their shapes, are of their types.

    It stands before every message that leaves. So it is compiled from one expression, as
    ``dataclass`` compiles ``__init__``: a loop over the fields takes five times as long.
    """
    names: dict[str, object] = {}
    tests = [_test(shape, f"value.{name}", names) for name, shape in shapes.items()]
    test: Callable[[Any], bool] = eval(f"lambda value: {' and '.join(tests) or True}", names)
    return test


def test_of(shape: Shape) -> Callable[[Any], bool]:
    """The test whether a value fits a shape, compiled like the one of a record's fields."""
    names: dict[str, object] = {}
    test: Callable[[Any], bool] = eval(f"lambda value: {_test(shape, 'value', names)}", names)
    return test


def _test(shape: Shape, value: str, names: dict[str, object]) -> str:
    """The source of the test whether ``value``, itself a source, fits a shape.

    A sequence of records is tested within the same expression, as deep as they are plain.

    Args:
        shape: the shape.
        value: what it is to fit.
        names: takes what the source speaks of.
    """
    place = f"_{len(names)}"
    match shape:
        case AtomShape() if shape.kind is not float:
            names[place] = shape.kind
            return f"type({value}) is {place}"
        case SequenceShape():
            each = f"each{len(names)}"
            names[place] = tuple
            inner = _test(shape.item, each, names)
            return f"(type({value}) is {place} and all([{inner} for {each} in {value}]))"
        case RecordShape() if shape.native:
            names[place] = shape.kind
            inside = [_test(each, f"{value}.{name}", names) for name, each in shape.shapes.items()]
            return f"({' and '.join([f'type({value}) is {place}', *inside])})"
    names[place] = shape
    return f"{place}.fits({value})"
