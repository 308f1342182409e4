"""Changes of the durable map as bytes, and the map itself in that form.

The map is kept encoded: replaying a log, measuring the map and writing a snapshot of it then need
no decoding at all, and only ``decoded`` does.
"""

from collections.abc import Iterator, Sequence
from struct import Struct

from common.codec import MessagePackCodec
from common.contract import Forget, Save
from common.contract.events import Key
from common.values.errors import BadInput, ContractError, RemoteProtocolError

_SAVE, _FORGET = 1, 2
_CHANGE = Struct(">BII")  # save or forget, length of the key, length of the value


def encode_step(codec: MessagePackCodec, changes: Sequence[Save | Forget]) -> bytes:
    """The changes of one step, one after the other.

    Raises:
        ContractError: a key is neither text nor a tuple of text and integers, or a value does not
            fit its declared types.
    """
    parts: list[bytes] = []
    for change in changes:
        key = codec.encode(_checked(change.key))
        if isinstance(change, Save):
            value = codec.encode(change.value)
            parts += (_CHANGE.pack(_SAVE, len(key), len(value)), key, value)
        else:
            parts += (_CHANGE.pack(_FORGET, len(key), 0), key)
    return b"".join(parts)


def _checked(key: object) -> object:
    if type(key) is str:
        return key
    if type(key) is tuple and all(type(part) in (str, int) for part in key):
        return key
    raise ContractError(
        f"{key!r} is no key to save under: use text, or a tuple of text and whole numbers"
    )


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

    def apply(self, changes: bytes) -> None:
        """Carry out encoded changes in their order.

        Raises:
            ValueError: these bytes are no changes.
        """
        offset = 0
        while offset < len(changes):
            if offset + _CHANGE.size > len(changes):
                raise ValueError("a change is cut short")
            verb, key_size, value_size = _CHANGE.unpack_from(changes, offset)
            middle = offset + _CHANGE.size + key_size
            key, value = changes[middle - key_size : middle], changes[middle : middle + value_size]
            offset = middle + value_size
            if verb not in (_SAVE, _FORGET) or offset > len(changes):
                raise ValueError(f"there is no change of the kind {verb}, or it is cut short")
            self._drop(key)
            if verb == _SAVE:
                self._values[key] = value
                self.size += _CHANGE.size + len(key) + len(value)

    def _drop(self, key: bytes) -> None:
        old = self._values.pop(key, None)
        if old is not None:
            self.size -= _CHANGE.size + len(key) + len(old)

    def copy(self) -> "EncodedMap":
        """A map of its own with the same content."""
        made = EncodedMap()
        made._values, made.size = self._values.copy(), self.size
        return made

    def chunks(self, size: int) -> Iterator[bytes]:
        """The changes that build the map from nothing, in pieces of about ``size`` bytes."""
        parts: list[bytes] = []
        held = 0
        for key, value in self._values.items():
            parts += (_CHANGE.pack(_SAVE, len(key), len(value)), key, value)
            held += len(key) + len(value)
            if held >= size:
                yield b"".join(parts)
                parts, held = [], 0
        if parts:
            yield b"".join(parts)

    def decoded(self, codec: MessagePackCodec) -> dict[Key, object]:
        """The map as values.

        Raises:
            BadInput: a value is of a class that the schema lacks or describes differently.
        """
        try:
            return {
                _as_key(codec.decode(key)): codec.decode(value)
                for key, value in self._values.items()
            }
        except (RemoteProtocolError, ContractError) as error:
            raise BadInput(
                f"what is stored was written by a program with other classes ({error}): use the "
                "program that wrote it, or another data directory"
            ) from None


def _as_key(key: object) -> Key:
    checked: Key = _checked(key)  # type: ignore[assignment]
    return checked
