"""How a student starts a lab, goes on with its next part, and begins anew."""

from pathlib import Path

import pytest

from common.course.base import holes, symbols
from common.course.base.course import ROOT, Course
from common.course.base.lab import Lab
from common.course.command import run
from common.course.student.handing_out import start
from common.course.student.roadmap import show_roadmap
from common.course.student.workspace import Workspace
from tests.common.student_said import answer, said

COURSE = Course(ROOT)
CAP, RAFT = COURSE.lab("cap"), COURSE.lab("raft")
AVAILABLE = "work/stage1_foundations/cap/available.py"
LOG = "work/stage4_consensus/raft/log.py"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "1000")
    return tmp_path


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
