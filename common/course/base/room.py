"""Reads a lab's room: what its manifest says, and what is derived from the files that are there.

* The lab's files are the protocol files of the room; their kinds are told by what is in them.
* The file of an exercise is the one that has a function of its name.
* The graded tests are those of ``tests/STAGE/LAB``; what parts and lab are worth is their sum. A
  test belongs to the part that its file is named after: ``test_LAB_PART.py``, or with more words
  behind. In a lab of one part all tests belong to it.
"""

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

from common.course.base.lab import FileKind, GradedTest, Hole, Lab, LabFile, Part, Stage
from common.course.base.located import Located
from common.course.base.manifest import LabEntry, PartEntry
from common.course.base.sources import Sources, graded_tests
from common.course.base.symbols import defined
from common.values.errors import BadInput

NAME = "lab.yaml"
HINTS = 3

Step = str | int


def read_lab(root: Path, stage: Stage, id: str, earlier: Sequence[str]) -> Lab:
    """Read one lab.

    Args:
        root: the repository.
        stage: the stage that it belongs to.
        id: of the lab, which is the name of its room.
        earlier: the ids of all labs before it, on which it may stand.

    Raises:
        BadInput: the manifest is wrong, or does not agree with the files; the text names the line.
    """
    return _Room(root, stage, id).read(earlier)


class _Room:
    def __init__(self, root: Path, stage: Stage, id: str) -> None:
        self.root = root
        self.id = id
        self.folder = f"{stage.folder}/{id}"
        self.room = root / self.folder
        self.located = Located(self.room / NAME)
        self.entry = self.located.decode(LabEntry)
        self.sources = Sources(root)

    def read(self, earlier: Sequence[str]) -> Lab:
        """Derive what is not written, and check what is."""
        entry = self.entry
        self._check_needs(earlier)
        files = self.sources.protocol_files(self.room)
        kinds = {path.name: self.sources.kind(path) for path in files}
        holes = self._holes(files)
        made = Lab(
            id=self.id,
            folder=self.folder,
            title=entry.title,
            concept=entry.concept,
            kind=_main_kind([kinds[hole.file] for part in holes for hole in part]),
            files=tuple(LabFile(path=name, kind=kind) for name, kind in kinds.items()),
            papers=entry.papers,
            needs=entry.needs,
            parts=self._parts(holes),
            schedules=self._schedules(),
            worlds=self._beside("worlds", "WORLDS"),
            has_small=(self.room / "small.py").is_file(),
            real=self._beside("demo", "real"),
            story=self._beside("story", "tell"),
            clients=self._clients(),
            slow_suite=entry.slow_suite,
            shown=self._shown(),
        )
        for path in (made.page, made.suite, made.path("demo.py")):
            if not (self.root / path).exists():
                raise self._error(f"there is no {path}, where it should be by convention")
        return made

    def _error(self, what: str, *steps: Step) -> BadInput:
        return self.located.error(f"lab {self.id}: {what}", *steps)

    def _check_needs(self, earlier: Sequence[str]) -> None:
        for place, need in enumerate(self.entry.needs):
            if need not in earlier:
                what = f"it needs {need}, which is none of the labs before it"
                raise self._error(what, "needs", place)
        known: list[str] = []
        for number, part in enumerate(self.entry.parts):
            if part.id in known:
                raise self._error(f"there are two parts {part.id}", "parts", number, "id")
            for need in part.needs:
                if need not in known:
                    what = f"part {part.id} needs {need}, which is none of the parts before it"
                    raise self._error(what, "parts", number, "needs")
            known.append(part.id)

    def _shown(self) -> tuple[str, ...]:
        names = {name for part in self.entry.parts for name in part.exercises}
        for place, name in enumerate(self.entry.shown):
            if name not in names:
                raise self._error(f"{name} is no exercise of it", "shown", place)
        return self.entry.shown

    # Exercises.

    def _holes(self, files: Sequence[Path]) -> list[tuple[Hole, ...]]:
        """The exercises of each part, with the files that they are in."""
        there = {path: {name for name, _ in defined(self.sources.tree(path))} for path in files}
        seen: set[str] = set()
        made = []
        for number, part in enumerate(self.entry.parts):
            of_part = []
            for name, hints in part.exercises.items():
                where: tuple[Step, ...] = ("parts", number, "exercises", name)
                if name in seen:
                    raise self._error(f"exercise {name} is in two parts", *where)
                seen.add(name)
                if len(hints) != HINTS:
                    what = f"exercise {name} has {len(hints)} hints, not {HINTS}"
                    raise self._error(what, *where)
                symbol, file = self._find(name, there, where)
                of_part.append(
                    Hole(name=name, symbol=symbol, file=file, hints=(hints[0], hints[1], hints[2]))
                )
            made.append(tuple(of_part))
        return made

    def _find(
        self, name: str, there: dict[Path, set[str]], where: tuple[Step, ...]
    ) -> tuple[str, str]:
        """The symbol and the file of an exercise."""
        found = [path for path, names in there.items() if name in names]
        if len(found) == 1:
            return name, found[0].name
        if found:
            listed = " and ".join(path.name for path in found)
            qualified = " or ".join(f"{path.stem}.{name}" for path in found)
            raise self._error(f"{name} is in {listed}: write {qualified}", *where)
        stem, _, symbol = name.partition(".")
        for path, names in there.items():
            if path.stem == stem and symbol in names:
                return symbol, path.name
        what = f"there is no function or method {name} in the files of {self.folder}"
        raise self._error(what, *where)

    # Tests.

    def _parts(self, holes: Sequence[tuple[Hole, ...]]) -> tuple[Part, ...]:
        tests: dict[str, list[GradedTest]] = {part.id: [] for part in self.entry.parts}
        for path in sorted((self.root / f"tests/{self.folder}").glob("test_*.py")):
            shown = path.relative_to(self.root).as_posix()
            for line, test in graded_tests(self.sources.tree(path), path, shown):
                tests[self._part_of(path, line).id].append(test)
        return tuple(
            Part(
                id=part.id,
                title=part.title,
                hours=part.hours,
                needs=part.needs,
                holes=holes[number],
                tests=tuple(tests[part.id]),
            )
            for number, part in enumerate(self.entry.parts)
        )

    def _part_of(self, path: Path, line: int) -> PartEntry:
        """The part to which a file of tests belongs: of those whose names fit, the longest."""
        if len(self.entry.parts) == 1:
            return self.entry.parts[0]
        name = f"{path.stem}_"
        fitting = [part for part in self.entry.parts if name.startswith(self._prefix(part))]
        if not fitting:
            named = ", ".join(f"{self._prefix(part)[:-1]}.py" for part in self.entry.parts)
            raise BadInput(
                f"{path}:{line}: lab {self.id}: this graded test is in no part, for its file is "
                f"named after none: the parts have {named}"
            )
        return max(fitting, key=lambda part: len(part.id))

    def _prefix(self, part: PartEntry) -> str:
        return f"test_{self.id}_{part.id.replace('-', '_')}_"

    # What stands beside the protocol.

    def _clients(self) -> tuple[str, ...]:
        path = self.room / "worlds.py"
        return self.sources.clients(path) if path.is_file() else ()

    def _schedules(self) -> tuple[str, ...]:
        found = sorted(self.room.glob("schedules/*.yaml"))
        return tuple(path.relative_to(self.room).as_posix() for path in found)

    def _beside(self, file: str, name: str) -> str:
        """``module:name`` of something beside the protocol, or "" where there is no such thing."""
        path = self.room / f"{file}.py"
        there = path.is_file() and name in _top_level(self.sources.tree(path))
        return f"{self.folder.replace('/', '.')}.{file}:{name}" if there else ""


def _top_level(tree: ast.Module) -> Iterator[str]:
    """The names that a file defines: functions, and what it assigns."""
    for part in tree.body:
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
            yield part.name
        elif isinstance(part, ast.Assign):
            yield from (each.id for each in part.targets if isinstance(each, ast.Name))


def _main_kind(kinds: Sequence[FileKind]) -> FileKind:
    """What is graded: programs, if an exercise is in one; else nodes; else a library."""
    order: tuple[FileKind, ...] = ("program", "node", "library")
    return next(kind for kind in order if kind in kinds)
