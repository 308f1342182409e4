"""The quick way for classes with fields that msgspec cannot check by itself: ``object``, unions.

Such a value goes through plain data, by functions that are made once for each class, as
``dataclass`` makes ``__init__``: one expression tests and converts all fields. They know only the
usual case and raise for all else; then the long way through the shapes (:mod:`common.codec.shapes`)
either finds that the value was right after all or says exactly what is wrong. A value goes the long
way from its beginning, and once, so bad input costs no more than good input twice.

What is sent to several nodes and saved too, as the entries of a replicated log are, is encoded
once: :class:`Memory` keeps the bytes beside the value.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, NamedTuple, TypedDict

import msgspec

from common.codec.anything import ATOMS, AnyShape, ChoiceShape
from common.codec.plain import MAX_DEPTH, Format, Mismatch, key_of
from common.codec.records import RecordShape, test_of
from common.codec.shapes import AtomShape, Convert, OptionalShape, SequenceShape, Shape
from common.contract.kinds import field_types
from common.contract.schema import Schema

UNUSUAL = (Mismatch, LookupError, AttributeError, TypeError, ValueError, OverflowError)
"""What the quick way raises for a value that has to go the long way."""

MAX_REMEMBERED_BYTES = 8 * 1024 * 1024
"""How much a memory holds; beyond that it forgets what it has held longest."""


class Memory:
    """The encoded forms of values that were encoded or decoded a moment ago.

    A value is known by its identity. That is enough, because declared values cannot change, and
    safe, because the memory holds the value itself too: no other object can take its place.
    """

    def __init__(self, most_bytes: int = MAX_REMEMBERED_BYTES) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._known: dict[int, tuple[object, bytes]] = {}

    def find(self, value: object) -> bytes | None:
        """The encoded form of this very value, if it is known."""
        known = self._known.get(id(value))
        return None if known is None else known[1]

    def keep(self, value: object, data: bytes) -> None:
        """Remember that ``data`` is the encoded form of ``value``."""
        known = self._known
        before = known.pop(id(value), None)
        self._bytes += len(data) - (0 if before is None else len(before[1]))
        known[id(value)] = (value, data)
        while self._bytes > self._most_bytes:
            _, forgotten = known.pop(next(iter(known)))
            self._bytes -= len(forgotten)


class PlainFormat(NamedTuple):
    """How a codec writes plain data, and reads it."""

    write: Callable[[Any], bytes]
    read: Callable[[bytes | memoryview], Any]


class _OnDemand(dict[Any, Convert]):
    """What is compiled when it is first looked for: most nodes meet few of the classes."""

    def __init__(self, make: Callable[[Any], Convert]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: Any) -> Convert:
        made = self[key] = self._make(key)
        return made


class Quick:
    """The quick ways of one codec.

    Args:
        schema: the classes that values may be made of.
        format: what plain data can be.
        shape_of: the shape of a class of the schema.
        raw: what writes and reads plain data to and from bytes, where parts of a message may be
            bytes already; None where they may not.
        memory: keeps such bytes.
    """

    def __init__(
        self,
        schema: Schema,
        format: Format,
        shape_of: Callable[[type], RecordShape],
        raw: PlainFormat | None,
        memory: Memory,
    ) -> None:
        self._format = format
        self._raw = raw
        self._memory = memory
        self._records: dict[type, tuple[Convert, Convert]] = {}
        self._shape_of = shape_of
        least, greatest = format.integers
        self._schema = schema
        self._pack_by_kind: dict[type, Convert] = _OnDemand(self._pack_of)
        self._pack_by_kind |= {
            str: _as_it_is, bool: _as_it_is, type(None): _as_it_is,
            int: lambda value, _: value if least <= value <= greatest else unusual(value),
            float: _as_it_is if format.has_odd_floats else _finite,
            tuple: self._pack_tuple,
        }  # fmt: skip
        if format.has_bytes:
            self._pack_by_kind[bytes] = _as_it_is
        self._unpack_by_name: dict[str, Convert] = _OnDemand(self._unpack_of)

    # What the codec calls.

    def pack_any(self, value: Any, depth: int = 0) -> Any:
        """The plain data for any value: an atom, a tuple, or a record tagged with its class."""
        return self._pack_by_kind[value.__class__](value, depth)

    def unpack_any(self, plain: Any, depth: int = 0) -> Any:
        """The value that plain data of any kind stands for."""
        kind = plain.__class__
        if kind is dict:
            return self._unpack_by_name[plain["type"]](plain, depth)
        if kind is list:
            if depth > MAX_DEPTH:
                unusual(plain)
            return tuple([self.unpack_any(each, depth + 1) for each in plain])
        return plain if kind in ATOMS else unusual(plain)

    def pack(self, kind: type) -> Convert:
        """What makes plain data of a ``kind``."""
        return self._record(kind)[0]

    def unpack(self, kind: type) -> Convert:
        """What makes a ``kind`` of plain data."""
        return self._record(kind)[1]

    def layout(self, kind: type) -> Any | None:
        """The type as which msgspec is to read a message with parts that are kept as bytes, or that
        it makes by itself."""
        if self._raw is None:
            return None
        shapes = self._shape_of(kind).shapes
        types = field_types(kind)
        parts = {
            key_of(name): list[msgspec.Raw]
            if self._is_kept(shape)
            else types[name]
            if self._is_ready(shape)
            else Any
            for name, shape in shapes.items()
        }
        if all(part is Any for part in parts.values()):
            return None
        return _typed_dict(kind.__name__, parts)

    # Records.

    def _pack_of(self, kind: type) -> Convert:
        """What makes tagged plain data of a record. Raises: LookupError for anything else."""
        name = self._schema.name_of(kind)
        if name is None or name not in self._schema.kinds:  # an enum's member is written otherwise
            raise LookupError(kind)
        return self._compile_pack(self._shape_of(kind), name)

    def _unpack_of(self, name: str) -> Convert:
        """What makes the record of this name. Raises: LookupError if there is none."""
        return self._record(self._schema.kinds[name])[1]

    def _record(self, kind: type) -> tuple[Convert, Convert]:
        found = self._records.get(kind)
        if found is None:  # made when first used, because a record may contain its own kind

            def pack(value: Any, depth: int) -> Any:
                return self._records[kind][0](value, depth)

            def unpack(plain: Any, depth: int) -> Any:
                return self._records[kind][1](plain, depth)

            self._records[kind] = (pack, unpack)
            shape = self._shape_of(kind)
            found = (self._compile_pack(shape, None), self._compile_unpack(shape))
            self._records[kind] = found
        return found

    def _compile_pack(self, shape: RecordShape, tag: str | None) -> Convert:
        names: dict[str, Any] = {"most": MAX_DEPTH, "unusual": unusual, "kind": shape.kind}
        least, greatest = self._format.integers
        names |= {"least": least, "greatest": greatest}
        parts = [] if tag is None else [f"'type': {tag!r}"]
        for number, (name, inner) in enumerate(shape.shapes.items()):
            names[f"k{number}"], names[f"p{number}"] = inner.writes, self._packer(inner)
            value = f"value.{name}"
            usual = f"{value}.__class__ is k{number}"
            if isinstance(inner, AtomShape) and inner.kind is int:
                names[f"k{number}"] = int
                usual += f" and least <= {value} <= greatest"
            parts.append(f"{key_of(name)!r}: {value} if {usual} else p{number}({value}, depth + 1)")
        made = "{" + ", ".join(parts) + "}"
        test = "value.__class__ is kind and depth <= most"
        compiled: Convert = eval(
            f"lambda value, depth: {made} if {test} else unusual(value)", names
        )
        return compiled

    def _compile_unpack(self, shape: RecordShape) -> Convert:
        names: dict[str, Any] = {"most": MAX_DEPTH, "unusual": unusual, "kind": shape.kind}
        parts: list[str] = []
        by_keyword = any(field.kw_only for field in fields(shape.kind))  # else by place: faster
        for number, (name, inner) in enumerate(shape.shapes.items()):
            names[f"k{number}"], names[f"u{number}"] = inner.reads, self._unpacker(inner)
            found = f"(x{number} := plain[{key_of(name)!r}])"
            parts.append(
                f"{f'{name}=' if by_keyword else ''}x{number} if {found}.__class__ is k{number} "
                f"else u{number}(x{number}, depth + 1)"
            )
        test = "plain.__class__ is dict and depth <= most"
        compiled: Convert = eval(
            f"lambda plain, depth: kind({', '.join(parts)}) if {test} else unusual(plain)", names
        )
        return compiled

    # The other shapes.

    def _packer(self, shape: Shape) -> Convert:
        match shape:
            case AnyShape() | ChoiceShape(takes_anything=True):
                return self.pack_any
            case ChoiceShape(kinds=kinds) if kinds:
                return lambda value, depth: (
                    self.pack_any(value, depth) if value.__class__ in kinds else unusual(value)
                )
            case RecordShape():
                return self.pack(shape.kind)
            case OptionalShape():
                inner = self._packer(shape.inner)
                return lambda value, depth: None if value is None else inner(value, depth)
            case SequenceShape() if self._is_ready(shape):
                fits = test_of(shape)
                return lambda value, _: value if fits(value) else unusual(value)
            case SequenceShape():
                item = self._keeping_packer(shape) or self._packer(shape.item)
                return lambda value, depth: (
                    [item(each, depth + 1) for each in value]
                    if value.__class__ is tuple and depth <= MAX_DEPTH
                    else unusual(value)
                )
        return shape.pack

    def _unpacker(self, shape: Shape) -> Convert:
        match shape:
            case AnyShape() | ChoiceShape(takes_anything=True):
                return self.unpack_any
            case ChoiceShape(kinds=kinds) if kinds:
                return lambda plain, depth: (
                    value
                    if (value := self.unpack_any(plain, depth)).__class__ in kinds
                    else unusual(value)
                )
            case RecordShape():
                return self.unpack(shape.kind)
            case OptionalShape():
                inner = self._unpacker(shape.inner)
                return lambda plain, depth: None if plain is None else inner(plain, depth)
            case SequenceShape():
                item = self._keeping_unpacker(shape) or self._unpacker(shape.item)
                made = tuple if self._is_ready(shape) else None  # by its layout
                return lambda plain, depth: (
                    plain
                    if plain.__class__ is made
                    else tuple([item(each, depth + 1) for each in plain])
                    if plain.__class__ is list and depth <= MAX_DEPTH
                    else unusual(plain)
                )
        return shape.unpack

    def _pack_tuple(self, value: Any, depth: int) -> Any:
        if depth > MAX_DEPTH:
            unusual(value)
        by_kind = self._pack_by_kind
        return [by_kind[each.__class__](each, depth + 1) for each in value]

    # What is encoded once.

    def _is_kept(self, shape: Shape) -> bool:
        """Whether the parts of this shape are records that are worth remembering as bytes."""
        if self._raw is None or not isinstance(shape, SequenceShape):
            return False
        return isinstance(shape.item, RecordShape) and not shape.item.native

    def _is_ready(self, shape: Shape) -> bool:
        """Whether the parts of this shape are records that msgspec writes and reads by itself."""
        if self._raw is None or not isinstance(shape, SequenceShape):
            return False
        return isinstance(shape.item, RecordShape) and shape.native

    def _keeping_packer(self, shape: SequenceShape) -> Convert | None:
        if self._raw is None or not self._is_kept(shape):
            return None
        pack, memory, write = self._packer(shape.item), self._memory, self._raw.write

        def keep(value: Any, depth: int) -> Any:
            data = memory.find(value)
            if data is None:
                data = write(pack(value, depth))
                memory.keep(value, data)
            return msgspec.Raw(data)

        return keep

    def _keeping_unpacker(self, shape: SequenceShape) -> Convert | None:
        if self._raw is None or not self._is_kept(shape):
            return None
        unpack, memory, read = self._unpacker(shape.item), self._memory, self._raw.read

        def keep(plain: Any, depth: int) -> Any:
            if plain.__class__ is dict:  # it came within a message that was read as a whole
                return unpack(plain, depth)
            data = bytes(plain)
            value = unpack(read(data), depth)
            memory.keep(value, data)
            return value

        return keep


def unusual(value: Any) -> Any:
    """Leave the quick way. Raises: Mismatch."""
    raise Mismatch("the usual case", value)


def _as_it_is(value: Any, _depth: int) -> Any:
    return value


def _finite(value: Any, _depth: int) -> Any:
    return value if math.isfinite(value) else unusual(value)


def _typed_dict(name: str, parts: Mapping[str, Any]) -> Any:
    """A dictionary of just these keys, each with its type."""
    return TypedDict(name, dict(parts))  # type: ignore[operator]
