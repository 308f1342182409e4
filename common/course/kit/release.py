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
from common.course.base.course import STAGE_FILE, Course
from common.course.base.lab import Lab, Stage
from common.course.base.located import Located
from common.course.base.output import folder, write
from common.course.base.room import NAME as LAB_FILE
from common.course.kit import release_files, shingles
from common.course.kit.course_file import CourseFile
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
            NotClean: something of a solution is in it; then the folder is empty again.
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
        for stage in self.course.stages:
            self._manifests(stage, out)
        hidden = self._hidden()
        names = [lab.id for lab in self.exercises]
        for name, text in release_files.make(self.course, self.exercises, self.supplied).items():
            folder((out / name).parent)
            write(out / name, text)
        if self.rules is not None:
            write(out / "course.yaml", release_files.public_rules(self.rules, names))
        try:
            too_small = self.check(out)
        except NotClean:
            _empty(out)
            raise
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
        included = list(self.exercises)
        files = {self.course.root / "tests/conftest.py"}
        while True:
            for lab in included:
                files |= starts(self.course, lab)
            files = reach(self.course, files)
            touched = [lab for lab in self.course.labs if self._own(lab) & files]
            if len(touched) == len(included):
                supplied = [lab for lab in touched if lab not in self.exercises]
                return files, supplied
            included = touched

    def _own(self, lab: Lab) -> set[Path]:
        return {self.course.root / path for path in lab.paths}

    def _beside(self) -> Iterable[Path]:
        """What the code needs that is no Python: schedules, and the data of its packages."""
        for lab in [*self.exercises, *self.supplied]:
            yield from (self.course.root / lab.path(path) for path in lab.schedules)
        apart = {self.course.root / name for name in (*self.course.packages, "tests")}
        for place in sorted({file.parent for file in self._files} - apart):
            for path in sorted(place.iterdir()):
                if path.is_file() and path.suffix not in (".py", ".pyc") and path.name != LAB_FILE:
                    yield path

    def _hand_out(self, file: Path, out: Path) -> None:
        """Write one file: with holes, without hidden tests, or as it is."""
        relative = file.relative_to(self.course.root)
        target = out / relative
        folder(target.parent)
        for lab in self.exercises:
            if file in self._own(lab):
                inside = file.relative_to(self.course.room_of(lab)).as_posix()
                symbols = [hole.symbol for hole in lab.holes_in(inside)]
                text = file.read_text(encoding="utf-8")
                write(target, holes.strip(text, symbols) if symbols else text)
                return
            if self._hides(lab) and relative.is_relative_to(lab.suite):
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
            for test in lab.tests
        )

    def _page(self, lab: Lab, out: Path) -> None:
        page = self.course.root / lab.page
        folder((out / lab.page).parent)
        text = page.read_text(encoding="utf-8")
        write(out / lab.page, text)
        for image in _IMAGE.findall(text):
            source = (page.parent / image).resolve()
            target = out / "docs" / source.relative_to((self.course.root / "docs").resolve())
            folder(target.parent)
            shutil.copyfile(source, target)

    def _manifests(self, stage: Stage, out: Path) -> None:
        """The stage's manifest and its labs', of the labs that are there."""
        there = [lab.id for lab in [*self.exercises, *self.supplied]]
        place = folder(out / stage.folder)
        listed = _read(self.course.root / stage.folder / STAGE_FILE)
        listed["labs"] = [id for id in stage.labs if id in there]
        if stage.best is not None and stage.best.lab not in there:
            del listed["best"]
        write(place / STAGE_FILE, _dump(listed))
        for id in listed["labs"]:
            entry = _read(self.course.root / stage.folder / id / LAB_FILE)
            entry["needs"] = [need for need in entry.get("needs", []) if need in there]
            write(folder(place / id) / LAB_FILE, _dump(entry))

    def _secret(self) -> Iterable[shingles.Body]:
        for lab in self.exercises:
            for file in sorted({hole.file for hole in lab.holes}):
                source = (self.course.room_of(lab) / file).read_text(encoding="utf-8")
                symbols = [h.symbol for h in lab.holes_in(file) if h.name not in lab.shown]
                yield from shingles.bodies(lab.id, source, symbols)


def _read(path: Path) -> dict[str, Any]:
    plain: dict[str, Any] = Located(path).plain
    return plain


def _dump(plain: dict[str, Any]) -> str:
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=100)


def _is_mutants(path: Path) -> bool:
    return path.parent.name == "mutants" and path.suffix == ".yaml"


def _empty(out: Path) -> None:
    """Remove all that was written to a folder, which had a ``.git`` at most."""
    for path in out.iterdir():
        if path.name == ".git":
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns(*LEFT_OUT))
    elif source.is_file():
        shutil.copyfile(source, target)
