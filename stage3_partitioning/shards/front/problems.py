"""What a client is told when something is wrong: MongoDB's codes, and a sentence."""

from typing import Any

NAMES = {
    2: "BadValue",
    9: "FailedToParse",
    15: "Overflow",
    22: "InvalidBSON",
    43: "CursorNotFound",
    59: "CommandNotFound",
    66: "ImmutableField",
    72: "InvalidOptions",
    73: "InvalidNamespace",
    96: "OperationFailed",
    112: "WriteConflict",
    115: "CommandNotSupported",
    262: "ExceededTimeLimit",
    352: "UnsupportedOpQueryCommand",
    10334: "BSONObjectTooLarge",
    11000: "DuplicateKey",
}
"""Of the codes that are used here."""


class Problem(Exception):
    """A command, or one write of it, was not carried out.

    Args:
        code: MongoDB's.
        text: for people.
    """

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text

    def reply(self) -> dict[str, Any]:
        """The reply to a command that ended with it."""
        name = NAMES[self.code]
        return {"ok": 0.0, "errmsg": self.text, "code": self.code, "codeName": name}
