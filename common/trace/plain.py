"""Values of the course as short, plain JSON, for eyes and for the picture.

A trace is no codec: nothing reads a message back from it. So long values are cut, with a mark, and
what JSON has no word for is written the way a person would:

==========================  =============================================
bytes                       ``{"$bytes": "aGk="}`` (Base64)
a declared class, nested    ``{"$type": "Entry", "term": 3, ...}``
an enum                     its name
a tuple or list             a list; a set as well, sorted
NaN, an infinity            ``"nan"``, ``"inf"``
an int beyond 2**53         ``{"$int": "0x..."}``, since JavaScript would round it
anything else               ``"<ClassName>"``
==========================  =============================================
"""

import base64
import enum
import json
import math
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

MAX_TEXT = 200
"""Characters of a text, and bytes of a byte string, that are kept."""

MAX_ITEMS = 50
"""Items of a list or a mapping that are kept."""

MAX_DEPTH = 6
"""How deep values may nest before they are cut."""

TOO_DEEP = "…"

EXACT = 2**53
"""Whole numbers up to this one are numbers in JavaScript too."""


def plain(value: Any, depth: int = 0) -> Any:
    """``value`` as something that JSON can carry, cut where it is long."""
    kind: Any = type(value)
    if kind is int:
        return value if -EXACT <= value <= EXACT else {"$int": _cut(hex(value))}
    if kind is str:
        return value if len(value) <= MAX_TEXT else _cut(value)
    if value is None or kind is bool:
        return value
    if kind is float:
        return value if math.isfinite(value) else repr(value)
    return _way(kind)(value, depth)


@cache
def _way(kind: Any) -> Callable[[Any, int], Any]:
    """How values of a class are made plain: asked once for each class, for a trace has many."""
    if issubclass(kind, enum.Enum):
        return _enum
    if issubclass(kind, bytes | bytearray):
        return _bytes
    if issubclass(kind, tuple | list):
        return _sequence
    if issubclass(kind, set | frozenset):
        return _set
    if issubclass(kind, Mapping):
        return _mapping
    return _record if is_dataclass(kind) else _other


def _enum(value: enum.Enum, _: int) -> str:
    return value.name


def _bytes(value: bytes, _: int) -> dict[str, Any]:
    text = base64.b64encode(value[:MAX_TEXT]).decode()
    return {"$bytes": text} | ({"more": len(value) - MAX_TEXT} if len(value) > MAX_TEXT else {})


def _sequence(value: Sequence[Any], depth: int) -> Any:
    if depth >= MAX_DEPTH:
        return TOO_DEEP
    kept = [plain(item, depth + 1) for item in value[:MAX_ITEMS]]
    return [*kept, _more(len(value))] if len(value) > MAX_ITEMS else kept


def _set(value: Set[Any], depth: int) -> Any:
    if depth >= MAX_DEPTH:
        return TOO_DEEP
    ordered = sorted((plain(item, depth + 1) for item in value), key=json.dumps)
    return plain(ordered, depth)


def _mapping(value: Mapping[Any, Any], depth: int) -> Any:
    if depth >= MAX_DEPTH:
        return TOO_DEEP
    kept: dict[str, Any] = {}
    for key, inner in value.items():
        if len(kept) == MAX_ITEMS:
            kept["…"] = _more(len(value))
            break
        name = key if type(key) is str else _name(key)
        kept[name if len(name) <= MAX_TEXT else _cut(name)] = plain(inner, depth + 1)
    return kept


def _name(key: Any) -> str:
    """A key that is no text; bytes that can be read are read."""
    if isinstance(key, bytes):
        text = key.decode("utf-8", "replace")
        return text if text.isprintable() and "\ufffd" not in text else f"0x{key.hex()}"
    return str(plain(key))


def _record(value: Any, depth: int) -> Any:
    if depth >= MAX_DEPTH:
        return TOO_DEEP
    kind: Any = type(value)
    inner = {name: plain(getattr(value, name), depth + 1) for name in field_names(kind)}
    return {"$type": kind.__name__, **inner}


def _other(value: Any, depth: int) -> str:
    return TOO_DEEP if depth >= MAX_DEPTH else f"<{type(value).__name__}>"


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}… {len(text) - MAX_TEXT} more"


def _more(size: int) -> str:
    return f"… {size - MAX_ITEMS} more"


@cache
def field_names(cls: Any) -> tuple[str, ...]:
    """The names of a declared class's fields, in order."""
    return tuple(field.name for field in fields(cls))
