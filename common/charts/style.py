"""The colours of all charts, on light pages and on dark ones.

Series have the colours of Okabe and Ito (2008), which stay apart for the colour-blind; on dark
pages lighter ones of the same hue. An SVG takes them as CSS variables, so it follows the page.
"""

from typing import NamedTuple


class Colour(NamedTuple):
    """A colour on a light page and on a dark one."""

    light: str
    dark: str


COLOURS = {
    "paper": Colour("#ffffff", "#12161f"),
    "ink": Colour("#1b2330", "#e8ecf4"),
    "quiet": Colour("#586275", "#a3aec2"),
    "rule": Colour("#dfe3ea", "#2b3448"),
    "c0": Colour("#0072b2", "#56b4e9"),
    "c1": Colour("#c24e00", "#ff9a4d"),
    "c2": Colour("#00805d", "#4fd1a5"),
    "c3": Colour("#9c3f88", "#e6a3d3"),
    "c4": Colour("#6b5d00", "#e3cf57"),
}
"""What there is, by name: ``c0`` to ``c4`` are for series, in this order."""

SERIES = 5
"""So many series have a colour of their own."""


def _variables(colours: dict[str, str]) -> str:
    return "".join(f"--{name}:{colour};" for name, colour in colours.items())


_LIGHT = _variables({name: colour.light for name, colour in COLOURS.items()})
_DARK = _variables({name: colour.dark for name, colour in COLOURS.items()})

STYLE = (
    f"<style>svg{{{_LIGHT}}}@media (prefers-color-scheme:dark){{svg{{{_DARK}}}}}"
    "rect.paper{fill:var(--paper)}</style>"
)
"""Stands at the beginning of each SVG, before a ``<rect class="paper">`` as large as it."""


def with_variables(svg: str) -> str:
    """The same SVG with a variable in place of each colour of light pages."""
    for name, colour in COLOURS.items():
        svg = svg.replace(colour.light, f"var(--{name})")
    return svg
