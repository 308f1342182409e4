"""``index.html`` below ``out``: every run that is recorded there, drawn small, with its verdict."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from common.course.base.output import write

NAME = "index.html"
MOST_LINES = 240
"""Messages in a thumbnail; of more, every second or tenth is drawn."""

WIDE, HIGH = 240, 150
_SIGNS = {"yes": "✓ yes", "no": "✗ no", "unknown": "? unknown"}
_WORST = ("no", "unknown", "yes")


@dataclass(frozen=True, slots=True)
class Run:
    """One recorded run.

    Attributes:
        page: its picture, relative to the gallery.
        meta: the header of its trace.
        events: of its trace.
    """

    page: str
    meta: dict[str, Any]
    events: list[dict[str, Any]]

    @property
    def verdicts(self) -> list[dict[str, Any]]:
        """What checkers said of it, the worst first."""
        found = [event for event in self.events if event["kind"] == "verdict"]
        return sorted(found, key=lambda event: _WORST.index(event["result"]))


def write_gallery(out: Path) -> Path:
    """Write the gallery of all runs below a folder; returns its path."""
    cards = "\n".join(_card(run) for run in runs(out))
    text = files("common.course.verbs").joinpath("gallery.html").read_text("utf-8")
    theme = files("common.trace.viewer").joinpath("theme.css").read_text("utf-8")
    return write(out / NAME, Template(text).substitute(cards=cards, theme=theme))


def runs(out: Path) -> Iterator[Run]:
    """The runs below a folder that have a picture, the latest first. A torn trace is left out."""
    traces = [path for path in out.rglob("*.jsonl") if path.with_suffix(".html").is_file()]
    for path in sorted(traces, key=lambda path: -path.stat().st_mtime):
        try:
            meta, *events = map(json.loads, path.read_text(encoding="utf-8").splitlines())
        except ValueError:
            continue
        if meta.get("kind") == "meta":
            page = path.with_suffix(".html").relative_to(out).as_posix()
            yield Run(page, meta, events)


def _card(run: Run) -> str:
    name = Path(run.page).stem
    world, seed = run.meta["world"], run.meta["seed"]
    where = f"{run.meta['lab']} · {world}" + ("" if seed is None else f" · seed {seed}")
    verdict = run.verdicts[0] if run.verdicts else None
    said = (
        "<p>Nobody judged this run.</p>"
        if verdict is None
        else f'<p><b class="{verdict["result"]}">{_SIGNS[verdict["result"]]}</b> '
        f"{escape(verdict['property'])}: {escape(verdict['sentence'])}</p>"
    )
    return (
        f'<li><a href="{escape(run.page)}">{thumbnail(run)}<h2>{escape(name)}</h2></a>'
        f"<p>{escape(where)}</p>{said}</li>"
    )


def thumbnail(run: Run) -> str:
    """The run as a small picture: a lane for each node, its messages, lost ones and crashes."""
    lanes = [*run.meta["clients"], *run.meta["nodes"]]
    x = {name: WIDE * (place + 0.5) / len(lanes) for place, name in enumerate(lanes)}
    last: int = max((event["t"] for event in run.events), default=0) or 1

    def y(event: dict[str, Any]) -> float:
        return 4 + (HIGH - 8) * int(event["t"]) / last

    shapes = [f'<path class="lane" d="M{x[name]:.1f} 0V{HIGH}"/>' for name in lanes]
    sends = {event["msg"]: event for event in run.events if event["kind"] == "send"}
    ends = [
        event
        for event in run.events
        if event["kind"] in ("recv", "drop") and sends.get(event.get("msg"))
    ]
    for end in ends[:: max(1, len(ends) // MOST_LINES)]:
        send = sends[end["msg"]]
        if send["node"] in x and send["to"] in x:
            line = f"M{x[send['node']]:.1f} {y(send):.1f}L{x[send['to']]:.1f} {y(end):.1f}"
            shapes.append(f'<path class="{end["kind"]}" d="{line}"/>')
    for event in run.events:
        if event["kind"] == "crash" and event["node"] in x:
            at = f'x="{x[event["node"]] - 3:.1f}" y="{y(event) - 3:.1f}"'
            shapes.append(f'<rect class="crash" {at} width="6" height="6"/>')
    nodes, clients = len(run.meta["nodes"]), len(run.meta["clients"])
    counted = f"nodes: {nodes}, clients: {clients}, messages: {len(sends)}"
    return (
        f'<svg viewBox="0 0 {WIDE} {HIGH}" role="img" aria-label="{counted}">'
        f"{''.join(shapes)}</svg>"
    )
