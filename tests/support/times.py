"""Where the time of a run of tests went: measured test by test, and told folder by folder.

A pytest plugin measures, and writes what it measured to the file that ``--times`` names. The
program tells what is in such files: ``python -m tests.support.times out/times/*.json``.

The wall's time is what a person waits. Processor time is what a test costs: its own, and that of
the processes which it started and saw end. A busy or slow machine needs more of it for the same
work, up to twice as much; so now and then a yardstick is laid beside it, work that is always the
same, and processor time is told as it would be on a quiet machine.
"""

import argparse
import ast
import json
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

SLOWEST = 20
PROCESSOR, PROOF = "processor seconds", "proof"

YARDSTICK = Path(argparse.__file__).read_text(encoding="utf-8")
"""To parse this takes YARDSTICK_SECONDS on the machine on which budgets were set, while quiet."""

YARDSTICK_SECONDS = 0.0125
SETTLED_SECONDS = 2.0
"""A machine's pace is measured again after this time."""


@dataclass(slots=True)
class Spent:
    """What a test has taken, in all its phases.

    Attributes:
        wall: seconds.
        processor: seconds of processor time, at the pace of a quiet machine.
        graded: whether it belongs to a graded suite.
        proof: whether it is a heavy proof, done now and then.
    """

    wall: float = 0.0
    processor: float = 0.0
    graded: bool = False
    proof: bool = False


Times = Mapping[str, Spent]
"""By the test's id in pytest."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option of this plugin."""
    parser.addoption("--times", metavar="FILE", type=Path, help="write what each test took")


def pytest_configure(config: pytest.Config) -> None:
    """Measure, if somebody wants to know."""
    if path := config.getoption("--times"):
        config.pluginmanager.register(Measuring(path), "measuring")


class Pace:
    """How much longer than a quiet machine this one takes at present."""

    def __init__(self) -> None:
        self._measured_at = -SETTLED_SECONDS
        self._pace = 1.0

    def now(self) -> float:
        """The factor: 1.5 means that the same work takes half as long again."""
        if time.monotonic() - self._measured_at > SETTLED_SECONDS:
            began = time.process_time()
            ast.parse(YARDSTICK)
            self._pace = (time.process_time() - began) / YARDSTICK_SECONDS
            self._measured_at = time.monotonic()
        return self._pace


class Measuring:
    """Measures each test where it runs, and adds up where the results come together.

    Args:
        path: where to write them.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last = 0.0
        self._pace = Pace()
        self._times: dict[str, Spent] = defaultdict(Spent)

    def pytest_runtest_logstart(self) -> None:
        """A test begins."""
        self._last = _processor_seconds()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Iterator[None]:
        """A phase of a test has ended: its processor time goes with its report."""
        report: pytest.TestReport = yield  # type: ignore[assignment]
        now = _processor_seconds()
        used = (now - self._last) / self._pace.now()
        proof = item.get_closest_marker("proof") is not None
        report.user_properties = [*report.user_properties, (PROCESSOR, used), (PROOF, proof)]
        self._last = _processor_seconds()
        return report  # type: ignore[return-value]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add a phase to what its test has taken."""
        properties = dict(report.user_properties)
        spent = self._times[report.nodeid]
        spent.wall += report.duration
        spent.processor += float(str(properties.get(PROCESSOR, 0.0)))
        spent.graded = "graded" in properties
        spent.proof = bool(properties.get(PROOF))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write them, where the results come together."""
        if hasattr(session.config, "workerinput"):
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        plain = {test: asdict(spent) for test, spent in self._times.items()}
        self._path.write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")


def _processor_seconds() -> float:
    used = (resource.getrusage(of) for of in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def read_times(paths: Iterable[Path]) -> Times:
    """Read what runs have written; a later one's word on a test counts."""
    found: dict[str, Spent] = {}
    for path in paths:
        plain = json.loads(path.read_text(encoding="utf-8"))
        found |= {test: Spent(**spent) for test, spent in plain.items()}
    return found


def folder_of(test: str) -> str:
    """The folder of a test, by its id; in a stage the lab's."""
    return test.partition("::")[0].rpartition("/")[0]


def slowest(times: Times) -> Iterator[str]:
    """Lines about the tests that took longest by the wall's clock."""
    yield f"the slowest {SLOWEST} tests (seconds, of the processor, test)"
    for test, spent in sorted(times.items(), key=lambda each: -each[1].wall)[:SLOWEST]:
        yield f"{spent.wall:8.1f} {spent.processor:8.1f}  {test}"


def by_folder(times: Times) -> Iterator[str]:
    """Lines about what each folder's tests took together."""
    sums: dict[str, list[Spent]] = defaultdict(list)
    for test, spent in times.items():
        sums[folder_of(test)].append(spent)
    yield "each folder's sum (seconds, of the processor, tests, folder)"
    for folder, spents in sorted(sums.items()):
        yield _sum(spents) + f"  {folder}"
    yield _sum(times.values()) + "  all"


def _sum(spents: Iterable[Spent]) -> str:
    listed = list(spents)
    wall, processor = sum(each.wall for each in listed), sum(each.processor for each in listed)
    return f"{wall:8.1f} {processor:8.1f} {len(listed):6}"


def main(paths: list[str]) -> None:
    """Tell what is in the files."""
    times = read_times(map(Path, paths))
    print(*slowest(times), "", *by_folder(times), sep="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
