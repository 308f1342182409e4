"""Builds the handout: the course as students get it, without anything that they are to write.

What is released as an exercise has holes. What an exercise stands on and is no exercise itself is
*supplied*: its reference is in the handout as it is, to be read. All other labs are left out. So a
lab that is to be an exercise later must not be supplied now: release in the order of the course,
and supply a lab once its due date is over.
"""

import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from common.course.base import holes
from common.course.base.manifest import Course, Lab
from common.course.base.output import folder, write
from common.course.kit import release_files, shingles
from common.course.kit.course_file import CourseFile
from common.course.kit.graded_tests import graded_tests
from common.course.kit.hiding import without_tests
from common.course.kit.reach import reach, starts
from common.values.errors import BadInput

AS_THEY_ARE = ("constraints.txt", "LICENSE", ".vscode", ".devcontainer", "common")
LEFT_OUT = ("__pycache__", "*.pyc", ".mypy_cache", ".ruff_cache")
_IMAGE = re.compile(r"\]\((\.\./images/[^)\s]+)\)")


class NotClean(BadInput):
    """A handout has something in it that must not be handed out."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class Released:
    """What a handout has.

    Attributes:
        exercises: the labs with holes.
        supplied: the labs that those stand on, with their references.
        holes: how many functions are to be written.
        files: how many files there are.
        hidden: how many graded tests are kept back.
        too_small: holes whose body is too short to be told from any other code.
    """

    exercises: tuple[str, ...]
    supplied: tuple[str, ...]
    holes: int
    files: int
    hidden: int
    too_small: tuple[str, ...]


class Release:
    """One handout.

    Args:
        course: the course.
        exercises: the labs to be written.
        rules: the course file, if there is one: which tests are hidden, what hints cost.

    Raises:
        BadInput: there is nothing to release.
    """

    def __init__(self, course: Course, exercises: list[Lab], rules: CourseFile | None) -> None:
        if not exercises:
            raise BadInput("no lab to release: name some with --labs cap,link")
        self.course = course
        self.exercises = exercises
        self.rules = rules
        self._files, self.supplied = self._closure()

    def build(self, out: Path) -> Released:
        """Write the handout and prove that it is clean.

        Raises:
            BadInput: the folder is not empty, or cannot be written.
            NotClean: something of a solution is in it; the folder is removed then.
        """
        if out.exists() and any(each.name != ".git" for each in out.iterdir()):
            raise BadInput(f"{out} is not empty: a handout is made in a folder of its own")
        folder(out)
        for name in AS_THEY_ARE:
            _copy(self.course.root / name, out / name)
        for file in sorted(self._files | set(self._beside())):
            self._hand_out(file, out)
        for lab in [*self.exercises, *self.supplied]:
            self._page(lab, out)
        for stage_folder in self.course.folders.values():
            self._manifest(stage_folder, out)
        hidden = self._hidden()
        names = [lab.id for lab in self.exercises]
        for name, text in release_files.make(self.course, self.exercises, self.supplied).items():
            folder((out / name).parent)
            write(out / name, text)
        if self.rules is not None:
            write(out / "course.yaml", release_files.public_rules(self.rules, names))
        too_small = self.check(out)
        count = sum(1 for path in out.rglob("*") if path.is_file() and ".git" not in path.parts)
        holes_count = sum(len(lab.holes) for lab in self.exercises)
        supplied = tuple(lab.id for lab in self.supplied)
        return Released(tuple(names), supplied, holes_count, count, hidden, too_small)

    def check(self, out: Path) -> tuple[str, ...]:
        """Prove that nothing of the exercises' solutions is in a handout.

        Returns:
            The holes that are too small to be looked for.

        Raises:
            NotClean: something is; the text names the first places.
        """
        secret = list(self._secret())
        files = [path for path in sorted(out.rglob("*")) if path.is_file()]
        leaks = shingles.find_leaks(secret, files)
        told = [
            f"{leak.file.relative_to(out)}:{leak.line} has a piece of {leak.symbol} of lab "
            f"{leak.lab}"
            for leak in leaks
        ]
        told += [f"{path.relative_to(out)} has mutants" for path in files if _is_mutants(path)]
        if told:
            more = f", and {len(told) - 3} more places" if len(told) > 3 else ""
            raise NotClean(f"the handout {out} is not clean: {'; '.join(told[:3])}{more}")
        return tuple(f"{body.lab}: {body.symbol}" for body in secret if not body.shingles)

    def _closure(self) -> tuple[set[Path], list[Lab]]:
        """All files, and the labs that are supplied since something imports a file of theirs."""
        root = self.course.root
        included = list(self.exercises)
        files = {root / "tests/conftest.py"}
        while True:
            for lab in included:
                files |= starts(self.course, lab)
            files = reach(root, files)
            touched = [lab for lab in self.course.labs if self._own(lab) & files]
            if len(touched) == len(included):
                supplied = [lab for lab in touched if lab not in self.exercises]
                return files, supplied
            included = touched

    def _own(self, lab: Lab) -> set[Path]:
        lab_folder = self.course.folder_of(lab)
        return {lab_folder / file.path for file in lab.files}

    def _beside(self) -> Iterable[Path]:
        """What the code needs that is no Python: schedules, and the data of its packages."""
        for lab in [*self.exercises, *self.supplied]:
            yield from (self.course.folder_of(lab) / path for path in lab.schedules)
        stages = {path.resolve() for path in self.course.folders.values()}
        for place in sorted({file.parent for file in self._files}):
            if place.resolve() not in stages and place != self.course.root / "tests":
                for path in sorted(place.iterdir()):
                    if path.is_file() and path.suffix not in (".py", ".pyc"):
                        yield path

    def _hand_out(self, file: Path, out: Path) -> None:
        """Write one file: with holes, without hidden tests, or as it is."""
        relative = file.relative_to(self.course.root)
        target = out / relative
        folder(target.parent)
        for lab in self.exercises:
            if file in self._own(lab):
                inside = file.relative_to(self.course.folder_of(lab)).as_posix()
                symbols = [hole.symbol for hole in lab.holes if hole.file == inside]
                text = file.read_text(encoding="utf-8")
                write(target, holes.strip(text, symbols) if symbols else text)
                return
            if self._hides(lab) and relative.is_relative_to(lab.tests):
                rules = self._hides(lab)
                assert rules is not None, "it was just asked for"
                text = file.read_text(encoding="utf-8")
                write(target, without_tests(text, rules.by_id[lab.id].is_hidden))
                return
        shutil.copyfile(file, target)

    def _hides(self, lab: Lab) -> CourseFile | None:
        rules = self.rules
        return rules if rules and lab.id in rules.by_id and rules.by_id[lab.id].hidden else None

    def _hidden(self) -> int:
        return sum(
            self.rules.by_id[lab.id].is_hidden(test.name)
            for lab in self.exercises
            if self.rules is not None and self._hides(lab)
            for test in graded_tests(self.course, lab)
        )

    def _page(self, lab: Lab, out: Path) -> None:
        page = self.course.root / "docs" / lab.page
        folder((out / "docs" / lab.page).parent)
        text = page.read_text(encoding="utf-8")
        write(out / "docs" / lab.page, text)
        for image in _IMAGE.findall(text):
            source = (page.parent / image).resolve()
            target = out / "docs" / source.relative_to((self.course.root / "docs").resolve())
            folder(target.parent)
            shutil.copyfile(source, target)

    def _manifest(self, stage_folder: Path, out: Path) -> None:
        """The stage's manifest with the labs that are there."""
        plain = yaml.safe_load((stage_folder / "lab.yaml").read_text(encoding="utf-8"))
        there = {lab.id for lab in [*self.exercises, *self.supplied]}
        plain["labs"] = [
            self._entry(entry, there) for entry in plain.get("labs") or [] if entry["id"] in there
        ]
        text = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=100)
        write(folder(out / stage_folder.name) / "lab.yaml", text)

    def _entry(self, entry: dict[str, Any], there: set[str]) -> dict[str, Any]:
        entry = entry | {"needs": [need for need in entry.get("needs", []) if need in there]}
        lab = self.course.lab(entry["id"])
        if rules := self._hides(lab):
            hidden = [
                test
                for test in graded_tests(self.course, lab)
                if rules.by_id[lab.id].is_hidden(test.name)
            ]
            entry["points"] -= sum(test.points for test in hidden)
            for part in entry.get("parts", []):
                files = [f"{lab.tests}/{name}" for name in part["tests"]]
                part["points"] -= sum(test.points for test in hidden if test.file in files)
        return entry

    def _secret(self) -> Iterable[shingles.Body]:
        for lab in self.exercises:
            for file in sorted({hole.file for hole in lab.holes}):
                source = (self.course.folder_of(lab) / file).read_text(encoding="utf-8")
                symbols = [hole.symbol for hole in lab.holes if hole.file == file]
                yield from shingles.bodies(lab.id, source, symbols)


def _is_mutants(path: Path) -> bool:
    return path.parent.name == "mutants" and path.suffix == ".yaml"


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns(*LEFT_OUT))
    elif source.is_file():
        shutil.copyfile(source, target)
