"""The names of changes, and the sentences that tell them."""

import hashlib
import re
from dataclasses import dataclass
from typing import cast

import libcst as cst

from common.course.kit.generated.changes import Change
from common.course.kit.generated.statements import BEFORE
from common.course.kit.generated.surroundings import Surroundings

SHOWN = 72
"""Code that is quoted in a sentence is cut to so many characters."""

WORDS = 2
"""So many words of the changed code are in the name of a change."""

DIGITS = 4
"""Two changes of the same kind in the same function rarely share so many hexadecimal digits; where
they do, the second one gets a number."""


@dataclass(frozen=True, slots=True)
class Name:
    """How a change is called.

    Attributes:
        id: ``save-left-out:promised-ballot-3fa1``.
        what: one sentence.
    """

    id: str
    what: str


def name_of(change: Change, around: Surroundings) -> Name:
    """The name of a change."""
    if change.told:
        place, after = change.place, change.told
        before = first_line(place) if change.told == BEFORE else plain(place)
        quoted = f"`{_cut(first_line(place))}`"
        what = f"{BEFORE} {quoted}" if change.told == BEFORE else f"{quoted} {change.told}"
    else:
        place, whole = change.old, around.whole(change.old)
        changed = change.new if whole is place else whole.deep_replace(place, change.new)
        before, after = plain(whole), plain(changed)
        what = _instead(after, before)
    words = [word for word in _words(place, before) if word not in change.kind.split("-")][:WORDS]
    return Name(f"{change.kind}:{'-'.join([*words, _mark(before, after)])}", what)


def code_of(node: cst.CSTNode) -> str:
    """The text of a node, without the comments above it."""
    if isinstance(node, cst.BaseStatement | cst.MatchCase):
        node = node.with_changes(leading_lines=())
    return cst.Module([]).code_for_node(node)


def plain(node: cst.CSTNode) -> str:
    """The code of a node in one line, without comments and without what only lays it out."""
    return _in_one_line(_without_comments(node))


def first_line(node: cst.CSTNode) -> str:
    """``for entry in entries:`` for the whole loop, and all of what has no block."""
    if not isinstance(node, cst.BaseCompoundStatement | cst.MatchCase):
        return plain(node)
    lines = _without_comments(node).splitlines()
    end = next((n for n, line in enumerate(lines, 1) if line.rstrip().endswith(":")), len(lines))
    return _in_one_line("\n".join(lines[:end]))


def _without_comments(node: cst.CSTNode) -> str:
    return code_of(cast(cst.CSTNode, node.visit(_WithoutComments())))


def _in_one_line(code: str) -> str:
    line = " ".join(code.split())
    return re.sub(r",? ([)\]}])", r"\1", re.sub(r"([(\[{]) ", r"\1", line))


class _WithoutComments(cst.CSTTransformer):
    """Takes all comments out."""

    def leave_TrailingWhitespace(  # noqa: N802
        self, original_node: cst.TrailingWhitespace, updated_node: cst.TrailingWhitespace
    ) -> cst.TrailingWhitespace:
        """At the end of a line."""
        return updated_node.with_changes(comment=None)

    def leave_EmptyLine(  # noqa: N802
        self, original_node: cst.EmptyLine, updated_node: cst.EmptyLine
    ) -> cst.EmptyLine:
        """In a line of its own."""
        return updated_node.with_changes(comment=None)


def _mark(before: str, after: str) -> str:
    """Digits that stand for a change, whatever the layout: blanks and parentheses do not count."""
    told = re.sub(r"[\s()]", "", f"{before}\0{after}")
    return hashlib.sha256(told.encode()).hexdigest()[:DIGITS]


def _instead(after: str, before: str) -> str:
    """What stands where, from shortly before the place in which they differ."""
    places = enumerate(zip(before, after, strict=False))
    same = next((number for number, (one, other) in places if one != other), 0)
    first = before.rfind(" ", 0, max(same - SHOWN // 2, 0)) + 1
    start = "…" if first else ""
    return f"`{_cut(start + after[first:])}` instead of `{_cut(start + before[first:])}`"


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN else f"{line[: SHOWN - 1]}…"


def _words(place: cst.CSTNode, whole: str) -> list[str]:
    """The names and numbers of the changed code, then of the statement around it, each once."""
    found = re.findall(r"[A-Za-z_]\w*|\d+", f"{first_line(place)} {whole}")
    return [word for word in dict.fromkeys(found) if word != "self"]
