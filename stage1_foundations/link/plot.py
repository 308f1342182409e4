"""Goodput against loss, latency and bandwidth: three charts, formulas and measurements in each.

Lines are ``theory.py``; dots are whole runs of the protocols in the simulator
(``plot_goodput.py``). All of it is a function of the seed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from common.charts.drawing import Axis, Series, curves
from common.values.units import MS
from stage1_foundations.link.plot_goodput import (
    Line,
    expect_sliding_window,
    expect_stop_and_wait,
    expect_stop_and_wait_with_backoff,
    measure_sliding_window,
    measure_stop_and_wait,
)

Points: TypeAlias = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Curve:
    """One protocol in one sweep: (x, items a second) as expected and as measured."""

    name: str
    expected: Points
    measured: Points = ()

    def deviation(self) -> float:
        """The greatest relative distance of a measured point from the expected one."""
        pairs = zip(self.expected, self.measured, strict=True)
        return max(abs(seen / wanted - 1) for (_, wanted), (_, seen) in pairs)


@dataclass(frozen=True, slots=True)
class SweepOver:
    """One sweep: which lines, what their x is, and the curves.

    Attributes:
        name: for files.
        title: for people.
        x_title: what x is, with its unit.
        labels: (x, text) of the marks on the x axis.
        curves: theory and measurement.
        log: whether equal steps of x are equal ratios.
    """

    name: str
    title: str
    x_title: str
    labels: tuple[tuple[float, str], ...]
    curves: tuple[Curve, ...]
    log: bool = False


def sweep_loss(seed: int) -> SweepOver:
    """Goodput over the probability of loss: 40 ms of round trip, 1 MB/s."""
    lines = [Line(loss=percent / 100) for percent in (0, 1, 2, 5, 10, 15, 20, 30)]
    places = [100 * line.loss for line in lines]
    drawn = (
        _sliding(lines, places, 48, seed, items=2000),
        _sliding(lines, places, 16, seed),
        _curve("stop-and-wait, fixed timeout", lines, places, expect_stop_and_wait),
        _curve(
            "stop-and-wait, Karn's backoff",
            lines,
            places,
            expect_stop_and_wait_with_backoff,
            lambda line: measure_stop_and_wait(line, seed, items=2000),
        ),
    )
    title = "Goodput over loss: round trip 40 ms, 1 MB/s, packets of 1,000 bytes"
    labels = tuple((float(percent), f"{percent} %") for percent in range(0, 31, 5))
    return SweepOver("link-loss", title, "probability of loss, each way", labels, drawn)


def sweep_latency(seed: int) -> SweepOver:
    """Goodput over latency: 1 MB/s, one packet in a hundred lost."""
    ways = (1, 3, 10, 30, 100, 300)
    lines = [Line(loss=0.01, latency_us=way * MS) for way in ways]
    places = [float(way) for way in ways]
    drawn = (_sliding(lines, places, 32, seed), _stop_and_wait(lines, places, seed))
    title = "Goodput over latency: 1 MB/s, 1 % loss"
    labels = tuple((float(way), f"{way} ms") for way in ways)
    return SweepOver("link-latency", title, "latency, one way", labels, drawn, log=True)


def sweep_bandwidth(seed: int) -> SweepOver:
    """Goodput over bandwidth: a round trip of 40 ms, one packet in a hundred lost."""
    speeds = (50, 150, 500, 1500, 5000, 15_000)
    lines = [Line(loss=0.01, bytes_a_second=1000 * speed) for speed in speeds]
    places = [float(speed) for speed in speeds]
    drawn = (_sliding(lines, places, 32, seed), _stop_and_wait(lines, places, seed))
    title = "Goodput over bandwidth: round trip 40 ms, 1 % loss"
    labels = tuple((float(speed), f"{speed:,} kB/s") for speed in speeds)
    return SweepOver("link-bandwidth", title, "bandwidth", labels, drawn, log=True)


def _sliding(
    lines: Sequence[Line], places: Sequence[float], window: int, seed: int, items: int = 1200
) -> Curve:
    return _curve(
        f"sliding window of {window}",
        lines,
        places,
        lambda line: expect_sliding_window(line, window),
        lambda line: measure_sliding_window(line, window, seed, items),
    )


def _stop_and_wait(lines: Sequence[Line], places: Sequence[float], seed: int) -> Curve:
    return _curve(
        "stop-and-wait",
        lines,
        places,
        expect_stop_and_wait_with_backoff,
        lambda line: measure_stop_and_wait(line, seed, items=500),
    )


def _curve(
    name: str,
    lines: Sequence[Line],
    places: Sequence[float],
    expect: Callable[[Line], float],
    measure: Callable[[Line], float] | None = None,
) -> Curve:
    pairs = list(zip(places, lines, strict=True))
    expected = tuple((place, expect(line)) for place, line in pairs)
    if measure is None:
        return Curve(name, expected)
    return Curve(name, expected, tuple((place, measure(line)) for place, line in pairs))


def draw(sweep: SweepOver) -> str:
    """The chart of a sweep as SVG: a line for each formula, dots for what was measured."""
    series: list[Series] = []
    for colour, curve in enumerate(sweep.curves):
        series.append(Series(curve.name, curve.expected, "line", colour))
        if curve.measured:
            series.append(Series("", curve.measured, "dots", colour))
    marks = [(float(mark), f"{mark:,}") for mark in _marks(sweep)]
    return curves(
        f"{sweep.title}\n(lines: the formulas; dots: measured)",
        Axis(sweep.x_title, sweep.log, sweep.labels),
        Axis("goodput, items a second", log=True, ticks=marks),
        series,
    )


def _marks(sweep: SweepOver) -> list[int]:
    """1, 2, 5, 10, 20, 50 ... around all points: the scale of the chart is logarithmic."""
    heights = [y for curve in sweep.curves for _, y in (*curve.expected, *curve.measured)]
    steps = [step * 10**power for power in range(6) for step in (1, 2, 5)]
    below = [step for step in steps if step <= min(heights)][-1]
    above = next(step for step in steps if step >= max(heights))
    return [step for step in steps if below <= step <= above]
