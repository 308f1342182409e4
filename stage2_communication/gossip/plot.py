"""Draws how news spread: residue over traffic, and delay over the number of sites.

    python -m stage2_communication.gossip.plot gossip-residue.svg

Push and pull, feedback and blind, counter and coin, among 1,000 sites; the line is exp(-m), the
formula of Demers and others for every way of pushing.
"""

import sys
from collections.abc import Sequence
from math import exp
from pathlib import Path

from common.charts.drawing import Axis, Series, curves
from stage2_communication.gossip.plot_runs import Spread, mean_spread

SITES, RUNS = 1_000, 3
LEAST = 0.0003
"""What is drawn where nobody is left out: a third of one site."""

WAYS: tuple[tuple[str, str, bool, bool, tuple[int, ...]], ...] = (
    ("push, feedback, counter", "push", True, True, (1, 2, 3, 4, 5)),
    ("push, feedback, coin", "push", True, False, (1, 2, 3, 4)),
    ("push, blind, counter", "push", False, True, (2, 3, 4, 5, 6)),
    ("pull, feedback, counter", "pull", True, True, (1, 2)),
    ("push-pull, feedback, counter", "push-pull", True, True, (1, 2)),
)


def measure() -> list[tuple[str, list[Spread]]]:
    """Each way, with each of its k."""
    return [
        (name, [mean_spread(way, SITES, k, RUNS, feedback=f, counter=c) for k in ks])
        for name, way, f, c, ks in WAYS
    ]


def chart(measured: Sequence[tuple[str, Sequence[Spread]]]) -> str:
    """Residue over traffic, as SVG."""
    series = [
        Series(name, [(each.traffic, max(each.residue, LEAST)) for each in found], "dots", colour)
        for colour, (name, found) in enumerate(measured)
    ]
    steps = [step / 4 for step in range(4, 30)]
    series.append(Series("exp(-m)", [(m, exp(-m)) for m in steps], "line", 0))
    return curves(
        "Rumors among 1,000 sites (dots: measured; line: the formula)",
        Axis("traffic m: how often the rumor was sent, for each site"),
        Axis("residue: part of all sites that never hear it", log=True),
        series,
    )


if __name__ == "__main__":
    made = measure()
    Path(sys.argv[1]).write_text(chart(made), encoding="utf-8")
    for name, found in made:
        for each in found:
            print(name, each)
