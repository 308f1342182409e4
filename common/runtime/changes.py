"""Changes of the durable map as bytes, and the map itself in that form.

The map is kept encoded: replaying a log, measuring the map and writing a snapshot of it then need
no decoding at all, and only ``decoded`` does.
"""

from collections.abc import Iterable, Iterator, Sequence
from struct import Struct
from typing import Any, TypeAlias

from common.codec import MessagePackCodec
from common.contract import Forget, Save
from common.contract.events import SavedKey
from common.contract.wrapped import check_key
from common.values.errors import BadInput, ContractError, RemoteProtocolError

_SAVE, _FORGET = 1, 2
_CHANGE = Struct(">BII")  # save or forget, length of the key, length of the value

EncodedChange: TypeAlias = tuple[bytes, bytes | None]
"""A key and the value that is saved under it, or None where it is forgotten."""


def encode_changes(
    codec: MessagePackCodec, changes: Sequence[Save | Forget]
) -> list[EncodedChange]:
    """The changes of one step, in their order.

    Raises:
        ContractError: a key is none, or a value does not fit its declared types.
    """
    encode = codec.encode
    encoded: list[EncodedChange] = []
    for each in changes:
        check_key(each.key)
        encoded.append((encode(each.key), encode(each.value) if isinstance(each, Save) else None))
    return encoded


def joined(changes: Iterable[EncodedChange]) -> bytes:
    """Changes as they stand in a log or a snapshot, one after the other."""
    parts: list[bytes] = []
    for key, value in changes:
        if value is None:
            parts += (_CHANGE.pack(_FORGET, len(key), 0), key)
        else:
            parts += (_CHANGE.pack(_SAVE, len(key), len(value)), key, value)
    return b"".join(parts)


def separated(data: bytes) -> Iterator[EncodedChange]:
    """The changes that :func:`joined` has put together.

    Raises:
        ValueError: these bytes are no changes.
    """
    offset = 0
    while offset < len(data):
        if offset + _CHANGE.size > len(data):
            raise ValueError("a change is cut short")
        verb, key_size, value_size = _CHANGE.unpack_from(data, offset)
        middle = offset + _CHANGE.size + key_size
        key, value = data[middle - key_size : middle], data[middle : middle + value_size]
        offset = middle + value_size
        if verb not in (_SAVE, _FORGET) or offset > len(data):
            raise ValueError(f"there is no change of the kind {verb}, or it is cut short")
        yield key, value if verb == _SAVE else None


class EncodedMap:
    """A map from encoded keys to encoded values.

    Attributes:
        size: about how many bytes it takes in a snapshot.
    """

    def __init__(self) -> None:
        self.size = 0
        self._values: dict[bytes, bytes] = {}

    def __len__(self) -> int:
        return len(self._values)

    def apply(self, changes: Iterable[EncodedChange]) -> None:
        """Carry out changes in their order."""
        values = self._values
        for key, value in changes:
            old = values.pop(key, None)
            if old is not None:
                self.size -= _CHANGE.size + len(key) + len(old)
            if value is not None:
                values[key] = value
                self.size += _CHANGE.size + len(key) + len(value)

    def copy(self) -> "EncodedMap":
        """A map of its own with the same content."""
        made = EncodedMap()
        made._values, made.size = self._values.copy(), self.size
        return made

    def chunks(self, size: int) -> Iterator[bytes]:
        """The changes that build the map from nothing, in pieces of about ``size`` bytes."""
        saves: list[EncodedChange] = []
        held = 0
        for key, value in self._values.items():
            saves.append((key, value))
            held += len(key) + len(value)
            if held >= size:
                yield joined(saves)
                saves, held = [], 0
        if saves:
            yield joined(saves)

    def decoded(self, codec: MessagePackCodec) -> dict[SavedKey, object]:
        """The map as values.

        Raises:
            BadInput: a value is of a class that the schema lacks or describes differently.
        """
        found: dict[SavedKey, object] = {}
        try:
            for encoded, value in self._values.items():
                key: Any = codec.decode(encoded)
                check_key(key)
                found[key] = codec.decode(value)
            return found
        except (RemoteProtocolError, ContractError) as error:
            raise BadInput(
                f"what is stored was written by a program with other classes ({error}): use the "
                "program that wrote it, or another data directory"
            ) from None
