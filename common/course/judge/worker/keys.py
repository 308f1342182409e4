"""The keys under which nodes save, in the JSON lines of the step protocol."""

from base64 import b64encode
from typing import Any, cast

import msgspec

from common.codec.plain import Mismatch, read_base64
from common.contract.events import SavedKey
from common.contract.wrapped import MAX_NUMBER_BITS, InnerKey, check_key
from common.values.errors import ContractError, RemoteProtocolError

_text = msgspec.json.Encoder().encode


def write_key(key: SavedKey) -> bytes:
    """A key as JSON: text, ``{"bytes": base64}``, a list of parts; a subnode's has its name."""
    return _text(key if isinstance(key, str) else _plain(key))


def read_key(plain: Any) -> SavedKey:
    """The key that a JSON value stands for.

    Raises:
        RemoteProtocolError: it stands for none.
    """
    try:
        key = _key(plain)
        check_key(key)
    except (Mismatch, ContractError, RecursionError):
        raise RemoteProtocolError(
            f"{str(plain)[:80]} is no key: it is a text, bytes, or a list of texts, bytes and "
            f"numbers of at most {MAX_NUMBER_BITS} bits"
        ) from None
    return cast(SavedKey, key)


def _plain(key: Any) -> Any:
    match key:
        case bytes():
            return {"bytes": b64encode(key).decode()}
        case tuple():
            return [_plain(part) for part in key]
        case InnerKey(name, inner):
            return {"of": name, "key": _plain(inner)}
    return key


def _key(plain: Any) -> Any:
    match plain:
        case list():
            return tuple([_key(part) for part in plain])
        case {"bytes": text} if len(plain) == 1:
            return read_base64(text)
        case {"of": str(name), "key": inner} if len(plain) == 2:
            return InnerKey(name, _key(inner))
    return plain
