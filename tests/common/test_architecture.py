"""The floors: imports go down only. What is said in docs/architecture.md is checked here."""

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from common.course.base.course import ROOT, Course
from common.course.base.lab import Lab
from common.course.base.sources import is_beside
from common.course.kit.reach import reach

FLOORS = {
    "values": 0, "contract": 1, "codec": 2, "sim": 2, "check": 2, "trace": 2, "worlds": 2.5,
    "charts": 3, "runtime": 3, "course": 4, "browser": 5,
}  # fmt: skip
"""``worlds`` stands on its siblings of floor 2, and below the runtime. ``browser``
answers a page with all that runs there, suites included."""
PORTABLE = ("values", "contract", "sim", "check", "trace", "worlds")
"""These run in the browser: the standard library alone, and the parts of it that work there."""

NOT_IN_THE_BROWSER = {
    "socket", "threading", "asyncio", "subprocess", "multiprocessing", "time", "signal", "ssl",
}  # fmt: skip

HIGHEST = {"checks": 2, "broken": 1, "small": 2, "worlds": 2.5, "demo": 3, "story": 3, "plot": 3}
"""The highest floor that files beside a protocol may import, by the first word of their name."""
PROTOCOL, PROGRAM, FRONT = 1, 3, 3
"""The same for protocol files, for those that are programs, and for what is in ``front/``."""

HARD_WORDS = (
    "whoever", "whomever", "whichever", "wherever", "of whom", "for whom", "amid", "lest", "hence",
    "whereby", "thereof", "albeit", "merely", "anew", "as yet", "all the same", "would else",
    "were it", "had it not", "should it", "in the midst", "for ever",
)  # fmt: skip
"""Words, and beginnings of sentences turned round, on which readers stumble whose first language is
not English. Say it with the subject first, and in common words."""

FOLDERS_OF_A_ROOM = {"front", "schedules", "__pycache__"}
MAX_LINES = 400

COURSE = Course(ROOT)
STAGES = {stage.folder: stage.number for stage in COURSE.stages}
LABS = pytest.mark.parametrize("lab", COURSE.labs, ids=lambda lab: lab.id)


@cache
def imported(path: Path) -> tuple[tuple[int, str], ...]:
    """All that a file imports, with the lines: also what only a type checker or one function needs,
    and ``module.name`` for what is taken from a module."""
    found: list[tuple[int, str]] = []
    for part in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(part, ast.Import):
            found += [(part.lineno, alias.name) for alias in part.names]
        elif isinstance(part, ast.ImportFrom):
            assert not part.level, f"{path}:{part.lineno}: say the whole name of a module"
            found += [(part.lineno, f"{part.module}.{alias.name}") for alias in part.names]
    return tuple(found)


def sources(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def floor_of(module: str) -> float | None:
    """The floor of a module of ``common``; None of any other."""
    parts = module.split(".")
    return FLOORS[parts[1]] if parts[0] == "common" and len(parts) > 1 else None


def must_stay_below(path: Path, highest: float) -> None:
    for line, module in imported(path):
        floor = floor_of(module)
        assert floor is None or floor <= highest, f"{path}:{line}: imports {module}"


# The floors of ``common``.


def test_every_room_of_common_has_its_floor() -> None:
    rooms = {path.name for path in (ROOT / "common").iterdir() if (path / "__init__.py").exists()}
    assert rooms <= FLOORS.keys()


@pytest.mark.parametrize("room", FLOORS)
def test_imports_in_common_go_down_the_floors(room: str) -> None:
    for path in sources(f"common/{room}"):
        for line, module in imported(path):
            assert not COURSE.is_of_lab(module), f"{path}:{line}: imports a lab"
            floor = floor_of(module)
            if floor is None or module.startswith(f"common.{room}."):
                continue
            assert floor < FLOORS[room], f"{path}:{line}: {room} imports {module}"


@pytest.mark.parametrize("room", PORTABLE)
def test_what_runs_in_the_browser_uses_the_standard_library_alone(room: str) -> None:
    for path in sources(f"common/{room}"):
        for line, module in imported(path):
            top = module.partition(".")[0]
            assert top == "common" or top in sys.stdlib_module_names, f"{path}:{line}: {module}"
            assert top not in NOT_IN_THE_BROWSER, f"{path}:{line}: {module}"


def test_one_place_gives_a_node_its_world_on_sockets() -> None:
    places = {
        path.relative_to(ROOT).as_posix()
        for top in ("common", *COURSE.packages)
        for path in sources(top)
        for _, module in imported(path)
        if module.startswith("common.runtime.host.")
    }
    assert places == {"common/runtime/resident.py"}


@LABS
def test_what_a_lab_declares_runs_in_the_browser(lab: Lab) -> None:
    """``worlds.py`` and ``front/tab.py``, with all that they import, need nothing but the standard
    library."""
    room = COURSE.room_of(lab)
    begin = [path for path in (room / "worlds.py", room / "front/tab.py") if path.is_file()]
    for file in reach(COURSE, begin):
        for line, module in imported(file):
            top, room_of_common = module.partition(".")[0], module.split(".")[1:2]
            portable = {*room_of_common} <= {*PORTABLE}
            assert top != "common" or portable, f"{file}:{line}: {module}"
            known = top == "common" or top in sys.stdlib_module_names or COURSE.is_of_lab(module)
            assert known, f"{file}:{line}: {module}"
            assert top not in NOT_IN_THE_BROWSER, f"{file}:{line}: {module}"


def spelled(path: Path) -> Iterator[tuple[int, str]]:
    """The texts in a file's code: docstrings, which may show an example, are left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    told = {id(part.value) for part in ast.walk(tree) if isinstance(part, ast.Expr)}
    for part in ast.walk(tree):
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and id(part) not in told:
            yield part.lineno, part.value


def test_only_the_course_knows_how_stages_are_found() -> None:
    for path in [*sources("common"), *sources("tests/support")]:
        for line, text in spelled(path):
            names = re.search(r"stage\d\w*|stage[*N]|bonus_\w*|tests/stage", text)
            named = names and not re.fullmatch(r"stage\d_\w+(\.\w+)+(:\w+)?", text)  # a module
            assert not named, f"{path}:{line}: ask Course for {names and names.group()}"
        for part in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(part, ast.Call) and ast.unparse(part.func).endswith(".startswith"):
                asked = ast.unparse(part)
                assert not re.search(r"'(stage|bonus)", asked), f"{path}:{part.lineno}: {asked}"


# Stages and rooms.


def beside(lab: Lab) -> Iterator[tuple[Path, str]]:
    """The files beside a lab's protocol, with the first words of their names."""
    for path in sorted(COURSE.room_of(lab).glob("*.py")):
        if is_beside(path.name) and not path.stem.startswith("__"):
            yield path, path.stem.partition("_")[0]


@LABS
def test_protocol_files_import_the_contract_and_what_the_lab_stands_on(lab: Lab) -> None:
    for file in lab.files:
        path = ROOT / lab.path(file.path)
        must_stay_below(path, PROGRAM if file.kind == "program" else PROTOCOL)
        for line, module in imported(path):
            if COURSE.is_of_lab(module):
                name = module.split(".")[2] if module.startswith(f"{lab.package}.") else ""
                assert not is_beside(name), f"{path}:{line}: a protocol file imports {module}"


@LABS
def test_files_beside_a_protocol_keep_to_their_floors(lab: Lab) -> None:
    for path, word in beside(lab):
        must_stay_below(path, HIGHEST[word])
    for path in (COURSE.room_of(lab) / "front").rglob("*.py"):
        must_stay_below(path, FRONT)


@LABS
def test_a_lab_imports_earlier_stages_and_of_its_own_only_labs_that_it_needs(lab: Lab) -> None:
    own = lab.folder.partition("/")[0]
    for path in sorted(COURSE.room_of(lab).rglob("*.py")):
        for line, module in imported(path):
            if not COURSE.is_of_lab(module):
                continue
            package, other = module.split(".")[:2]
            assert STAGES[package] <= STAGES[own], f"{path}:{line}: imports a later stage"
            known = package != own or other == lab.id or other in lab.needs
            assert known, f"{path}:{line}: imports {module}, and lab.yaml does not need {other}"


@LABS
def test_the_reading_order_of_a_room_names_every_file_in_it(lab: Lab) -> None:
    room = COURSE.room_of(lab)
    order = ast.get_docstring(ast.parse((room / "__init__.py").read_text(encoding="utf-8"))) or ""
    names = {path.stem for path in room.glob("*.py")} - {"__init__", "__main__"}
    names |= {"front"} if (room / "front").is_dir() else set()
    assert sorted(name for name in names if f"``{name}" not in order) == []


@LABS
def test_a_room_has_its_files_and_nothing_else(lab: Lab) -> None:
    room = COURSE.room_of(lab)
    assert ast.get_docstring(ast.parse((room / "__init__.py").read_text(encoding="utf-8")))
    folders = {path.name for path in room.iterdir() if path.is_dir()}
    assert folders <= FOLDERS_OF_A_ROOM, f"{room} has other folders than a room has"


def test_a_stage_is_its_manifest_and_the_rooms_of_its_labs() -> None:
    for stage in COURSE.stages:
        there = {path.name for path in (ROOT / stage.folder).iterdir()} - {"__pycache__"}
        assert there == {"stage.yaml", "__init__.py", *stage.labs}, stage.folder
        suites = ROOT / "tests" / stage.folder
        found = {path.name for path in suites.glob("*") if path.is_dir()} - {"__pycache__"}
        assert found == set(stage.labs), f"tests/{stage.folder} has the suites of the stage's labs"
    expected = set(COURSE.packages) | {"common", "tests", "docs"}
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages <= expected, "every package at the top is a stage, or expected"


# Suites.


@LABS
def test_a_suite_imports_no_other_suite(lab: Lab) -> None:
    for path in sources(f"tests/{lab.folder}"):
        for line, module in imported(path):
            own = not module.startswith("tests.") or module.startswith(f"tests.{lab.package}.")
            assert own, (
                f"{path}:{line}: imports {module}: what suites share is common/course/suites/kit.py"
            )


@LABS
def test_a_suite_says_the_type_of_its_lab(lab: Lab) -> None:
    """So that an editor shows a student what ``lab.Write`` is, and mypy finds a wrong name."""
    for path in sources(f"tests/{lab.folder}"):
        for part in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(part, ast.arg) and part.arg in ("lab", "sweep"):
                said = ast.unparse(part.annotation) if part.annotation else "nothing"
                assert said not in ("nothing", "Any"), (
                    f"{path}:{part.lineno}: {part.arg} is {said}: its type is in "
                    f"tests/{lab.folder}/lab.py, or Sweep"
                )


def test_files_are_small_rooms() -> None:
    for path in [path for top in ("common", *COURSE.packages) for path in sources(top)]:
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= MAX_LINES, f"{path.relative_to(ROOT)} has {lines} lines: make it two rooms"


# Plain words.


@LABS
def test_what_students_read_is_in_plain_words(lab: Lab) -> None:
    must_be_plain(lab.folder)


def test_the_contract_is_in_plain_words() -> None:
    must_be_plain("common/contract")


def must_be_plain(folder: str) -> None:
    hard = re.compile(rf"\b({'|'.join(HARD_WORDS)})\b".replace(" ", r"\s+"), re.IGNORECASE)
    for path in sources(folder):
        text = path.read_text(encoding="utf-8")
        found = hard.search(text)
        place = (
            f"{path.relative_to(ROOT)}:{text[: found.start()].count(chr(10)) + 1}" if found else ""
        )
        assert not found, f"{place}: not every reader knows {found[0]!r}: say it more plainly"


# No circles.


def test_no_module_imports_itself_by_way_of_others() -> None:
    paths = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for top in ("common", *COURSE.packages)
        for path in sources(top)
    }
    graph = {
        name: {used for _, module in imported(path) if (used := nearest(module, paths)) != name}
        for name, path in paths.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise AssertionError(f"a circle of imports: {' <- '.join(error.args[1])}") from None


def nearest(module: str, known: dict[str, Path]) -> str:
    """The module itself, or the one that it is a name of."""
    return module if module in known else module.rpartition(".")[0]
