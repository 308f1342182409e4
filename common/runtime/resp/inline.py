"""A command as a person types it: words with blanks between, and quotes, as Redis reads them.

Within double quotes a backslash stands before ``n r t b a``, before two digits as in ``\\xff``, and
before whatever is meant as it is; within single quotes it stands before a single quote only.
"""

import re

BLANK = b" \n\r\t\v\f"
_WORD = re.compile(
    rb"""
    (?: "  (?P<double> (?: [^"\\] | \\. )* )  "
      | '  (?P<single> (?: [^'\\] | \\. )* )  '
      | (?P<bare> [^\ \n\r\t"']+ )
    )
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPED = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_NAMED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"a": b"\a"}


def split(line: bytes) -> list[bytes] | None:
    """The words of a line; None if a quote is not closed, or does not end its word."""
    line = line.partition(b"\0")[0]
    words: list[bytes] = []
    at = 0
    while True:
        while at < len(line) and line[at] in BLANK:
            at += 1
        if at == len(line):
            return words
        word = b""
        while at < len(line) and line[at] not in b" \n\r\t":
            found = _WORD.match(line, at)
            if found is None:
                return None
            at = found.end()
            word += _meant(found)
            quoted = found["bare"] is None
            if quoted and at < len(line) and line[at] not in BLANK:
                return None
        words.append(word)


def _meant(found: re.Match[bytes]) -> bytes:
    if found["double"] is not None:
        return _ESCAPED.sub(_unescaped, found["double"])
    if found["single"] is not None:
        return found["single"].replace(b"\\'", b"'")
    return found["bare"]


def _unescaped(escaped: re.Match[bytes]) -> bytes:
    if escaped[1] is not None:
        return bytes.fromhex(escaped[1].decode())
    return _NAMED.get(escaped[2], escaped[2])
