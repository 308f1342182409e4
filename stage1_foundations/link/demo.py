"""The demonstration of the lab ``link``: one bad network, three protocols, and three charts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from common.charts.drawing import add_chart
from common.check.delivery import check_delivery
from common.check.verdict import Verdict
from common.contract import Node, NodeId
from common.sim import LinkModel
from common.values.history import Ok, Operation
from common.values.report import Report
from common.values.units import MS, SECOND, show_time
from common.worlds import Scene
from stage1_foundations.link.ends import Take, Transfer
from stage1_foundations.link.fire_and_forget import FireAndForgetReceiver, FireAndForgetSender
from stage1_foundations.link.plot import (
    SweepOver,
    draw,
    sweep_bandwidth,
    sweep_latency,
    sweep_loss,
)
from stage1_foundations.link.sliding_window import SlidingWindowReceiver, SlidingWindowSender
from stage1_foundations.link.stop_and_wait import StopAndWaitReceiver, StopAndWaitSender

ITEMS = tuple(f"line {number}" for number in range(1, 13))
BAD = LinkModel(latency=(5 * MS, 20 * MS), loss=0.2, duplicate=0.15, reorder=0.15)
PATIENCE = 60 * SECOND
AFTERWARDS = 1 * SECOND
"""How long the run goes on after the transfer has ended: until late copies have arrived."""

Ends: TypeAlias = tuple[
    Callable[[NodeId, tuple[NodeId, ...]], Node], Callable[[NodeId, tuple[NodeId, ...]], Node]
]

NAIVE = "fire and forget"
PROTOCOLS: Mapping[str, Ends] = {
    NAIVE: (FireAndForgetSender, FireAndForgetReceiver),
    "stop and wait": (StopAndWaitSender, StopAndWaitReceiver),
    "sliding window": (SlidingWindowSender, SlidingWindowReceiver),
}


@dataclass(frozen=True, slots=True)
class Run:
    """What one protocol made of the bad network.

    Attributes:
        taken: what the application at b was given.
        took_us: when the transfer was told that it is complete.
        packets: how many messages were sent, acknowledgements included.
        verdict: whether everything was delivered once and in order.
        lines: the trace.
    """

    taken: tuple[str, ...]
    took_us: int
    packets: int
    verdict: Verdict
    lines: str


def run(ends: Ends, seed: int) -> Run:
    """Transfer :data:`ITEMS` from a to b over the bad network."""
    scene = Scene("link", {"a": ends[0], "b": ends[1]}, seed=seed, link=BAD)
    taken: list[str] = []
    times: list[int] = []

    def returned(node: NodeId, operation: Operation) -> None:
        if operation.function == "take" and isinstance(operation.outcome, Ok):
            taken.append(str(operation.outcome.value))
            times.append(scene.now)
            scene.call(node, Take())

    scene.on_return.append(returned)
    scene.call("b", Take())
    scene.ask("a", Transfer(ITEMS), PATIENCE)
    took_us = scene.now
    scene.run(took_us + AFTERWARDS)
    verdict = scene.judged("delivery", check_delivery(ITEMS, taken, times=times), "b")
    packets = scene.lines.count('"kind":"send"')
    return Run(tuple(taken), took_us, packets, verdict, scene.lines)


def demo(seed: int) -> Report:
    """Break the naive protocol, mend it twice, and hold the speed of both against the formulas."""
    report = Report("A reliable link over an unreliable one")
    report.say(
        f"{len(ITEMS)} items go from a to b. The network between them loses a packet in five each "
        "way, doubles some, and lets some overtake others."
    )
    runs = {name: run(ends, seed) for name, ends in PROTOCOLS.items()}
    rows = [
        (name, len(made.taken), made.packets, show_time(made.took_us), made.verdict.answer.value)
        for name, made in runs.items()
    ]
    headers = ("protocol", "items at b", "packets sent", "told Ok after", "each once, in order?")
    report.table("The same network, three times", headers, rows)
    for name, made in runs.items():
        report.judged(f"{name}: delivery", made.verdict.answer.value, made.verdict.sentence)
    report.say(f"{NAIVE} gave b: " + ", ".join(runs[NAIVE].taken) + ".")
    for name, made in runs.items():
        title = f"{name} over a bad network"
        if name == NAIVE:
            title = f"broken on purpose: {title}"
        report.trace(f"link-{name.replace(' ', '-')}", title, made.lines)
    for sweep in (sweep_loss(seed), sweep_latency(seed), sweep_bandwidth(seed)):
        add_chart(report, sweep.name, _caption(sweep), partial(draw, sweep))
    return report


def _caption(sweep: SweepOver) -> str:
    """What the chart shows, and how far it is from the formulas."""
    told = [f"{curve.name} {curve.deviation():.0%}" for curve in sweep.curves if curve.measured]
    return f"{sweep.title}. Farthest from its formula: {', '.join(told)}"
