"""Nothing of the course's is tested in the place of a student's file that is gone or broken."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from common.course.command import run
from common.course.suites.suite import SuiteResult
from tests.common.student_said import answer, said

AVAILABLE = "work/stage1_foundations/cap/available.py"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "1000")
    return tmp_path


def test_what_is_supplied_earns_no_points_even_where_its_file_is_gone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run(["start", "kv"])
    capsys.readouterr()
    assert run(["test", "kv", "--part", "slots", "--seeds", "1", "--json"]) == 0
    told = answer(capsys)
    assert (told["earned"], told["possible"]) == (0, 0)
    assert len(told["supplied"]) == len(told["tests"]) > 0
    for path in Path("work").rglob("kv/*.py"):
        path.unlink()
    assert run(["test", "kv", "--part", "slots", "--seeds", "1"]) == 3
    assert "is gone: lab start kv makes it anew" in said(capsys)


@pytest.mark.parametrize("verb", ["test", "why", "replay", "explore"])
def test_a_file_that_is_gone_or_broken_is_never_tested_as_the_reference(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["start", "cap", "--all"])
    path = Path(AVAILABLE)
    handed = path.read_text(encoding="utf-8")
    path.write_text(handed + "def f(:\n", encoding="utf-8")
    line = handed.count("\n") + 1
    capsys.readouterr()
    assert run([verb, "cap"]) == 3
    assert f"error: {AVAILABLE}:{line}: this is not Python: " in said(capsys)
    path.write_text(handed.replace("def gossip_received", "def gossiped"), encoding="utf-8")
    assert run([verb, "cap"]) == 3
    assert f"there is no AvailableReplica.gossip_received in {AVAILABLE}" in said(capsys)
    path.unlink()
    assert run([verb, "cap"]) == 3
    assert f"error: {AVAILABLE} is gone: lab start cap makes it anew" in said(capsys)


def test_watching_says_what_is_wrong_with_a_file_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["start", "cap"])
    path = Path(AVAILABLE)
    whole = path.read_text(encoding="utf-8")

    def saves(*_: object, **__: object) -> Iterator[set[tuple[int, str]]]:
        for text in (whole, ""):
            path.write_text(text, encoding="utf-8")
            yield {(1, str(path.resolve()))}
        path.unlink()
        yield {(1, str(path.resolve()))}

    def ran(*_: object) -> SuiteResult:
        return SuiteResult("cap", said="it ran")

    monkeypatch.setattr("common.course.student.watching.watch", saves)
    monkeypatch.setattr("common.course.student.watching.run_suite", ran)
    path.write_text(whole + "def f(:\n", encoding="utf-8")
    capsys.readouterr()
    assert run(["watch", "cap"]) == 0
    told = said(capsys)
    lost = f"there is no AvailableReplica in {AVAILABLE}"
    gone = f"{AVAILABLE} is gone"
    places = [told.index(f"{AVAILABLE}:"), told.index("all pass"), told.index(lost)]
    places.append(told.index(gone))
    assert places == sorted(places)
