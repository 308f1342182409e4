"""Messages as tables, and the codec of each version that follows from them.

A table is text, in the way of Kafka's own documentation: a field a line, its name, its type, and
what is behind ``[]`` belongs to each element of an array::

    throttle_time_ms  int32    2+       in versions from 2 on
    retention_ms      int64    2-4      in versions 2 to 4
    topics            []?      =null    an array that may be null
      name            string
      partitions      []int32
      leader_epoch    int32    4+ =-1   what it is where nobody says it

A message in memory is a dictionary. What a version lacks is not written, and is read as its
default; what nobody gave is written as its default. So the code behind knows one shape of each
message, that of the newest version.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

from stage8_real_systems.log.front.wire import FIXED, Codec, Reader, array_codec, data_codec

Message: TypeAlias = dict[str, Any]
"""A struct, by the names of its fields."""

ALWAYS = range(100)
NO_DEFAULT = object()


@dataclass(frozen=True, slots=True)
class Field:
    """A line of a table.

    Attributes:
        name: of the field.
        kind: its type as written; for an array of structs, ``[]`` or ``[]?``.
        versions: in which it is there.
        default: what stands for it where it is not.
        inner: the fields of an array's structs.
    """

    name: str
    kind: str
    versions: range
    default: Any
    inner: "tuple[Field, ...]" = ()


def parse(table: str) -> tuple[Field, ...]:
    """The fields that a table names."""
    lines = [line for line in table.splitlines() if line.strip()]
    return _fields(lines, _indent(lines[0]) if lines else 0)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _fields(lines: Sequence[str], indent: int) -> tuple[Field, ...]:
    found: list[Field] = []
    begins = [number for number, line in enumerate(lines) if _indent(line) == indent]
    for begin, end in zip(begins, [*begins[1:], len(lines)], strict=True):
        below = lines[begin + 1 : end]
        inner = _fields(below, _indent(below[0])) if below else ()
        found.append(_field(lines[begin].split(), inner))
    return tuple(found)


def _field(words: Sequence[str], inner: tuple[Field, ...]) -> Field:
    name, kind, *rest = words
    versions, default = ALWAYS, _plain_default(kind)
    for word in rest:
        if word.startswith("="):
            default = _value(word[1:])
        else:
            first, _, last = word.rstrip("+").partition("-")
            versions = range(int(first), int(last) + 1 if last else ALWAYS.stop)
    return Field(name, kind, versions, default, inner)


def _plain_default(kind: str) -> Any:
    if kind.endswith("?"):
        return None
    if kind.startswith("[]"):
        return ()
    return {"string": "", "bytes": b"", "bool": False}.get(kind, 0)


def _value(word: str) -> Any:
    return {"null": None, "true": True}.get(word, word) if word.isalpha() else int(word)


def struct_codec(fields: Sequence[Field], version: int, flexible: bool) -> Codec:
    """The codec of a struct in one version."""
    codecs = [
        (each.name, each.default, *_codec(each, version, flexible))
        for each in fields
        if version in each.versions
    ]
    missing = {each.name: each.default for each in fields if version not in each.versions}

    def read(reader: Reader) -> Message:
        found = dict(missing)
        for name, _, read_one, _ in codecs:
            found[name] = read_one(reader)
        if flexible:
            reader.skip_tags()
        return found

    def write(out: bytearray, value: Mapping[str, Any]) -> None:
        for name, default, _, write_one in codecs:
            write_one(out, value.get(name, default))
        if flexible:
            out.append(0)  # no tagged fields

    return read, write


def _codec(field: Field, version: int, flexible: bool) -> Codec:
    kind = field.kind
    if kind.startswith("[]"):
        nullable = kind.endswith("?")
        if field.inner:
            element = struct_codec(field.inner, version, flexible)
        else:
            element = _codec(Field("", kind[2:].rstrip("?"), ALWAYS, None), version, flexible)
        return array_codec(element, flexible, nullable)
    return FIXED.get(kind) or data_codec(kind, flexible)


@dataclass(frozen=True)
class Api:
    """One kind of request, with its response.

    Attributes:
        key: its number on the wire.
        name: as Kafka calls it.
        versions: those that we speak.
        flexible: the first version that is written in the flexible way.
        request, response: the tables.
    """

    key: int
    name: str
    versions: range
    flexible: int
    request: str
    response: str
    _codecs: dict[tuple[str, int], Codec] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def _tables(self) -> dict[str, tuple[Field, ...]]:
        return {"request": parse(self.request), "response": parse(self.response)}

    def codec(self, which: str, version: int) -> Codec:
        """The codec of the ``request`` or the ``response`` in a version."""
        found = self._codecs.get((which, version))
        if found is None:
            fields, flexible = self._tables[which], version >= self.flexible
            found = self._codecs[which, version] = struct_codec(fields, version, flexible)
        return found

    def read_request(self, reader: Reader, version: int) -> Message:
        """The body of a request. Raises: Refused, where it is cut or nonsense."""
        read, _ = self.codec("request", version)
        found: Message = read(reader)
        return found

    def write_response(self, out: bytearray, response: Mapping[str, Any], version: int) -> None:
        """Append the body of a response."""
        _, write = self.codec("response", version)
        write(out, response)
