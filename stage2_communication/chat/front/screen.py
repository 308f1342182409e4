"""What a person sees: lines above, and below them the line that they are typing."""

import shutil
import sys
import unicodedata

from stage2_communication.chat.messages import REFUSED_CATEGORIES, TURNING

PROMPT = "> "
CLEAR_LINE = "\r\x1b[K"


class Screen:
    """Draws on stdout.

    Args:
        keys: whether there is a terminal with a line being typed, or just a pipe.
    """

    def __init__(self, keys: bool) -> None:
        self.keys = keys
        self._typed = ""

    def say(self, text: str) -> None:
        """Show a line above the one that is being typed."""
        if self.keys:
            self._write(f"{CLEAR_LINE}{harmless(text)}\r\n")
            self.draw(self._typed)
        else:
            self._write(f"{harmless(text)}\n")

    def draw(self, typed: str) -> None:
        """Show what has been typed so far: the end of it, where it is longer than the line."""
        self._typed = typed
        if self.keys:
            room = max(10, shutil.get_terminal_size().columns - len(PROMPT) - 1)
            self._write(f"{CLEAR_LINE}{PROMPT}{harmless(fitting(typed, room))}")

    def end(self) -> None:
        """Leave the line that was being typed."""
        if self.keys:
            self._write(CLEAR_LINE)

    def _write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()


def harmless(text: str) -> str:
    """The text without anything that a terminal would obey."""
    return "".join(
        "\N{REPLACEMENT CHARACTER}"
        if unicodedata.category(sign) in REFUSED_CATEGORIES or sign in TURNING
        else sign
        for sign in text
    )


def fitting(text: str, columns: int) -> str:
    """The end of ``text`` that fits: wide characters take two columns."""
    width = 0
    for start in range(len(text) - 1, -1, -1):
        width += 2 if unicodedata.east_asian_width(text[start]) in "WF" else 1
        if width > columns:
            return text[start + 1 :]
    return text
