"""Draws in how many rounds all have heard, with 10 to 10,000 sites, by pushing, asking and both.

    python -m stage2_communication.gossip.plot_delay gossip-delay.svg

Nobody loses interest here: this is the simple epidemic that anti-entropy is. Pushing takes
log2 n + ln n rounds (Pittel 1987).
"""

import sys
from collections.abc import Sequence
from math import log, log2
from pathlib import Path

from common.charts.drawing import Axis, Series, curves
from stage2_communication.gossip.plot_runs import FOR_EVER, Spread, mean_spread

SIZES = (10, 30, 100, 300, 1_000, 3_000, 10_000)


def push_formula(sites: int) -> float:
    """Pittel 1987, "On spreading a rumor": rounds until pushing has reached everybody."""
    return log2(sites) + log(sites)


def measure(sizes: Sequence[int] = SIZES) -> list[tuple[str, list[Spread]]]:
    """Each way, with each number of sites; the smaller ones several times."""
    return [
        (way, [mean_spread(way, size, FOR_EVER, max(1, min(10, 1_000 // size))) for size in sizes])
        for way in ("push", "pull", "push-pull")
    ]


def chart(measured: Sequence[tuple[str, Sequence[Spread]]]) -> str:
    """Rounds over the number of sites, as SVG."""
    series = [
        Series(way, [(each.sites, each.last) for each in found], "dots", colour)
        for colour, (way, found) in enumerate(measured)
    ]
    sizes = [each.sites for each in measured[0][1]]
    formula = [(size, push_formula(size)) for size in sizes]
    series.append(Series("log2 n + ln n", formula, "line", 0))
    return curves(
        "Rounds until everybody has heard (dots: measured; line: the formula)",
        Axis("sites", log=True, ticks=[(size, f"{size:,}") for size in sizes]),
        Axis("rounds", between=(0, None)),
        series,
    )


if __name__ == "__main__":
    made = measure()
    Path(sys.argv[1]).write_text(chart(made), encoding="utf-8")
    for name, found in made:
        for each in found:
            print(name, each)
