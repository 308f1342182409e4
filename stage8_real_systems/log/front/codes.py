"""The error codes of Kafka's protocol that arise in front of the broker, and nowhere within it."""

from enum import IntEnum


class Code(IntEnum):
    """Kafka's names and numbers."""

    NONE = 0
    CORRUPT_MESSAGE = 2
    MESSAGE_TOO_LARGE = 10
    INVALID_REQUIRED_ACKS = 21
    UNSUPPORTED_VERSION = 35
    INVALID_REQUEST = 42
    FETCH_SESSION_ID_NOT_FOUND = 70
    UNSUPPORTED_COMPRESSION_TYPE = 76
    INVALID_RECORD = 87
