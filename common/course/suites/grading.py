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

import gc
import hmac
import json
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from common.course.base import limits
from common.course.base.implementation import (
    check_workspace,
    install_overlay,
    load,
    modules_tested,
    run_script,
)
from common.course.base.reasons import compared, import_problem, reason
from common.course.suites.strays import Strays, nothing_collected
from common.course.suites.under_test import LabUnderTest
from common.values.errors import LabError

if TYPE_CHECKING:
    from common.course.base.course import Course

Test = TypeVar("Test", bound=Callable[..., object])

FIRST_SEED = 1
"""Practice begins with this one; so does anybody who runs the suite without a key."""

SEED_BYTES = 6
"""Length of a derived seed: it stays below 2**53, so JSON keeps it exact for any program."""


def graded(points: int, title: str, requirement: str) -> Callable[[Test], Test]:
    """Declare a graded test.

    Args:
        points: what it is worth.
        title: one sentence for the report.
        requirement: the requirement that it checks: a paper's section, or the lab page's words.
    """
    return pytest.mark.graded(points=points, title=title, requirement=requirement)


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
        self.partial = only == 1
        """Whether these are fewer seeds than the test asks for: what some seed of a whole sweep has
        to show, those few need not."""

    def __call__(self, count: int) -> Iterator[int]:
        """Seeds to try, ``count`` of them unless the command line says otherwise."""
        self.partial = self._only is not None and self._only < count
        for seed in range(self._first, self._first + (self._only or count)):
            self.current = seed
            limits.renew()
            yield seed
        self.current = None


FAIL = "fail"
UNDECIDED = ("hung", "unknown")
"""What a test that has not passed may be instead: an error's attribute ``verdict`` says so."""

_sweeps = pytest.StashKey[Sweep]()
_strays = pytest.StashKey[Strays]()
_ENDLESS = pytest.StashKey[list[str]]()
"""Why tests of this run never ended."""
COURSE = pytest.StashKey["Course"]()
"""Where pytest's configuration has the course."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of graded suites."""
    group = parser.getgroup("labs")
    group.addoption("--impl", metavar="DIR", help="test a student's workspace, not the references")
    group.addoption("--seed", type=int, help="the only seed of each sweep (replays a failure)")
    group.addoption("--seeds", type=int, help="how many seeds each sweep tries")
    group.addoption("--seed-key", metavar="KEY", help="derive the first seeds from this secret")
    group.addoption("--record", metavar="FILE", help="record each simulation as JSON Lines")
    group.addoption("--grades", metavar="FILE", help="write points and verdicts as JSON")
    group.addoption("--judged", action="store_true", help="run the lab in sandboxed processes")
    group.addoption("--unsafe", action="store_true", help="judge without a sandbox if need be")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker and lay the workspace over the references."""
    config.addinivalue_line("markers", "graded(points, title, requirement): counts for a grade")
    workspace = config.getoption("--impl")
    if COURSE not in config.stash:  # in the browser there is one already
        from common.course.base.course import Course

        config.stash[COURSE] = Course()
    config.stash[_ENDLESS] = []
    if config.getoption("--judged"):
        limits.judged()
    if workspace and not config.getoption("--judged"):  # a judge imports nothing of a student's
        try:
            chosen = [config.invocation_params.dir / arg.partition("::")[0] for arg in config.args]
            known = config.stash[COURSE]
            install_overlay(Path(workspace), known, modules_tested(known, chosen))
        except LabError as error:
            raise pytest.UsageError(str(error)) from None
    if grades := config.getoption("--grades"):
        config.pluginmanager.register(Grades(Path(grades), config.stash[COURSE]), "grades")


@pytest.fixture(scope="session")
def course(request: pytest.FixtureRequest) -> "Course":
    """All manifests."""
    return request.config.stash[COURSE]


@pytest.fixture(scope="module")
def loaded_lab(request: pytest.FixtureRequest, course: "Course") -> Iterator[LabUnderTest]:
    """The module's lab, imported once, or in sandboxed processes."""
    manifest = course.lab(request.module.LAB)
    option = request.config.getoption
    trace = Path(option("--record")) if option("--record") else None
    workspace = Path(option("--impl")) if option("--impl") else None
    other_language = workspace is not None and run_script(workspace) is not None
    if option("--judged") or other_language:
        from common.course.judge.judged import JudgedLab  # not needed for practice

        modules = load(manifest)
        made: LabUnderTest = JudgedLab(
            course, manifest, modules, trace, workspace, option("--unsafe")
        )
    else:
        if workspace is not None:
            check_workspace(workspace, manifest)
        made = LabUnderTest(manifest, load(manifest), trace)
    yield made
    made.close()


@pytest.fixture
def lab(loaded_lab: LabUnderTest) -> Iterator[LabUnderTest]:
    """The lab under test: its names as attributes, and ``simulation()``."""
    yield loaded_lab
    loaded_lab.end_test()


@pytest.fixture
def sweep(request: pytest.FixtureRequest) -> Sweep:
    """Seeds for a sweep: ``for seed in sweep(50): ...``."""
    only = request.config.getoption("--seed")
    first = first_seed(request) if only is None else only
    count = 1 if only is not None else request.config.getoption("--seeds")
    made = Sweep(first, count)
    request.node.stash[_sweeps] = made
    return made


def first_seed(request: pytest.FixtureRequest) -> int:
    """Where a test's sweep begins: at the public seeds, or with ``--seed-key`` at secret ones.

    HMAC-SHA256 (RFC 2104) of the test's name under the key: who does not know the key cannot
    tell the seeds, and each test has its own.
    """
    key = request.config.getoption("--seed-key")
    if not key:
        return FIRST_SEED
    name = f"{request.module.LAB}/{request.node.name}"
    return int.from_bytes(hmac.digest(key.encode(), name.encode(), "sha256")[:SEED_BYTES])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where points are counted, only what has points is run; other tests beside a suite are about
    the course's own files."""
    if config.getoption("--judged") or config.getoption("--grades"):
        items[:] = [item for item in items if item.get_closest_marker("graded")]


def pytest_collection_finish(session: pytest.Session) -> None:
    """What is there before the first test stays: the garbage collector need not look at it."""
    if any(item.get_closest_marker("graded") for item in session.items):
        gc.collect()
        gc.freeze()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """A graded test answers for what it leaves behind, and for nothing that others left."""
    if item.get_closest_marker("graded") is None:
        return (yield)
    item.stash[_strays] = Strays(judged=item.config.getoption("--judged"))
    with item.stash[_strays].listening():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """A graded test that never ends is a failure, not a wait."""
    if item.get_closest_marker("graded") is None:
        return (yield)
    strays = item.stash[_strays]
    endless = item.config.stash[_ENDLESS]
    if len(endless) >= limits.MOST_ENDLESS and not item.config.getoption("--judged"):
        raise limits.NotTried(endless)
    with limits.limit():
        strays.begin()
        ended = yield
        strays.end()
        return ended


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Add to a failure why it failed and what replays it, and to every graded test its points."""
    with nothing_collected():
        report: pytest.TestReport = yield  # type: ignore[assignment]
    marker = item.get_closest_marker("graded")
    if marker is None:
        return report  # type: ignore[return-value]
    report.user_properties.append(("graded", marker.kwargs))
    if report.failed and call.excinfo is not None:
        error = call.excinfo.value
        why = reason(error, item.config.stash[COURSE])
        report.sections.append(("why", why))
        if isinstance(error, limits.NeverEnds) and not isinstance(error, limits.NotTried):
            item.config.stash[_ENDLESS].append(why)
        report.sections.append(("verdict", getattr(error, "verdict", FAIL)))
        if call.when == "call":
            report.sections.append(("replay", _replay(item)))
    return report  # type: ignore[return-value]


def _replay(item: pytest.Item) -> str:
    """The command that runs a failed test again, as it failed."""
    lab = item.module.LAB if isinstance(item, pytest.Function) else ""
    made = item.stash.get(_sweeps, None)
    seed = "" if made is None or made.current is None else f" --seed {made.current}"
    workspace = item.config.getoption("--impl")
    impl = f" --impl {shlex.quote(workspace)}" if workspace else ""
    return f"lab replay {lab} {item.name.removeprefix('test_')}{seed}{impl}"


class Grades:
    """Collects points and verdicts, and writes them after each test, so that a run that dies has
    left what it knew.

    Args:
        path: the JSON file.
        course: where the labs belong.
    """

    def __init__(self, path: Path, course: "Course") -> None:
        self._path = path
        self._course = course
        self.tests: list[dict[str, object]] = []
        self.problems: list[str] = []
        self.collected = 0

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """The tests are known."""
        self.collected = len(session.items)
        self._write()

    def pytest_exception_interact(
        self, call: pytest.CallInfo[object], report: pytest.CollectReport | pytest.TestReport
    ) -> None:
        """A file could not be collected."""
        if isinstance(report, pytest.CollectReport) and call.excinfo is not None:
            self.problems.append(import_problem(call.excinfo.value, self._course))
            self._write()

    def pytest_assertrepr_compare(self, op: str, left: object, right: object) -> list[str]:
        """Comparisons are told in the words of a report, whole values in one line."""
        return compared(op, left, right)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note how a graded test ended."""
        properties = dict(report.user_properties)
        if "graded" not in properties or not (report.when == "call" or report.failed):
            return
        graded_as: Any = properties["graded"]
        known = [test for test in self.tests if test["test"] == report.nodeid]
        if known and known[0]["verdict"] != "pass":
            return  # it failed already; what cleaning up met is no news
        self.tests = [test for test in self.tests if test not in known]
        self.tests.append(
            {
                "test": report.nodeid,
                "title": graded_as["title"],
                "requirement": graded_as["requirement"],
                "points": graded_as["points"],
                "verdict": "pass" if report.passed else _verdict(report),
                "seconds": round(report.duration, 3),
                "why": _section(report, "why"),
                "replay": _section(report, "replay"),
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


def _verdict(report: pytest.TestReport) -> str:
    said = _section(report, "verdict")
    return said if said in UNDECIDED else FAIL


def _section(report: pytest.TestReport, wanted: str) -> str:
    return next((text for name, text in report.sections if name == wanted), "")
