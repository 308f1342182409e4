"""What a student gets after the start: hints, solutions, progress; and every wrong turn."""

from pathlib import Path

import pytest

from common.course.base.course import ROOT, Course
from common.course.command import run
from common.course.student.handing_out import start
from common.course.student.roadmap import show_roadmap
from common.course.student.state import StateFile
from common.course.student.watching import bodies, touched_parts
from common.course.student.workspace import Workspace
from common.values.errors import BadInput
from tests.common.student_said import answer, pass_all, said

COURSE = Course(ROOT)
CAP, RAFT = COURSE.lab("cap"), COURSE.lab("raft")
AVAILABLE = "work/stage1_foundations/cap/available.py"
LOG = "work/stage4_consensus/raft/log.py"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "1000")
    return tmp_path


# Hints and solutions.


def test_hints_say_more_each_time_and_end(capsys: pytest.CaptureFixture[str]) -> None:
    run(["start", "cap", "--all"])
    capsys.readouterr()
    steps = []
    for _ in range(4):
        assert run(["hint", "gossip_received", "--json"]) == 0
        steps.append(len(answer(capsys)["hints"]))
    assert steps == [1, 2, 3, 3]
    run(["hint", "--json"])
    assert answer(capsys)["symbol"] == "AvailableReplica.on_start", "the first that is unwritten"


def test_a_hint_costs_what_the_course_file_says(capsys: pytest.CaptureFixture[str]) -> None:
    labs = "[{id: cap, weight: 10}]"
    text = f"title: Mine\npoints: 10\nlabs: {labs}\nhints: [0, 5, 10]\n"
    Path("course.yaml").write_text(text, encoding="utf-8")
    run(["start", "cap", "--all"])
    capsys.readouterr()
    run(["hint"])
    first = said(capsys)
    assert "says more, which costs 5 %" in first
    assert "this hint costs" not in first
    run(["hint"])
    assert "this hint costs 5 % of the lab's marks" in said(capsys)


def test_a_solution_opens_after_passing_or_by_giving_up(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run(["start", "cap", "--all"])
    capsys.readouterr()
    assert run(["solution", "gossip_received"]) == 3
    assert "opens when lab test cap --part available passes" in said(capsys)
    assert run(["solution", "gossip_received", "--give-up"]) == 0
    assert "def gossip_received(self, gossip: Gossip" in said(capsys)
    assert StateFile(Path("work")).read().labs["cap"].given_up
    pass_all(Workspace(Path("work"), COURSE), "cap", without="available")
    assert run(["solution", "cap", "--json"]) == 0
    assert "ConsistentReplica.on_start" in (shown := answer(capsys)["solutions"])
    assert "AvailableReplica.on_start" not in shown


# Progress.


def test_the_roadmap_says_what_is_unlocked_and_what_is_next(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show_roadmap()
    told = said(capsys)
    assert "echo unlocked" in told
    assert "link after echo" in told
    run(["start", "echo"])
    pass_all(Workspace(Path("work"), COURSE), "echo")
    capsys.readouterr()
    show_roadmap()
    told = said(capsys)
    assert "✓ echo" in told
    assert "link unlocked" in told
    assert "next: lab start link" in told


def test_progress_counts_points_by_part(capsys: pytest.CaptureFixture[str]) -> None:
    run(["start", "cap", "--all"])
    pass_all(Workspace(Path("work"), COURSE), "cap", without="available")
    capsys.readouterr()
    run(["progress", "--json"])
    told = answer(capsys)
    assert told["labs"]["cap"]["earned"] == CAP.part("consistent").points == told["earned"]


def test_a_damaged_memory_is_one_sentence_and_costs_no_code(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run(["start", "cap", "--all"])
    path = Path(AVAILABLE)
    path.write_text(path.read_text(encoding="utf-8") + "# mine\n", encoding="utf-8")
    Path("work/.lab/progress.json").write_text('{"version": 1, "labs": {"ca', encoding="utf-8")
    capsys.readouterr()
    assert run(["start", "cap"]) == 0
    told = said(capsys)
    assert "is damaged, so progress begins anew; the file is kept as" in told
    assert Path("work/.lab/progress.damaged-1.json").is_file()
    assert path.read_text(encoding="utf-8").endswith("# mine\n")


def test_the_memory_of_a_newer_course_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    run(["start", "cap", "--all"])
    Path("work/.lab/progress.json").write_text('{"version": 9}', encoding="utf-8")
    capsys.readouterr()
    assert run(["progress"]) == 3
    assert "was written by a newer version of the course" in said(capsys)


# Watching.


def test_what_was_touched_is_told_by_the_function_that_changed() -> None:
    workspace = Workspace(Path("work"), COURSE)
    raft = COURSE.lab("raft")
    start(workspace, raft)
    before = bodies(workspace, raft)
    path = Path(LOG)
    text = path.read_text(encoding="utf-8")
    at = text.index("raise NotImplementedError", text.index("def matches"))
    path.write_text(text[:at] + "return False" + text[at + 25 :], encoding="utf-8")
    touched = touched_parts(raft, [path], before, bodies(workspace, raft))
    assert [part.id for part in touched] == ["replication"]
    path.write_text(text + "\nX = 1\n", encoding="utf-8")
    touched = touched_parts(raft, [path], before, bodies(workspace, raft))
    assert [part.id for part in touched] == ["election", "replication"], "all parts of the file"


# Wrong turns: one sentence each, with what to do.


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["start", "raftt"], "there is no lab 'raftt'; the labs are: echo"),
        (["start", "raft", "--part", "elections"], "lab raft has no part 'elections'; its parts"),
        (["start", "raft", "--part", "election", "--all"], "give one of them"),
        (["test"], "no lab was started in work yet: lab start echo is the first"),
        (["watch", "cap"], "lab cap was not started in work: lab start cap makes its files"),
        (["reset", "cap"], "there is nothing to reset: lab start cap makes the workspace"),
        (["hint", "cap"], "lab cap was not started in work"),
        (["replay", "cap"], "no failure of lab cap was explained in out yet: lab why cap"),
        (["test", "cap", "--impl", "no", "--reference"], "give one of them"),
    ],
)
def test_a_wrong_turn_is_one_sentence(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 3
    assert told in said(capsys)


def test_a_missing_file_is_told_and_made_anew(capsys: pytest.CaptureFixture[str]) -> None:
    run(["start", "cap", "--all"])
    Path(AVAILABLE).unlink()
    capsys.readouterr()
    assert run(["hint", "cap"]) == 3
    assert f"{AVAILABLE} is gone: lab start cap makes it anew" in said(capsys)
    assert run(["start", "cap"]) == 0
    assert Path(AVAILABLE).is_file()


def test_a_syntax_error_is_told_with_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    run(["start", "cap", "--all"])
    Path(AVAILABLE).write_text("x = 1\ndef f(:\n", encoding="utf-8")
    capsys.readouterr()
    for verb in (["hint", "cap"], ["start", "cap"]):
        assert run(verb) == 3
        told = said(capsys)
        assert f"{AVAILABLE}:2: this is not Python" in told
        assert "lab reset cap" in told


def test_a_renamed_hole_is_told_with_what_puts_it_right(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run(["start", "cap", "--all"])
    path = Path(AVAILABLE)
    text = path.read_text(encoding="utf-8").replace("def gossip_received", "def gossip")
    path.write_text(text, encoding="utf-8")
    capsys.readouterr()
    assert run(["hint", "cap"]) == 3
    told = said(capsys)
    assert f"there is no AvailableReplica.gossip_received in {AVAILABLE}: was it renamed?" in told
    assert run(["hint", "no_such_hole"]) == 3
    assert "there is no hole 'no_such_hole'; write one of: AvailableReplica.on_start" in said(
        capsys
    )


def test_files_with_the_line_ends_of_windows_are_no_edit(home: Path) -> None:
    workspace = Workspace(home / "work", COURSE)
    start(workspace, CAP)
    path = home / AVAILABLE
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert path in start(workspace, CAP).written


def test_what_is_no_text_is_told(home: Path) -> None:
    workspace = Workspace(home / "work", COURSE)
    start(workspace, CAP)
    (home / AVAILABLE).write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match="is not text in UTF-8"):
        workspace.unwritten(CAP)
