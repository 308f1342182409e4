"""Plain data: what JSON and MessagePack share, and how everything else is written with it.

Plain data is what JSON and MessagePack share: nothing, true and false, numbers, text, lists, and
maps with text keys. Where the declared type says what is meant, a value is written as it is: a
record is a map of its fields, a tuple a list, an enum member its name. Where the type leaves a
choice (``object``, a union of records), what plain data cannot tell apart is written as a map that
says so:

* a record: ``{"type": "Put", "key": "x"}``, its class beside its fields;
* an enum member: ``{"enum": "Role.LEADER"}``;
* bytes, where the format has none: ``{"bytes": "aGk="}`` (base64);
* an integer beyond the format: ``{"int": "340282366920938463463374607431768211456"}``;
* a float beyond the format: ``{"float": "nan"}``, ``"inf"``, ``"-inf"``.

A receiver passes over fields that it does not know, and gives fields that are missing their
default: so an old node and a new one understand each other (Kleppmann 2017, chapter 4).
"""

import binascii
import math
import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Any

MAX_DEPTH = 100
"""How deep values may be nested. The bound keeps a stranger's brackets from our stack."""

MAX_INTEGER_BITS = 4096
"""The largest integers that may cross a wire: enough for any key of public-key cryptography."""

_DECIMAL = re.compile(r"-?[0-9]{1,1300}", re.ASCII)
_ODD_FLOATS = ("nan", "inf", "-inf")


@dataclass(frozen=True)
class Format:
    """What a format can write by itself.

    Attributes:
        name: for people.
        has_bytes: bytes are told apart from text.
        integers: the least and the greatest integer that are written as numbers.
        has_odd_floats: NaN and the infinities can be written.
    """

    name: str
    has_bytes: bool
    integers: tuple[int, int]
    has_odd_floats: bool


class Mismatch(Exception):
    """A value that is not what its type says, found at ``path`` within the whole."""

    def __init__(self, expected: str, got: object) -> None:
        super().__init__(expected)
        self.expected = expected
        self.got = got
        self.path = ""

    def within(self, step: str) -> "Mismatch":
        """The same, seen from one level further out."""
        self.path = step + self.path
        return self

    def sentence(self, whole: str) -> str:
        """What is wrong, in words; ``whole`` names the value that all of it is about."""
        shown = repr(self.got)
        shown = shown if len(shown) <= 60 else shown[:57] + "..."
        return f"{whole}{self.path} is {shown}, expected {self.expected}"


class Words:
    """Stands in an error for a value that is better described than shown."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def check_depth(depth: int) -> None:
    """Refuse what is nested more deeply than MAX_DEPTH. Raises: Mismatch."""
    if depth > MAX_DEPTH:
        raise Mismatch(f"at most {MAX_DEPTH} levels of nesting", Words("nested more deeply"))


def key_of(field: str) -> str:
    """The map key of a field: its name, except that ``type`` is taken and becomes ``type_``."""
    return field + "_" if field.rstrip("_") == "type" else field


def as_float(number: int) -> float:
    """The float nearest to ``number``; infinity where none is near."""
    try:
        return float(number)
    except OverflowError:
        return math.inf


def pack_atom(value: Any, format: Format) -> Any:
    """Plain data for None, a bool, a number, text or bytes. Raises: Mismatch."""
    kind = type(value)
    if kind is int and not format.integers[0] <= value <= format.integers[1]:
        if value.bit_length() > MAX_INTEGER_BITS:
            raise Mismatch(f"an integer of at most {MAX_INTEGER_BITS} bits", Words("larger"))
        return {"int": str(value)}
    if kind is float and not math.isfinite(value) and not format.has_odd_floats:
        return {"float": repr(value)}
    if kind is bytes and not format.has_bytes:
        return {"bytes": b64encode(value).decode()}
    return value


def unpack_tagged(plain: dict[Any, Any]) -> Any:
    """The integer, float or bytes that a tagged map stands for. Raises: Mismatch."""
    match plain:
        case {"int": str(text)} if len(plain) == 1 and _DECIMAL.fullmatch(text):
            number = int(text)
            if number.bit_length() <= MAX_INTEGER_BITS:
                return number
        case {"float": str(text)} if len(plain) == 1 and text in _ODD_FLOATS:
            return float(text)
        case {"bytes": text} if len(plain) == 1:
            return read_base64(text)
    raise Mismatch("a plain value or a class of the schema", plain)


def read_base64(plain: Any) -> bytes:
    """The bytes that base64 text stands for. Raises: Mismatch."""
    if type(plain) is str:
        try:
            return b64decode(plain, validate=True)
        except (binascii.Error, ValueError):
            pass
    raise Mismatch("bytes as base64 text", plain)
