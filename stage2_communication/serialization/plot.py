"""The picture of the experiment: all pairs of versions by each format, a square for each pair.

python -m stage2_communication.serialization.plot FILE.svg
"""

import sys
from html import escape
from pathlib import Path

from stage2_communication.serialization.demo_evolution import FORMATS, VERSIONS, all_pairs

COLOURS = {
    "ok": "#d9ead3",
    "number": "#cfe2f3",
    "lost": "#f6b26b",
    "WRONG": "#c0392b",
    "refused": "#b7b7b7",
}
"""By the first word of an outcome; each square says it in letters, too."""

CELL, LEFT, TOP, GAP = 62, 84, 84, 34


def grid() -> str:
    """Three tables side by side, as SVG."""
    names = tuple(VERSIONS)
    width = CELL * len(names)
    parts: list[str] = []
    for place, (name, format) in enumerate(FORMATS.items()):
        x = LEFT + place * (width + GAP)
        parts.append(_text(x + width / 2, 24, name, 17, weight="bold"))
        for column, version in enumerate(names):
            parts.append(_text(x + (column + 0.5) * CELL, TOP - 10, version, 12))
        for (one, other), outcome in all_pairs(format).items():
            left, top = x + names.index(other) * CELL, TOP + names.index(one) * CELL
            parts.append(_square(left, top, outcome))
    for row, version in enumerate(names):
        parts.append(_text(LEFT - 8, TOP + (row + 0.55) * CELL, version, 12, anchor="end"))
    whole = LEFT + len(FORMATS) * (width + GAP)
    height = TOP + width + 34
    parts.append(_text(LEFT, TOP - 34, "read by", 12, anchor="start"))
    parts.append(_text(LEFT - 8, TOP - 10, "written by", 12, anchor="end"))
    note = (
        "ok: all facts that both versions have came through. lost: one became the default. "
        "WRONG: one became another value, and nobody was told. number: an enum's, without its "
        "symbol. refused: nothing was read."
    )
    parts.append(_text(LEFT, height - 10, note, 13, anchor="start"))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {whole} {height}" '
        f'font-family="sans-serif"><rect width="{whole}" height="{height}" fill="white"/>'
        f"{''.join(parts)}</svg>"
    )


def _square(left: float, top: float, outcome: str) -> str:
    word, _, what = outcome.partition(" ")
    ink = "white" if word == "WRONG" else "#222222"
    middle = left + CELL / 2
    lines = _text(middle, top + (28 if what else 35), word, 12, colour=ink)
    lines += _text(middle, top + 44, what, 12, colour=ink) if what else ""
    return (
        f'<rect x="{left}" y="{top}" width="{CELL - 2}" height="{CELL - 2}" '
        f'fill="{COLOURS[word]}"/>{lines}'
    )


def _text(
    x: float,
    y: float,
    text: str,
    size: int,
    *,
    anchor: str = "middle",
    weight: str = "normal",
    colour: str = "#222222",
) -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size}" text-anchor="{anchor}" '
        f'font-weight="{weight}" fill="{colour}">{escape(text)}</text>'
    )


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(grid(), encoding="utf-8")
