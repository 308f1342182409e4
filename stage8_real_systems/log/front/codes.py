"""The error codes of Kafka's protocol that arise in front of the broker, and nowhere within it."""

from enum import IntEnum


class Code(IntEnum):
    """Kafka's names and numbers."""

    NONE = 0
    CORRUPT_MESSAGE = 2
    MESSAGE_TOO_LARGE = 10
    OFFSET_METADATA_TOO_LARGE = 12
    INVALID_REQUIRED_ACKS = 21
    INVALID_TIMESTAMP = 32
    UNSUPPORTED_VERSION = 35
    INVALID_REQUEST = 42
    FETCH_SESSION_ID_NOT_FOUND = 70
    UNSUPPORTED_COMPRESSION_TYPE = 76
    INVALID_RECORD = 87


MOST_SAID = 1_000
"""Characters in a sentence for a client: it may name what the client sent, however long that is."""


def said(text: str) -> str | None:
    """A sentence that goes with an error, as responses have it; None where there is none."""
    return text[:MOST_SAID] or None
