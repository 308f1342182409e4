"""How much of a recorded failure a report keeps: a page must stay usable, whatever a run has said.

The failure is at the end of a run most of the time. So of a long trace stay the beginning, the end,
what is near the events that a verdict blames, and what else there is room for
(:mod:`common.trace.viewer.shorten`).
"""

import json
import os
from pathlib import Path
from typing import IO

from common.trace.viewer.page import MAX_EVENTS
from common.trace.viewer.shorten import shorten_lines

MAX_TRACE = 3_000_000
"""Characters of a trace that are kept."""

MAX_READ = 24_000_000
"""Bytes of a trace that are looked at, half of them at its beginning and half at its end. What a
submission has its nodes say must not fill the memory of the one who grades."""


def trace_to_keep(path: Path, most: int = MAX_TRACE, read: int = MAX_READ) -> str:
    """What is kept of a trace, as JSON Lines. Events keep the numbers that they have in the file.

    Args:
        path: the file. A last line that is not whole is left out: its process was ended.
        most: characters to keep.
        read: bytes to look at, more than are kept.

    Returns:
        "" where not even the header is whole.
    """
    with path.open("rb") as file:
        is_short = os.fstat(file.fileno()).st_size <= read
        lines = _whole(file.read()) if is_short else _both_ends(file, read // 2)
    if not lines:
        return ""
    return "".join(f"{line}\n" for line in shorten_lines(lines, MAX_EVENTS, most))


def _both_ends(file: IO[bytes], half: int) -> list[str]:
    """The lines of both ends, with their numbers, and in the header how many lines there are."""
    header, *first = _whole(file.read(half))
    file.seek(-half, os.SEEK_END)
    last = _whole(file.read().partition(b"\n")[2])
    total = _line_ends(file) - 1
    meta = {**json.loads(header), "events": total}
    numbered = (
        {**json.loads(line), "n": number} for number, line in enumerate(last, total - len(last) + 1)
    )
    return [json.dumps(meta), *first, *map(json.dumps, numbered)]


def _whole(raw: bytes) -> list[str]:
    """The whole lines of these bytes."""
    return raw[: raw.rfind(b"\n") + 1].decode("utf-8").split("\n")[:-1]


def _line_ends(file: IO[bytes]) -> int:
    file.seek(0)
    return sum(piece.count(b"\n") for piece in iter(lambda: file.read(1 << 20), b""))
