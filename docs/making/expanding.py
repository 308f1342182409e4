"""A page's source becomes a page: code, output and made parts are put where it asks for them.

It asks in three ways, each of which is harmless where Markdown is read without the maker:

* an empty fence ``include FILE SYMBOL ...`` becomes code (``including``);
* an empty fence ``run COMMAND`` becomes a command and its output (``running``);
* a comment ``<!-- make NAME WORDS -->``, alone on its line, becomes what the maker of that name
  makes (``parts``).
"""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from common.values.errors import LabError
from docs.making.asking import Asked, Maker, Page, Site
from docs.making.errors import PageError
from docs.making.including import include
from docs.making.running import block

_FENCE = re.compile(r"(?P<indent> *)(?P<ticks>`{3,}|~{3,})(?P<info>.*)")
_MARK = re.compile(r"(?P<indent> *)<!-- make (?P<words>.+?) -->\s*")


@dataclass(frozen=True, slots=True)
class Piece:
    """Some lines of a source.

    Attributes:
        line: the number of the first one, from 1.
        text: the lines.
        kind: ``text``, ``mark``, or the first word of a fence's info string.
        words: of a mark and of a fence: what it says.
        indent: in front of a mark or a fence.
        is_empty: whether a fence has nothing in it.
    """

    line: int
    text: str
    kind: str = "text"
    words: str = ""
    indent: str = ""
    is_empty: bool = True


def pieces(text: str) -> Iterator[Piece]:
    """A source, cut into marks, fences and the lines between them."""
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        line = lines[at]
        if mark := _MARK.fullmatch(line):
            yield Piece(at + 1, line, "mark", mark["words"], mark["indent"])
        elif fence := _FENCE.fullmatch(line):
            end = next(
                (n for n in range(at + 1, len(lines)) if lines[n].strip() == fence["ticks"]),
                len(lines) - 1,
            )
            kind = fence["info"].split()[0] if fence["info"].split() else "fence"
            body = "\n".join(lines[at : end + 1])
            is_empty = not "".join(lines[at + 1 : end]).strip()
            yield Piece(at + 1, body, kind, fence["info"].strip(), fence["indent"], is_empty)
            at = end
        else:
            yield Piece(at + 1, line)
        at += 1


def commands(text: str) -> Iterator[list[str]]:
    """The commands whose output a source asks for."""
    for piece in pieces(text):
        if piece.kind == "run":
            yield shlex.split(piece.words)[1:]


def expand(page: Page, text: str, site: Site, makers: Mapping[str, Maker]) -> str:
    """The page.

    Raises:
        PageError: it asks for what there is not, or for what fails.
    """
    made = [_made(piece, page, site, makers) for piece in pieces(text)]
    return "\n".join(made) + "\n"


def _made(piece: Piece, page: Page, site: Site, makers: Mapping[str, Maker]) -> str:
    if piece.kind not in ("mark", "include", "run"):
        return piece.text
    asked = Asked(page, piece.line, tuple(shlex.split(piece.words)), site)
    if not piece.is_empty:
        raise asked.error(f"a fence {piece.kind!r} is filled by the maker: leave it empty")
    name, *words = asked.words
    if piece.kind == "mark" and name not in makers:
        raise asked.error(f"nothing makes {name!r}; there are: {', '.join(sorted(makers))}")
    asked = Asked(page, piece.line, tuple(words), site)
    try:
        match piece.kind:
            case "include":
                text = include(words[0] if words else "", tuple(words[1:]))
            case "run":
                text = block(shlex.join(words), asked.run(words).output)
            case _:
                text = makers[name](asked)
    except PageError:
        raise
    except LabError as error:
        raise asked.error(str(error)) from None
    return "\n".join(f"{piece.indent}{line}".rstrip() for line in text.splitlines())
