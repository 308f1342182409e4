"""What a person does in a text: keys in, actions out, and a cursor that stays at its character.

Sans-I/O. Others type while the person types, so a cursor that is a number would wander. Here it is
a character, the one before it, by its identity; where that was erased, its gravestone still says
where. Every editor on a CRDT does this (Yjs calls it a relative position).
"""

import codecs
import re
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias

from stage2_communication.chat.front.screen import harmless
from stage7_advanced.crdt.dots import Dot
from stage7_advanced.crdt.fugue import FugueText

KEYS = {
    "\x1b[A": "up",
    "\x1b[B": "down",
    "\x1b[C": "right",
    "\x1b[D": "left",
    "\x1b[H": "home",
    "\x1b[F": "end",
    "\x1b[3~": "delete",
    "\x7f": "backspace",
    "\b": "backspace",
    "\x04": "leave",
}
"""What keys send, and what they mean. What is not here and is no text means nothing."""

CONTROLS = r"\x00-\x09\x0b-\x1f\x7f"
TOKEN = re.compile(rf"\x1b\[[0-9;]*[A-Za-z~]|[{CONTROLS}]|[^{CONTROLS}]+")
"""A sequence of a key, a control character, or a run of text with line ends."""

Action: TypeAlias = tuple[str, str]
"""("type", text), or the name of a key and nothing."""


class Keyboard:
    """Makes actions of the bytes that a terminal sends."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, data: bytes) -> list[Action]:
        """Take what was typed. A run of characters, such as a paste, is one action."""
        text = self._decoder.decode(data).replace("\r\n", "\n").replace("\r", "\n")
        actions: list[Action] = []
        for token in TOKEN.findall(text):
            if token in KEYS:
                actions.append((KEYS[token], ""))
            elif token >= " " or token[0] == "\n":
                actions.append(("type", token))
        return actions


@dataclass(slots=True)
class Page:
    """A text with a cursor.

    Attributes:
        text: this person's copy.
        cursor: the character before the cursor, shown or not; None for the front of the text.
    """

    text: FugueText
    cursor: Dot | None = None

    def index(self) -> int:
        """How many characters are shown before the cursor."""
        if self.cursor is None:
            return 0
        shown = 0
        for name in self.text.row:
            shown += self.text.row.shows(name)
            if name == self.cursor:
                break
        return shown

    def put(self, index: int) -> None:
        """Move the cursor, so that so many characters are shown before it, or as many as are."""
        index = max(0, min(index, len(self.text)))
        self.cursor = self.text.row.at(index - 1) if index else None

    def move(self, key: str) -> None:
        """Move the cursor by a key."""
        at, text = self.index(), self.text.text()
        begin = text.rfind("\n", 0, at) + 1
        end = text.find("\n", at) if "\n" in text[at:] else len(text)
        if key in ("left", "right"):
            self.put(at + (1 if key == "right" else -1))
        elif key == "home":
            self.put(begin)
        elif key == "end":
            self.put(end)
        elif key == "up" and begin:
            above = text.rfind("\n", 0, begin - 1) + 1
            self.put(min(above + at - begin, begin - 1))
        elif key == "down" and end < len(text):
            below = text.find("\n", end + 1) if "\n" in text[end + 1 :] else len(text)
            self.put(min(end + 1 + at - begin, below))

    def draw(self, columns: int, rows: int) -> tuple[list[str], int, int]:
        """The lines around the cursor, and its row and column in them, from 0."""
        at, lines = self.index(), [""]
        row = column = 0
        for place, sign in enumerate([*self.text.text(), ""]):
            if place == at:
                row, column = len(lines) - 1, len(lines[-1])
            if sign == "\n" or len(lines[-1]) >= columns:
                lines.append("")
            if sign != "\n":
                lines[-1] += harmless(sign)
        first = max(0, row - rows + 1)
        return list(islice(lines, first, first + rows)), row - first, column
