"""What a lab's files stand on: every file of the stages and the tests that they import."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

from common.course.base.manifest import Course, Lab

TOPS = ("stage", "bonus_", "tests")
"""How the names of folders begin that are handed out in parts; all of ``common`` is."""


def starts(course: Course, lab: Lab) -> set[Path]:
    """The files of a lab itself: its code, what shows it, its suite."""
    folder = course.folder_of(lab)
    found = {folder / file.path for file in lab.files}
    for named in (lab.demo, lab.live, lab.real, lab.explore):
        if named:
            found |= set(_files_of(course.root, named.partition(":")[0]))
    suite = course.root / lab.tests
    found |= set(suite.rglob("*.py")) if suite.is_dir() else {suite}
    return found


def reach(root: Path, files: Iterable[Path]) -> set[Path]:
    """These files, and all files of stages and tests that they import, directly or not."""
    reached: set[Path] = set()
    todo = list(files)
    while todo:
        file = todo.pop()
        if file not in reached:
            reached.add(file)
            todo += imported(root, file)
    return reached


def imported(root: Path, file: Path) -> set[Path]:
    """The files of stages and tests that a file imports, with the packages that they are in."""
    found: set[Path] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            if name.startswith(TOPS):
                found |= set(_files_of(root, name))
    return found


def _files_of(root: Path, name: str) -> Iterator[Path]:
    """A module's file and the ``__init__`` of the packages above it; none if it is no module."""
    path = root.joinpath(*name.split("."))
    own = path.with_suffix(".py")
    if not own.is_file():
        own = path / "__init__.py"
    if not own.is_file():
        return
    yield own
    while path.parent != root:
        path = path.parent
        if (package := path / "__init__.py").is_file():
            yield package
