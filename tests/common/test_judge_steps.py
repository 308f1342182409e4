"""Nodes behind the judge's pipe: the same runs as in process, and failures told in a sentence."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from common.contract import Receive, Send, Start
from common.course.base.course import ROOT, Course
from common.course.base.implementation import load
from common.course.judge.nodes import NodeFailure
from common.course.suites.suite import SuiteOptions, run_suite
from common.course.suites.under_test import LabUnderTest
from common.sim import LinkModel
from common.trace.format import Meta
from common.trace.recorder import Recorder
from common.values.errors import ContractError
from common.values.faults import Crash, Pause, Restart, Resume, Schedule
from common.values.units import MS, SECOND
from tests.support.judging import changed, judged, script

ECHO = "stage1_foundations/echo/node.py"
TROUBLE = Schedule(
    [
        Crash(at=90 * MS, node="b"),
        Restart(at=120 * MS, node="b"),
        Pause(at=200 * MS, node="a"),
        Resume(at=260 * MS, node="a"),
    ]
)


def trace_of(lab: Any) -> str:
    """The trace of a transfer over a bad link between ends that crash and pause."""
    lines: list[str] = []
    simulation = lab.simulation(
        {"a": lab.StopAndWaitSender, "b": lab.DurableReceiver},
        seed="a trace",
        link=LinkModel(loss=0.2, duplicate=0.2, reorder=0.2),
        schedule=TROUBLE,
        observers=[Recorder(lines.append, Meta(lab="link", nodes=("a", "b"), seed=1))],
        check_handlers=3,
    )
    simulation.call("a", lab.Transfer(tuple(f"item {number}" for number in range(20))))
    for _ in range(20):
        simulation.call("b", lab.Take())
    simulation.run(3 * SECOND)
    return "".join(lines)


def test_the_same_seed_gives_the_same_trace_judged_and_in_process() -> None:
    course = Course()
    link = course.lab("link")
    here = trace_of(LabUnderTest(link, load(link), None))
    assert len(here.splitlines()) > 100
    with judged("link") as lab:
        assert trace_of(lab) == here


def test_what_a_module_remembers_is_gone_after_a_crash_and_unknown_to_other_nodes(
    tmp_path: Path,
) -> None:
    new = """
        heard.pings += 1
        self.send(sender, Pong(ping.number, f"{heard.pings}"))


class Heard:
    pings = 0


heard = Heard()
"""
    old = "\n        self.send(sender, Pong(ping.number, ping.text))\n"
    with judged("echo", changed(tmp_path, {ECHO: (old, new)})) as lab:
        for id in ("n1", "n2", "n1"):
            life = lab.Echo(id, ("c1",))
            life.step(Start(0, {}))
            effects = [life.step(Receive(0, "c1", lab.Ping(1, "hello"))) for _ in range(2)]
            assert effects[1] == [Send("c1", lab.Pong(1, "2"))], f"{id} remembers its own life only"


FAILURES = {
    "it ended before it answered": "read hello",
    "no answer to an event": "read hello; read event; echo what",
    "Object missing required field": (
        'read hello; read event; echo \'{"effects": [{"effect": "send"}]}\''
    ),
    "without effects": "read hello; read event; echo '{}'",
    "'Nonsense' came, which is not in the schema": (
        "read hello; read event; echo "
        '\'{"effects": [{"effect": "send", "to": "c1", "message": {"type": "Nonsense"}}]}\''
    ),
    "Pong.number is True, expected int": (
        'read hello; read event; echo \'{"effects": [{"effect": "send", "to": "c1", '
        '"message": {"type": "Pong", "number": true, "text": ""}}]}\''
    ),
    "is no message": (
        'read hello; read event; echo \'{"effects": [{"effect": "send", "to": "c1", '
        '"message": {"type": "Say", "text": ""}}]}\''
    ),
    "more than 8,388,608 bytes": (
        "read hello; read event; while true; do printf aaaaaaaaaaaaaaaa; done"
    ),
    "its standard error ended with: 8 | 9 | 10 | 11 | 12 | 13 | 14 | 15 | 16 | 17": (
        "for n in $(seq 17); do echo $n >&2; done"
    ),
    "it wrote 3 bytes but no line end for 2 s: end each answer with \\n, and flush it": (
        "read hello; read event; printf abc; sleep 60"
    ),
}


@pytest.mark.parametrize("sentence", FAILURES)
def test_a_line_that_is_no_answer_fails_the_node_in_one_sentence(
    sentence: str, tmp_path: Path
) -> None:
    with judged("echo", script(tmp_path / "w", FAILURES[sentence])) as lab:
        node = lab.Echo("n1", ("c1",))
        with pytest.raises((NodeFailure, ContractError)) as failure:
            node.step(Start(0, {}))
        assert sentence in str(failure.value)
        assert str(failure.value).startswith("node n1 (Echo): ")
        assert "\n" not in str(failure.value)


def test_an_error_of_a_handler_comes_back_by_its_name_with_its_place(tmp_path: Path) -> None:
    old = "self.send(sender, Pong(ping.number, ping.text))"
    with judged("echo", changed(tmp_path, {ECHO: (old, 'raise OverflowError("too much")')})) as lab:
        node = lab.Echo("n1", ("c1",))
        assert node.step(Start(0, {})) == []
        with pytest.raises(OverflowError, match="^too much$") as failure:
            node.step(Receive(0, "c1", lab.Ping(1, "")))
        assert "stage1_foundations/echo/node.py:" in failure.value.lab_place  # type: ignore[attr-defined]
        assert "in ping_received" in failure.value.lab_place  # type: ignore[attr-defined]


def test_a_handler_that_depends_on_more_than_its_node_is_found_out(tmp_path: Path) -> None:
    old = "self.send(sender, Pong(ping.number, ping.text))"
    counted = f"count.total += 1\n        {old.replace('ping.number', 'count.total')}"
    new = f"{counted}\n\n\nclass Count:\n    total = 0\n\n\ncount = Count()"
    with judged("echo", changed(tmp_path, {ECHO: (old, new)})) as lab:
        simulation = lab.simulation({"n1": lab.Echo}, {"c1": lab.Caller}, seed=1, check_handlers=1)
        simulation.call("c1", lab.Say("hello"))
        with pytest.raises(ContractError, match="gave other effects on a copy of the same state"):
            simulation.run(SECOND)


def test_a_file_that_imports_the_world_is_told_the_sentence_of_the_contract(tmp_path: Path) -> None:
    old = "from common.contract import"
    workspace = changed(tmp_path, {ECHO: (old, "import time\nfrom common.contract import")})
    with judged("echo", workspace) as lab, pytest.raises(ContractError) as failure:
        lab.Echo("n1", ("c1",)).step(Start(0, {}))
    assert "must not import time: read self.now" in str(failure.value)


def test_a_node_that_never_answers_uses_up_its_processor_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("common.course.judge.nursery.PROCESSOR_SECONDS", 1)
    old = "self.send(sender, Pong(ping.number, ping.text))"
    with judged("echo", changed(tmp_path, {ECHO: (old, "while True: pass")})) as lab:
        node = lab.Echo("n1", ("c1",))
        node.step(Start(0, {}))
        with pytest.raises(NodeFailure, match="it used up its processor time"):
            node.step(Receive(0, "c1", lab.Ping(1, "")))


def test_the_seed_of_a_simulation_cannot_be_told_from_what_a_node_is_told(tmp_path: Path) -> None:
    tell = 'read hello; echo "$hello" >&2; read event; exit 0'
    with judged("echo", script(tmp_path / "w", tell)) as lab:
        node = lab.Echo("n1", ("c1",))
        node.seed("secret/n1/0")
        with pytest.raises(NodeFailure) as failure:
            node.step(Start(0, {}))
    assert '"event":"hello"' in str(failure.value)
    assert "secret" not in str(failure.value)


@pytest.mark.needs("node")
def test_a_workspace_in_javascript_is_tested_by_the_same_suite() -> None:
    _must_pass_its_nodes_tests(ROOT / "tests/data/echo_in_javascript")


@pytest.mark.needs("go")
def test_a_workspace_in_go_is_tested_by_the_same_suite(tmp_path: Path) -> None:
    source = ROOT / "tests/data/echo_in_go/run.go"
    build = ["go", "build", "-o", str(tmp_path / "run"), str(source)]
    where = {**os.environ, "GOCACHE": str(tmp_path / "cache"), "CGO_ENABLED": "0"}
    subprocess.run(build, env=where, check=True, timeout=300)
    workspace = tmp_path / "work"
    workspace.mkdir()
    (tmp_path / "run").rename(workspace / "run")
    _must_pass_its_nodes_tests(workspace)


def _must_pass_its_nodes_tests(workspace: Path) -> None:
    course = Course()
    lab = course.lab("echo")
    nodes = (f"{lab.suite}/test_echo_node.py",)
    options = SuiteOptions(impl=workspace, judged=True, seeds=3, tests=nodes)
    result = run_suite(course, lab, options)
    assert {test.name: test.why for test in result.tests if not test.passed} == {}
    assert len(result.tests) == 7


def test_the_same_points_are_given_judged_and_in_process() -> None:
    """For one lab; ``make proof`` does it for all (``tests/proofs/test_same_score.py``)."""
    course = Course()
    lab = course.lab("link")
    verdicts = []
    for judged_too in (False, True):
        result = run_suite(course, lab, SuiteOptions(judged=judged_too, seeds=2))
        verdicts.append({test.test: test.verdict for test in result.tests})
    assert verdicts[0] == verdicts[1]
    assert set(verdicts[0].values()) == {"pass"}
