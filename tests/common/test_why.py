"""``lab why`` and ``lab replay``: the smallest failing run, the event, the story, the debugger."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest
import yaml

from common.course.base.course import ROOT, Course
from common.course.why.earliest import earliest_cut
from common.course.why.event import Asked, Wrong
from common.course.why.faults import INJECTED, PLANNED, Place, is_cure, needless_cures, smallest
from common.course.why.story import LINES, story
from common.values.faults import Crash, Disk, Fault, Heal, Link, Partition, Restart
from tests.support.lab_command import lab

COURSE = Course(ROOT)
STAGE = "stage1_foundations"


def a_mutant(folder: Path, id: str, caught_by: str) -> None:
    """A workspace with the first of the lab's mutants that this test catches."""
    path = ROOT / f"tests/mutants/{id}.yaml"
    listed = yaml.safe_load(path.read_text(encoding="utf-8"))["mutants"]
    found = next(each for each in listed if each["caught_by"] == f"test_{caught_by}")
    a_workspace(folder, id, found["file"], found["find"], found["replace"])


def a_workspace(folder: Path, id: str, file: str, old: str, new: str) -> None:
    """A workspace of a lab with the references' files, one of them wrong."""
    found = COURSE.lab(id)
    for each in found.paths:
        target = folder / "work" / each
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / each, target)
    (folder / "work/.lab").mkdir()
    path = folder / "work" / found.path(file)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def explain(folder: Path, *arguments: str) -> dict[str, Any]:
    """What ``lab why`` tells programs."""
    ran = lab(folder, "why", *arguments, "--json")
    assert ran.returncode == 1, ran.stdout + ran.stderr
    told: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return told


# Whole failures.


def test_a_history_that_cannot_be_is_told_down_to_the_answer(tmp_path: Path) -> None:
    name = "it_is_linearizable_under_partitions_and_links_cut_one_way"
    a_mutant(tmp_path, "cap", name)
    told = explain(tmp_path, "cap", name)
    assert "Not linearizable" in told["why"]
    assert 0 < len(told["faults"]) < told["faults_at_first"], "some faults were for nothing"
    assert len(told["story"]) <= LINES
    assert "✗ " in told["story"][-1]
    wrong = told["wrong"]
    assert wrong["exact"]
    assert wrong["operations"]
    assert told["page"].endswith(f".html#event={wrong['number']}")
    page = tmp_path / "out/why/cap" / f"{name}.html"
    assert page.is_file()
    events = page.with_suffix(".jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(events[wrong["number"]])["kind"] == "return"
    assert json.loads(events[wrong["number"] + 1])["kind"] == "verdict"


def test_what_breaks_the_contract_is_told_at_the_node_that_did(tmp_path: Path) -> None:
    old = "        if gossip.held.tag > self.held.tag:\n"
    a_workspace(tmp_path, "cap", "available.py", old, f"        self.save('held', [])\n{old}")
    told = explain(tmp_path, "cap", "a_write_that_arrives_twice_is_taken_once")
    node = told["wrong"]["node"]
    assert told["why"].startswith(f"node {node} (AvailableReplica): save('held', ...): a list")
    assert told["wrong"]["what"].startswith(f"{node} took Gossip of ")
    assert told["wrong"]["exact"]


@pytest.mark.parametrize("wrong", ["        print(gossip)\n", "        import time\n"])
def test_what_cannot_be_loaded_is_told_by_the_path_that_the_student_knows(
    tmp_path: Path, wrong: str
) -> None:
    old = "        if gossip.held.tag > self.held.tag:\n"
    a_workspace(tmp_path, "cap", "available.py", old, f"{wrong}{old}")
    told = lab(tmp_path, "why", "cap")
    assert told.returncode == 1
    assert re.search(r"\bwork/stage1_foundations/cap/available.py:\d+: a protocol", told.stdout)
    assert "seed" not in told.stdout
    assert "replay" not in told.stdout


def test_a_test_that_looks_at_the_end_is_told_where_it_would_first_have_failed(
    tmp_path: Path,
) -> None:
    name = "all_show_the_same_order_when_posts_are_lost_doubled_and_overtaken"
    a_mutant(tmp_path, "chat", name)
    told = explain(tmp_path, "chat", name, "--save-test")
    wrong = told["wrong"]
    assert told["why"].startswith("Two orders: delivery 1 of ")
    assert wrong["exact"]
    assert wrong["number"] < 100, "the test looks after a thousand events"
    assert (tmp_path / told["shorter"]).is_file(), "the explorer needs two choices"
    ran = pytest_on(tmp_path, told["saved"])
    assert ran.returncode == 1
    assert told["why"] in ran.stdout
    good = COURSE.lab("chat").path("total.py")
    shutil.copy(ROOT / good, tmp_path / "work" / good)
    ran = pytest_on(tmp_path, told["saved"])
    assert ran.returncode == 0, ran.stdout


def pytest_on(folder: Path, file: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", file]
    return subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)


def test_the_earliest_cut_is_the_first_moment_after_which_a_test_fails() -> None:
    runs = [[(0, 5)], [(0, 10), (10, 900), (900, 910)]]
    times = [3, 50, 50, 77, 400, 905]
    assert earliest_cut(runs, times, lambda cut: cut[2] >= 77) == (1, 1, 77)
    assert earliest_cut(runs, times, lambda _: True) is None, "nothing was reached at first"
    assert earliest_cut(runs, times, lambda _: False) is None
    assert earliest_cut([], [], lambda _: True) is None


def test_an_invariant_names_the_step_after_which_it_did_not_hold(tmp_path: Path) -> None:
    old = "if not is_quorum(self.configuration, self.agreeing):\n            return\n"
    new = "if not self.agreeing:\n            return\n"
    a_workspace(tmp_path, "raft", "election.py", old, new)
    told = explain(tmp_path, "raft", "no_term_has_two_leaders_whatever_fails")
    assert "lead term 1" in told["why"]
    assert told["wrong"]["exact"]
    assert told["wrong"]["property"]
    assert len(told["faults"]) < told["faults_at_first"]


def test_an_error_of_a_handler_names_the_event_that_it_was_given(tmp_path: Path) -> None:
    handler = "def gossip_received(self, gossip: Gossip, sender: NodeId) -> None:\n"
    wrong = f"{handler}        {{}}['no']\n"
    a_workspace(tmp_path, "cap", "available.py", handler, wrong)
    told = explain(tmp_path, "cap", "gossip_does_not_multiply")
    assert "KeyError: 'no'" in told["why"]
    assert told["wrong"]["what"].endswith(("of n1", "of n2", "of n3"))
    assert "took Gossip" in told["wrong"]["what"]


def test_one_server_fed_by_hand_has_a_story_and_a_picture_too(tmp_path: Path) -> None:
    old = "index > self.commit_index and self.log.term_at(index) == self.current_term"
    a_workspace(tmp_path, "raft", "replication.py", old, "index > self.commit_index")
    name = "a_majority_that_stores_an_entry_of_an_old_term_does_not_commit_it"
    told = explain(tmp_path, "raft", name)
    assert "takes AppendEntriesReply" in told["story"][-1]
    assert (tmp_path / f"out/why/raft/{name}.html").is_file()


def test_what_is_not_written_yet_is_told_with_its_hint(tmp_path: Path) -> None:
    assert lab(tmp_path, "start", "cap", "--all").returncode == 0
    ran = lab(tmp_path, "why", "cap")
    assert ran.returncode == 1
    assert "this is not written yet" in ran.stdout
    assert "lab hint AvailableReplica." in ran.stdout, "the first part comes first"


# Again.


def test_replay_runs_the_explained_failure_again_and_a_debugger_stops_at_its_event(
    tmp_path: Path,
) -> None:
    name = "the_side_without_a_majority_never_answers_ok"
    a_mutant(tmp_path, "cap", name)
    shown = lab(tmp_path, "why", "cap", name)
    assert shown.returncode == 1
    for told in ("what happened", "the network is cut", "it checks: Gilbert and Lynch 2002"):
        assert told in shown.stdout
    exactly = r"the first event that cannot be right: c1 has its answer to read: ok \d+"
    assert re.search(exactly, shown.stdout)
    again = lab(tmp_path, "replay", "cap")
    assert again.returncode == 1
    assert "its replica reached no majority" in again.stdout
    command = [sys.executable, "-m", "common.course.command", "replay", "cap", "--pdb"]
    stopped = subprocess.run(
        command, input="p self.id\nq\n", cwd=tmp_path, capture_output=True, text=True, timeout=60,
        check=False, env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )  # fmt: skip
    assert f"work/{STAGE}/cap/client.py" in stopped.stdout, stopped.stdout
    assert "'c1'" in stopped.stdout


# Parts.


def test_the_smallest_set_is_found() -> None:
    places: list[Place] = [(0, PLANNED, n) for n in range(16)]
    needed = {places[3], places[11]}
    runs = 0

    def fails(kept: Collection[Place]) -> bool:
        nonlocal runs
        runs += 1
        return needed <= set(kept)

    assert set(smallest(places, fails)) == needed
    assert runs <= 60
    assert smallest(places, lambda _: True) == []


def test_what_ends_a_trouble_is_a_cure_and_needless_without_it() -> None:
    faults: dict[Place, Fault] = {
        (0, PLANNED, 0): Crash(1, "n1"),
        (0, PLANNED, 1): Restart(2, "n1"),
        (0, PLANNED, 2): Restart(2, "n2"),
        (0, PLANNED, 3): Heal(3),
        (0, PLANNED, 4): Disk(3, "n1", 0),
        (0, INJECTED, 0): Link(4, loss=0.0),
    }
    assert [is_cure(fault) for fault in faults.values()] == [False, True, True, True, True, True]
    assert needless_cures(faults) == [(0, PLANNED, 2), (0, PLANNED, 3), (0, PLANNED, 4)]
    cut: Fault = Partition(1, (("n1",), ("n2",)))
    assert (0, PLANNED, 3) not in needless_cures({**faults, (0, PLANNED, 9): cut})


def test_a_story_has_at_most_ten_lines_and_ends_with_what_is_wrong() -> None:
    events: list[dict[str, Any]] = [
        {"t": n, "node": f"n{n % 3}", "kind": "crash"} for n in range(30)
    ]
    events += [{"t": 40, "node": "n1", "kind": "timer", "type": f"T{n}"} for n in range(30)]
    asked = Asked("c1", 50, 60, "c1 read() -> 1")
    told = story(events, Wrong(60, 40, "n1", "n1 T29 fires", operations=(asked,)))
    assert len(told) == LINES
    assert told[-1].endswith("✗ n1 T29 fires")
    assert "(25 more faults are in the picture)" in told[0]
