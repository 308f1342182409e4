"""The shape of a dataclass of the schema."""

from collections.abc import Callable
from dataclasses import MISSING, fields
from operator import attrgetter
from typing import Any

from common.codec.plain import Mismatch, Words, check_depth, key_of
from common.codec.shapes import AtomShape, Convert, Shape
from common.contract.kinds import field_types


class RecordShape(Shape):
    """A dataclass, written as a map of its fields.

    Args:
        kind: the dataclass.
    """

    def __init__(self, kind: type) -> None:
        self.kind = kind
        self.text = kind.__name__
        self.native = False  # until complete() knows better
        self._shapes: tuple[Shape, ...] = ()
        self._classes: tuple[type, ...] | None = None
        self._values: Callable[[Any], tuple[Any, ...]] = lambda _: ()
        self._writers: tuple[tuple[str, str, Convert, type | None], ...] = ()
        self._readers: tuple[tuple[str, str, Convert, type | None, str | None], ...] = ()

    def complete(self, shape_of: Callable[[Any], Shape]) -> None:
        """Fill in the fields. A second step, because a record may contain records of its kind."""
        shapes = {name: shape_of(type) for name, type in field_types(self.kind).items()}
        needed = {
            field.name: shapes[field.name].text
            for field in fields(self.kind)
            if field.default is MISSING and field.default_factory is MISSING
        }
        self._shapes = tuple(shapes.values())
        self._writers = tuple(
            (name, key_of(name), shape.pack, shape.writes) for name, shape in shapes.items()
        )
        self._readers = tuple(
            (name, key_of(name), shape.unpack, shape.reads, needed.get(name))
            for name, shape in shapes.items()
        )
        self.native = all(shape.native and key_of(name) == name for name, shape in shapes.items())
        atoms = [shape for shape in self._shapes if isinstance(shape, AtomShape)]
        if len(atoms) == len(shapes) and all(atom.kind is not float for atom in atoms):
            self._classes = tuple(atom.kind for atom in atoms)
        if len(shapes) == 1:
            (get,) = map(attrgetter, shapes)
            self._values = lambda value: (get(value),)
        elif shapes:
            self._values = attrgetter(*shapes)

    @property
    def keys(self) -> tuple[str, ...]:
        """The map keys of the fields, in order."""
        return tuple(key for _, key, _, _ in self._writers)

    def fits(self, value: Any) -> bool:
        if type(value) is not self.kind:
            return False
        if self._classes is not None:  # atoms only, the most frequent case: one comparison
            return tuple(map(type, self._values(value))) == self._classes
        values = self._values(value)
        return all(shape.fits(inner) for shape, inner in zip(self._shapes, values, strict=True))

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
