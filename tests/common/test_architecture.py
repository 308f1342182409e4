"""The floors: imports go down only. What is said in docs/architecture.md is checked here."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from common.course.base.manifest import Course

ROOT = Path(__file__).resolve().parents[2]

FLOORS = {
    "values": 0, "contract": 1, "codec": 2, "sim": 2, "check": 2, "trace": 2, "runtime": 3,
    "course": 4,
}  # fmt: skip
PORTABLE = ("values", "contract", "sim", "check", "trace")
"""These run in the browser: the standard library alone, and the parts of it that work there."""

NOT_IN_THE_BROWSER = {
    "socket", "threading", "asyncio", "subprocess", "multiprocessing", "time", "signal", "ssl",
}  # fmt: skip

MAX_LINES = 400


def imported(path: Path) -> Iterator[tuple[int, str]]:
    for part in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(part, ast.Import):
            yield from ((part.lineno, alias.name) for alias in part.names)
        elif isinstance(part, ast.ImportFrom):
            assert not part.level, f"{path}:{part.lineno}: say the whole name of a module"
            yield part.lineno, part.module or ""


def sources(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def floor_of(module: str) -> tuple[int, str] | None:
    parts = module.split(".")
    return (FLOORS[parts[1]], parts[1]) if parts[0] == "common" and len(parts) > 1 else None


@pytest.mark.parametrize("room", FLOORS)
def test_imports_in_common_go_down_the_floors(room: str) -> None:
    for path in sources(f"common/{room}"):
        for line, module in imported(path):
            assert not module.startswith(("stage", "bonus")), f"{path}:{line}: imports a stage"
            target = floor_of(module)
            if target is None or target[1] == room:
                continue
            assert target[0] < FLOORS[room], f"{path}:{line}: {room} imports {module}"


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
        for folder in ("common", *(stage.name for stage in Course(ROOT).folders.values()))
        for path in sources(folder)
        for _, module in imported(path)
        if module == "common.runtime.host"
    }
    assert places == {"common/runtime/resident.py"}


def stage_files() -> list[tuple[Path, int, str]]:
    course = Course(ROOT)
    found: list[tuple[Path, int, str]] = []
    for lab in course.labs:
        for file in lab.files:
            path = course.folder_of(lab) / file.path
            found.append((path, course.stage_of(lab).number, file.kind))
    return found


def test_protocol_files_import_the_contract_and_lower_stages_only() -> None:
    numbers = {folder.name: number for number, folder in Course(ROOT).folders.items()}
    for path, number, kind in stage_files():
        for line, module in imported(path):
            top = module.partition(".")[0]
            if top in numbers:
                assert numbers[top] <= number, f"{path}:{line}: imports a later stage"
            elif top == "common" and kind != "program":
                target = floor_of(module)
                assert target is None or target[0] <= 1, f"{path}:{line}: imports {module}"


def test_side_files_of_stages_stay_below_the_course_tool() -> None:
    for path in sorted(ROOT.glob("stage*/**/*.py")):
        for line, module in imported(path):
            target = floor_of(module)
            assert target is None or target[0] <= 3, f"{path}:{line}: imports {module}"


def test_files_are_small_rooms() -> None:
    for path in [*sources("common"), *sorted(ROOT.glob("stage*/**/*.py"))]:
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= MAX_LINES, f"{path.relative_to(ROOT)} has {lines} lines: make it two rooms"


def test_every_stage_folder_has_a_manifest_and_every_top_level_folder_is_expected() -> None:
    named = {
        path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")
    }
    stages = {name for name in named if name.startswith(("stage", "bonus"))}
    assert {path.parent.name for path in ROOT.glob("*/lab.yaml")} == stages
