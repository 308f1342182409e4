"""What supplied code expects of a hole stands in its docstring, not only in a hint."""

import ast
from collections.abc import Iterator

import pytest

from common.course.base.course import ROOT, Course
from common.course.base.lab import Lab
from common.course.base.symbols import defined

COURSE = Course(ROOT)
KEYED = ("save", "forget")


def keys(function: ast.AST) -> Iterator[str]:
    """The words in the keys under which a function saves, forgets or looks for something."""
    for part in ast.walk(function):
        key: ast.expr | None = None
        match part:
            case ast.Call(func=ast.Attribute(attr=attr, value=of), args=[first, *_]):
                if attr in KEYED or (attr == "get" and ast.unparse(of) == "self.saved"):
                    key = first
            case ast.Subscript(value=of, slice=index) if ast.unparse(of) == "self.saved":
                key = index
        for word in ast.walk(key) if key is not None else ():
            if isinstance(word, ast.Constant) and isinstance(word.value, str):
                yield word.value


@pytest.mark.parametrize("lab", COURSE.labs, ids=lambda lab: lab.id)
def test_the_keys_that_a_hole_saves_under_stand_in_its_docstring(lab: Lab) -> None:
    silent = []
    for file in {hole.file for hole in lab.holes}:
        tree = ast.parse((COURSE.room_of(lab) / file).read_text(encoding="utf-8"))
        there = dict(defined(tree))
        for hole in lab.holes_in(file):
            function = there[hole.symbol]
            told = ast.get_docstring(function) or ""
            silent += [f"{hole.name}: {key}" for key in keys(function) if f'"{key}"' not in told]
    assert not silent, "the docstring of each hole is its specification: name these keys in it"
