"""A course of one lab with two exercises, for what would take too long on the real one."""

import shutil
from pathlib import Path

from common.course.base.course import ROOT

STAGE, LAB = "small", "counter"

PROTOCOL = '''
"""A counter that others add to: each request counts once, and a crash forgets nothing."""

from common.contract import Node, NodeId, message, on


@message
class Add:
    """Add ``by``. ``number`` names the request among its sender's and only grows."""

    number: int
    by: int


@message
class Added:
    """The request is counted; the sum was ``total`` then."""

    number: int
    total: int


class Counter(Node):
    """Adds what it is asked to."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        super().__init__(id, peers)
        self.total = 0
        self.latest: dict[NodeId, int] = {}

    def on_start(self) -> None:
        """Take up what an earlier life saved."""
        self.total, self.latest = self.saved.get("all", (0, {}))

    @on(Add)
    def add(self, add: Add, sender: NodeId) -> None:
        """Count a request once; answer each time."""
        if add.number > self.latest.get(sender, 0):
            self.latest = {**self.latest, sender: add.number}
            self.total += add.by
            self.save("all", (self.total, self.latest))
        self.send(sender, Added(add.number, self.total))
'''.lstrip()

WEAK = '''
"""Graded suite of the lab ``counter``: a weak one."""

from typing import Any

from common.contract.events import Receive, Start
from common.course.suites.grading import graded

LAB = "counter"


def started(lab: Any, saved: dict[Any, Any]) -> Any:
    node = lab.Counter("n1", ())
    node.step(Start(0, saved))
    return node


def added(lab: Any, node: Any, number: int, by: int, sender: str = "c1") -> list[Any]:
    effects: list[Any] = node.step(Receive(0, sender, lab.Add(number, by)))
    return effects


@graded(points=1, title="It answers", requirement="each request is answered")
def test_a_request_is_answered_with_the_sum(lab: Any) -> None:
    sent = added(lab, started(lab, {}), 1, 5)[-1]
    assert (sent.to, sent.message) == ("c1", lab.Added(1, 5))
'''.lstrip()

STRONG = (
    WEAK
    + """

@graded(points=1, title="Once", requirement="each request counts once")
def test_a_request_that_arrives_twice_counts_once(lab: Any) -> None:
    node = started(lab, {})
    for number, by, total in ((1, 5, 5), (1, 5, 5), (2, 3, 8)):
        assert added(lab, node, number, by)[-1].message == lab.Added(number, total)
    assert added(lab, node, 1, 9, sender="c2")[-1].message == lab.Added(1, 17)
    assert added(lab, node, 2, 3)[-1].message == lab.Added(2, 17)


@graded(points=1, title="Durable", requirement="a crash forgets nothing")
def test_a_crash_forgets_nothing(lab: Any) -> None:
    node = started(lab, {})
    for sender in ("c1", "c2"):
        saves = added(lab, node, 1, 5, sender)[:-1]
    again = started(lab, {each.key: each.value for each in saves})
    for sender in ("c1", "c2"):
        assert added(lab, again, 1, 5, sender)[-1].message == lab.Added(1, 10)
    first = started(lab, {})
    assert added(lab, first, 0, 5)[-1].message == lab.Added(0, 0)
"""
)

STAGE_YAML = """
number: 1
title: Tiny
summary: A stage.
labs: [counter]
"""

LAB_YAML = """
title: A counter
concept: Small.
papers: [{title: A paper}]
parts:
  - id: once
    title: Once
    hours: 1
    exercises:
      Counter.on_start: [a, b, c]
      Counter.add: [a, b, c]
"""


def make_course(root: Path, suite: str) -> Path:
    """Write the course into a folder; returns it.

    Args:
        root: the folder, which is not there yet.
        suite: the text of the graded suite.
    """
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "common", root / "common", ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", root)
    files = {
        f"{STAGE}/__init__.py": "",
        f"{STAGE}/{LAB}/__init__.py": "",
        f"{STAGE}/{LAB}/node.py": PROTOCOL,
        f"{STAGE}/{LAB}/demo.py": "",
        f"{STAGE}/{LAB}/lab.yaml": LAB_YAML,
        f"{STAGE}/stage.yaml": STAGE_YAML,
        f"tests/{STAGE}/{LAB}/test_counter.py": suite,
        f"tests/mutants/{LAB}.yaml": "mutants: []\n",
        f"docs/labs/{LAB}.md": "",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root
