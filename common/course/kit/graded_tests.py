"""The graded tests of a lab, read from its suite without running anything."""

import ast
from dataclasses import dataclass
from pathlib import Path

from common.course.base.manifest import Course, Lab
from common.values.errors import BadInput


@dataclass(frozen=True, slots=True)
class GradedTest:
    """One graded test.

    Attributes:
        name: of its function.
        file: relative to the repository.
        points: what one run of it is worth; a parametrized test is run several times.
        title: one sentence for the report.
    """

    name: str
    file: str
    points: int
    title: str


def graded_tests(course: Course, lab: Lab) -> list[GradedTest]:
    """All functions decorated with ``@graded(...)`` in a lab's suite, in its order.

    Raises:
        BadInput: a file of the suite is not Python, or its decorator has no plain values.
    """
    suite = course.root / lab.tests
    files = sorted(suite.glob("test_*.py")) if suite.is_dir() else [suite]
    return [test for file in files for test in _in_file(file, course.root)]


def _in_file(path: Path, root: Path) -> list[GradedTest]:
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except SyntaxError as error:
        raise BadInput(f"{path}:{error.lineno}: {error.msg}") from None
    found = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Call) and _is_graded(decorator.func):
                    values = _values(decorator, path)
                    relative = str(path.relative_to(root))
                    points, title = int(str(values["points"])), str(values["title"])
                    found.append(GradedTest(node.name, relative, points, title))
    return found


def _is_graded(function: ast.expr) -> bool:
    return isinstance(function, ast.Name) and function.id == "graded"


def _values(decorator: ast.Call, path: Path) -> dict[str, object]:
    try:
        return {str(word.arg): ast.literal_eval(word.value) for word in decorator.keywords}
    except ValueError:
        raise BadInput(
            f"{path}:{decorator.lineno}: the values of @graded(...) have to be written out"
        ) from None
