"""Files with a secret key, readable by their owner only."""

from pathlib import Path

from common.values.errors import BadInput

KEY_BYTES = 32


def read_or_make(path: Path, new: bytes) -> bytes:
    """The key in a file; ``new``, written there, if there is no file yet.

    Raises:
        BadInput: the file cannot be used, or has no key in it.
    """
    try:
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(new.hex() + "\n", encoding="ascii")
        key = bytes.fromhex(path.read_text(encoding="ascii"))
    except OSError as error:
        raise BadInput(f"cannot use the key {path}: {error.strerror}") from None
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise BadInput(
            f"{path} is no key: it needs {2 * KEY_BYTES} hexadecimal digits. Start the cluster "
            "in a new directory, since what was signed with the lost key is worthless"
        )
    return key
