"""What was measured against what was configured, as a table and a chart."""

import math
import re
from typing import Any

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
        made.chart("round-trips", caption, chart(findings))
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
    import pygal  # here, since it takes longer to import than all else, and programs need no chart

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
    picture = pygal.XY(
        style=_style(),
        js=[],
        width=900,
        height=460,
        title=f"{shape}, each way; {len(on_time)} round trips on time in {findings.world}",
        x_title="round trip in milliseconds",
        y_title="fraction within",
        range=(0, 1),
        stroke_style={"width": 2},
        show_dots=False,
        legend_at_bottom=True,
        disable_xml_declaration=True,
    )
    picture.uuid = "round-trips"  # a random one would make each picture another file
    picture.add("configured", expected)
    picture.add("measured", measured[::every] + measured[-1:])
    svg = str(picture.render(is_unicode=True))
    return re.sub("<!--.*?-->", "", svg, flags=re.DOTALL)  # the day of drawing, for one


def _style() -> Any:
    """On paper and on both kinds of page; two colours that differ in every kind of sight."""
    from pygal.style import Style

    return Style(
        background="white",
        plot_background="white",
        foreground="#333333",
        foreground_strong="#111111",
        guide_stroke_color="#dddddd",
        major_guide_stroke_color="#dddddd",
        colors=("#0072b2", "#d55e00"),
        font_family="sans-serif",
        title_font_size=18,
        label_font_size=13,
        legend_font_size=14,
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
