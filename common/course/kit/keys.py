"""The course's secret: seeds for grading are derived from it, and reports are signed with it.

One secret gives many keys, each for one purpose, by HMAC-SHA256 (RFC 2104) of the purpose's name:
who learns a key of one purpose, or of one student, has none of the others.
"""

import hmac
import json
import os
import secrets
from pathlib import Path

from common.values.errors import BadInput

VARIABLE = "LAB_COURSE_KEY"
"""An environment variable with the secret, for machines that keep no file of it."""

DEFAULT_FILE = Path("course.key")
LEAST_BYTES = 16
_NEW_BYTES = 32


class Secret:
    """The secret of one course.

    Args:
        value: its bytes; at least :data:`LEAST_BYTES`.

    Raises:
        BadInput: it is too short.
    """

    def __init__(self, value: bytes) -> None:
        if len(value) < LEAST_BYTES:
            raise BadInput(f"a course's secret has at least {LEAST_BYTES} bytes, not {len(value)}")
        self._value = value

    def seed_key(self, student: str, lab: str) -> str:
        """What a student's seeds for a lab are derived from; pytest's ``--seed-key``."""
        return self._key("seeds", student, lab).hex()

    def for_autograder(self, lab: str) -> str:
        """A secret that may leave this machine: it is of no use for anything else."""
        return self._key("autograder", lab).hex()

    def sign(self, plain: object) -> str:
        """The signature of a report."""
        return hmac.digest(self._key("reports"), canonical(plain), "sha256").hex()

    def has_signed(self, plain: object, signature: str) -> bool:
        """Whether a signature is ours; takes as long for a nearly right one as for a wrong one."""
        return hmac.compare_digest(self.sign(plain).encode(), signature.encode())

    def _key(self, *purpose: str) -> bytes:
        return hmac.digest(self._value, canonical(purpose), "sha256")


def canonical(plain: object) -> bytes:
    """The one way to write a value as JSON, so that equal values have equal signatures."""
    return json.dumps(plain, sort_keys=True, separators=(",", ":")).encode("ascii")


def read_secret(path: Path | None) -> Secret:
    """The secret of this course: from the file, else from the environment, else from the default
    file.

    Raises:
        BadInput: there is none, or the file cannot be read.
    """
    if path is None and (given := os.environ.get(VARIABLE)):
        return Secret(given.encode())
    place = path or DEFAULT_FILE
    try:
        return Secret(place.read_bytes().strip())
    except FileNotFoundError:
        raise BadInput(
            f"there is no course secret {place}: name yours with --key FILE or in {VARIABLE}"
        ) from None
    except OSError as error:
        raise BadInput(f"the course secret {place} cannot be read: {error.strerror}") from None


def read_or_make_secret(path: Path | None) -> tuple[Secret, Path | None]:
    """The secret, and the file that was made for it if there was none.

    Raises:
        BadInput: the file cannot be read or made.
    """
    place = path or DEFAULT_FILE
    if place.exists() or (path is None and VARIABLE in os.environ):
        return read_secret(path), None
    try:
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise BadInput(f"the course secret {place} cannot be made: {error.strerror}") from None
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(_NEW_BYTES) + "\n")
    return read_secret(place), place
