"""What a demonstration has to show, as data: the terminal and the docs site draw it their own way.

A demo is a function ``demo(seed: int) -> Report`` beside its lab. It runs the lab, says what
happened in a few sentences and tables, and hands over the traces and charts.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph."""

    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table; every row has as many cells as there are headers."""

    title: str
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """What a checker said: ``result`` is ``yes``, ``no`` or ``unknown``."""

    about: str
    result: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Trace:
    """A recorded run as JSON Lines (see :mod:`common.trace.format`); ``name`` names its file.

    ``event`` is the number of the event at which its picture opens; 0 where it shows everything.
    """

    name: str
    title: str
    lines: str
    event: int = 0


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture as SVG text; ``name`` names its file, ``caption`` says what is to be seen."""

    name: str
    caption: str
    svg: str


Part: TypeAlias = Text | Table | Judged | Trace | Chart


@dataclass(slots=True)
class Report:
    """The parts of a demonstration, in the order in which they are shown."""

    title: str
    parts: list[Part] = field(default_factory=list)

    def say(self, text: str) -> None:
        """Add a paragraph."""
        self.parts.append(Text(text))

    def table(self, title: str, headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Add a table; cells are shown as ``str`` shows them."""
        body = tuple(tuple(str(cell) for cell in row) for row in rows)
        self.parts.append(Table(title, tuple(headers), body))

    def judged(self, about: str, result: str, sentence: str) -> None:
        """Add what a checker said of a property."""
        self.parts.append(Judged(about, result, sentence))

    def trace(self, name: str, title: str, lines: str, event: int = 0) -> None:
        """Add a recorded run."""
        self.parts.append(Trace(name, title, lines, event))

    def chart(self, name: str, caption: str, svg: str) -> None:
        """Add a picture."""
        self.parts.append(Chart(name, caption, svg))
