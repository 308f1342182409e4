"""What was measured against what was configured, as a table and a chart."""

import math
from functools import partial

from common.charts.drawing import Axis, Series, add_chart, curves
from common.values.report import Report
from common.values.units import MS, show_time
from stage1_foundations.netem.experiment import Answer, Findings
from stage1_foundations.netem.roundtrips import (
    fraction_within,
    late_after,
    late_fraction,
    percentile,
)

POINTS = 60
"""How many points the expected curve has."""
MOST_DOTS = 200
"""How many measured round trips are drawn at most."""


def report(findings: Findings, *, draw: bool = True) -> Report:
    """The findings as a table, two judgements and, if asked to ``draw``, a chart.

    Raises:
        LabError: all round trips were late.
    """
    made = Report(f"Round trips in {findings.world}: {findings.shape}, each way")
    made.table("Configured and measured", ("", "configured", "measured"), rows(findings))
    for judged in findings.judgements:
        made.judged(judged.about, judged.result, judged.sentence)
    if draw:
        caption = "The fraction of round trips on time that took at most so long"
        add_chart(made, "round-trips", caption, partial(chart, findings))
    return made


def rows(findings: Findings) -> list[tuple[str, str, str]]:
    """What was configured and what was measured, side by side."""
    shape, summary = findings.shape, findings.summary
    low, high = summary.loss_between
    return [
        ("round trips", "", str(summary.count)),
        ("99% without any shape within", "", show_time(percentile(findings.baseline, 99))),
        ("shortest", show_time(2 * (shape.delay - shape.jitter)), show_time(summary.least)),
        ("median", show_time(2 * shape.delay), show_time(summary.median)),
        ("99% on time within", show_time(_quantile(findings, 0.99)), show_time(summary.p99)),
        ("late", f"{late_fraction(shape, shape):.2%}", f"{summary.late / summary.count:.2%}"),
        ("loss, each way", f"{shape.loss:.2%}", f"{low:.2%} to {high:.2%}"),
    ]


def _quantile(findings: Findings, fraction: float) -> int:
    """The least time that a round trip on time keeps with this probability (by bisection)."""
    shape = findings.shape
    low, high = 2 * (shape.delay - shape.jitter) - 1, 2 * (shape.delay + shape.jitter)
    while high - low > 1:
        middle = (low + high) // 2
        if fraction_within(shape, shape, middle) >= fraction:
            high = middle
        else:
            low = middle
    return high


def chart(findings: Findings) -> str:
    """The expected and the measured distribution function of the round trips on time, as SVG."""
    shape = findings.shape
    on_time = sorted(time for time in findings.times if time <= late_after(shape, shape))
    margin = max(2 * shape.jitter // 4, findings.overhead)
    first = min(2 * (shape.delay - shape.jitter), on_time[0]) - margin
    last = max(2 * (shape.delay + shape.jitter), on_time[-1]) + margin
    places = [first + (last - first) * step // POINTS for step in range(POINTS + 1)]
    if not shape.jitter:  # a step has to be drawn as one
        places = sorted([*places, 2 * shape.delay - 1, 2 * shape.delay])
    expected = [(place / MS, fraction_within(shape, shape, place)) for place in places]
    measured = [(time / MS, rank / len(on_time)) for rank, time in enumerate(on_time, 1)]
    every = math.ceil(len(measured) / MOST_DOTS)
    return curves(
        f"{shape}, each way; {len(on_time)} round trips on time in {findings.world}",
        Axis("round trip, ms"),
        Axis("part of the round trips that took at most so long", between=(0, 1.02)),
        [
            Series("configured", expected, "line", 0),
            Series("measured", measured[::every] + measured[-1:], "dots", 1),
        ],
    )


def report_parts(world: str, answers: list[Answer]) -> Report:
    """Who was told what before, during and after a partition."""
    made = Report(f"A partition in {world}")
    made.table(
        "Who got an answer",
        ("when", "asked", "by", "told", "expected"),
        [
            (answer.when, answer.target, answer.source, answer.outcome, answer.expected)
            for answer in answers
        ],
    )
    wrong = [answer for answer in answers if answer.outcome != answer.expected]
    about = "questions across the partition, and no others, stay without an answer"
    if wrong:
        first = wrong[0]
        said = f"{first.when} it, {first.source} was told {first.outcome} about {first.target}"
        made.judged(about, "no", said)
    else:
        made.judged(about, "yes", f"all {len(answers)} ended as expected")
    return made
