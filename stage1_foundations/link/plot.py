"""Goodput against loss, latency and bandwidth: three charts, formulas and measurements in each.

Lines are ``theory.py``; dots are whole runs of the protocols in the simulator
(``plot_goodput.py``). All of it is a function of the seed.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log10
from typing import TypeAlias

from common.values.units import MS
from stage1_foundations.link.plot_goodput import (
    Line,
    expect_sliding_window,
    expect_stop_and_wait,
    expect_stop_and_wait_with_backoff,
    measure_sliding_window,
    measure_stop_and_wait,
)

COLOURS = ("#0b61a4", "#d1495b", "#7a7a7a", "#2e7d32")
"""Of the curves, in order; readable on white, and told apart by colour-blind eyes."""


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
    """

    name: str
    title: str
    x_title: str
    labels: tuple[tuple[float, str], ...]
    curves: tuple[Curve, ...]


def sweep_loss(seed: int) -> SweepOver:
    """Goodput over the probability of loss: 40 ms of round trip, 1 MB/s."""
    lines = [Line(loss=percent / 100) for percent in (0, 1, 2, 5, 10, 15, 20, 30)]
    places = [100 * line.loss for line in lines]
    curves = (
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
    return SweepOver("link-loss", title, "probability of loss, each way", labels, curves)


def sweep_latency(seed: int) -> SweepOver:
    """Goodput over latency: 1 MB/s, one packet in a hundred lost."""
    ways = (1, 3, 10, 30, 100, 300)
    lines = [Line(loss=0.01, latency_us=way * MS) for way in ways]
    places = [log10(way) for way in ways]
    curves = (_sliding(lines, places, 32, seed), _stop_and_wait(lines, places, seed))
    title = "Goodput over latency: 1 MB/s, 1 % loss"
    labels = tuple((log10(way), f"{way} ms") for way in ways)
    return SweepOver("link-latency", title, "latency, one way", labels, curves)


def sweep_bandwidth(seed: int) -> SweepOver:
    """Goodput over bandwidth: a round trip of 40 ms, one packet in a hundred lost."""
    speeds = (50, 150, 500, 1500, 5000, 15_000)
    lines = [Line(loss=0.01, bytes_a_second=1000 * speed) for speed in speeds]
    places = [log10(speed) for speed in speeds]
    curves = (_sliding(lines, places, 32, seed), _stop_and_wait(lines, places, seed))
    title = "Goodput over bandwidth: round trip 40 ms, 1 % loss"
    labels = tuple((log10(speed), f"{speed:,} kB/s") for speed in speeds)
    return SweepOver("link-bandwidth", title, "bandwidth", labels, curves)


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
    import pygal  # here, so that the measurements work without it
    from pygal.style import Style

    parts = _parts(sweep)
    style = Style(
        background="white",
        plot_background="white",
        foreground="#333333",
        foreground_strong="#111111",
        guide_stroke_color="#dddddd",
        opacity="1",
        colors=tuple(colour for colour, *_ in parts),
        font_family="sans-serif",
        title_font_size=18,
        label_font_size=13,
        legend_font_size=14,
    )
    chart = pygal.XY(
        style=style,
        js=[],
        width=900,
        height=520,
        title=f"{sweep.title}\n(lines: the formulas; dots: measured)",
        x_title=sweep.x_title,
        y_title="items a second",
        legend_at_bottom=True,
        legend_at_bottom_columns=2,
        truncate_legend=-1,
        margin=20,
        margin_right=45,
        stroke_style={"width": 2},
        xrange=(sweep.labels[0][0], sweep.labels[-1][0]),
        show_x_guides=True,
        include_x_axis=False,
        disable_xml_declaration=True,
    )
    chart.x_labels = [{"value": place, "label": text} for place, text in sweep.labels]
    chart.y_labels = [{"value": log10(mark), "label": f"{mark:,}"} for mark in _marks(sweep)]
    chart.y_labels_major = []
    for _, name, points, is_line in parts:
        values = [{"value": (x, log10(y)), "label": f"{y:.0f} items a second"} for x, y in points]
        chart.add(name, values, stroke=is_line, show_dots=not is_line, dots_size=5)
    chart.uuid = sweep.name  # in place of a random one: the same seed, the same bytes
    svg = str(chart.render(is_unicode=True))
    return re.sub("<!--.*?-->|<script.*?</script>", "", svg, flags=re.DOTALL)  # dates, tooltips


def _marks(sweep: SweepOver) -> list[int]:
    """1, 2, 5, 10, 20, 50 ... around all points: the scale of the chart is logarithmic."""
    heights = [y for curve in sweep.curves for _, y in (*curve.expected, *curve.measured)]
    steps = [step * 10**power for power in range(6) for step in (1, 2, 5)]
    below = [step for step in steps if step <= min(heights)][-1]
    above = next(step for step in steps if step >= max(heights))
    return [step for step in steps if below <= step <= above]


Part: TypeAlias = tuple[str, str | None, Points, bool]
"""What to draw: colour, name in the legend, points, and whether as a line."""


def _parts(sweep: SweepOver) -> list[Part]:
    """Formula and measurement of a curve share their colour, and one entry in the legend."""
    parts: list[Part] = []
    for colour, curve in zip(COLOURS, sweep.curves, strict=False):
        parts.append((colour, curve.name, curve.expected, True))
        if curve.measured:
            parts.append((colour, None, curve.measured, False))
    return parts
