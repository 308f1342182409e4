"""A lab whose node holds nodes, with two messages of one name, behind the judge's pipes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from common.contract import Receive, Start
from common.course.base.course import Course
from common.course.base.implementation import load
from common.course.judge.judged import JudgedLab
from common.course.suites.under_test import LabUnderTest, MissingName
from common.trace.format import Meta
from common.trace.recorder import Recorder
from common.values.errors import LabError
from common.values.faults import Crash, Restart, Schedule
from common.values.history import Ok
from common.values.units import MS
from tests.common.test_manifest import write
from tests.support.judging import needs_a_sandbox

LAB = """\
title: Two protocols in one node
concept: Small.
papers: [{title: A paper}]
parts:
  - id: first
    title: First
    hours: 1
    exercises:
      Proposer.promised: [a, b, c]
"""
PAXOS = '''\
"""A vote."""

from common.contract import Node, NodeId, delivery, message, on


@message
class Prepare:
    ballot: int


@message
class Promise:
    ballot: int


@delivery
class Chosen:
    ballot: int


class Proposer(Node):
    def on_start(self) -> None:
        self.ballot = self.saved.get(b"ballot", 0)

    def status(self) -> dict[str, object]:
        return {"ballot": self.ballot}

    def propose(self) -> None:
        self.ballot += 1
        self.save(b"ballot", self.ballot)
        self.broadcast(Prepare(self.ballot))

    @on(Prepare)
    def prepare(self, prepare: Prepare, sender: NodeId) -> None:
        self.send(sender, Promise(prepare.ballot))

    @on(Promise)
    def promised(self, promise: Promise, sender: NodeId) -> None:
        if promise.ballot == self.ballot:
            self.deliver(Chosen(promise.ballot))
'''
COMMIT = '''\
"""A transaction."""

from common.contract import CallId, Node, NodeId, message, on, operation
from common.values.history import Ok
from stage9_tiny.both.paxos import Chosen, Proposer


@message
class Prepare:
    transaction: str


@operation
class Run:
    transaction: str


class Server(Node):
    subnodes = (Proposer,)

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        super().__init__(id, peers)
        self.proposer = self.subnode("proposer", Proposer(id, peers))
        self.calls: list[CallId] = []
        self.prepared = 0

    def status(self) -> dict[str, object]:
        return {"prepared": self.prepared}

    @on(Run)
    def run(self, run: Run, call: CallId) -> None:
        self.calls.append(call)
        self.broadcast(Prepare(run.transaction))
        self.proposer.propose()

    @on(Prepare)
    def prepare(self, prepare: Prepare, sender: NodeId) -> None:
        self.prepared += 1

    @on(Chosen)
    def chosen(self, chosen: Chosen, subnode: str) -> None:
        while self.calls:
            self.finish(self.calls.pop(), Ok(f"{subnode} {chosen.ballot}"))
'''
FILES = {
    "stage9_tiny/stage.yaml": "number: 9\ntitle: Nine\nsummary: A stage.\nlabs: [both]\n",
    "stage9_tiny/both/lab.yaml": LAB,
    "stage9_tiny/both/__init__.py": "",
    "stage9_tiny/both/paxos.py": PAXOS,
    "stage9_tiny/both/commit.py": COMMIT,
    "stage9_tiny/both/demo.py": "",
    "docs/labs/both.md": "",
    "tests/stage9_tiny/both/test_both_first.py": "",
}


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Course]:
    root = tmp_path_factory.mktemp("course")
    write(root, FILES)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(root))
        yield Course(root)


@pytest.fixture
def judged(course: Course) -> Iterator[JudgedLab]:
    needs_a_sandbox()
    lab = course.lab("both")
    made = JudgedLab(course, lab, load(lab), None, None, unsafe=False)
    yield made
    made.end_test()
    made.close()


def run(lab: Any) -> tuple[list[object], str]:
    """The outcomes of two calls with a crash between them, and the trace."""
    lines: list[str] = []
    running = lab.simulation(
        dict.fromkeys(("n1", "n2"), lab.Server),
        seed=4,
        schedule=Schedule([Crash(40 * MS, "n1"), Restart(50 * MS, "n1")]),
        observers=[Recorder(lines.append, Meta("both", ("n1", "n2")), nodes=lab.all_classes)],
        check_handlers=2,
    )
    calls = []
    for at in (10, 60):
        running.run(at * MS)
        calls.append(running.call("n1", lab.Run(f"t{at}")))
    running.run(100 * MS)
    return [call.outcome for call in calls], "".join(lines)


def test_it_runs_behind_pipes_as_it_does_in_process(course: Course, judged: JudgedLab) -> None:
    lab = course.lab("both")
    outcomes, trace = run(LabUnderTest(lab, load(lab), None))
    assert outcomes == [Ok("proposer 1"), Ok("proposer 2")], "its ballot is back after the crash"
    assert run(judged) == (outcomes, trace)
    for shown in ("proposer/paxos.Prepare", "commit.Prepare", "proposer/Promise"):
        assert f'"type":"{shown}"' in trace


def test_a_node_by_hand_shows_its_own_status_and_that_of_its_subnodes(judged: JudgedLab) -> None:
    node = judged.Server("n1", ("n2",))
    node.step(Start(0, {}))
    node.step(Receive(1, "n2", judged.commit.Prepare("t")))
    assert dict(node.status()) == {"prepared": 1}
    assert dict(node.full_status()) == {"prepared": 1, "proposer/ballot": 0}


def test_a_suite_says_which_message_it_means(judged: JudgedLab) -> None:
    assert judged.paxos.Prepare(1) != judged.commit.Prepare("t")
    with pytest.raises(MissingName, match=r"say lab\.paxos\.Prepare or lab\.commit\.Prepare"):
        _ = judged.Prepare


def test_a_subnode_is_reached_by_a_name_of_its_module_too(judged: JudgedLab) -> None:
    alone = judged.paxos.Proposer("n1", ("n2",))
    assert alone.kind.reference is judged.Proposer.reference


def test_what_a_subnode_must_not_send_is_found_out(course: Course, tmp_path: Path) -> None:
    needs_a_sandbox()
    lab = course.lab("both")
    work = tmp_path / "work"
    wrong = PAXOS.replace("self.deliver(Chosen(promise.ballot))", 'self.send("n9", Promise(0))')
    write(work, {"stage9_tiny/both/paxos.py": wrong})
    made = JudgedLab(course, lab, load(lab), None, work, unsafe=False)
    try:
        with pytest.raises(LabError, match="node n1 sends to 'n9', which is not in this cluster"):
            run(made)
    finally:
        made.end_test()
        made.close()
