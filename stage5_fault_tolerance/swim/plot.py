"""How SWIM grows: detection, dissemination and load with up to 10,000 members, and the formulas.

    python -m stage5_fault_tolerance.swim.plot swim-scale.svg

Every member knows all others at first, and some fail. Everybody runs the whole protocol; what is
measured are the moments at which members change what they believe. All of it is a function of the
seed.
"""

import gc
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import e, log
from pathlib import Path
from random import Random

from common.charts.drawing import Axis, Series, curves
from common.contract import NodeId
from common.sim import LinkModel, Simulation
from common.values.faults import Crash
from common.values.units import MS, SECOND
from stage5_fault_tolerance.swim.dissemination import Swim
from stage5_fault_tolerance.swim.messages import DEAD, SUSPECT, Update

PERIOD = 1 * SECOND
LINK = LinkModel(latency=(1 * MS, 5 * MS))
WARM_UP = 2
"""Periods before anybody fails; the load is measured in the last one."""


class Measured(Swim):
    """A member that counts what it sends, and remembers when it came to believe what."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        super().__init__(id, peers, period=PERIOD, joins=False)
        self.sent = 0
        self.changes: list[tuple[int, NodeId, str]] = []

    def send(self, to: NodeId, message: object) -> None:
        """Count it, and send it."""
        self.sent += 1
        super().send(to, message)

    def believe(self, update: Update) -> None:
        """Believe it, and remember when."""
        super().believe(update)
        self.changes.append((self.now, update.member, self.table[update.member].state))


@dataclass(frozen=True, slots=True)
class Growth:
    """What was measured with so many members; times are in protocol periods.

    Attributes:
        members: how many there are.
        detected: from a failure until the first one suspects it, on average.
        spread: from the first suspicion until everybody who lives suspects it too, on average.
        load: messages that a member sends in a period of a calm day.
        events: how many events the simulation took.
        node_seconds: members times seconds of virtual time.
    """

    members: int
    detected: float
    spread: float
    load: float
    events: int
    node_seconds: float


def expected_detection() -> float:
    """SWIM, 3.1: e / (e - 1) periods until one comes in which somebody probes it."""
    return e / (e - 1)


def expected_spread(members: int) -> float:
    """SWIM, 4.1: after log n periods all but one have heard it, where a period has two contacts."""
    return log(members)


def grow(members: int, failures: int, seed: int) -> Growth:
    """Let some of so many members fail, and measure until everybody has suspected all of them.

    Meanwhile Python looks for no garbage: none is made, and to look takes a part of the time.
    """
    gc.disable()
    try:
        return _grow(members, failures, seed)
    finally:
        gc.enable()


def _grow(members: int, failures: int, seed: int) -> Growth:
    names = tuple(f"n{number}" for number in range(members))
    simulation = Simulation(
        dict.fromkeys(names, Measured),
        seed=seed,
        link=LINK,
        peers=names,
        max_events=100_000_000,
    )
    simulation.run((WARM_UP - 1) * PERIOD)
    before = _sent(simulation)
    simulation.run(WARM_UP * PERIOD)
    load = (_sent(simulation) - before) / members
    random = Random(f"failures/{seed}")
    failed = {name: simulation.now + random.randrange(PERIOD)
              for name in random.sample(names, failures)}  # fmt: skip
    for name, at in failed.items():
        simulation.later(at, partial(simulation.inject, Crash(at, name)))
    simulation.run(simulation.now + int((4 + 2 * expected_spread(members)) * PERIOD))
    detected, spread = _times(simulation, failed)
    seconds = simulation.now / SECOND
    return Growth(members, detected, spread, load, simulation.events, members * seconds)


def _sent(simulation: Simulation) -> int:
    return sum(node.sent for node in simulation.nodes.values() if isinstance(node, Measured))


def _times(simulation: Simulation, failed: dict[NodeId, int]) -> tuple[float, float]:
    first: dict[NodeId, int] = {}
    last: dict[NodeId, int] = {}
    for node in simulation.nodes.values():
        assert isinstance(node, Measured)
        known: set[NodeId] = set()
        for at, member, state in node.changes:
            if member in failed and state in (SUSPECT, DEAD) and member not in known:
                known.add(member)
                first[member] = min(first.get(member, at), at)
                last[member] = max(last.get(member, at), at)
        missed = failed.keys() - known
        assert not missed, f"{node.id} has heard nothing of {sorted(missed)}, which failed long ago"
    detected = sum(first[name] - at for name, at in failed.items()) / len(failed) / PERIOD
    spread = sum(last[name] - first[name] for name in failed) / len(failed) / PERIOD
    return detected, spread


def chart(measured: Sequence[Growth]) -> str:
    """What was measured and what the formulas say, over the number of members, as SVG."""

    def over(values: Callable[[Growth], float]) -> list[tuple[float, float]]:
        return [(each.members, values(each)) for each in measured]

    sizes = [each.members for each in measured]
    return curves(
        "SWIM over the number of members (dots: measured; lines: the formulas)",
        Axis("members", log=True, ticks=[(size, f"{size:,}") for size in sizes]),
        Axis("protocol periods; messages", between=(0, None)),
        [
            Series("first suspicion", over(lambda g: g.detected), "dots", 0),
            Series("e / (e - 1)", over(lambda _: expected_detection()), "line", 0),
            Series("known to all after", over(lambda g: g.spread), "dots", 1),
            Series("ln n", over(lambda g: expected_spread(g.members)), "line", 1),
            Series("messages a member sends in a period", over(lambda g: g.load), "both", 2),
        ],
    )


def measure(sizes: Sequence[int], seed: int = 1) -> list[Growth]:
    """Grow to each of these sizes; the smaller ones several times, and the mean of all."""
    return [_grow_often(size, seed) for size in sizes]


def _grow_often(size: int, seed: int) -> Growth:
    failures = max(1, min(5, size // 10))
    runs = [grow(size, failures, seed + run) for run in range(max(1, min(16, 1_000 // size)))]

    def mean(values: Callable[[Growth], float]) -> float:
        return sum(map(values, runs)) / len(runs)

    return replace(
        runs[0],
        detected=mean(lambda run: run.detected),
        spread=mean(lambda run: run.spread),
        load=mean(lambda run: run.load),
    )


if __name__ == "__main__":
    grown = measure((10, 30, 100, 300, 1_000, 3_000, 10_000))
    Path(sys.argv[1]).write_text(chart(grown), encoding="utf-8")
    for each in grown:
        print(each)
