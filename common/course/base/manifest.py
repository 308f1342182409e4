"""Manifests: one ``lab.yaml`` per stage says everything about its labs that is not code.

The list of labs, the graded suites, the handouts, the pages and the study plans are all made from
it. Nothing about a lab is written twice.
"""

from pathlib import Path
from typing import Literal

import msgspec

from common.course.base.located import Located
from common.course.base.manifest_checks import Checked
from common.values.errors import BadInput

ROOT = Path(__file__).resolve().parents[3]
"""The course repository."""

FileKind = Literal["node", "library", "program"]


class Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all parts of a manifest: an unknown field is an error, not silence."""


class LabFile(Strict, frozen=True):
    """One file of a lab.

    Attributes:
        path: relative to the stage's folder.
        kind: ``node`` (protocol classes behind the step protocol), ``library`` (plain functions
            and classes) or ``program`` (whole programs on sockets).
    """

    path: str
    kind: FileKind


class Hole(Strict, frozen=True):
    """One symbol that becomes an exercise.

    Attributes:
        symbol: ``function`` or ``Class.method``.
        file: in which of the lab's files.
        hints: three steps, each says more than the one before.
    """

    symbol: str
    file: str
    hints: tuple[str, str, str]


class Paper(Strict, frozen=True):
    """Where the idea comes from."""

    title: str
    author: str = ""
    year: int | None = None
    sections: str = ""


class Part(Strict, frozen=True):
    """One part of a lab that can be started, tested and passed by itself.

    Attributes:
        id: what people type after ``--part``.
        title: one line.
        holes: the symbols of the lab's holes that belong to it.
        tests: its graded tests: files in the folder that the lab's ``tests`` name, or single
            tests, ``file.py::test_name``, which then do not count for the part of their file.
        points: the sum of their points.
    """

    id: str
    title: str
    holes: tuple[str, ...]
    tests: tuple[str, ...]
    points: int


class Lab(Strict, frozen=True):
    """One lab.

    Attributes:
        id: the name that people type, unique in the course.
        title: one line.
        concept: the idea of the roadmap that it teaches, one or two sentences.
        kind: the main kind, the one that is graded.
        files: its files; students get all of them.
        papers: what to read.
        points: the sum of its graded tests' points.
        hours: what a student should plan.
        needs: ids of earlier labs that help.
        holes: the exercises.
        parts: the lab in parts, in the order in which to do them; none for a lab of one piece.
            Each hole and each file of tests belongs to one part.
        tests: the graded suite, relative to the repository.
        demo: ``module:function`` of a demo (``common/values/report.py``).
        live: ``module:name`` of how to run it as real processes, or "" where it is no cluster.
        real: ``module:function`` of a demo on real input, for a lab that is no cluster.
        explore: ``module:function`` of a small instance for the explorer, or "".
        schedules: example fault schedules, relative to the stage's folder.
        clients: real, unmodified programs that can talk to it.
        page: the page in the docs, relative to ``docs/``.
    """

    id: str
    title: str
    concept: str
    kind: FileKind
    files: tuple[LabFile, ...]
    papers: tuple[Paper, ...]
    points: int
    hours: float
    holes: tuple[Hole, ...]
    tests: str
    demo: str
    page: str
    needs: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    live: str = ""
    real: str = ""
    explore: str = ""
    schedules: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()

    def part(self, id: str) -> Part:
        """The part with this id.

        Raises:
            BadInput: there is none; the text lists those that there are.
        """
        for part in self.parts:
            if part.id == id:
                return part
        known = ", ".join(part.id for part in self.parts)
        has = f"its parts are: {known}" if known else "it is of one piece: leave --part out"
        raise BadInput(f"lab {self.id} has no part {id!r}; {has}")

    def part_of(self, test: str) -> Part | None:
        """The part to which a graded test belongs, given its id in pytest; None if to none."""
        file, _, name = test.rpartition("/")[2].partition("::")
        for wanted in (f"{file}::{name}", file):
            for part in self.parts:
                if wanted in part.tests:
                    return part
        return None


class Stage(Strict, frozen=True):
    """One stage of the roadmap.

    Attributes:
        number: 1 to 8, or 9 for the bonus.
        title: what it is about.
        summary: one or two sentences.
        labs: its labs, in the order in which to do them.
    """

    number: int
    title: str
    summary: str
    labs: tuple[Lab, ...] = ()


class Course:
    """All stages with their labs.

    Args:
        root: the repository; each ``lab.yaml`` in a folder directly below it is a stage.

    Raises:
        BadInput: a manifest cannot be read, or names a file that is not there.
    """

    def __init__(self, root: Path = ROOT) -> None:
        self.root = root
        self.folders: dict[int, Path] = {}
        self.stages: list[Stage] = []
        self._labs: dict[str, tuple[Stage, Lab]] = {}
        for path in sorted(root.glob("*/lab.yaml")):
            stage = read_manifest(path)
            self.folders[stage.number] = path.parent
            self.stages.append(stage)
            for number, lab in enumerate(stage.labs):
                entry = Checked(path, number, lab)
                entry.check(root)
                if lab.id in self._labs:
                    raise entry.error("there is a lab of that id already", "id")
                self._labs[lab.id] = (stage, lab)
        self.stages.sort(key=lambda stage: stage.number)

    @property
    def labs(self) -> list[Lab]:
        """All labs in the order of the course."""
        return [lab for stage in self.stages for lab in stage.labs]

    def lab(self, id: str) -> Lab:
        """The lab with this id.

        Raises:
            BadInput: there is none; the text lists those that there are.
        """
        if id not in self._labs:
            known = ", ".join(self._labs) or "none yet"
            raise BadInput(f"there is no lab {id!r}; the labs are: {known}")
        return self._labs[id][1]

    def stage_of(self, lab: Lab) -> Stage:
        """The stage that a lab belongs to."""
        return self._labs[lab.id][0]

    def folder_of(self, lab: Lab) -> Path:
        """The folder of the stage that a lab belongs to."""
        return self.folders[self.stage_of(lab).number]

    def modules(self, lab: Lab) -> list[tuple[str, LabFile]]:
        """The importable names of a lab's files, with the files."""
        folder = self.folder_of(lab).name
        named = []
        for file in lab.files:
            dotted = file.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            named.append((f"{folder}.{dotted}", file))
        return named


def read_manifest(path: Path) -> Stage:
    """Read one stage's manifest.

    Raises:
        BadInput: it is no YAML, or a part is missing, unknown or of the wrong type; the text names
            the file and the place.
    """
    try:
        return msgspec.yaml.decode(path.read_bytes(), type=Stage)
    except (msgspec.MsgspecError, OSError, UnicodeDecodeError):
        return Located(path).decode(Stage)  # slower, and it knows the lines
