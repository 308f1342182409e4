"""How many bytes a value takes on a wire, near enough, without a codec.

Used where bandwidth or a byte budget is simulated. It follows MessagePack's layout (a class name,
then the fields in order) for what can be in a message, and is the same on every machine.
"""

import enum
from dataclasses import fields, is_dataclass

ENVELOPE_BYTES = 16
"""What a frame adds to its message: the length prefix, the message number, headers."""


def wire_size(message: object) -> int:
    """The size in bytes of the frame that carries ``message``."""
    return ENVELOPE_BYTES + _size(message)


def _size(value: object) -> int:
    match value:
        case None | bool():
            return 1
        case enum.Enum():
            return _size(value.value)
        case int():
            return 1 if -32 <= value < 128 else 1 + (value.bit_length() + 8) // 8
        case float():
            return 9
        case str():
            return _head(len(value.encode())) + len(value.encode())
        case bytes():
            return _head(len(value)) + len(value)
        case tuple():
            return _head(len(value)) + sum(_size(part) for part in value)
    assert is_dataclass(value), f"{value!r} cannot be in a message"
    name = type(value).__name__
    return _head(1) + len(name) + sum(_size(getattr(value, part.name)) for part in fields(value))


def _head(length: int) -> int:
    return 1 if length < 32 else 2 if length < 256 else 3 if length < 65_536 else 5
