"""The line that a person is typing: bytes in, whole lines out, and bounded whatever comes.

Sans-I/O. A terminal's own line editing would do for typing, but not for a chat: when a post arrives
while somebody types, the half line has to move down, and only who keeps it can draw it again.
"""

import codecs
from dataclasses import dataclass, field

MAX_TYPED = 1_200
"""Characters of a line that are kept; of a longer one the rest is counted and thrown away."""

BACKSPACE, ERASE_LINE, END = frozenset("\b\x7f"), "\x15", "\x04"
ESCAPE = "\x1b"


@dataclass(frozen=True, slots=True)
class Typed:
    """A whole line; ``length`` counts also what was thrown away of it."""

    text: str
    length: int


@dataclass(slots=True)
class LineEditor:
    """Collects what is typed.

    Attributes:
        keys: whether editing keys mean something (a terminal), or are text like any other (a pipe).
        text: the line so far.
        ended: whether the person has said that nothing more will come.
    """

    keys: bool
    text: str = ""
    ended: bool = False
    _length: int = 0
    _escape: str = ""
    _decoder: codecs.IncrementalDecoder = field(
        default_factory=lambda: codecs.getincrementaldecoder("utf-8")("replace")
    )

    def feed(self, data: bytes) -> list[Typed]:
        """Take what was typed; returns the lines that are whole now. No bytes mean the end."""
        lines: list[Typed] = []
        for sign in self._decoder.decode(data, final=not data):
            if sign in "\r\n":
                lines.append(Typed(self.text, self._length))
                self.text, self._length = "", 0
            elif self.keys:
                self._key(sign)
            else:
                self._add(sign)
        if not data:
            if self.text:
                lines.append(Typed(self.text, self._length))
            self.text, self._length, self.ended = "", 0, True
        return lines

    def _key(self, sign: str) -> None:
        if self._escape or sign == ESCAPE:
            self._skip(sign)
        elif sign in BACKSPACE:
            if self._length <= len(self.text):
                self.text = self.text[:-1]
            self._length = max(0, self._length - 1)
        elif sign == ERASE_LINE:
            self.text, self._length = "", 0
        elif sign == END and not self._length:
            self.ended = True
        else:
            self._add(sign)

    def _skip(self, sign: str) -> None:
        """Leave out the sequences that arrow keys and their like send: ESC [ ... letter."""
        self._escape += sign
        second = len(self._escape) == 2
        last = sign not in "[O" if second else sign.isalpha() or sign == "~"
        if last and len(self._escape) > 1:
            self._escape = ""

    def _add(self, sign: str) -> None:
        self._length += 1
        if len(self.text) < MAX_TYPED:
            self.text += sign
