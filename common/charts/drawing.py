"""Charts as SVG, drawn by matplotlib: curves, bars, and how values are spread.

Each axis has a title with its unit. Each series has its name beside it, in its colour, and no
legend; a line and dots differ in form as well. The same data give the same bytes.
"""

import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from common.charts.style import COLOURS, SERIES, STYLE, with_variables
from common.values.errors import MissingTool
from common.values.report import Report

WIDTH, HEIGHT = 9.0, 4.8
"""Of a chart, in inches of 72 px."""

LETTER = 0.0105
"""How much of a chart's width a letter of a series' name takes, roughly."""

APART = 0.058
"""The least distance of two names from each other, as a part of the axis' height."""

FONT = "DejaVu Sans"
"""Comes with matplotlib, so that the layout is the same everywhere; a page may show another one."""

Points: TypeAlias = Sequence[tuple[float, float]]
"""Pairs of x and y."""


@dataclass(frozen=True, slots=True)
class Series:
    """What is drawn in one colour, under one name.

    Attributes:
        name: stands at its end; empty for one that shares colour and name with another.
        points: pairs of x and y, in order of x.
        form: a line (mostly a formula), dots (what was measured), or both.
        colour: which one of the series' colours, from 0.
    """

    name: str
    points: Points
    form: Literal["line", "dots", "both"] = "both"
    colour: int = 0


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis.

    Attributes:
        title: what it shows, and in which unit.
        log: whether equal steps are equal ratios.
        ticks: what is marked: (value, text); chosen by itself unless given.
        between: the least and the greatest value; chosen by itself unless given.
    """

    title: str
    log: bool = False
    ticks: Sequence[tuple[float, str]] = ()
    between: tuple[float, float | None] | None = None


def add_chart(report: Report, name: str, caption: str, draw: Callable[[], str]) -> None:
    """Draw a chart for a report; without matplotlib the report says in a sentence what lacks."""
    try:
        report.chart(name, caption, draw())
    except MissingTool as missing:
        report.say(f"There is no chart of {caption}: {missing}.")


def curves(title: str, x: Axis, y: Axis, series: Sequence[Series]) -> str:
    """Lines and dots over x, as SVG."""
    with _chart(title, HEIGHT) as (axes, made):
        for each in series:
            colour = COLOURS[f"c{each.colour % SERIES}"].light
            line = {"line": "-", "dots": "none", "both": "-"}[each.form]
            marker = "" if each.form == "line" else "osD^v"[each.colour % SERIES]
            xs, ys = zip(*each.points, strict=True)
            axes.plot(xs, ys, color=colour, linestyle=line, marker=marker, markersize=5.5)
        _set_axis(axes.xaxis, axes.set_xscale, axes.set_xlim, x)
        _set_axis(axes.yaxis, axes.set_yscale, axes.set_ylim, y)
        axes.grid(axis="both", color=COLOURS["rule"].light)
        _name_series(axes, [each for each in series if each.name])
        return made()


def bars(title: str, x: Axis, values: Mapping[str, float], ideal: tuple[float, str]) -> str:
    """A bar for each value, with the number at its end, and a line at what would be ideal."""
    with _chart(title, 1.6 + 0.42 * len(values)) as (axes, made):
        rows = range(len(values))
        axes.barh(rows, list(values.values()), height=0.62, color=COLOURS["c0"].light)
        for row, value in zip(rows, values.values(), strict=True):
            axes.annotate(f"{value:,.0f}", (value, row), (6, 0), **_beside())
        _rows(axes, list(values), x)
        _ideal(axes, ideal)
        return made()


def spreads(
    title: str, x: Axis, values: Mapping[str, Sequence[float]], ideal: tuple[float, str]
) -> str:
    """A row of dots for each name, with the number at the greatest, and a line at the ideal."""
    with _chart(title, 1.6 + 0.5 * len(values)) as (axes, made):
        for row, each in enumerate(values.values()):
            axes.plot([min(each), max(each)], [row, row], color=COLOURS["rule"].light, linewidth=5)
            dots = {"marker": "o", "markersize": 7, "linestyle": "none", "alpha": 0.75}
            axes.plot(each, [row] * len(each), color=COLOURS["c0"].light, **dots)
            axes.annotate(f"{max(each):,.0f}", (max(each), row), (9, 0), **_beside())
        _rows(axes, list(values), x)
        _ideal(axes, ideal)
        return made()


def rows_of_dots(
    title: str, x: Axis, names: Sequence[str], columns: Mapping[str, Sequence[float]]
) -> str:
    """A row for each name, with a dot and its number for each column; the columns' names above."""
    with _chart(title, 1.8 + 0.52 * len(names)) as (axes, made):
        axes.set_title(title, pad=30)
        for number, (name, values) in enumerate(columns.items()):
            colour = COLOURS[f"c{number % SERIES}"].light
            marker = "osD^v"[number % SERIES]
            axes.plot(values, range(len(values)), marker, color=colour)
            small = {"textcoords": "offset points", "ha": "center", "fontsize": 9.5}
            below = number % 2  # so that numbers of neighbouring dots keep clear of each other
            by = {"xytext": (0, -6 if below else 6), "va": "top" if below else "bottom"}
            for row, value in enumerate(values):
                axes.annotate(_number(value), (value, row), color=colour, **by, **small)
            key = {"transform": axes.transAxes, "color": colour, "clip_on": False}
            axes.plot([0.01 + 0.2 * number], [1.045], marker, **key)
            axes.text(0.025 + 0.2 * number, 1.045, name, va="center", fontweight="bold", **key)
        axes.set_ylim(-0.6, len(names) - 0.5)
        _rows(axes, names, x)
        return made()


# Helpers.


@contextmanager
def _chart(title: str, height: float) -> Iterator[tuple[Any, Callable[[], str]]]:
    """Axes to draw into, and what makes the SVG once that is done.

    Raises:
        MissingTool: matplotlib is not installed.
    """
    try:  # here, since it takes long to import and measurements work without it
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise MissingTool(
            "charts need matplotlib, which is not installed: in the course's folder, run "
            "make .venv/.charts, or pip install -e '.[charts]'"
        ) from None
    ink, quiet = COLOURS["ink"].light, COLOURS["quiet"].light
    settings: Any = {
        "svg.fonttype": "none", "svg.hashsalt": title, "font.family": FONT, "font.size": 11.5,
        "text.color": ink, "axes.labelcolor": ink, "axes.edgecolor": COLOURS["rule"].light,
        "xtick.color": quiet, "ytick.color": quiet, "axes.titlelocation": "left",
        "axes.titleweight": "bold", "axes.titlesize": 13, "axes.titlepad": 14,
        "axes.spines.top": False, "axes.spines.right": False, "lines.linewidth": 2.2,
        "axes.axisbelow": True, "xtick.major.size": 0, "ytick.major.size": 0,
        "xtick.minor.size": 0, "ytick.minor.size": 0,
    }  # fmt: skip
    with rc_context(settings):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        axes = figure.add_subplot()
        axes.set_title(title)
        yield axes, lambda: _svg(figure)


def _svg(figure: Any) -> str:
    """The figure as SVG that follows the page, with nothing in it that says when it was made."""
    file = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(file, format="svg", metadata=nothing, transparent=True)
    svg = re.sub(r"<\?xml.*?\?>|<!DOCTYPE.*?>|<!--.*?-->", "", file.getvalue(), flags=re.DOTALL)
    svg = with_variables(svg).replace(f"'{FONT}'", f"'{FONT}', system-ui, sans-serif")
    head, end, rest = svg.strip().partition(">")
    return f'{head}{end}{STYLE}<rect class="paper" width="100%" height="100%"/>{rest.strip()}\n'


def _set_axis(part: Any, scale: Any, limits: Any, axis: Axis) -> None:
    part.set_label_text(axis.title)
    if axis.log:
        scale("log")
    if axis.between:
        limits(*axis.between)
    if axis.ticks:
        places, texts = zip(*axis.ticks, strict=True)
        part.set_ticks(places, labels=texts)
        part.set_ticks([], minor=True)


def _name_series(axes: Any, series: Sequence[Series]) -> None:
    """Each name to the right of the axes, at the height where its series ends."""
    longest = max((len(each.name) for each in series), default=0)
    axes.figure.get_layout_engine().set(rect=(0, 0, 1 - LETTER * longest - 0.02, 1))
    axes.autoscale_view()
    to_axes = (axes.transData + axes.transAxes.inverted()).transform
    ends = sorted((float(to_axes(each.points[-1])[1]), each.name, each) for each in series)
    heights = _kept_apart([end for end, _, _ in ends])
    for (end, name, each), height in zip(ends, heights, strict=True):
        colour = COLOURS[f"c{each.colour % SERIES}"].light
        last = float(to_axes(each.points[-1])[0])
        line = {"color": colour, "linewidth": 0.8, "clip_on": False, "alpha": 0.6}
        axes.plot([last, 1.012], [end, height], transform=axes.transAxes, **line)
        where = {"transform": axes.transAxes, "va": "center", "clip_on": False}
        text = axes.text(1.018, height, name, color=colour, fontweight="bold", **where)
        text.set_in_layout(False)


def _kept_apart(heights: Sequence[float]) -> list[float]:
    """The heights, from below, moved so that neighbours are apart and all stay in the chart."""
    placed: list[float] = []
    for height in heights:
        placed.append(max(height, placed[-1] + APART if placed else 0.02))
    over = max(0.0, placed[-1] - 1.0) if placed else 0.0
    moved: list[float] = []
    for height in reversed([each - over if over else each for each in placed]):
        wanted = min(height + over, 1.0) if not moved else min(height + over, moved[-1] - APART)
        moved.append(wanted)
    return moved[::-1]


def _rows(axes: Any, names: Sequence[str], x: Axis) -> None:
    axes.set_yticks(range(len(names)), labels=names)
    axes.tick_params(axis="y", labelcolor=COLOURS["ink"].light)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    if not x.log:
        axes.set_xlim(left=0)
    _set_axis(axes.xaxis, axes.set_xscale, axes.set_xlim, x)
    axes.xaxis.set_major_formatter(lambda value, _: _number(value))
    axes.grid(axis="x", color=COLOURS["rule"].light)


def _ideal(axes: Any, ideal: tuple[float, str]) -> None:
    value, name = ideal
    colour = COLOURS["c1"].light
    axes.axvline(value, color=colour, linewidth=1.6, linestyle="--")
    axes.set_title(axes.get_title("left"), pad=26)  # room for the name above the line
    above = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points"}
    style = {"color": colour, "fontweight": "bold", "va": "bottom", "fontsize": 10.5}
    axes.annotate(name, (value, 1.0), (4, 2), **above, **style)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"


def _beside() -> dict[str, Any]:
    paper = {"facecolor": COLOURS["paper"].light, "edgecolor": "none", "pad": 1.5}
    ink = COLOURS["ink"].light
    return {"textcoords": "offset points", "va": "center", "color": ink, "bbox": paper}
