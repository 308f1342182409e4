"""What a page asks, answered on CPython from the very files that the page has."""

import ast
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from common.course.base.course import Course
from common.course.base.declared import worlds_of
from common.course.base.lab import Lab
from common.course.base.sources import imported
from docs.making import bundle, playground
from tests.support.playground import Asking

COURSE = Course()
LABS = [lab for lab in COURSE.labs if lab.worlds]
ECHO = "stage1_foundations/echo/node.py"
FRAMES = "stage1_foundations/echo/frames.py"


def text_of(path: str) -> str:
    return (COURSE.root / path).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    folder = tmp_path_factory.mktemp("course")
    bundle.unpacked(COURSE, folder, COURSE.lab("echo"))
    asking = Asking(folder)
    yield asking
    asking.close()


def shown(lab: Lab) -> tuple[Any, str]:
    """What a lab's page has before Python is there."""
    worlds = worlds_of(lab)
    settings, trace = playground.first_run(worlds)
    return playground.described(COURSE, lab, worlds, settings), trace


def changed(old: str, new: str) -> dict[str, str]:
    """The file of the nodes with something else in one place."""
    text = text_of(ECHO)
    assert old in text
    return {ECHO: text.replace(old, new)}


ANSWERS = "        self.send(sender, Pong(ping.number, ping.text))"


def test_a_run_is_the_one_that_the_page_shows_before_python_is_there(echo: Asking) -> None:
    page, shown_trace = shown(COURSE.lab("echo"))
    first = page["first"]
    facts, trace = echo.ask("echo", run=first)
    assert trace == shown_trace
    assert [verdict["answer"] for verdict in facts["verdicts"]] == ["yes"]
    assert echo.ask("echo", run=first)[0]["sha256"] == facts["sha256"]
    assert echo.ask("echo", run={**first, "seed": 8})[0]["sha256"] != facts["sha256"]


def test_changed_code_is_run_and_the_checks_find_what_it_breaks(echo: Asking) -> None:
    lies = changed(ANSWERS, ANSWERS.replace("ping.text", "ping.text.upper() + '!'"))
    facts, trace = echo.ask("echo", lies, run={"seed": 7})
    assert [verdict["answer"] for verdict in facts["verdicts"]] == ["no"]
    assert json.loads(trace.splitlines()[-1])["result"] == "no"
    facts, _ = echo.ask("echo", run={"seed": 7})
    assert [verdict["answer"] for verdict in facts["verdicts"]] == ["yes"], "the change is gone"


@pytest.mark.parametrize(
    ("new", "says", "line"),
    [
        ("        self.send(sender,, 1)", "invalid syntax", True),
        ("        raise NotImplementedError", "this is not written yet", True),
        (
            "        self.nothing()",
            "has no attribute 'nothing'",
            True,
        ),
        ("        open('x')", "a protocol file must not call open()", True),
        ("        self.ping_received(ping, sender)", "functions call each other without", False),
        ("        [self.send(self.id, ping) for _ in 'ab']", "more than 50,000 events", False),
    ],
)
def test_a_mistake_is_one_sentence_with_the_learners_line(
    echo: Asking, new: str, says: str, line: bool
) -> None:
    files = changed(ANSWERS, new)
    facts, _ = echo.ask("echo", files, run={"seed": 7})
    mistake = facts["mistake"]
    assert says in mistake["sentence"]
    assert "\n" not in mistake["sentence"]
    where = 1 + files[ECHO][: files[ECHO].index(new)].count("\n")
    assert (mistake["file"], mistake["line"]) == ((ECHO, where) if line else ("", 0))


def test_what_a_handler_did_not_survive_is_in_the_picture(echo: Asking) -> None:
    _, trace = echo.ask("echo", changed(ANSWERS, "        1 / 0"), run={"seed": 7})
    *_, last = map(json.loads, trace.splitlines())
    assert (last["kind"], last["result"]) == ("verdict", "no")
    assert "ZeroDivisionError" in last["sentence"]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"seed": -1}, "seed is a whole number from 0"),
        ({"members": 26}, "members is a whole number from 0 to 25"),
        ({"loss": 2}, "loss is a probability"),
        ({"latency": [9, 1]}, "the least latency is above the greatest"),
        ({"until": 10**9}, "until is a whole number"),
        ({"variant": "parrot"}, "has no variant 'parrot'"),
        ({"faults": [{"at": 0, "fault": "crash", "node": "n9"}]}, "the node 'n9', which"),
        ({"faults": [{"at": 0, "fault": "flood"}]}, "'flood' is no fault"),
    ],
)
def test_what_cannot_be_set_is_one_sentence(
    echo: Asking, settings: dict[str, Any], says: str
) -> None:
    facts, trace = echo.ask("echo", run=settings)
    assert says in facts["mistake"]["sentence"]
    assert trace == ""


def test_faults_are_drawn_by_the_seed_and_can_be_run(echo: Asking) -> None:
    faults = echo.ask("echo", draw={"seed": 3})[0]["faults"]
    assert faults
    assert faults == echo.ask("echo", draw={"seed": 3})[0]["faults"]
    facts, trace = echo.ask("echo", run={"seed": 3, "faults": faults})
    assert facts["mistake"] is None
    kinds = {json.loads(line)["kind"] for line in trace.splitlines()}
    assert {fault["fault"] for fault in faults if fault["at"] < 2_000_000} & kinds


def test_files_outside_the_labs_are_refused(echo: Asking) -> None:
    for path in ("../evil.py", "common/values/units.py", "stage1_foundations/../../x.py"):
        facts, _ = echo.ask("echo", {path: "x = 1"}, run={})
        assert f"{path} is no file of a lab" in facts["mistake"]["sentence"]


def test_the_graded_tests_of_a_part_say_why_they_fail_and_then_pass(echo: Asking) -> None:
    lab = COURSE.lab("echo")
    part = playground.exercise(COURSE, lab, lab.parts[0])
    mine = {FRAMES: part["handout"][FRAMES]}
    facts, _ = echo.ask("echo", mine, test=part["suite"])
    assert {test["verdict"] for test in facts["tests"]} == {"fail"}
    first = facts["tests"][0]
    assert first["why"].startswith("this is not written yet")
    assert (first["file"], first["replay"].split()[:3]) == (FRAMES, ["lab", "replay", "echo"])
    assert "raise NotImplementedError" in mine[FRAMES].splitlines()[first["line"] - 1]
    facts, _ = echo.ask("echo", {FRAMES: text_of(FRAMES)}, test=part["suite"])
    assert [test["why"] for test in facts["tests"] if test["verdict"] != "pass"] == []
    assert sum(test["points"] for test in facts["tests"]) == part["points"]
    facts, _ = echo.ask("echo", {FRAMES: "def encode_frame(:"}, test=part["suite"])
    assert {test["why"].partition(" ")[0] for test in facts["tests"]} == {f"{FRAMES}:1:"}
    assert {(test["file"], test["line"]) for test in facts["tests"]} == {(FRAMES, 1)}


def test_why_tells_a_failure_as_a_story_with_the_faults_that_it_takes(tmp_path: Path) -> None:
    path, lab = "stage1_foundations/cap/available.py", COURSE.lab("cap")
    bundle.unpacked(COURSE, tmp_path, lab)
    asking = Asking(tmp_path)
    wrong = {path: text_of(path).replace("gossip.held.tag > self.held.tag", "True")}
    suite = list(lab.parts[0].files)
    told = asking.ask("cap", wrong, test=suite)[0]["tests"]
    failed = {test["test"].rpartition("::")[2]: test for test in told if test["verdict"] == "fail"}
    test = failed["test_a_client_that_stays_at_a_replica_never_goes_back_in_time"]
    facts, trace = asking.ask("cap", wrong, why=test["test"])
    assert "monotonic" in facts["why"]["sentence"]
    assert 2 <= len(facts["story"]) <= 10
    assert facts["story"][-1].split()[2] == "✗"
    assert facts["faults"] <= facts["faults_at_first"]
    event = json.loads(trace.splitlines()[facts["event"]])
    assert event["kind"] in ("recv", "return", "step")
    facts, trace = asking.ask("cap", {path: text_of(path)}, why=test["test"])
    assert (facts["why"]["sentence"], trace) == ("it passes now", "")
    asking.close()


@pytest.mark.rotates
@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.id)
def test_every_lab_runs_from_its_bundle_and_its_first_part_can_be_passed(
    lab: Lab, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp(lab.id)
    bundle.unpacked(COURSE, folder, lab)
    asking = Asking(folder)
    page, shown_trace = shown(lab)
    facts, trace = asking.ask(lab.id, run=page["first"])
    assert trace == shown_trace
    broken = [each for each in facts["verdicts"] if each["answer"] == "no"]
    assert [each for each in broken if not each["expected"]] == []
    assert "yes" in {each["answer"] for each in facts["verdicts"]}, "it shows something"
    assert 20 <= facts["messages"] <= 1_000, "a picture that one can read"
    part, files = page["part"], {file["path"]: file["text"] for file in page["files"]}
    told = asking.ask(lab.id, {**files, **part["handout"]}, test=part["suite"])[0]
    assert {test["verdict"] for test in told["tests"]} == {"fail"}, told
    told = asking.ask(lab.id, files, test=part["suite"])[0]
    assert [test["why"] for test in told["tests"] if test["verdict"] != "pass"] == []
    assert sum(test["points"] for test in told["tests"]) == part["points"]
    asking.close()


def test_archives_are_the_same_bytes_whenever_they_are_made() -> None:
    files = {"b.py": b"x = 1\n", "a.py": b"y = 2\n"}
    assert bundle.zipped(files) == bundle.zipped(dict(reversed(files.items())))


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.id)
def test_a_page_has_all_that_its_lab_and_suite_import(lab: Lab) -> None:
    files = bundle.of_lab(COURSE, lab)
    there = {name.removesuffix(".py").removesuffix("/__init__") for name in files}
    there |= {module.rpartition("/")[0] for module in there}  # a folder, for a module within it
    for name, content in files.items():
        if not name.endswith(".py") or name.startswith("common/"):
            continue
        for module in imported(ast.parse(content)):
            top = module.partition(".")[0]
            if top in sys.stdlib_module_names or top in bundle.FROM_OUTSIDE:
                continue
            path = module.replace(".", "/")
            known = {path, path.rpartition("/")[0]}  # a module, or a name within one
            assert known & there, f"{name} imports {module}, which the page of {lab.id} lacks"
