"""What a manifest's types cannot say: the files are there, and the parts make up the lab."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from common.course.base.located import Located
from common.values.errors import BadInput

if TYPE_CHECKING:
    from common.course.base.manifest import Course, Lab, Part

Step = str | int


class Checked:
    """One lab's entry, and where it stands in its file.

    Args:
        manifest: the file.
        number: which of its labs, counted from 0.
        lab: the lab as it was read.
    """

    def __init__(self, manifest: Path, number: int, lab: "Lab") -> None:
        self.manifest = manifest
        self.lab = lab
        self._number = number

    def error(self, what: str, *steps: Step) -> BadInput:
        """An error about a part of the entry; it names the line."""
        told = f"lab {self.lab.id}: {what}"
        return Located(self.manifest).error(told, "labs", self._number, *steps)

    def check(self, root: Path) -> None:
        """Check everything that costs no time.

        Raises:
            BadInput: a file is not there, a hole is in no file, or the parts do not add up.
        """
        self._check_files(root)
        files = {file.path for file in self.lab.files}
        for number, hole in enumerate(self.lab.holes):
            if hole.file not in files:
                raise self.error(
                    f"hole {hole.symbol}: {hole.file} is not among its files", "holes", number
                )
        if self.lab.parts:
            self._check_parts(root)

    def _check_files(self, root: Path) -> None:
        folder = self.manifest.parent
        named: list[tuple[Path, tuple[Step, ...]]] = [
            (folder / file.path, ("files", number)) for number, file in enumerate(self.lab.files)
        ]
        named += [(folder / path, ("schedules",)) for path in self.lab.schedules]
        named += [(root / self.lab.tests, ("tests",)), (root / "docs" / self.lab.page, ("page",))]
        for path, steps in named:
            if not path.exists():
                raise self.error(f"there is no file {path.relative_to(root)}", *steps)

    def _check_parts(self, root: Path) -> None:
        holes = [hole.symbol for hole in self.lab.holes]
        seen: dict[str, str] = {}
        for number, part in enumerate(self.lab.parts):
            where: tuple[Step, ...] = ("parts", number)
            for kind, values in (("part", (part.id,)), ("hole", part.holes), ("test", part.tests)):
                for value in values:
                    if f"{kind} {value}" in seen:
                        twice = f"{kind} {value} is named by two parts"
                        raise self.error(twice, *where, *_key(kind))
                    seen[f"{kind} {value}"] = part.id
            for symbol in part.holes:
                if symbol not in holes:
                    unknown = f"part {part.id}: {symbol} is not one of the lab's holes"
                    raise self.error(unknown, *where, "holes")
            self._check_tests(root, number, part)
        for number, symbol in enumerate(holes):
            if f"hole {symbol}" not in seen:
                raise self.error(f"hole {symbol} is in none of the parts", "holes", number)
        if sum(part.points for part in self.lab.parts) != self.lab.points:
            sums = " + ".join(str(part.points) for part in self.lab.parts)
            raise self.error(f"the parts have {sums} points, the lab {self.lab.points}", "points")

    def _check_tests(self, root: Path, number: int, part: "Part") -> None:
        for test in part.tests:
            file = root / self.lab.tests / test.partition("::")[0]
            if not file.is_file():
                what = f"part {part.id}: there is no file {file.relative_to(root)}"
                raise self.error(what, "parts", number, "tests")


def check_symbols(course: "Course") -> None:
    """Check that each hole of each lab is a function or a method of its file; takes a second.

    Raises:
        BadInput: one is not; the text names the manifest's line.
    """
    for stage in course.stages:
        folder = course.folders[stage.number]
        for number, lab in enumerate(stage.labs):
            checked = Checked(folder / "lab.yaml", number, lab)
            texts = {hole.file: (folder / hole.file).read_text("utf-8") for hole in lab.holes}
            there = {file: set(_functions(ast.parse(text))) for file, text in texts.items()}
            for place, hole in enumerate(lab.holes):
                if hole.symbol not in there[hole.file]:
                    what = f"there is no function or method {hole.symbol} in {hole.file}"
                    raise checked.error(what, "holes", place)


def _functions(node: ast.AST, prefix: str = "") -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix + child.name
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _functions(child, f"{prefix}{child.name}.")


def _key(kind: str) -> tuple[Step, ...]:
    return {"part": ("id",), "hole": ("holes",), "test": ("tests",)}[kind]
