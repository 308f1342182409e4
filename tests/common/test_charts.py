"""Charts: the same bytes from the same data, names beside what they name, light and dark pages."""

import builtins
import re
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import pytest

from common.charts.drawing import (
    APART,
    Axis,
    Series,
    _kept_apart,
    add_chart,
    bars,
    curves,
    rows_of_dots,
    spreads,
)
from common.charts.style import COLOURS
from common.values.report import Chart, Report, Text

drawn = pytest.mark.needs("matplotlib")


def some() -> str:
    series = [
        Series("formula", [(1, 10), (10, 5)], "line", 0),
        Series("", [(1, 11), (10, 4)], "dots", 0),
        Series("measured", [(1, 3), (10, 2)], "both", 1),
    ]
    return curves("A title", Axis("loss, %", log=True), Axis("items a second"), series)


def texts(svg: str) -> list[str]:
    return [each.text or "" for each in ElementTree.fromstring(svg).iter() if "text" in each.tag]


@drawn
def test_a_chart_says_what_its_axes_and_its_series_are() -> None:
    said = texts(some())
    assert {"A title", "loss, %", "items a second", "formula", "measured"} <= set(said)


@drawn
def test_the_same_data_give_the_same_bytes_and_nothing_says_when() -> None:
    svg = some()
    assert svg == some()
    assert not re.search(r"20\d\d-|<script|<!--|<dc:date", svg)


@drawn
def test_a_chart_follows_dark_pages() -> None:
    svg = some()
    assert "prefers-color-scheme:dark" in svg
    drawing = svg.partition("</style>")[2]
    assert not [c for c in COLOURS.values() if c.light in drawing], "each colour is a variable"


@drawn
def test_bars_and_dots_have_their_numbers_beside_them() -> None:
    axis, ideal = Axis("keys that move"), (909.0, "at best: 909")
    moved = texts(bars("Moved", axis, {"ring": 2_700, "slots": 879}, ideal))
    assert {"ring", "slots", "2,700", "879", "at best: 909"} <= set(moved)
    held = texts(spreads("Held", axis, {"ring": [1, 2_000], "slots": [9, 10]}, ideal))
    assert {"2,000", "10"} <= set(held)
    sizes = texts(rows_of_dots("Sizes", axis, ["json"], {"bytes": [120], "µs": [45]}))
    assert {"json", "bytes", "µs", "120", "45"} <= set(sizes)


@pytest.mark.parametrize(
    "heights",
    [[0.5, 0.5, 0.5], [0.98, 0.99, 1.0], [0.0, 0.01, 0.5], [0.1, 0.9], [0.9] * 9, []],
)
def test_names_are_kept_apart_and_within_the_chart(heights: list[float]) -> None:
    placed = _kept_apart(heights)
    assert len(placed) == len(heights)
    gaps = [after - before for before, after in pairwise(placed)]
    assert all(gap >= APART - 1e-9 for gap in gaps)
    assert all(-1e-9 <= height <= 1 + 1e-9 for height in placed)


def test_without_matplotlib_the_report_says_what_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("matplotlib"):
            raise ModuleNotFoundError(name=name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    report = Report("r")
    add_chart(report, "x", "goodput", some)
    (part,) = report.parts
    assert isinstance(part, Text)
    assert part.text.startswith("There is no chart of goodput: charts need matplotlib")
    assert "pip install -e '.[charts]'" in part.text
    assert not [each for each in report.parts if isinstance(each, Chart)]
