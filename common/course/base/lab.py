"""What a stage and a lab are to the rest of the course tool: values of which everything is known.

A person writes little of it (:mod:`common.course.base.manifest`); the rest is derived from the
lab's files (:mod:`common.course.base.room`), so that nothing is written twice. Paths are relative:
those of a lab's files to its room, all others to the repository.
"""

from typing import Literal

import msgspec

from common.values.errors import BadInput

FileKind = Literal["node", "library", "program"]

BONUS = 9
"""The number of the bonus stage in its manifest."""


class Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all that is read from a file: an unknown field is an error, not silence."""


class Best(Strict, frozen=True):
    """The command that shows most of a stage, and what it shows: both fit one line together."""

    command: str
    shows: str

    @property
    def lab(self) -> str:
        """The id of the lab that it is about, the command's last word."""
        return self.command.split()[-1]


class Stage(Strict, frozen=True):
    """One stage of the roadmap.

    Attributes:
        number: 1 to 8, or 9 for the bonus.
        title: what it is about.
        summary: one or two sentences.
        labs: the ids of its labs, in the order in which to do them.
        folder: the name of its folder, which is the package of its labs too.
        best: what ``lab tour`` says of it; None while no lab is there.
    """

    number: int
    title: str
    summary: str
    labs: tuple[str, ...]
    folder: str
    best: Best | None = None

    @property
    def sign(self) -> str:
        """How people see its number: ``+`` for the bonus."""
        return "+" if self.number == BONUS else str(self.number)


class LabFile(Strict, frozen=True):
    """One file of a lab.

    Attributes:
        path: relative to the room.
        kind: ``node`` (protocol classes behind the step protocol), ``library`` (plain functions
            and classes) or ``program`` (whole programs on sockets).
    """

    path: str
    kind: FileKind


class Hole(Strict, frozen=True):
    """One function that becomes an exercise.

    Attributes:
        name: what people call it, unique in the lab: its symbol, or ``file.symbol`` where two files
            of the lab have that symbol.
        symbol: ``function`` or ``Class.method``.
        file: in which of the lab's files, relative to the room.
        hints: three steps, each says more than the one before.
    """

    name: str
    symbol: str
    file: str
    hints: tuple[str, str, str]


class Paper(Strict, frozen=True):
    """Where the idea comes from."""

    title: str
    author: str = ""
    year: int | None = None
    sections: str = ""


class GradedTest(Strict, frozen=True):
    """One graded test.

    Attributes:
        name: of its function.
        file: relative to the repository.
        points: what it is worth.
        title: one sentence for the report.
    """

    name: str
    file: str
    points: int
    title: str

    @property
    def id(self) -> str:
        """Its name in pytest, relative to the repository."""
        return f"{self.file}::{self.name}"


class Part(Strict, frozen=True):
    """One part of a lab, which can be started, tested and passed by itself.

    Attributes:
        id: what people type after ``--part``.
        title: one line.
        hours: what a student should plan.
        needs: the parts of the lab that it stands on; ids.
        holes: its exercises.
        tests: its graded tests.
    """

    id: str
    title: str
    hours: float
    needs: tuple[str, ...]
    holes: tuple[Hole, ...]
    tests: tuple[GradedTest, ...]

    @property
    def points(self) -> int:
        """The sum of its tests' points."""
        return sum(test.points for test in self.tests)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its exercises."""
        return tuple(hole.name for hole in self.holes)

    @property
    def files(self) -> tuple[str, ...]:
        """The files of its tests, relative to the repository."""
        return tuple(dict.fromkeys(test.file for test in self.tests))


class Lab(Strict, frozen=True):
    """One lab.

    Attributes:
        id: the name that people type, unique in the course; its room has that name too.
        folder: its room, relative to the repository: ``stage1_foundations/cap``.
        title: one line.
        concept: the idea of the roadmap that it teaches, one or two sentences.
        kind: the main kind, the one that is graded.
        files: its protocol files, what they stand on first; students get all of them.
        papers: what to read.
        needs: ids of earlier labs that it stands on.
        parts: in the order in which to do them; at least one.
        schedules: example fault schedules, relative to the room.
        worlds: ``module:name`` of how it runs in all worlds (:class:`common.worlds.Worlds`), or ""
            where it is no cluster.
        has_small: whether it has small instances for the explorer.
        real: ``module:function`` of a demo on real input, for a lab that is no cluster, or "".
        story: ``module:function`` of what ``lab tour`` tells first, or "":
            ``async def tell(say, seed) -> Report``, where ``say`` takes a line as it happens.
        clients: real, unmodified programs that can talk to it.
        slow_suite: why its graded suite may take longer than those of other labs; "" as a rule.
        shown: the exercises whose body stands in another lab too, where it may be read.
    """

    id: str
    folder: str
    title: str
    concept: str
    kind: FileKind
    files: tuple[LabFile, ...]
    papers: tuple[Paper, ...]
    needs: tuple[str, ...]
    parts: tuple[Part, ...]
    schedules: tuple[str, ...] = ()
    worlds: str = ""
    has_small: bool = False
    real: str = ""
    story: str = ""
    clients: tuple[str, ...] = ()
    slow_suite: str = ""
    shown: tuple[str, ...] = ()

    @property
    def package(self) -> str:
        """The importable name of its room."""
        return self.folder.replace("/", ".")

    @property
    def suite(self) -> str:
        """The folder of its graded suite, relative to the repository."""
        return f"tests/{self.folder}"

    @property
    def page(self) -> str:
        """Its page, relative to the repository."""
        return f"docs/labs/{self.id}.md"

    @property
    def demo(self) -> str:
        """``module:function`` of its demonstration (``common/values/report.py``)."""
        return f"{self.package}.demo:demo"

    @property
    def hours(self) -> float:
        """What a student should plan."""
        return sum(part.hours for part in self.parts)

    @property
    def holes(self) -> tuple[Hole, ...]:
        """All exercises, part by part."""
        return tuple(hole for part in self.parts for hole in part.holes)

    @property
    def tests(self) -> tuple[GradedTest, ...]:
        """All graded tests, part by part."""
        return tuple(test for part in self.parts for test in part.tests)

    @property
    def points(self) -> int:
        """The sum of its tests' points."""
        return sum(part.points for part in self.parts)

    @property
    def modules(self) -> tuple[tuple[str, LabFile], ...]:
        """The importable names of its files, with the files."""
        return tuple(
            (f"{self.package}.{file.path.removesuffix('.py').replace('/', '.')}", file)
            for file in self.files
        )

    @property
    def paths(self) -> tuple[str, ...]:
        """Its files, relative to the repository."""
        return tuple(self.path(file.path) for file in self.files)

    def path(self, file: str) -> str:
        """Where a file of the room is, relative to the repository."""
        return f"{self.folder}/{file}"

    def holes_in(self, file: str) -> tuple[Hole, ...]:
        """The exercises in one of its files, which is named relative to the room."""
        return tuple(hole for hole in self.holes if hole.file == file)

    def part(self, id: str) -> Part:
        """The part with this id.

        Raises:
            BadInput: there is none; the text lists those that there are.
        """
        for part in self.parts:
            if part.id == id:
                return part
        known = ", ".join(part.id for part in self.parts)
        raise BadInput(f"lab {self.id} has no part {id!r}; its parts are: {known}")

    def part_of(self, test: str) -> Part | None:
        """The part to which a graded test belongs, given its id in pytest; None if to none."""
        file = test.partition("::")[0].rpartition("/")[2]
        for part in self.parts:
            if any(each.rpartition("/")[2] == file for each in part.files):
                return part
        return None
