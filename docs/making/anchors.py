"""The anchors of a page's headings, the same in both languages.

MkDocs makes an anchor of a heading's Latin letters, so a Chinese heading would get a bare number. A
link such as ``raft.md#the-parts`` then leads nowhere in Chinese. So each heading of a Chinese page
gets the anchor of the English heading at its place. Both pages have the same headings:
``tests/docs/test_two_languages.py`` sees to it.
"""

import re

from markdown.extensions.toc import slugify, unique

from docs.making.errors import PageError
from docs.making.expanding import pieces

HEADING = re.compile(r"#{1,6} (?P<text>.*?)(?: *\{(?P<given>[^}]*)\})?")
_GIVEN = re.compile(r"#([\w-]+)")
_LINK = re.compile(r"!?\[(.*?)\]\([^)]*\)")


def anchors(text: str) -> list[str]:
    """The anchors of a page's headings, in their order, as MkDocs makes them."""
    used: set[str] = set()
    found = []
    for heading in _headings(text):
        plain = re.sub(r"<[^>]*>", "", _LINK.sub(r"\1", heading["text"]))
        own = _GIVEN.search(heading["given"] or "")
        found.append(own[1] if own else unique(slugify(plain, "-"), used))
        used.add(found[-1])
    return found


def with_anchors(path: str, chinese: str, english: str) -> str:
    """The Chinese page, each heading with the anchor of the English one.

    Raises:
        PageError: one page has a heading more than the other.
    """
    wanted = anchors(english)
    has = len(list(_headings(chinese)))
    if has != len(wanted):
        what = f"this page has {has} headings, and the English one {len(wanted)}: they must agree"
        raise PageError(f"docs/{path}", 1, what)
    left = iter(wanted)
    lines = []
    for piece in pieces(chinese):
        heading = HEADING.fullmatch(piece.text) if piece.kind == "text" else None
        lines.append(_anchored(heading, next(left)) if heading else piece.text)
    return "\n".join(lines) + "\n"


def _anchored(heading: re.Match[str], anchor: str) -> str:
    given = heading["given"] or " "
    if _GIVEN.search(given):
        return heading[0]
    return f"{heading[0][: heading.end('text')]} {{ #{anchor}{given.rstrip()} }}"


def _headings(text: str) -> list[re.Match[str]]:
    matches = (HEADING.fullmatch(piece.text) for piece in pieces(text) if piece.kind == "text")
    return [found for found in matches if found]
