"""A picture of who did which task when: a Gantt chart, as SVG."""

from collections.abc import Sequence
from html import escape

from common.charts.style import STYLE
from common.values.units import SECOND
from stage6_compute.mapreduce.messages import Span

WIDTH, MARGIN_LEFT, MARGIN_RIGHT, TOP = 960, 90, 20, 56
LANE, BAR = 24, 18
COLOURS = {"map": "var(--c0)", "reduce": "var(--c1)"}
OTHER = "var(--quiet)"
"""The colour of attempts that came to nothing."""
TICKS = 8


def timeline(spans: Sequence[Span], title: str) -> str:
    """Draw the attempts of a job: a row for each worker, in lanes where several overlap.

    Args:
        spans: the attempts; they may come in any order.
        title: a line above the picture.
    """
    begin = min((span.begun for span in spans), default=0)
    end = max((span.ended for span in spans), default=begin + 1)
    scale = (WIDTH - MARGIN_LEFT - MARGIN_RIGHT) / max(1, end - begin)
    parts: list[str] = []
    y = TOP
    for worker in sorted({span.worker for span in spans}):
        lanes: list[int] = []  # until when each is taken
        own = sorted((span for span in spans if span.worker == worker), key=lambda s: s.begun)
        for span in own:
            lane = next((n for n, until in enumerate(lanes) if until <= span.begun), len(lanes))
            lanes[lane:] = [span.ended, *lanes[lane + 1 :]]
            x = MARGIN_LEFT + (span.begun - begin) * scale
            parts.append(
                _bar(span, x, y + lane * LANE, max(1.0, (span.ended - span.begun) * scale))
            )
        parts.append(f'<text x="8" y="{y + 14}">{escape(worker)}</text>')
        y += len(lanes) * LANE + 8
    axis = _axis(end - begin, scale, y)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 28}" width="{WIDTH}" '
        f'height="{y + 28}" font-family="sans-serif" font-size="12" fill="var(--ink)">\n'
        f'{STYLE}<rect class="paper" width="100%" height="100%"/>\n'
        f'<text x="8" y="20" font-size="15">{escape(title)}</text>\n{_legend()}\n'
        + "\n".join([*axis, *parts])
        + "\n</svg>\n"
    )


def _bar(span: Span, x: float, y: int, width: float) -> str:
    good = span.how == "done"
    colour = COLOURS[span.task.phase] if good else OTHER
    seconds = (span.ended - span.begun) / SECOND
    name = f"{span.task.phase} {span.task.index}, attempt {span.attempt}: {span.how}"
    label = f"{span.task.phase[0]}{span.task.index}" if width > 28 else ""
    dash = "" if good else f' stroke="{COLOURS[span.task.phase]}" stroke-dasharray="3 2"'
    return (
        f"<g><title>{escape(name)}, {seconds:.2f} s</title>"
        f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{BAR}" rx="2" fill="{colour}"'
        f'{dash}/><text x="{x + 4:.1f}" y="{y + 13}" fill="var(--paper)">{label}</text></g>'
    )


def _axis(length: int, scale: float, bottom: int) -> list[str]:
    step = _step(length)
    lines = []
    for time in range(0, length + 1, step):
        x = MARGIN_LEFT + time * scale
        lines.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 6}" y2="{bottom}" stroke="var(--rule)"/>'
            f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{time / SECOND:g} s</text>'
        )
    return lines


def _step(length: int) -> int:
    """A round time of which about ``TICKS`` are in the picture."""
    step = 1000
    while length / step > TICKS:
        step *= 5 if str(step)[0] == "1" else 2
    return step


def _legend() -> str:
    shown = {"map": COLOURS["map"], "reduce": COLOURS["reduce"], "came to nothing": OTHER}
    parts = []
    for place, (name, colour) in enumerate(shown.items()):
        x = MARGIN_LEFT + place * 90
        parts.append(
            f'<rect x="{x}" y="30" width="12" height="12" fill="{colour}"/>'
            f'<text x="{x + 17}" y="40">{name}</text>'
        )
    return "".join(parts)
