"""What a lab's files stand on: every file of labs and tests that they import."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from common.course.base.course import Course
from common.course.base.lab import Lab
from common.course.base.sources import imported, parsed

TESTS = "tests"
"""Beside the stages' folders the only one that is handed out in parts; all of ``common`` is."""


def starts(course: Course, lab: Lab) -> set[Path]:
    """The files of a lab itself: its code, what shows it, its suite."""
    room, suite = course.room_of(lab), course.root / lab.suite
    return {*room.rglob("*.py"), *suite.rglob("*.py")}


def modules_of(file: Path) -> Iterable[str]:
    """The modules that a file imports, and ``module.name`` of what it takes from them."""
    return imported(parsed(file))


def reach(
    course: Course,
    files: Iterable[Path],
    modules: Callable[[Path], Iterable[str]] = modules_of,
) -> set[Path]:
    """These files, and all files of labs and tests that they import, directly or not.

    Args:
        course: where the files are.
        files: where to begin.
        modules: says of a file what it imports; who asks often knows it from before.
    """
    reached: set[Path] = set()
    todo = list(files)
    while todo:
        file = todo.pop()
        if file not in reached:
            reached.add(file)
            todo += _used(course, modules(file))
    return reached


def _used(course: Course, modules: Iterable[str]) -> set[Path]:
    """The files of labs and tests among these modules, with the packages that they are in."""
    tops = (*course.packages, TESTS)
    return {
        path
        for name in modules
        if name.partition(".")[0] in tops
        for path in _files_of(course.root, name)
    }


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
