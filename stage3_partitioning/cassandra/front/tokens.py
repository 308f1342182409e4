"""CQL as tokens; each knows its line and column, so that an error can say where it is."""

import re
from dataclasses import dataclass
from typing import NoReturn

from stage3_partitioning.cassandra.front.wire import SYNTAX_ERROR, CqlError

TOKEN = re.compile(
    r"""
    (?P<space>\s+|--[^\n]*|//[^\n]*|/\*.*?\*/)
  | (?P<uuid>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})
  | (?P<blob>0x[0-9a-f]*)
  | (?P<number>-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?)
  | (?P<text>'(?:[^']|'')*')
  | (?P<quoted>"(?:[^"]|"")+")
  | (?P<word>[a-z][a-z0-9_]*)
  | (?P<sign><=|>=|[?(){},.;=<>*:])
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)

END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """A token.

    Attributes:
        kind: ``word``, ``text``, ``number`` and so on; :data:`END` behind the last one.
        words: what it says, without quotes; a word is in lower case unless it was quoted.
        place: where it begins, as ``line 1:7``: a line from 1 on, a column from 0 on.
    """

    kind: str
    words: str
    place: str

    def fail(self, why: str) -> NoReturn:
        """Say that there is something wrong here."""
        raise CqlError(SYNTAX_ERROR, f"{self.place} {why}")


def tokens_of(cql: str) -> list[Token]:
    """All tokens of a statement, and the end.

    Raises:
        CqlError: there is something that begins no token, or a text that does not end.
    """
    found = []
    at = 0
    while at < len(cql):
        place = place_of(cql, at)
        match = TOKEN.match(cql, at)
        if match is None:
            unclosed = {"'": "text", '"': "name"}.get(cql[at])
            why = f"the {unclosed} that begins here is not closed" if unclosed else ""
            Token("", "", place).fail(why or f"no statement has {cql[at]!r} here")
        at = match.end()
        kind, words = str(match.lastgroup), match.group()
        if kind in ("text", "quoted"):
            words = words[1:-1].replace(words[0] * 2, words[0])
        elif kind == "word":
            words = words.lower()
        if kind != "space":
            found.append(Token("word" if kind == "quoted" else kind, words, place))
    return [*found, Token(END, "the end", place_of(cql, len(cql)))]


def place_of(cql: str, at: int) -> str:
    """Line and column."""
    line = cql.count("\n", 0, at)
    return f"line {line + 1}:{at - (cql.rfind(chr(10), 0, at) + 1)}"
