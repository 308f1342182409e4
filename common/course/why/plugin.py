"""The pytest plugin under ``lab why`` and ``lab replay``: runs one test again and again.

It runs the failing test with fewer and fewer faults, then once more with the recorder, and writes
what it found as JSON. It needs no help from the test.
"""

import json
import re
import time
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from traceback import walk_tb
from typing import Any

import pytest

from common.check.stories import Stories
from common.course.base import limits
from common.course.base.reasons import reason
from common.course.suites.grading import COURSE
from common.course.suites.under_test import LabUnderTest
from common.course.why.earliest import earliest_cut
from common.course.why.event import at_cut, find_wrong, with_bodies, with_verdict
from common.course.why.faults import (
    Cut,
    Faults,
    Place,
    WatchedSimulation,
    is_cure,
    needless_cures,
    read_faults,
    smallest,
)
from common.course.why.steps import StepLog
from common.course.why.story import story
from common.trace.format import Meta
from common.trace.recorder import Recorder
from common.values.faults import fault_to_plain

SUITES = frozenset(("tests", "suites"))
"""Folders of which a suite's own code is: its tests, and what all suites share."""

SECONDS = 25
"""No further run is begun for the sake of a smaller schedule after this time."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the plugin."""
    group = parser.getgroup("why")
    group.addoption("--why", metavar="FILE", help="find out why the test fails, and write it here")
    group.addoption("--shrink", choices=("all", "planned", "none"), default="all")
    group.addoption("--uncut", action="store_true", help="let the test look when it wants to")
    group.addoption("--faults", metavar="FILE", help="leave out the faults that this file names")
    group.addoption("--stop-at-step", type=int, default=0, help="debug this step of a node")


@dataclass(slots=True)
class Run:
    """One run of the test: how it ended, what was asked for, what nodes did, line by line."""

    error: BaseException | None
    faults: Faults
    log: StepLog
    lines: list[str]
    steps: list[int]


class Again:
    """One test, to be run again.

    Args:
        item: pytest's.
    """

    def __init__(self, item: pytest.Function) -> None:
        self._item = item
        self.course = item.config.stash[COURSE]
        names = item._fixtureinfo.argnames
        self._arguments = {name: item.funcargs[name] for name in names}
        self.lab = next((a for a in item.funcargs.values() if isinstance(a, LabUnderTest)), None)

    def run(
        self,
        left_out: Collection[Place] = (),
        cut: Cut | None = None,
        *,
        record: bool = False,
        stop_at: int = 0,
    ) -> Run:
        """Run it once, without some faults, and no further than the cut."""
        faults, log, trace = Faults(left_out, cut), StepLog(stop_at=stop_at), _Trace()

        def simulation(nodes: Any, clients: Any = None, **options: Any) -> WatchedSimulation:
            if record:
                names, others = tuple(nodes), tuple(clients or {})
                meta = Meta(self._item.module.LAB, names, others, options["seed"])
                classes = [] if self.lab is None else self.lab.all_classes
                recorder = Recorder(trace.new(log), meta, nodes=classes)
                options["observers"] = [recorder, *options.get("observers", ())]
            return WatchedSimulation(faults, nodes, clients, **options)

        if self.lab is not None:
            self.lab.make_simulation = simulation
        error = None
        if stop_at:
            limits.suspend()
        else:
            limits.renew()
        try:
            with log.listening():
                self._item.obj(**self._arguments)
        except (Exception, limits.NeverEnds) as raised:
            error = raised
        lines = trace.lines or (log.trace(self._lab_id) if record else [])
        return Run(error, faults, log, lines, trace.steps)

    @property
    def _lab_id(self) -> str:
        return str(getattr(self._item.module, "LAB", ""))


class _Trace:
    """The trace of a test's last simulation, and for each line how many steps there had been."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.steps: list[int] = []

    def new(self, log: StepLog) -> Callable[[str], None]:
        """Begin the trace of another simulation; returns what writes a line of it."""
        self.lines, self.steps = lines, steps = [], []

        def write(line: str) -> None:
            lines.append(line)
            steps.append(log.count)

        return write


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> object:
    """Investigate in place of a plain call, or run with faults left out."""
    option = pyfuncitem.config.getoption
    if option("--why"):
        how = option("--shrink"), option("--uncut")
        run = investigate(Again(pyfuncitem), Path(option("--why")), *how)
    else:
        named = option("--faults")
        left_out, cut = read_faults(Path(named)) if named else ([], None)
        run = Again(pyfuncitem).run(left_out, cut, stop_at=option("--stop-at-step"))
    if run.error is not None:
        raise run.error
    return True


def investigate(again: Again, path: Path, shrink: str, uncut: bool) -> Run:
    """Find the smallest failing run, record it, and write what was found."""
    deadline = time.monotonic() + SECONDS
    first = again.run()
    if first.error is None:
        path.write_text(json.dumps({"fails": False}), encoding="utf-8")
        return first
    endless = isinstance(first.error, limits.NeverEnds)  # each further run would take as long
    left_out = [] if endless else _smallest(again, first, shrink, deadline)
    run = again.run(left_out, record=True)
    if run.error is None:  # the test depends on something other than its seed
        run, left_out = first, []
    error = run.error
    assert error is not None
    events = [json.loads(line) for line in run.lines[1:]]
    wrong = find_wrong(error, events, run.log)
    cut = None if wrong.exact or uncut else _cut(again, run, left_out, events, deadline)
    if cut is not None:
        run = again.run(left_out, cut, record=True)
        error = run.error or error  # it failed with this cut just now
        events = [json.loads(line) for line in run.lines[1:]]
        wrong = at_cut(find_wrong(error, events, run.log), events, cut[2])
    trace = path.with_suffix(".jsonl")
    trace.write_text("".join(with_verdict(run.lines, events, wrong)), encoding="utf-8")
    facts = {
        "fails": True,
        "why": reason(error, again.course),
        "wrong": asdict(wrong),
        "story": story(with_bodies(events), wrong),
        "liars": str(Stories.of_trace(events[: wrong.number])),
        "faults": [fault_to_plain(fault) for fault in run.faults.happening.values()],
        "faults_at_first": len(first.faults.asked),
        "left_out": [list(place) for place in left_out],
        "cut": cut,
        "step": run.steps[wrong.number] if wrong.number < len(run.steps) else run.log.count,
        "trace": str(trace) if events else "",
    }
    path.write_text(json.dumps(facts, indent=1, default=str) + "\n", encoding="utf-8")
    return run


def _cut(
    again: Again, run: Run, left_out: list[Place], events: list[dict[str, Any]], deadline: float
) -> Cut | None:
    """When the test would first have failed, had it looked; None if nobody can tell."""
    assert run.error is not None
    wanted = signature(run.error)

    def fails(cut: Cut) -> bool:
        if time.monotonic() > deadline:
            return True  # as if it failed: the earliest that was found so far stands
        error = again.run(left_out, cut).error
        return error is not None and signature(error) == wanted

    found = earliest_cut(run.faults.runs, [event["t"] for event in events], fails)
    return found if found is not None and time.monotonic() <= deadline else None


def _smallest(again: Again, first: Run, shrink: str, deadline: float) -> list[Place]:
    """The faults that can be left out: the test still fails in the same way without them."""
    assert first.error is not None
    wanted = signature(first.error)
    asked = first.faults.asked

    def fails(left_out: Collection[Place]) -> bool:
        if time.monotonic() > deadline:
            return False
        error = again.run(left_out).error
        return error is not None and signature(error) == wanted

    sources = {"all": ("planned", "injected"), "planned": ("planned",), "none": ()}[shrink]
    causes = [p for p, fault in asked.items() if p[1] in sources and not is_cure(fault)]
    if not causes:
        return []
    kept = smallest(causes, lambda some: fails([p for p in causes if p not in some]))
    left_out = [place for place in causes if place not in kept]
    happening = {place: fault for place, fault in asked.items() if place not in left_out}
    without = [*left_out, *(p for p in needless_cures(happening) if p[1] in sources)]
    return without if len(without) > len(left_out) and fails(without) else left_out


def signature(error: BaseException) -> tuple[str, ...]:
    """What makes two failures the same: the kind, the lines of the suite, the words."""
    lines = [
        f"{Path(frame.f_code.co_filename).name}:{line}"
        for frame, line in walk_tb(error.__traceback__)
        if not SUITES.isdisjoint(Path(frame.f_code.co_filename).parts)
    ]
    words = "" if isinstance(error, AssertionError) else _words(str(error))
    return (type(error).__name__, *lines, words)


def _words(text: str) -> str:
    return re.sub(r"\W*\w*\d[\w.]*", "#", text)[:60]
