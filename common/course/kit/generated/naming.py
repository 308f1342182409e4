"""The names of changes, and the sentences that tell them."""

import ast
import hashlib
import re
from dataclasses import dataclass

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
    mark = hashlib.sha256(f"{before}\0{after}".encode()).hexdigest()[:DIGITS]
    return Name(f"{change.kind}:{'-'.join([*words, mark])}", what)


def code_of(node: cst.CSTNode) -> str:
    """The text of a node, without the comments above it."""
    if isinstance(node, cst.BaseStatement | cst.MatchCase):
        node = node.with_changes(leading_lines=())
    return cst.Module([]).code_for_node(node)


def plain(node: cst.CSTNode) -> str:
    """The code of a node without its layout and its comments."""
    text = code_of(node)
    try:
        return ast.unparse(ast.parse(text.strip()))
    except SyntaxError:  # a piece that is no code by itself, such as a case
        return " ".join(text.split())


def first_line(node: cst.CSTNode) -> str:
    """``for entry in entries:`` for the whole loop, and all of what has no block."""
    if not isinstance(node, cst.BaseCompoundStatement | cst.MatchCase):
        return plain(node)
    lines = []
    for line in code_of(node).splitlines():
        lines.append(line.partition("  #")[0].strip())
        if lines[-1].endswith(":"):
            break
    return " ".join(lines)


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
