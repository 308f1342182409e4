"""Avro's schemas: read from JSON, checked, and with every name in them made a full one.

Nothing here is an exercise; ``avro.py`` is about the bytes.
"""

import struct
from typing import Any, TypeAlias

from common.values.errors import BadInput

Plain: TypeAlias = str | list[Any] | dict[str, Any]
"""A schema as JSON says it: a name, a union's branches, or a definition."""

INTEGERS = {"int": (-(2**31), 2**31 - 1), "long": (-(2**63), 2**63 - 1)}
FLOATS = {"float": struct.Struct("<f"), "double": struct.Struct("<d")}
PRIMITIVES = ("null", "boolean", *INTEGERS, *FLOATS, "bytes", "string")
NAMED = ("record", "enum", "fixed")

MAX_DEPTH = 100
"""How deep values and schemas may be nested."""


def name_of(plain: Plain) -> str:
    """What an error calls a type: its name, or else what kind of type it is."""
    if isinstance(plain, list):
        return "union"
    return plain if isinstance(plain, str) else str(plain.get("name", plain["type"]))


class Schema:
    """A schema, checked, with every name in it as a full one (``namespace.name``).

    Args:
        plain: as JSON says it.

    Attributes:
        plain: the same with full names.
        names: the definitions of records, enums and fixed, by full name.

    Raises:
        BadInput: a type is unknown or defined twice, something that it needs is missing, it is
            nested too deeply, or a record contains itself and no value of it would ever end.
    """

    def __init__(self, plain: Plain) -> None:
        self.names: dict[str, dict[str, Any]] = {}
        self.plain = self._named(plain, "", 0)
        for name, definition in self.names.items():
            if self._is_endless(definition, ()):
                raise BadInput(
                    f"the record {name} contains itself, so no value of it ever ends: let the "
                    'field be a union with "null", or an array'
                )

    def definition(self, plain: Plain) -> Plain:
        """The definition behind a name; anything else is itself."""
        return self.names.get(plain, plain) if isinstance(plain, str) else plain

    def _named(self, plain: Any, namespace: str, depth: int) -> Plain:
        if depth > MAX_DEPTH:
            raise BadInput(f"the schema is nested more than {MAX_DEPTH} deep: give parts names")
        if isinstance(plain, str):
            return plain if plain in PRIMITIVES else self._known(plain, namespace)
        if isinstance(plain, list):
            return [self._named(branch, namespace, depth + 1) for branch in plain]
        kind = plain.get("type") if isinstance(plain, dict) else None
        if kind in NAMED:
            return self._defined(plain, namespace, depth)
        for inner, of in (("items", "array"), ("values", "map")):
            if kind == of and inner in plain:
                return {**plain, inner: self._named(plain[inner], namespace, depth + 1)}
        if kind in (None, "array", "map"):
            raise BadInput(f"{str(plain)[:60]} is no schema: a name, a list, or a dict with a type")
        return self._named(kind, namespace, depth + 1)  # what a logical type stands on

    def _known(self, name: str, namespace: str) -> str:
        for full in (f"{namespace}.{name}", name):
            if full in self.names:
                return full
        raise BadInput(f"the schema has no type {name!r}: define it before it is named")

    def _defined(self, plain: dict[str, Any], namespace: str, depth: int) -> str:
        needed = {"record": "fields", "enum": "symbols", "fixed": "size"}[plain["type"]]
        if "name" not in plain or needed not in plain:
            raise BadInput(f"a {plain['type']} needs a name and {needed}: {str(plain)[:60]}")
        name = plain["name"]
        if "." not in name and (space := plain.get("namespace", namespace)):
            name = f"{space}.{name}"
        if name in self.names:
            raise BadInput(f"the schema defines {name} twice: name it where it comes again")
        made = self.names[name] = {**plain, "name": name}
        if plain["type"] == "record":
            inside = name.rpartition(".")[0]
            made["fields"] = [
                {**field, "type": self._named(field["type"], inside, depth + 1)}
                for field in plain["fields"]
            ]
        return str(name)

    def _is_endless(self, plain: Plain, around: tuple[str, ...]) -> bool:
        """Whether every value of it contains a record of ``around`` in full."""
        plain = self.definition(plain)
        if isinstance(plain, list):
            return bool(plain) and all(self._is_endless(branch, around) for branch in plain)
        if isinstance(plain, str) or plain["type"] != "record":
            return False
        if plain["name"] in around:
            return True
        inside = (*around, plain["name"])
        return any(self._is_endless(field["type"], inside) for field in plain["fields"])
