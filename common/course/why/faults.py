"""Which faults of a failing run are needed: those that can be left out are.

Only causes are left out: a crash, a partition, a bad link. What ends them (a restart, a heal)
stays, or a run in which nothing was ever mended would be taken for a failure of the same kind. A
cure that has nothing to cure any more is left out at the end.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from common.contract.events import NodeId
from common.sim.host import Factory
from common.sim.simulation import Simulation
from common.values.faults import (
    HONEST,
    Block,
    Corrupt,
    Crash,
    Disk,
    Fault,
    Heal,
    Link,
    Partition,
    Pause,
    Restart,
    Resume,
    Schedule,
)

Place: TypeAlias = tuple[int, str, int]
"""Where a fault comes from: the number of the simulation in the test, ``planned`` in its schedule
or ``injected`` by the test, and which one of those."""

Cut: TypeAlias = tuple[int, int, int]
"""Where a run of a simulation ends early: the number of the simulation in the test, that of its
``run()``, and until when it runs, in microseconds."""

PLANNED, INJECTED = "planned", "injected"

TRIES = 60
"""Runs that finding the smallest schedule may take."""


class Faults:
    """The faults of one run of a test: those that were asked for, and those that happen.

    Args:
        left_out: faults that shall not happen.
        cut: which ``run()`` ends early, or None.

    Attributes:
        runs: of each simulation, from when until when its ``run()`` was asked to go.
    """

    def __init__(self, left_out: Collection[Place] = (), cut: Cut | None = None) -> None:
        self.left_out = frozenset(left_out)
        self.cut = cut
        self.runs: list[list[tuple[int, int]]] = []
        self.asked: dict[Place, Fault] = {}
        self.simulations: list[WatchedSimulation] = []

    def keeps(self, place: Place, fault: Fault) -> bool:
        """Note a fault that is asked for; says whether it shall happen."""
        self.asked[place] = fault
        return place not in self.left_out

    @property
    def happening(self) -> dict[Place, Fault]:
        """The faults that were not left out."""
        return {place: fault for place, fault in self.asked.items() if place not in self.left_out}


def write_faults(path: Path, left_out: Collection[Place], cut: Cut | None) -> Path:
    """Write what ``--faults`` of the plugin reads; returns the path."""
    plain = {"left_out": [list(place) for place in left_out], "cut": cut}
    path.write_text(json.dumps(plain), encoding="utf-8")
    return path


def read_faults(path: Path) -> tuple[list[Place], Cut | None]:
    """What to leave out, and where to end, as :func:`write_faults` or ``lab why`` wrote it."""
    plain = json.loads(path.read_text(encoding="utf-8"))
    cut = plain["cut"]
    left_out = [(place[0], place[1], place[2]) for place in plain["left_out"]]
    return left_out, None if cut is None else (cut[0], cut[1], cut[2])


class WatchedSimulation(Simulation):
    """A simulation from which faults can be left out.

    Args:
        faults: what is noted, and which are left out.
        nodes, clients, options: those of a simulation.
    """

    def __init__(
        self,
        faults: Faults,
        nodes: Mapping[NodeId, Factory],
        clients: Mapping[NodeId, Factory] | None = None,
        **options: Any,
    ) -> None:
        self._faults = faults
        self._number = len(faults.simulations)
        self._injected = 0
        faults.simulations.append(self)
        faults.runs.append([])
        planned = enumerate(options.get("schedule") or ())
        options["schedule"] = Schedule(
            fault for n, fault in planned if faults.keeps((self._number, PLANNED, n), fault)
        )
        super().__init__(nodes, clients, **options)

    def run(self, until: int) -> None:
        """Let everything happen until then, or until the cut."""
        runs = self._faults.runs[self._number]
        runs.append((self.now, until))
        match self._faults.cut:
            case (number, place, at) if (number, place) == (self._number, len(runs) - 1):
                until = min(until, at)
        super().run(until)

    def inject(self, fault: Fault) -> None:
        """Let a fault happen now, unless it is left out."""
        place = (self._number, INJECTED, self._injected)
        self._injected += 1
        if self._faults.keeps(place, fault):
            super().inject(fault)


def is_cure(fault: Fault) -> bool:
    """Whether a fault ends others."""
    match fault:
        case Heal() | Restart() | Resume():
            return True
        case Link():
            return not (fault.loss or fault.duplicate or fault.reorder or fault.bandwidth)
        case Disk():
            return fault.latency == 0
        case Corrupt():
            return fault.behaviour == HONEST
    return False


def needless_cures(faults: Mapping[Place, Fault]) -> list[Place]:
    """The cures before which nothing happened that they could cure; links are not looked at."""
    needless = []
    for place, fault in faults.items():
        simulation = place[0]
        before = [
            other
            for (number, _, _), other in faults.items()
            if number == simulation and other.at <= fault.at and not is_cure(other)
        ]
        match fault:
            case Heal():
                cured = any(isinstance(each, Partition | Block) for each in before)
            case Restart(_, node):
                cured = any(isinstance(each, Crash) and each.node == node for each in before)
            case Resume(_, node):
                cured = any(isinstance(each, Pause) and each.node == node for each in before)
            case Disk(_, node, 0):
                cured = any(isinstance(each, Disk) and each.node == node for each in before)
            case _:
                cured = True
        if not cured:
            needless.append(place)
    return needless


def smallest(
    causes: Sequence[Place], fails: Callable[[Collection[Place]], bool], tries: int = TRIES
) -> list[Place]:
    """A smallest part of the causes with which the test still fails.

    Zeller, Hildebrandt 2002, "Simplifying and isolating failure-inducing input": halves are left
    out first, then quarters, then single ones, until none can be spared.

    Args:
        causes: the faults that may be left out; the test fails with all of them.
        fails: runs the test with these causes only.
        tries: bound on the runs.
    """
    kept = list(causes)
    if not kept or (tries > 0 and fails([])):
        return []
    tries -= 1
    size = len(kept)
    while size >= 1:
        size = (size + 1) // 2
        start, spared = 0, False
        while start < len(kept) and tries > 0:
            fewer = kept[:start] + kept[start + size :]
            tries -= 1
            if fewer and fails(fewer):
                kept, spared = fewer, True
            else:
                start += size
        if (size == 1 and not spared) or tries <= 0:
            break
    return kept
