"""The page about nodes says all that a node may do, and its example runs."""

import importlib.util
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from common.contract import Fire, Node, Receive, Start
from common.contract.effects import Broadcast, Save, SetTimer
from common.contract.rules import FORBIDDEN_IMPORTS, check_protocol_source
from common.course.base.course import ROOT
from common.sim.simulation import Simulation
from common.values.units import MS, SECOND

PAGE = (ROOT / "docs/reference/node.md").read_text(encoding="utf-8")

FOR_OTHERS = {"step", "full_status", "seed", "sign_by", "check_by", "on_stray"}
"""What worlds call, and what only nodes around others define."""


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The page's first piece of code, as a module."""
    found = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    path = tmp_path / "example_of_a_node.py"
    path.write_text(found[1], encoding="utf-8")
    check_protocol_source(found[1], str(path))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, path.stem, made)
    spec.loader.exec_module(made)
    return made


def test_the_example_of_the_page_runs_checked(example: Any) -> None:
    nodes = dict.fromkeys(("n1", "n2"), example.Caller)
    Simulation(nodes, seed=1, check_handlers=1).run(SECOND)
    node = example.Caller("n1", ("n2", "n3"))
    assert node.step(Start(0, {"number": 4})) == [SetTimer(1, 100 * MS, example.AskAgain())]
    assert node.step(Receive(5 * MS, "n2", example.Ping(7))) == []
    fired = node.step(Fire(100 * MS, 1, example.AskAgain()))
    assert fired == [Save("number", 5), Broadcast(("n2", "n3"), example.Ping(5))]


def test_the_page_names_all_that_a_node_may_do() -> None:
    public = {name for name in vars(Node) if not name.startswith("_")} - FOR_OTHERS
    silent = [name for name in public if not re.search(rf"`[^`]*\b{name}\b", PAGE)]
    assert not silent


def test_what_the_page_forbids_is_forbidden() -> None:
    row = PAGE.partition("| `time`")[2].partition("| `hash")[0]
    named = set(re.findall(r"`(\w+)`", f"`time`{row}")) & set(FORBIDDEN_IMPORTS)
    assert named >= {"time", "random", "os", "socket", "threading"}
