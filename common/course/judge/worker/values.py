"""Values of the call protocol: plain JSON with tags, strict about types; objects by handle.

``None``, booleans, numbers and text are themselves. Everything else is a map with a tag that says
what it is: ``{"bytes": "aGk="}``, ``{"tuple": [...]}``, ``{"record": "module:Class", "fields":
{...}}``. What has no such form stays where it is, and ``{"object": 7}`` names it. Nothing is ever
unpickled, and a value of a subclass of ``int`` is no number: it stays an object.
"""

import enum
import math
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from random import Random
from typing import Any

from common.course.judge.worker.hashes import MOST_OF_ONE_HASH, check_members
from common.values.errors import RemoteProtocolError

MAX_DEPTH = 60
"""How deep values may be nested."""

GREATEST = 2**63 - 1
"""Integers beyond it are written as text."""

MOST_IN_A_RANGE = 100_000
"""A range is one value to write, and as many as it says when a list is made of it."""

PLAIN = (bool, str, type(None))

HALVES = "surrogatepass"
"""How a text with half of a surrogate pair is written as bytes: it has no other form in UTF-8."""


class Unfit(Exception):
    """A value that cannot cross; the text says what it is."""


def _scattered(parts: list[Any]) -> list[Any]:
    """The parts, if their hashes differ. Where many have one hash, a set of them is made in a time
    that grows with the square of their number, and nothing can interrupt that. Raises: Unfit."""
    if len(parts) - len({hash(part) for part in parts}) > MOST_OF_ONE_HASH:
        raise Unfit("a set or a dict whose members have the same hash")
    return parts


def _is_whole(text: str) -> bool:
    try:
        return text.isascii() or bool(text.encode())
    except UnicodeEncodeError:
        return False


class Values:
    """Packs and unpacks values.

    Args:
        known: the classes of records and enums, by ``module:Class``.
        keep: called for an object that has no form of its own; returns its map.
        find: the other way: the object that such a map names.
        trusts: whether all that comes is believed. A suite may ask code what it says of half a
            character or of an endless range; the judge takes neither.
    """

    def __init__(
        self,
        known: Mapping[str, type],
        keep: Callable[[object], dict[str, Any]],
        find: Callable[[dict[str, Any]], object],
        trusts: bool = False,
    ) -> None:
        self._trusts = trusts
        self._known = known
        self._names = {kind: name for name, kind in known.items()}
        self._keep = keep
        self._find = find

    def pack(self, value: object, depth: int = 0) -> Any:
        """The plain data for a value. Raises: Unfit, where there is none."""
        kind = type(value)
        if isinstance(value, str) and kind is str and not _is_whole(value):
            return {"halves": b64encode(value.encode(errors=HALVES)).decode()}
        if kind in PLAIN:
            return value
        if depth > MAX_DEPTH:
            raise Unfit(f"a value that is nested more than {MAX_DEPTH} deep")
        match value:
            case int() if kind is int:
                return value if -GREATEST <= value <= GREATEST else {"int": str(value)}
            case float() if kind is float:
                return value if math.isfinite(value) else {"float": repr(value)}
            case bytes() if kind is bytes:
                return {"bytes": b64encode(value).decode()}
            case bytearray() if kind is bytearray:
                return {"bytearray": b64encode(value).decode()}
            case tuple() if kind is tuple:
                return {"tuple": [self.pack(part, depth + 1) for part in value]}
            case list() if kind is list:
                return {"list": [self.pack(part, depth + 1) for part in value]}
            case set() | frozenset() if kind in (set, frozenset):
                return {kind.__name__: [self.pack(part, depth + 1) for part in value]}
            case dict() if kind is dict:
                pairs = value.items()
                return {
                    "dict": [[self.pack(k, depth + 1), self.pack(v, depth + 1)] for k, v in pairs]
                }
            case range():
                return {"range": [value.start, value.stop, value.step]}
            case Random() if kind is Random:
                version, state, following = value.getstate()
                return {"random": [version, list(state), following]}
        return self._pack_known(value, kind, depth)

    def _pack_known(self, value: Any, kind: type, depth: int) -> Any:
        name = self._names.get(kind)
        if name is not None and isinstance(value, enum.Enum):
            return {"enum": name, "member": value.name}
        if name is not None and is_dataclass(value):
            packed = {f.name: self.pack(getattr(value, f.name), depth + 1) for f in fields(value)}
            return {"record": name, "fields": packed}
        if isinstance(value, type) and value in self._names:
            return {"class": self._names[value]}
        return self._keep(value)

    def unpack(self, plain: Any, depth: int = 0) -> Any:
        """The value that plain data stands for. Raises: Unfit, where it stands for none."""
        if type(plain) in (*PLAIN, int, float):
            return plain
        if type(plain) is not dict or depth > MAX_DEPTH:
            raise Unfit(f"plain data that stands for nothing: {repr(plain)[:80]}")
        try:
            return self._unpack(plain, depth + 1)
        except Unfit:
            raise
        except RemoteProtocolError as error:
            raise Unfit(str(error)) from None
        except (ValueError, TypeError, KeyError, AttributeError, LookupError) as error:
            raise Unfit(
                f"plain data that stands for nothing ({error}): {str(plain)[:80]}"
            ) from None

    def _unpack(self, plain: dict[str, Any], depth: int) -> Any:
        def each(parts: Any) -> list[Any]:
            if type(parts) is not list:
                raise Unfit(f"{repr(parts)[:80]} where a list was expected")
            made = [self.unpack(part, depth) for part in parts]
            if not self._trusts:
                check_members(made)  # a suite may make a set of them
            return made

        match plain:
            case {"int": str(text)}:
                return int(text[:5000])
            case {"float": "nan" | "inf" | "-inf" as text}:
                return float(text)
            case {"bytes": str(text)}:
                return b64decode(text, validate=True)
            case {"bytearray": str(text)}:
                return bytearray(b64decode(text, validate=True))
            case {"halves": str(text)} if self._trusts:
                return b64decode(text, validate=True).decode(errors=HALVES)
            case {"tuple": parts}:
                return tuple(each(parts))
            case {"list": parts}:
                return each(parts)
            case {"set": parts}:
                return set(_scattered(each(parts)))
            case {"frozenset": parts}:
                return frozenset(_scattered(each(parts)))
            case {"dict": parts}:
                keys = _scattered([self.unpack(k, depth) for k, _ in parts])
                return dict(zip(keys, [self.unpack(v, depth) for _, v in parts], strict=True))
            case {"range": [int(start), int(stop), int(step)]}:
                numbers = range(start, stop, step)
                if not self._trusts and numbers[MOST_IN_A_RANGE:]:  # it may have no length
                    raise Unfit(f"a range of more than {MOST_IN_A_RANGE:,} numbers")
                return numbers
            case {"random": [version, state, following]}:
                made = Random()
                made.setstate((version, tuple(state), following))
                return made
            case {"enum": str(name), "member": str(member)}:
                return self._class(name)[member]  # type: ignore[index]
            case {"record": str(name), "fields": dict(named)}:
                return self._class(name)(**{k: self.unpack(v, depth) for k, v in named.items()})
            case {"class": str(name)}:
                return self._class(name)
        return self._find(plain)

    def _class(self, name: str) -> type:
        kind = self._known.get(name)
        if kind is None:
            raise Unfit(f"a value of {name[:80]}, which is not known here")
        return kind
