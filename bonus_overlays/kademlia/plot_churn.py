"""What becomes of values when nodes come and go, and the formula.

    python -m bonus_overlays.kademlia.plot_churn kademlia-churn.svg

Again and again a part p of all nodes loses everything at once, as if others had come in their
places; after that there is time to hand each value on once. A value has h = k + 1 holders: those
that were found, and the one that handed it on. It is lost when all of them go at the same time. So
after m times it is there with probability (1 - p^h)^m. Nobody publishes again. All of it is a
function of the seed.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

from bonus_overlays.kademlia.buckets import key_of
from bonus_overlays.kademlia.publishing import Dht, Get, Put
from common.charts.drawing import Axis, Series, curves
from common.sim import Simulation
from common.values.faults import Crash, Restart
from common.values.history import Ok
from common.values.units import SECOND

NODES, VALUES, TIMES, K = 100, 40, 4, 8
REPUBLISH_EVERY = 60 * SECOND
STEP = 120 * SECOND
"""Between two times: every holder has handed on after one and a half intervals at most."""
NEVER = 10**6 * SECOND


@dataclass(frozen=True, slots=True)
class Survival:
    """What is left of the values.

    Attributes:
        part: of all nodes, the part that loses everything each time.
        found: of all values, the part that somebody gets after all times.
        expected: by the formula.
        holders: of a value that is there, on average, before the last time.
    """

    part: float
    found: float
    expected: float
    holders: float


def survive(part: float, seed: int = 1) -> Survival:
    """Put values, let nodes come and go, and get the values from those that are there then."""
    names = tuple(f"n{number}" for number in range(1, NODES + 1))
    node = partial(
        Dht, k=K, refresh_every=STEP, republish_every=REPUBLISH_EVERY, expire_after=NEVER
    )
    simulation = Simulation(dict.fromkeys(names, node), seed=seed, max_events=50_000_000)
    simulation.run(STEP)
    values = [f"value {number}".encode() for number in range(VALUES)]
    for data in values:
        simulation.call("n1", Put(data))
        simulation.run(simulation.now + SECOND)
    _lose(simulation, ["n1"])  # which would publish again
    random = Random(f"churn/{seed}/{part}")
    holders = 0.0
    for _ in range(TIMES):
        simulation.run(simulation.now + STEP)
        holders = _holders(simulation, values)
        _lose(simulation, sorted(random.sample(names, round(part * NODES))))
    simulation.run(simulation.now + STEP)
    found = 0
    for data in values:
        asked = simulation.call("n2", Get(key_of(data)))
        simulation.run(simulation.now + SECOND)
        found += asked.outcome == Ok(data)
    return Survival(part, found / VALUES, (1 - part ** (K + 1)) ** TIMES, holders)


def _lose(simulation: Simulation, nodes: Sequence[str]) -> None:
    for node in nodes:
        simulation.inject(Crash(simulation.now, node))
        simulation.inject(Restart(simulation.now, node))


def _holders(simulation: Simulation, values: Sequence[bytes]) -> float:
    """By how many nodes a value that is there is held, on average."""
    nodes = [node for node in simulation.nodes.values() if isinstance(node, Dht)]
    counts = [sum(node.kept(key_of(data)) is not None for node in nodes) for data in values]
    return sum(counts) / max(1, sum(count > 0 for count in counts))


def chart(measured: Sequence[Survival]) -> str:
    """The part of values that survive, over the part of nodes that go each time, as SVG."""
    parts = [number / 100 for number in range(101)]
    formula = [(part, (1 - part ** (K + 1)) ** TIMES) for part in parts]
    return curves(
        f"Values that are left after {TIMES} times, k = {K}",
        Axis("part of all nodes that loses everything each time", between=(0, 1.02)),
        Axis("part of all values that is found", between=(0, 1.05)),
        [
            Series("the formula", formula, "line", 0),
            Series("measured", [(each.part, each.found) for each in measured], "dots", 1),
        ],
    )


if __name__ == "__main__":
    survived = [survive(part) for part in (0.3, 0.5, 0.7, 0.8, 0.9)]
    Path(sys.argv[1]).write_text(chart(survived), encoding="utf-8")
    for each in survived:
        print(each)
