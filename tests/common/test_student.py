"""The student's workspace, what it remembers, hints and solutions, and every wrong turn."""

import json
from pathlib import Path
from typing import Any

import pytest

from common.course.base import holes, symbols
from common.course.base.course import ROOT, Course
from common.course.base.lab import Lab
from common.course.command import run
from common.course.student.handing_out import start
from common.course.student.roadmap import show_roadmap
from common.course.student.state import StateFile
from common.course.student.watching import bodies, touched_parts
from common.course.student.workspace import Workspace
from common.course.suites.suite import TestResult
from common.values.errors import BadInput

COURSE = Course(ROOT)
CAP, RAFT = COURSE.lab("cap"), COURSE.lab("raft")
AVAILABLE = "work/stage1_foundations/cap/available.py"
LOG = "work/stage4_consensus/raft/log.py"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "1000")
    return tmp_path


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """Everything that was said, as one line."""
    captured = capsys.readouterr()
    return " ".join((captured.out + captured.err).split())


def answer(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The object that programs read."""
    printed: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return printed


def pass_all(workspace: Workspace, id: str, without: str = "") -> None:
    """Note that every test of a lab passed, but for one part's."""
    lab = COURSE.lab(id)
    with workspace.state.changing() as state:
        for part in lab.parts:
            verdict = "fail" if part.id == without else "pass"
            test = f"{part.files[0]}::test_{part.id}"
            state.lab(id).tests[part.id] = TestResult(
                test, part.title, "", part.points, verdict, 0.0
            )


# Starting.


def test_starting_makes_files_with_holes_and_says_what_is_next(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["start", "cap", "--all"]) == 0
    told = said(capsys)
    assert "10 holes to fill" in told
    assert "AvailableReplica.gossip_received" in told
    assert "lab watch cap" in told
    assert "raise NotImplementedError" in Path(AVAILABLE).read_text(encoding="utf-8")
    for name in ("README.md", ".vscode/settings.json", ".vscode/tasks.json", ".vscode/launch.json"):
        assert (home / "work" / name).is_file()


def test_starting_again_never_overwrites_what_was_written(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run(["start", "cap", "--all"])
    path = Path(AVAILABLE)
    path.write_text(path.read_text(encoding="utf-8") + "\n# mine\n", encoding="utf-8")
    capsys.readouterr()
    assert run(["start", "cap"]) == 0
    assert f"yours {AVAILABLE} is kept" in said(capsys)
    assert path.read_text(encoding="utf-8").endswith("# mine\n")


def test_one_part_is_open_and_the_others_are_supplied(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["start", "raft", "--part", "election", "--json"]) == 0
    told = answer(capsys)
    assert told["holes"][0] == "Election.become_follower"
    assert len(told["supplied"]) == len(RAFT.holes) - len(told["holes"])
    text = Path(LOG).read_text(encoding="utf-8")
    assert symbols.unwritten(text, ["Log.is_up_to_date", "Log.matches"]) == ["Log.is_up_to_date"]


def test_the_next_part_opens_its_holes_in_a_file_that_was_edited(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run(["start", "raft", "--part", "election"])
    path = Path(LOG)
    text = path.read_text(encoding="utf-8")
    mine = text.replace("raise NotImplementedError", "return True  # mine")
    path.write_text(mine, encoding="utf-8")
    capsys.readouterr()
    assert run(["start", "raft", "--part", "replication", "--json"]) == 0
    assert "Log.matches" in answer(capsys)["holes"]
    after = path.read_text(encoding="utf-8")
    assert "return True  # mine" in after
    assert symbols.unwritten(after, ["Log.is_up_to_date", "Log.matches"]) == ["Log.matches"]
    [backup] = Path("work/.lab/backups").glob("*/stage4_consensus/raft/log.py")
    assert backup.read_text(encoding="utf-8") == mine


def test_a_hole_that_was_left_open_is_supplied_when_another_part_begins() -> None:
    run(["start", "raft", "--part", "election"])
    path = Path(LOG)
    path.write_text(path.read_text(encoding="utf-8") + "# mine\n", encoding="utf-8")
    run(["start", "raft", "--part", "replication"])
    text = path.read_text(encoding="utf-8")
    assert symbols.unwritten(text, ["Log.is_up_to_date"]) == []


def test_a_lab_opens_with_its_first_part_and_says_how_to_go_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["start", "chat"]) == 0
    told = said(capsys)
    assert "part posts: What one member holds, without a gap (about 1 hour)" in told
    assert "3 holes of part posts" in told
    assert "open work/stage2_communication/chat/posts.py then" in told
    assert "on lab start chat --part spreading; all parts at once: lab start chat --all" in told


@pytest.mark.parametrize("lab", COURSE.labs, ids=lambda lab: lab.id)
def test_every_first_part_is_an_hour_with_one_file_open(lab: Lab) -> None:
    first = lab.parts[0]
    assert first.hours <= 1, f"{lab.id} begins with {first.hours:g} hours"
    assert len({hole.file for hole in first.holes}) == 1, f"{lab.id} begins with several files"
    assert not first.needs, "nothing of the lab comes before its first part"


def test_starting_goes_on_with_the_first_part_that_has_not_passed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    first, second = COURSE.lab("chat").parts[:2]
    run(["start", "chat"])
    run(["start", "chat"])
    workspace = Workspace(Path("work"), COURSE)
    assert workspace.state.read().labs["chat"].part == first.id, "it has not passed"
    path = Path("work/stage2_communication/chat/posts.py")
    reference = ROOT / "stage2_communication/chat/posts.py"
    path.write_text(reference.read_text(encoding="utf-8"), encoding="utf-8")
    capsys.readouterr()
    assert run(["test", "chat", "--seeds", "1"]) == 0
    told = said(capsys)
    assert "testing chat, part posts: your code in work" in told
    assert "next: lab start chat --part spreading" in told
    show_roadmap()
    assert "next: lab start chat --part spreading" in said(capsys)
    assert run(["start", "chat", "--json"]) == 0
    assert answer(capsys)["part"] == second.id
    assert path.read_text(encoding="utf-8") == reference.read_text(encoding="utf-8")


def test_what_passes_on_supplied_code_is_told_and_not_remembered(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run(["start", "kv"])
    capsys.readouterr()
    assert run(["test", "kv", "--part", "slots", "--seeds", "1"]) == 0
    assert "this part is supplied: lab start kv --part slots opens it" in said(capsys)
    assert Workspace(Path("work"), COURSE).state.read().labs["kv"].tests == {}


def test_a_lab_that_was_begun_as_a_whole_stays_whole(capsys: pytest.CaptureFixture[str]) -> None:
    run(["start", "chat", "--all"])
    capsys.readouterr()
    run(["start", "chat", "--json"])
    told = answer(capsys)
    assert (told["part"], told["supplied"]) == ("", [])
    assert len(told["holes"]) == len(COURSE.lab("chat").holes)


def test_a_copy_of_the_course_without_solutions_says_that_it_supplies_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A released course is made of handouts itself."""

    def handout(course: Course, lab: Lab, part: str | None = None) -> dict[str, str]:
        return holes.handout(course, lab)

    monkeypatch.setattr("common.course.student.handing_out.handout", handout)
    done = start(Workspace(home / "work", COURSE), COURSE.lab("raft"), "election")
    assert done.supplied == []
    assert len(done.others) == len(RAFT.holes) - len(done.opened)
    assert len(done.opened) == len(RAFT.part("election").holes)


def test_a_workspace_is_found_from_within(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["start", "cap", "--all"])
    monkeypatch.chdir("work/stage1_foundations")
    capsys.readouterr()
    assert run(["hint"]) == 0
    assert "AvailableReplica.on_start" in said(capsys)


# Resetting.


def test_reset_puts_the_holes_back_and_keeps_what_was_there(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run(["start", "cap", "--all"])
    path = Path(AVAILABLE)
    handed = path.read_text(encoding="utf-8")
    path.write_text("x = 1\ndef f(:\n", encoding="utf-8")
    capsys.readouterr()
    assert run(["reset", "cap", "--json"]) == 0
    backup = Path(answer(capsys)["backup"])
    assert path.read_text(encoding="utf-8") == handed
    kept = backup / "stage1_foundations/cap/available.py"
    assert kept.read_text(encoding="utf-8") == "x = 1\ndef f(:\n"


def test_reset_of_one_function_leaves_the_others_alone() -> None:
    run(["start", "cap", "--all"])
    path = Path(AVAILABLE)
    text = path.read_text(encoding="utf-8").replace("raise NotImplementedError", "return None")
    path.write_text(text, encoding="utf-8")
    assert run(["reset", "cap", "gossip_received"]) == 0
    names = ["AvailableReplica.on_start", "AvailableReplica.gossip_received"]
    assert symbols.unwritten(path.read_text(encoding="utf-8"), names) == names[1:]


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
        assert f"{AVAILABLE}, line 2" in told
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
