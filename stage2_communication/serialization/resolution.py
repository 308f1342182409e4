"""Part 5: two schemas, the writer's and the reader's (Avro 1.12, "Schema Resolution").

Avro's bytes can be read by the writer's schema only. So it goes with them (at the head of a file,
or as a number by which a registry knows it), and the reader has one of its own that says what it
wants. Resolution reads by the one and makes values of the other:

* **Records** by the names of fields. What only the writer has is read and dropped. What only the
  reader has gets its default; without one the two do not understand each other.
* **Promotion**: int to long, float or double; long to float or double; float to double; string to
  bytes and back. Never down: a long does not fit an int, so that is refused before it is lost.
* **Unions**: of the writer's, the branch that was written. Of the reader's, the first that matches.
* **Names** of records, enums and fixed must be the same, without their namespaces, or be among the
  reader's *aliases*: how a thing was called before.
* **Enums**: a symbol that the reader lacks becomes its default; without one it is refused.
"""

from typing import Any

from common.values.errors import BadInput, RemoteProtocolError
from stage2_communication.serialization.avro import (
    Source,
    must_not_be_deeper,
    read,
    read_primitive,
)
from stage2_communication.serialization.avro_schema import (
    FLOATS,
    NAMED,
    Plain,
    Schema,
    name_of,
)

PROMOTIONS = {
    "int": ("long", "float", "double"),
    "long": ("float", "double"),
    "float": ("double",),
    "string": ("bytes",),
    "bytes": ("string",),
}
"""As what else a reader may take the values of a type."""


class Mismatch(BadInput):
    """A reader's schema is not for what a writer's schema writes."""


def resolve(writer: Schema, reader: Schema, data: bytes) -> Any:
    """The value of the reader's schema that these bytes of the writer's are.

    Raises:
        Mismatch: the two schemas do not go together for this value; the text says where.
        RemoteProtocolError: the bytes are of no value of the writer's schema.
    """
    source = Source(data)
    value = Resolution(writer, reader).read(writer.plain, reader.plain, source, 0)
    if left := len(data) - source.at:
        raise RemoteProtocolError(
            f"{left} bytes are left behind the value: is it another schema's?"
        )
    return value


def kind_of(plain: Plain) -> str:
    """``union``, or the name of the type: a primitive, record, enum, fixed, array or map."""
    if isinstance(plain, list):
        return "union"
    return plain if isinstance(plain, str) else str(plain["type"])


def same_name(writer: dict[str, Any], reader: dict[str, Any]) -> bool:
    """Whether two named types are called the same, without their namespaces, or by an alias.

    An alias of the reader's may be the writer's name with its namespace or without.
    """
    old, new = writer["name"].rpartition(".")[2], reader["name"].rpartition(".")[2]
    return old == new or bool({old, writer["name"]} & set(reader.get("aliases", ())))


class Resolution:
    """How the values of one schema are read as those of another one.

    Args:
        writer: the schema of the bytes.
        reader: the schema of the values.
    """

    def __init__(self, writer: Schema, reader: Schema) -> None:
        self.writer = writer
        self.reader = reader

    def matches(self, old: Plain, new: Plain) -> bool:
        """Whether a type of the writer's and one of the reader's match at all.

        They do if either is a union; if both are arrays whose items match, maps whose values match,
        or records, enums or fixed of one name (and fixed of one size); if both are the same
        primitive, or the writer's can be promoted to the reader's.
        """
        old, new = self.writer.definition(old), self.reader.definition(new)
        if isinstance(old, list) or isinstance(new, list):
            return True
        if isinstance(old, str) or isinstance(new, str):
            return old == new or new in PROMOTIONS.get(kind_of(old), ())
        if old["type"] != new["type"]:
            return False
        if old["type"] in NAMED:
            return same_name(old, new) and old.get("size") == new.get("size")
        inner = "items" if old["type"] == "array" else "values"
        return self.matches(old[inner], new[inner])

    def read(self, old: Plain, new: Plain, source: Source, depth: int) -> Any:
        """The next value: written as ``old``, wanted as ``new``.

        Raises:
            Mismatch: they do not match, or something within them does not.
            RemoteProtocolError: the bytes are of no value, or it is nested too deeply.
        """
        old, new = self.writer.definition(old), self.reader.definition(new)
        must_not_be_deeper(depth)
        if isinstance(old, list):
            branch = old[source.place(len(old), "branch")]
            return self.read(branch, new, source, depth + 1)
        if isinstance(new, list):
            new = self.reader.definition(self.branch(old, new))
        if not self.matches(old, new):
            raise Mismatch(
                f"{name_of(old)} was written and {name_of(new)} is wanted, and the one cannot be "
                "read as the other: change the reader's schema"
            )
        if isinstance(old, str):
            return promoted(read_primitive(old, source), str(new))
        assert isinstance(new, dict), "a definition matches a definition only"
        assert isinstance(old, dict), "a union was resolved above"
        if old["type"] == "record":
            return self.read_record(old, new, source, depth)
        if old["type"] == "enum":
            return symbol_of(read(self.writer, old, source, depth), new)
        if old["type"] == "fixed":
            return source.take(old["size"])
        return self.read_items(old, new, source, depth)

    def branch(self, old: Plain, branches: list[Plain]) -> Plain:
        """The first branch of the reader's union that matches. Raises: Mismatch: none does."""
        for branch in branches:
            if self.matches(old, branch):
                return branch
        raise Mismatch(
            f"{name_of(old)} was written, and the reader's union has no branch for it: add one"
        )

    def read_record(
        self, old: dict[str, Any], new: dict[str, Any], source: Source, depth: int
    ) -> dict[str, Any]:
        """The next record: by the writer's fields in their order, as the reader's fields.

        A reader's field is the writer's of the same name, or of one of its aliases. A writer's
        field that the reader lacks is read as well, and dropped. A reader's field that the
        writer lacks has its default, see :func:`default_value`. The reader's order is the record's.

        Raises:
            Mismatch: it has no default.
        """
        wanted = {name: field for field in new["fields"] for name in field.get("aliases", ())}
        wanted |= {field["name"]: field for field in new["fields"]}
        came: dict[str, Any] = {}
        for field in old["fields"]:
            mine = wanted.get(field["name"])
            if mine is None:
                read(self.writer, field["type"], source, depth + 1)
            else:
                came[mine["name"]] = self.read(field["type"], mine["type"], source, depth + 1)
        for field in new["fields"]:
            if field["name"] not in came:
                if "default" not in field:
                    raise Mismatch(
                        f"the writer's {old['name']} has no {field['name']}, and the reader's has "
                        "no default for it: give it one"
                    )
                came[field["name"]] = default_value(self.reader, field["type"], field["default"])
        return {field["name"]: came[field["name"]] for field in new["fields"]}

    def read_items(
        self, old: dict[str, Any], new: dict[str, Any], source: Source, depth: int
    ) -> list[Any] | dict[str, Any]:
        """The next array or map, item by item."""
        is_map = old["type"] == "map"
        inner = "values" if is_map else "items"
        items: list[Any] = []
        while count := source.block():
            for _ in range(count):
                key = read_primitive("string", source) if is_map else None
                each = self.read(old[inner], new[inner], source, depth + 1)
                items.append((key, each) if is_map else each)
        return dict(items) if is_map else items


def promoted(value: Any, kind: str) -> Any:
    """A value of a primitive type as one of ``kind``, to which its type can be promoted."""
    if kind in FLOATS:
        return float(value)
    if kind == "bytes" and isinstance(value, str):
        return value.encode()
    if kind == "string" and isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise RemoteProtocolError(f"bytes came that are no UTF-8: {error}") from None
    return value


def symbol_of(symbol: str, new: dict[str, Any]) -> str:
    """The symbol, if the reader's enum has it, else the enum's default. Raises: Mismatch."""
    if symbol in new["symbols"]:
        return symbol
    if "default" not in new:
        raise Mismatch(
            f"the symbol {symbol} was written, and the reader's {new['name']} has neither it nor a "
            "default: give it one"
        )
    return str(new["default"])


def default_value(schema: Schema, plain: Plain, default: Any) -> Any:
    """The value that a default in a schema means.

    A schema is JSON, so the default of bytes and fixed is text: the code of each character is a
    byte (ISO 8859-1). A union's default is of its *first* branch. A record's may lack fields that
    have a default themselves. The items of arrays and maps are as any other.
    """
    plain = schema.definition(plain)
    if isinstance(plain, list):
        return default_value(schema, plain[0], default)
    kind = kind_of(plain)
    if kind in ("bytes", "fixed"):
        return default.encode("latin-1")
    if isinstance(plain, str) or kind == "enum":
        return promoted(default, kind)
    if kind == "record":
        return {
            field["name"]: default_value(
                schema, field["type"], default.get(field["name"], field.get("default"))
            )
            for field in plain["fields"]
        }
    if kind == "array":
        return [default_value(schema, plain["items"], each) for each in default]
    return {key: default_value(schema, plain["values"], each) for key, each in default.items()}
