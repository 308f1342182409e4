"""The first use of a word of the course in a page is a link to the glossary.

The glossary (``docs/glossary.md``) is a table, and each row has an anchor. Not every word of it is
linked: everybody knows what a message is. The words that are, are named here by their anchors.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from docs.making.asking import Page
from docs.making.expanding import pieces
from docs.making.staging import DOCS

GLOSSARY = "glossary.md"
FOLDERS = ("labs/", "stages/", "concepts/")
"""Whose pages have such links."""

_WORDS = """
anti-entropy at-most-once back-pressure ballot byzantine causal-order checkpoint concurrent
consensus consistent-hashing convergence crdt explorer failure-detector fencing gossip
high-watermark idempotent incarnation in-sync-replicas lease linearizable logical-clock mutant
overlay-network partition-of-the-network quorum serializable service-mesh shuffle skew
state-machine tag tombstone total-order transaction watch
"""
LINKED = frozenset(_WORDS.split())

_ROW = re.compile(r'\| <a id="(?P<anchor>[\w-]+)"></a>(?P<cells>.*) \|')
_BRACKETS = re.compile(" ?(?:\\(.*?\\)|\uff08.*?\uff09)")  # narrow ones, and those of full width
_PROSE = re.compile(r"(?! {4}|\t|[#|<!]|\[|\?\?\?)")
_KEPT = re.compile(r"`[^`]*`|!?\[[^\]]*\]\([^)]*\)|<[^>]*>|\{[^}]*\}")
"""What stands in a line of prose and is no prose: code, links, HTML."""


@dataclass(frozen=True, slots=True)
class Term:
    """A word, how it is found in a text, where the glossary explains it, and how."""

    word: str
    pattern: re.Pattern[str]
    anchor: str
    meaning: str


@cache
def terms(language: str) -> tuple[Term, ...]:
    """The words that are linked in pages of a language, the longer ones first."""
    found = []
    for line in (DOCS / GLOSSARY).read_text(encoding="utf-8").splitlines():
        row = _ROW.fullmatch(line)
        if not row or row["anchor"] not in LINKED:
            continue
        english, chinese, says, says_it = row["cells"].split(" | ")
        cell, meaning = (chinese, says_it) if language == "zh" else (english, says)
        words = re.split(", |、", _BRACKETS.sub("", cell))
        found += [Term(word, _pattern(word, language), row["anchor"], meaning) for word in words]
    return tuple(sorted(found, key=lambda term: -len(term.word)))


def _pattern(word: str, language: str) -> re.Pattern[str]:
    """Chinese has no spaces between words; elsewhere a word is a whole one."""
    sound = re.escape(word)
    return re.compile(sound if language == "zh" else f"(?<![\\w-]){sound}(?![\\w-])", re.IGNORECASE)


def with_terms(page: Page, text: str) -> str:
    """The page, with the first use of each of these words linked to the glossary."""
    left = list(terms(page.language))
    lines = []
    for piece in pieces(text):
        line = piece.text
        if piece.kind == "text" and _PROSE.match(line):
            line = "".join(_linked(page, part, prose, left) for part, prose in _parts(line))
        lines.append(line)
    return "\n".join(lines) + "\n"


def _parts(line: str) -> Iterator[tuple[str, bool]]:
    """A line in parts: which of them are prose?"""
    at = 0
    for kept in _KEPT.finditer(line):
        yield line[at : kept.start()], True
        yield kept[0], False
        at = kept.end()
    yield line[at:], True


def _linked(page: Page, part: str, is_prose: bool, left: list[Term]) -> str:
    """The part with links; the words that it links are taken off the list."""
    if not is_prose:
        return part
    for term in left:
        found = term.pattern.search(part)
        if found:
            left[:] = [other for other in left if other.anchor != term.anchor]
            link = f"{page.link(GLOSSARY)}#{term.anchor}"
            meaning = term.meaning.replace('"', "&quot;")
            before, after = part[: found.start()], part[found.end() :]
            own = f'[{found[0]}]({link}){{ .term title="{meaning}" }}'
            return _linked(page, before, True, left) + own + _linked(page, after, True, left)
    return part
