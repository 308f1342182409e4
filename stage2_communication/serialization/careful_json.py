"""Part 1: JSON without its pitfalls.

JSON looks as if it needed no explanation, and so each program reads it in its own way. RFC 8259
permits all of this, and real systems lost data by it:

* **Numbers** have no size. Most readers use floats, which are exact up to 2**53: the number
  9007199254740993 comes out as 9007199254740992 (section 6). So a great integer goes as text.
* **NaN and the infinities** are no JSON, and many writers write them.
* **Bytes** do not exist. They go as text, in base64 (RFC 4648).
* **A key may come twice.** One reader takes the first value, another one the last (section 4). Two
  programs that check and use one document can then see two documents.
* **Keys have no order**, so equal values may have different bytes, and different checksums.
* **Nesting** has no bound, and a reader's stack has one.

This file writes a part of JSON that all readers understand in the same way (RFC 7493, "I-JSON", is
such a part), and refuses whatever else comes. A value that JSON lacks becomes an object with one
key that begins with ``$``::

    2**53            {"$int": "9007199254740992"}
    float("nan")     {"$float": "nan"}                also "inf" and "-inf"
    b"hi"            {"$bytes": "aGk="}
    {"$int": "1"}    {"$object": {"$int": "1"}}       the value was such an object already
"""

import json
import math
import re
from base64 import b64decode, b64encode
from binascii import Error as NoBase64
from collections.abc import Sequence
from typing import Any

from common.values.errors import BadInput, RemoteProtocolError

EXACT = 2**53 - 1
"""Up to here each integer is a float of its own; 2**53 and 2**53 + 1 are the same float."""

MAX_DEPTH = 100
"""How deep values may be nested. The bound keeps a stranger's brackets from our stack."""

DECIMAL = re.compile("-?[1-9][0-9]{15,1300}", re.ASCII)
"""An integer beyond EXACT has 16 digits or more; 1,300 are enough for 4,096 bits."""

INT, FLOAT, BYTES, OBJECT = "$int", "$float", "$bytes", "$object"
ODD_FLOATS = ("nan", "inf", "-inf")


def plain_of(value: Any, depth: int = 0) -> Any:
    """What JSON can carry in the place of ``value``, by the table at the head of this file.

    Args:
        value: None, a bool, an int, a float, a str, bytes, a list of values, or a dict of values
            with str keys. All else is no value.
        depth: how many lists and objects are around it.

    Raises:
        BadInput: ``value`` is none of these, or is nested more than MAX_DEPTH deep.
    """
    if depth > MAX_DEPTH:
        raise BadInput(f"the value is nested more than {MAX_DEPTH} deep: send it in parts")
    if type(value) is int and not -EXACT <= value <= EXACT:
        return {INT: str(value)}
    if type(value) is float and not math.isfinite(value):
        return {FLOAT: str(value)}
    if type(value) is bytes:
        return {BYTES: b64encode(value).decode()}
    if type(value) is list:
        return [plain_of(each, depth + 1) for each in value]
    if type(value) is dict and all(type(key) is str for key in value):
        fields = {key: plain_of(each, depth + 1) for key, each in value.items()}
        return {OBJECT: fields} if is_marked(fields) else fields
    if value is None or type(value) in (bool, int, float, str):
        return value
    raise BadInput(
        f"JSON has no {type(value).__name__} with these parts: use None, bool, int, float, str, "
        "bytes, list, and dict with text as keys"
    )


def is_marked(plain: dict[str, Any]) -> bool:
    """Whether an object has one key alone, which begins with ``$``."""
    return len(plain) == 1 and next(iter(plain)).startswith("$")


def value_of(plain: Any, depth: int = 0) -> Any:
    """The value that :func:`plain_of` has made this of.

    Raises:
        RemoteProtocolError: it has made this of no value. An integer beyond EXACT stands there as a
            number, so somebody may have rounded it on the way. Or the one key begins with ``$``,
            and the key or what is behind it is unknown. Or it is nested too deeply.
    """
    if depth > MAX_DEPTH:
        raise RemoteProtocolError(f"JSON came that is nested more than {MAX_DEPTH} deep")
    if type(plain) is int and not -EXACT <= plain <= EXACT:
        raise RemoteProtocolError(
            f"the integer {str(plain)[:30]} came as a number, and beyond 2**53 programs round "
            f'numbers: send {{"{INT}": "..."}}'
        )
    if type(plain) is list:
        return [value_of(each, depth + 1) for each in plain]
    if type(plain) is not dict:
        return plain
    if is_marked(plain):
        return marked_value(*next(iter(plain.items())), depth)
    return {key: value_of(each, depth + 1) for key, each in plain.items()}


def marked_value(mark: str, plain: Any, depth: int) -> Any:
    """The value behind one of the marks. Raises: RemoteProtocolError."""
    if mark == OBJECT and type(plain) is dict:
        return {key: value_of(each, depth + 1) for key, each in plain.items()}
    if mark == INT and type(plain) is str and DECIMAL.fullmatch(plain):
        return int(plain)
    if mark == FLOAT and plain in ODD_FLOATS:
        return float(plain)
    if mark == BYTES and type(plain) is str:
        try:
            return b64decode(plain, validate=True)
        except (NoBase64, ValueError):
            pass
    raise RemoteProtocolError(f"{json.dumps(plain)[:40]} came behind {mark!r}, and means nothing")


def write(value: Any) -> bytes:
    """The JSON of a value: equal values have equal bytes, in whatever order keys were set.

    Keys are sorted, there are no spaces, and the text is UTF-8 without escapes that it can do
    without.

    Raises:
        BadInput: see :func:`plain_of`; or a text has half of a surrogate pair, which UTF-8 lacks.
    """
    plain = plain_of(value)
    text = json.dumps(
        plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise BadInput("a text has half of a surrogate pair, and no UTF-8: mend the text") from None


def read(data: bytes) -> Any:
    """The value whose JSON this is.

    Raises:
        RemoteProtocolError: it is no JSON, or JSON that programs understand in different ways: a
            key that comes twice, NaN, an integer beyond EXACT as a number; see :func:`value_of`.
    """
    try:
        plain = json.loads(
            data.decode(),
            object_pairs_hook=once_each,
            parse_constant=refuse_constant,
            parse_float=finite_float,
        )
    except RecursionError:
        raise RemoteProtocolError(f"JSON came that is nested more than {MAX_DEPTH} deep") from None
    except ValueError as error:
        raise RemoteProtocolError(f"{len(data)} bytes came that are no JSON: {error}") from None
    return value_of(plain)


def once_each(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """The object with these keys and values, in their order.

    Raises:
        RemoteProtocolError: a key comes twice; the text names it.
    """
    fields: dict[str, Any] = {}
    for key, value in pairs:
        if key in fields:
            raise RemoteProtocolError(
                f"the key {key[:40]!r} came twice: one reader takes the first value, another one "
                "the last"
            )
        fields[key] = value
    return fields


def refuse_constant(text: str) -> Any:
    """``NaN``, ``Infinity`` or ``-Infinity`` stand there. Raises: RemoteProtocolError."""
    raise RemoteProtocolError(f"{text} came, which is no JSON: send it behind {FLOAT!r}")


def finite_float(text: str) -> float:
    """The float of a JSON number. Raises: RemoteProtocolError, where it is none: 1e999."""
    number = float(text)
    if not math.isfinite(number):
        raise RemoteProtocolError(f"the number {text[:40]} came, which no float comes near")
    return number
