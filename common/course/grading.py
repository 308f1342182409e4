"""The pytest plugin under every graded suite: points, sentences, sweeps over seeds, replay.

A graded suite names its lab and takes the fixture ``lab``::

    LAB = "link"

    @graded(points=3, title="Every message arrives, once, in order", requirement="...")
    def test_delivers_everything_in_order_when_packets_are_lost(lab, sweep):
        for seed in sweep(50):
            simulation = lab.simulation({"a": lab.Sender, "b": lab.Receiver}, seed=seed)
            ...

It runs on the reference, or with ``--impl DIR`` on a student's workspace.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import pytest

from common.contract.events import NodeId
from common.course.implementation import install_overlay, load
from common.course.manifest import Course, Lab
from common.sim.host import Factory
from common.sim.simulation import Simulation
from common.trace.format import Meta
from common.trace.recorder import Recorder, open_trace
from common.values.errors import LabError

Test = TypeVar("Test", bound=Callable[..., object])

CHECK_EVERY = 97
"""Every so many steps of a graded simulation are checked for determinism (a prime, so that it does
not fall into step with the protocol)."""

FIRST_SEED = 1

_EXCEPTION = re.compile(r"^(?:[a-z_]\w*\.)*(?:\w*Error|BadInput|MissingName): ")


def graded(points: int, title: str, requirement: str) -> Callable[[Test], Test]:
    """Declare a graded test.

    Args:
        points: what it is worth.
        title: one sentence for the report.
        requirement: the requirement that it checks: a paper's section, or the lab page's words.
    """
    return pytest.mark.graded(points=points, title=title, requirement=requirement)


class MissingName(LabError, AttributeError):
    """The implementation under test lacks a name that its suite uses."""

    exit_code = 1


class LabUnderTest:
    """The lab's public names as attributes, from whichever implementation is tested.

    Args:
        lab: its manifest entry.
        modules: its files, imported.
        trace: where to write the trace of each simulation, or None.
    """

    def __init__(self, lab: Lab, modules: list[ModuleType], trace: Path | None) -> None:
        self.manifest = lab
        self._modules = modules
        self._trace = trace
        self._traces = 0

    def __getattr__(self, name: str) -> Any:
        for module in self._modules:
            if hasattr(module, name):
                return getattr(module, name)
        files = ", ".join(file.path for file in self.manifest.files)
        raise MissingName(f"lab {self.manifest.id}: there is no {name} in {files}: was it renamed?")

    def simulation(
        self,
        nodes: Mapping[NodeId, Factory],
        clients: Mapping[NodeId, Factory] | None = None,
        *,
        seed: int | str,
        **options: Any,
    ) -> Simulation:
        """A simulation with handlers checked now and then, and recorded where that was asked for.

        Args and errors are those of :class:`common.sim.simulation.Simulation`.
        """
        options.setdefault("check_handlers", CHECK_EVERY)
        if self._trace is not None:
            self._traces += 1
            suffix = "" if self._traces == 1 else f"-{self._traces}"
            path = self._trace.with_name(f"{self._trace.stem}{suffix}.jsonl")
            names, others = tuple(nodes), tuple(clients or {})
            meta = Meta(lab=self.manifest.id, nodes=names, clients=others, seed=seed)
            recorder = Recorder(open_trace(path).write, meta)
            options["observers"] = [*options.get("observers", ()), recorder]
        return Simulation(nodes, clients, seed=seed, **options)


class Sweep:
    """Hands out seeds, and remembers the present one for the report of a failure.

    Args:
        first: the first seed.
        only: how many to hand out instead of what the test asks for, or None.
    """

    def __init__(self, first: int, only: int | None) -> None:
        self._first = first
        self._only = only
        self.current: int | None = None

    @property
    def replaying(self) -> bool:
        """Whether this is one chosen seed: what only a whole sweep must show need not show then."""
        return self._only == 1

    def __call__(self, count: int) -> Iterator[int]:
        """Seeds to try, ``count`` of them unless the command line says otherwise."""
        for seed in range(self._first, self._first + (self._only or count)):
            self.current = seed
            yield seed
        self.current = None


_sweeps = pytest.StashKey[Sweep]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of graded suites."""
    group = parser.getgroup("labs")
    group.addoption("--impl", metavar="DIR", help="test a student's workspace, not the references")
    group.addoption("--seed", type=int, help="the only seed of each sweep (replays a failure)")
    group.addoption("--seeds", type=int, help="how many seeds each sweep tries")
    group.addoption("--record", metavar="FILE", help="record each simulation as JSON Lines")
    group.addoption("--grades", metavar="FILE", help="write points and verdicts as JSON")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker and lay the workspace over the references."""
    config.addinivalue_line("markers", "graded(points, title, requirement): counts for a grade")
    if workspace := config.getoption("--impl"):
        install_overlay(Path(workspace))
    if grades := config.getoption("--grades"):
        config.pluginmanager.register(Grades(Path(grades)), "grades")


@pytest.fixture(scope="session")
def course(request: pytest.FixtureRequest) -> Course:
    """All manifests."""
    del request
    return Course()


@pytest.fixture(scope="module")
def loaded_lab(request: pytest.FixtureRequest, course: Course) -> LabUnderTest:
    """The module's lab, imported once."""
    manifest = course.lab(request.module.LAB)
    trace = request.config.getoption("--record")
    return LabUnderTest(manifest, load(course, manifest), Path(trace) if trace else None)


@pytest.fixture
def lab(loaded_lab: LabUnderTest) -> LabUnderTest:
    """The lab under test: its names as attributes, and ``simulation()``."""
    return loaded_lab


@pytest.fixture
def sweep(request: pytest.FixtureRequest) -> Sweep:
    """Seeds for a sweep: ``for seed in sweep(50): ...``."""
    only = request.config.getoption("--seed")
    first = FIRST_SEED if only is None else only
    count = 1 if only is not None else request.config.getoption("--seeds")
    made = Sweep(first, count)
    request.node.stash[_sweeps] = made
    return made


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Add to a failure what replays it, and to every graded test its points."""
    report: pytest.TestReport = yield  # type: ignore[assignment]
    marker = item.get_closest_marker("graded")
    if marker is not None:
        report.user_properties.append(("graded", marker.kwargs))
    made = item.stash.get(_sweeps, None)
    if report.failed and call.when == "call" and marker is not None:
        lab = item.module.LAB if isinstance(item, pytest.Function) else ""
        seed = "" if made is None or made.current is None else f" --seed {made.current}"
        name = item.name.removeprefix("test_")
        report.sections.append(("replay", f"lab replay {lab} {name}{seed}"))
    return report  # type: ignore[return-value]


class Grades:
    """Collects points and verdicts, and writes them after each test, so that a run that dies has
    left what it knew.

    Args:
        path: the JSON file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.tests: list[dict[str, object]] = []
        self.problems: list[str] = []
        self.collected = 0

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """The tests are known."""
        self.collected = len(session.items)
        self._write()

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file could not be collected."""
        if report.failed:
            self.problems.append(report.longreprtext.strip().splitlines()[-1])
            self._write()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note how a graded test ended."""
        properties = dict(report.user_properties)
        if "graded" not in properties or not (report.when == "call" or report.failed):
            return
        graded_as: Any = properties["graded"]
        self.tests.append(
            {
                "test": report.nodeid,
                "title": graded_as["title"],
                "requirement": graded_as["requirement"],
                "points": graded_as["points"],
                "verdict": "pass" if report.passed else "fail",
                "seconds": round(report.duration, 3),
                "why": "" if report.passed else _reason(report),
                "replay": next((text for name, text in report.sections if name == "replay"), ""),
            }
        )
        self._write()

    def summary(self) -> dict[str, object]:
        """Points reached and possible, and the tests one by one."""
        earned = sum(int(str(t["points"])) for t in self.tests if t["verdict"] == "pass")
        possible = sum(int(str(t["points"])) for t in self.tests)
        return {"earned": earned, "possible": possible, "tests": self.tests}

    def _write(self) -> None:
        plain = {**self.summary(), "collected": self.collected, "problems": self.problems}
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")
        fresh.replace(self._path)


def _reason(report: pytest.TestReport) -> str:
    """Why a test failed, in one line: the first of its message, without the exception's name."""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(crash.message if crash else report.longreprtext).strip()
    first = text.splitlines()[0] if text else "no reason was given"
    return _EXCEPTION.sub("", first)
