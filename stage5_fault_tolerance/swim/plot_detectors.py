"""The price of a fast detector: how soon it suspects the dead, and how often the living.

    python -m stage5_fault_tolerance.swim.plot_detectors swim-detectors.svg

Five watchers on a network that loses a tenth of all heartbeats and delays the others unevenly.
Each setting of each detector is one point: chosen higher it is slower, and wrong less often.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from common.charts.drawing import Axis, Series, curves
from common.contract import NodeId
from common.sim import LinkModel, Simulation
from common.values.faults import Crash
from common.values.units import MS, SECOND
from stage5_fault_tolerance.swim.detector import Beat, FixedTimeout, PhiAccrual, Watcher

INTERVAL = 100 * MS
ROUGH = LinkModel(latency=(1 * MS, 80 * MS), loss=0.1)
NAMES = ("n1", "n2", "n3", "n4", "n5")
CALM, AFTER = 120 * SECOND, 10 * SECOND
"""How long nobody fails, when mistakes are counted; and how long there is to find the dead."""

TIMEOUTS = (1.5, 2.0, 2.5, 3.5, 4.5, 6.0)
THRESHOLDS = (0.6, 1.0, 1.5, 2.0, 3.0, 5.0)

Judge = Callable[[int, int], FixedTimeout | PhiAccrual]


@dataclass(frozen=True, slots=True)
class Setting:
    """What one setting of a detector costs.

    Attributes:
        name: of the detector.
        setting: its timeout in intervals, or its threshold.
        detected: how long the dead are taken to be alive, in intervals, on average.
        mistakes: how often in an hour one member begins to suspect another one that lives.
    """

    name: str
    setting: float
    detected: float
    mistakes: float


class Counting(Watcher):
    """A watcher that counts how often it begins to suspect somebody, and remembers when it did."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...], *, judge: Judge) -> None:
        super().__init__(id, peers, interval=INTERVAL)
        self.judge = judge
        self.began: list[tuple[int, NodeId]] = []

    def on_start(self) -> None:
        """Begin, with detectors of this setting."""
        super().on_start()
        self.detectors = {peer: self.judge(self.now, INTERVAL) for peer in self.peers}

    def beat(self, beat: Beat) -> None:
        """As before; and remember those that it did not suspect until now."""
        before = list(self.suspected)
        super().beat(beat)
        self.began += [(self.now, peer) for peer in self.suspected if peer not in before]


def measure(name: str, setting: float, judge: Judge, seed: int = 1) -> Setting:
    """Let five watchers with one setting run, and one of them fail at the end."""
    made = partial(Counting, judge=judge)
    simulation = Simulation(dict.fromkeys(NAMES, made), seed=seed, link=ROUGH)
    simulation.run(CALM)
    watchers = [node for node in simulation.nodes.values() if isinstance(node, Counting)]
    mistakes = sum(len(each.began) for each in watchers)
    pairs = len(NAMES) * (len(NAMES) - 1)
    failed_at = simulation.now
    simulation.inject(Crash(failed_at, "n5"))
    simulation.run(failed_at + AFTER)
    found = [
        next((at for at, peer in reversed(each.began) if peer == "n5"), None)
        for each in watchers
        if each.id != "n5"
    ]
    times = [max(at - failed_at, 0) for at in found if at is not None]
    assert len(times) == len(NAMES) - 1, "everybody finds the dead"
    hours = CALM / (3_600 * SECOND)
    return Setting(name, setting, sum(times) / len(times) / INTERVAL, mistakes / pairs / hours)


def measure_all() -> list[Setting]:
    """All settings of both detectors."""
    fixed = [
        measure("a fixed timeout", timeout, partial(_fixed, timeout=timeout))
        for timeout in TIMEOUTS
    ]
    accrual = [
        measure("phi accrual", threshold, partial(PhiAccrual, threshold=threshold))
        for threshold in THRESHOLDS
    ]
    return fixed + accrual


def _fixed(now: int, interval: int, timeout: float) -> FixedTimeout:
    """A fixed timeout of so many intervals, also of parts of one."""
    return FixedTimeout(now, 1, int(timeout * interval))


def chart(measured: Sequence[Setting]) -> str:
    """Mistakes over the time to detect, as SVG."""
    names = dict.fromkeys(each.name for each in measured)
    return curves(
        "How soon the dead are suspected, and how often the living",
        Axis("heartbeat intervals until the dead are suspected"),
        Axis("mistakes about one other member, an hour", between=(0, None)),
        [
            Series(
                name,
                [(each.detected, each.mistakes) for each in measured if each.name == name],
                "both",
                colour,
            )
            for colour, name in enumerate(names)
        ],
    )


if __name__ == "__main__":
    settings = measure_all()
    Path(sys.argv[1]).write_text(chart(settings), encoding="utf-8")
    for each in settings:
        print(each)
