"""The cast of a lab: every message, timer and operation of its files, with its fields."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from common.course.base.lab import Lab

KINDS = {
    "operation": ("operations, which clients ask for", "操作（客户端的请求）"),
    "message": ("messages, which nodes send each other", "消息（节点之间发送）"),
    "timer": ("timers, which a node sets for itself", "定时器（节点为自己设置）"),
    "record": ("records, which are kept and sent within others", "记录（保存或包含在消息中）"),
}
"""By decorator (``common.contract.kinds``): what such a class is, in both languages."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One class of the cast.

    Attributes:
        name: of the class.
        kind: its decorator.
        fields: their names.
        says: the first sentence of its docstring.
        file: where it is, relative to the room.
    """

    name: str
    kind: str
    fields: tuple[str, ...]
    says: str
    file: str

    @property
    def signature(self) -> str:
        """``Ping(number, text)``."""
        return f"{self.name}({', '.join(self.fields)})"


@cache
def cast(lab: Lab, root: Path) -> tuple[Kind, ...]:
    """All of a lab's, kind by kind, each in the order of its files."""
    found = [each for file in lab.files for each in _in(root / lab.path(file.path), file.path)]
    order = list(KINDS)
    return tuple(sorted(found, key=lambda each: order.index(each.kind)))


def _in(path: Path, file: str) -> Iterator[Kind]:
    for statement in ast.parse(path.read_text(encoding="utf-8")).body:
        if not isinstance(statement, ast.ClassDef):
            continue
        for decorator in statement.decorator_list:
            called = decorator.func if isinstance(decorator, ast.Call) else decorator
            if isinstance(called, ast.Name) and called.id in KINDS:
                fields = [
                    each.target.id
                    for each in statement.body
                    if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
                ]
                says = first_sentence(ast.get_docstring(statement) or "")
                yield Kind(statement.name, called.id, tuple(fields), says, file)


def first_sentence(text: str) -> str:
    """The first sentence of a docstring, in one line, with roles of Sphinx taken off."""
    paragraph = " ".join(text.partition("\n\n")[0].split())
    end = paragraph.find(". ")
    sentence = paragraph if end < 0 else paragraph[: end + 1]
    return sentence.replace("``", "`").replace(":class:", "").replace(":mod:", "")
