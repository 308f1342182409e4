"""The code on pages that show all code of a lab, coloured once, and not in each language again.

To colour it took half of MkDocs' time. So such a page has a place for each file, a line of HTML,
and the places are filled in the built site. What was coloured is kept until the file changes.
"""

import re
from collections.abc import Iterator
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from common.course.base.course import ROOT

COLOURED = ROOT / ".cache" / "docs-coloured"
PAGES = ("code", "zh/code")
_PLACE = re.compile(r'<div data-code="(?P<key>[0-9a-f]{16})"></div>')


def place_of(text: str, folder: Path = COLOURED) -> str:
    """The place of a Python file in a page; its text is coloured now, unless it is kept."""
    made_of = version("pygments") + text
    key = sha256(made_of.encode()).hexdigest()[:16]
    if not (folder / key).is_file():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / key).write_text(_coloured(text), encoding="utf-8")
    return f'<div data-code="{key}"></div>'


def fill(site: Path, folder: Path = COLOURED) -> None:
    """Fill the places of all pages of a built site; what no page has any more is forgotten."""
    used: set[str] = set()

    def code(found: re.Match[str]) -> str:
        used.add(found["key"])
        return (folder / found["key"]).read_text(encoding="utf-8")

    for page in _pages(site):
        page.write_text(_PLACE.sub(code, page.read_text(encoding="utf-8")), encoding="utf-8")
    for old in folder.iterdir():
        if old.name not in used:
            old.unlink()


def _pages(site: Path) -> Iterator[Path]:
    for pages in PAGES:
        yield from (site / pages).rglob("*.html")


def _coloured(text: str) -> str:
    """As MkDocs would do it: the classes are those of the theme's style."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    formatter = HtmlFormatter(cssclass="highlight", wrapcode=True)
    return str(highlight(text, PythonLexer(), formatter))
