"""A design document as sections and blocks, each with its line in the file.

A section begins at a heading of the second level (``## Fault model``) and has everything up to the
next one. What stands in HTML comments is the template's advice and counts as nothing.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from markdown_it import MarkdownIt
from markdown_it.token import Token

Kind = Literal["paragraph", "item", "row", "heading", "code", "picture"]

_COMMENT = re.compile(r"<!--.*?(-->|\Z)", re.DOTALL)
_NUMBERING = re.compile(r"^[\d.)\s]+")


@dataclass(frozen=True, slots=True)
class Block:
    """One piece of text.

    Attributes:
        kind: what it is; ``row`` is a row of a table without its head, ``item`` one of a list.
        text: its words without marks; the source of a block of code; where a picture is.
        line: its first line in the file, from 1 on.
        cells: the cells of a row.
    """

    kind: Kind
    text: str
    line: int
    cells: tuple[str, ...] = ()


@dataclass(slots=True)
class Section:
    """What stands below a heading of the second level."""

    title: str
    line: int
    blocks: list[Block] = field(default_factory=list)

    def of(self, *kinds: Kind) -> list[Block]:
        """Its blocks of these kinds, in their order."""
        return [block for block in self.blocks if block.kind in kinds]

    @property
    def prose(self) -> list[Block]:
        """Its blocks that are words: no headings, code or pictures."""
        return self.of("paragraph", "item", "row")

    @property
    def text(self) -> str:
        """All its words."""
        return "\n".join(block.text for block in self.prose)


@dataclass(frozen=True, slots=True)
class Document:
    """A whole document; ``preface`` is what stands before the first section."""

    title: str
    preface: Section
    sections: tuple[Section, ...]

    @property
    def blocks(self) -> Iterator[Block]:
        """All blocks of all sections, in their order."""
        for section in (self.preface, *self.sections):
            yield from section.blocks


def parse(text: str) -> Document:
    """Read a document; every text is one, if a poor one."""
    without_comments = _COMMENT.sub(lambda found: "\n" * found[0].count("\n"), text)
    tokens = MarkdownIt("commonmark").enable("table").parse(without_comments)
    title, preface, sections = "", Section("", 1), list[Section]()
    for depth, block in _blocks(tokens):
        if depth == 1 and not title:
            title = block.text
        elif depth == 2:
            sections.append(Section(_NUMBERING.sub("", block.text), block.line))
        else:
            (sections[-1] if sections else preface).blocks.append(block)
    return Document(title, preface, tuple(sections))


def _blocks(tokens: list[Token]) -> Iterator[tuple[int, Block]]:
    """Each block with the level of its heading, 0 for what is none."""
    open_tags: list[str] = []
    row: list[Token] = []
    for token in tokens:
        if token.nesting == 1:
            open_tags.append(token.tag)
            if token.tag == "tr":
                row = []
        elif token.nesting == -1:
            open_tags.pop()
            if token.tag == "tr" and "tbody" in open_tags:
                cells = tuple(_words(cell) for cell in row)
                yield 0, Block("row", " | ".join(cells), _line(row[0]), cells)
        elif token.type in {"fence", "code_block"}:
            yield 0, Block("code", token.content, _line(token))
        elif token.type == "inline":
            if "table" in open_tags:
                row.append(token)
            else:
                yield from _of_inline(token, open_tags)


def _of_inline(token: Token, open_tags: list[str]) -> Iterator[tuple[int, Block]]:
    line = _line(token)
    for child in token.children or ():
        if child.type == "image":
            yield 0, Block("picture", str(child.attrs.get("src", "")), line)
    words = _words(token)
    if not words:
        return
    inner = open_tags[-1]
    if inner in {"h1", "h2", "h3", "h4", "h5", "h6"}:
        yield int(inner[1]), Block("heading", words, line)
    else:
        yield 0, Block("item" if "li" in open_tags else "paragraph", words, line)


def _line(token: Token) -> int:
    return token.map[0] + 1 if token.map else 1


def _words(token: Token) -> str:
    """The text of an inline token without its marks; code and line ends are kept as words."""
    return " ".join("".join(_pieces(token.children or ())).split())


def _pieces(children: Iterable[Token]) -> Iterator[str]:
    for child in children:
        if child.type in {"text", "code_inline"}:
            yield child.content
        elif child.type in {"softbreak", "hardbreak"}:
            yield " "
