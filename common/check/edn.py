"""A reader of EDN values, as Jepsen and its kin write them: one value from a piece of text.

Covers https://github.com/edn-format/edn but for characters and for what a tag means: the tag of
``#jepsen.history.Op{...}`` is read and dropped. Keywords and symbols become plain text without the
colon, vectors, lists and sets become tuples. There is no EDN reader in the standard library, and
floor 2 imports nothing else.
"""

import re

from common.values.errors import BadInput

DEEPEST = 50
"""How many collections may be inside one another."""

_TOKEN = re.compile(
    r"""[\s,]*(?:;[^\n]*\s*)*
    (?P<token>
        \#\{ | \#_ | [\[\](){}]
      | "(?:[^"\\]|\\.)*"
      | \#?[^\s,;"\[\](){}]+
    )""",
    re.VERBOSE | re.DOTALL,
)
_INTEGER = re.compile(r"[+-]?\d+N?")
_FLOAT = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?M?")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}
_CLOSING = {"[": "]", "(": ")", "{": "}", "#{": "}"}
_CONSTANTS = {"nil": None, "true": True, "false": False}


def parse(text: str, start: int = 0) -> tuple[object, int]:
    """Read the first value of ``text`` at or after ``start``.

    Returns:
        The value, and where the rest of the text begins.

    Raises:
        BadInput: there is no whole value; the text says what was expected.
    """
    return _value(text, start, 0)


def _value(text: str, start: int, depth: int) -> tuple[object, int]:
    token, at = _next(text, start)
    if depth > DEEPEST:
        raise BadInput(f"more than {DEEPEST} collections are inside one another")
    if token == "#_":
        _, at = _value(text, at, depth + 1)
        return _value(text, at, depth + 1)
    if token in _CLOSING:
        return _collection(token, text, at, depth)
    if token in _CLOSING.values():
        raise BadInput(f"a value is expected, not {token!r}")
    if token.startswith("#"):
        return _value(text, at, depth + 1)
    return _atom(token), at


def _next(text: str, start: int) -> tuple[str, int]:
    found = _TOKEN.match(text, start)
    if found is None:
        rest = text[start:].strip()
        raise BadInput(f'a text is not closed with "{rest[:20]}' if rest else "a value is missing")
    return found["token"], found.end()


def _collection(opening: str, text: str, at: int, depth: int) -> tuple[object, int]:
    closing = _CLOSING[opening]
    parts: list[object] = []
    while True:
        try:
            token, after = _next(text, at)
        except BadInput:
            raise BadInput(f"{closing!r} is missing: {opening!r} is not closed") from None
        if token == closing:
            break
        part, at = _value(text, at, depth + 1)
        parts.append(part)
    if opening != "{":
        return tuple(parts), after
    if len(parts) % 2:
        raise BadInput(f"a map has the key {parts[-1]!r} without a value")
    keys = [part if isinstance(part, str) else repr(part) for part in parts[::2]]
    return dict(zip(keys, parts[1::2], strict=True)), after


def _atom(token: str) -> object:
    if token.startswith('"'):
        return re.sub(
            r"\\(u[0-9a-fA-F]{4}|.)", lambda found: _escaped(found[1]), token[1:-1], flags=re.DOTALL
        )
    if token in _CONSTANTS:
        return _CONSTANTS[token]
    if _INTEGER.fullmatch(token):
        return int(token.rstrip("N"))
    if _FLOAT.fullmatch(token):
        return float(token.rstrip("M"))
    return token.removeprefix(":")


def _escaped(letter: str) -> str:
    if len(letter) == 5:
        return chr(int(letter[1:], 16))
    if letter not in _ESCAPES:
        raise BadInput(f"a text holds the unknown escape \\{letter}")
    return _ESCAPES[letter]
