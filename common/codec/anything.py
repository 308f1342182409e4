"""Shapes for types that leave a choice, and the reading of type annotations into shapes."""

import enum
import types
from collections.abc import Callable, Collection, Sequence
from dataclasses import is_dataclass
from typing import Any, Literal, NewType, Union, get_args, get_origin

from common.codec.plain import Format, Mismatch, pack_atom, unpack_tagged
from common.codec.records import RecordShape
from common.codec.shapes import (
    AtomShape,
    EnumShape,
    OptionalShape,
    SequenceShape,
    Shape,
    TupleShape,
    each,
)
from common.contract.schema import Schema
from common.values.errors import ContractError

ATOMS = (bool, int, float, str, bytes, type(None))


class AnyShape(Shape):
    """Any value: an atom, a tuple, or an enum member or record tagged with its class."""

    native = False
    text = "a plain value or a class of the schema"

    def __init__(self, schema: Schema, format: Format, records: Callable[[type], Shape]) -> None:
        self.schema = schema
        self.format = format
        self.records = records

    def fits(self, value: Any) -> bool:
        kind = type(value)
        if kind is tuple:
            return all(map(self.fits, value))
        if kind in ATOMS:
            return True
        return kind in self.schema

    def pack(self, value: Any, depth: int = 0) -> Any:
        kind = type(value)
        if kind in ATOMS:
            return pack_atom(value, self.format)
        if kind is tuple:
            return each(self.pack, value, depth)
        name = self.schema.name_of(kind)
        if name is None:
            raise Mismatch(self.text, value)
        if isinstance(value, enum.Enum):
            return {"enum": f"{name}.{value.name}"}
        return {"type": name, **self.records(kind).pack(value, depth)}

    def unpack(self, plain: Any, depth: int = 0) -> Any:
        kind = type(plain)
        if kind is list:
            return tuple(each(self.unpack, plain, depth))
        if kind is dict:
            return self._unpack_map(plain, depth)
        if kind not in ATOMS:
            raise Mismatch(self.text, plain)
        return plain

    def _unpack_map(self, plain: dict[Any, Any], depth: int) -> Any:
        name = plain.get("type")
        if type(name) is str:
            kind = self.schema.kinds.get(name)
            if kind is None:
                raise Mismatch("a class of the schema", name).within(".type")
            return self.records(kind).unpack(plain, depth)
        text = plain.get("enum")
        if type(text) is str and len(plain) == 1:
            return self._member(text)
        return unpack_tagged(plain)

    def _member(self, text: str) -> enum.Enum:
        name, _, member = text.rpartition(".")
        members = self.schema.enums.get(name)
        if members is None or member not in members.__members__:
            raise Mismatch("a member of an enum of the schema", text)
        return members[member]


class ChoiceShape(Shape):
    """A union or a Literal: written as any value would be, and checked against the choices.

    Attributes:
        takes_anything: one of the choices is ``object``.
        kinds: the classes, where each choice is a record or None; else none.
    """

    def __init__(
        self,
        anything: AnyShape,
        choices: tuple[Callable[[Any], bool], ...],
        text: str,
        native: bool,
        takes_anything: bool = False,
        kinds: Collection[type] = (),
    ) -> None:
        self.takes_anything = takes_anything
        self.kinds = frozenset(kinds)
        self.anything = anything
        self.choices = choices
        self.text = text
        self.native = native

    def fits(self, value: Any) -> bool:
        return any(fits(value) for fits in self.choices)

    def pack(self, value: Any, depth: int = 0) -> Any:
        if not self.fits(value):
            raise Mismatch(self.text, value)
        return self.anything.pack(value, depth)

    def unpack(self, plain: Any, depth: int = 0) -> Any:
        value = self.anything.unpack(plain, depth)
        if not self.fits(value):
            raise Mismatch(self.text, value)
        return value


class Shapes:
    """The shapes of one schema in one format, each made once.

    Args:
        schema: the classes that values may be made of.
        format: what the format can write by itself.
    """

    def __init__(self, schema: Schema, format: Format) -> None:
        self._format = format
        self._records: dict[type, RecordShape] = {}
        self.anything = AnyShape(schema, format, self.record)

    def record(self, kind: type) -> RecordShape:
        """The shape of a dataclass of the schema."""
        shape = self._records.get(kind)
        if shape is None:
            shape = self._records[kind] = RecordShape(kind)
            shape.complete(self.of)
        return shape

    def of(self, annotation: Any) -> Shape:
        """The shape of a field's type.

        Raises:
            ContractError: no value of such a type can cross a wire.
        """
        if isinstance(annotation, NewType):
            return self.of(annotation.__supertype__)
        if annotation in (Any, object):
            return self.anything
        if annotation in (None, *ATOMS):
            return AtomShape(type(None) if annotation is None else annotation, self._format)
        origin, parts = get_origin(annotation), get_args(annotation)
        if origin is Literal:
            return self._literal(parts)
        if origin in (Union, types.UnionType):
            return self._union(parts)
        if annotation is tuple:
            return SequenceShape(self.anything)
        if origin is tuple:
            if parts[-1:] == (Ellipsis,):
                return SequenceShape(self.of(parts[0]))
            return TupleShape(tuple(self.of(part) for part in parts))
        if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
            return EnumShape(annotation)
        if isinstance(annotation, type) and is_dataclass(annotation):
            return self.record(annotation)
        raise ContractError(f"no value of the type {annotation} can cross a wire")

    def _literal(self, choices: tuple[Any, ...]) -> Shape:
        def is_choice(value: Any) -> bool:
            return any(type(value) is type(each) and value == each for each in choices)

        kinds = {type(choice) for choice in choices}
        text = " or ".join(repr(choice) for choice in choices)
        return ChoiceShape(self.anything, (is_choice,), text, kinds in ({str}, {int}))

    def _union(self, parts: tuple[Any, ...]) -> Shape:
        rest = [part for part in parts if part is not type(None)]
        if len(rest) == 1:
            return OptionalShape(self.of(rest[0]))
        shapes = [self.of(part) for part in parts]
        plain_atoms = all(isinstance(shape, AtomShape) and shape.native for shape in shapes) and (
            self._format.has_bytes or bytes not in parts
        )
        return ChoiceShape(
            self.anything,
            tuple(shape.fits for shape in shapes),
            " or ".join(shape.text for shape in shapes),
            plain_atoms,
            takes_anything=self.anything in shapes,
            kinds=_kinds(shapes),
        )


def _kinds(shapes: Sequence[Shape]) -> list[type]:
    """The classes of the choices, if all of them are records or None."""
    found = [
        shape.kind
        for shape in shapes
        if isinstance(shape, RecordShape)
        or (isinstance(shape, AtomShape) and shape.kind is type(None))
    ]
    return found if len(found) == len(shapes) else []
