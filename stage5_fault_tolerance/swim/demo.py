"""The demonstration of the lab ``swim``: who is dead, who only stood still, and what it costs."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from common.charts.drawing import add_chart
from common.check.membership import check_accuracy, check_completeness, detected_after, known_after
from common.contract.events import NodeId
from common.values.faults import Crash, Fault, Pause, Resume, Schedule
from common.values.report import Report
from common.values.units import MS, SECOND, show_time
from common.worlds import Scene, Size, Work
from stage5_fault_tolerance.swim.checks import ask_for_members, views_of
from stage5_fault_tolerance.swim.plot import (
    chart,
    expected_detection,
    expected_spread,
    measure,
)
from stage5_fault_tolerance.swim.worlds import PERIOD, WORLDS

EIGHT = Size(members=8)
KILLED, PAUSED, RESUMED = 2 * SECOND, 5 * SECOND, 5700 * MS
END = 14 * SECOND
SENT = '"kind":"send"'
"""In the line of a trace about a message that leaves."""

ASKED = Work(ask_for_members, count=60, think=(200 * MS, 240 * MS))


def demo(seed: int) -> Report:
    """Three ways to notice the same two troubles, and then more and more members."""
    report = Report("SWIM: who is alive, for a few messages a member")
    report.say(
        f"Eight members. n2 is killed at {show_time(KILLED)}, for good. n3 stands still from "
        f"{show_time(PAUSED)} to {show_time(RESUMED)}, and is well after that. A period is "
        f"{show_time(PERIOD)}."
    )
    rows = []
    for variant in ("heartbeats", "swim", "lifeguard"):
        faults: list[Fault] = [Crash(KILLED, "n2"), Pause(PAUSED, "n3"), Resume(RESUMED, "n3")]
        scene = _watched(variant, seed, faults)
        views = views_of(scene.history)
        if variant == "heartbeats":  # these go no further than to suspect
            views = [replace(view, dead=view.doubted) for view in views]
        others = [name for name in EIGHT.member_names if name != "n2"]
        first = _time(detected_after(views, "n2", KILLED))
        everybody = _time(known_after(views, "n2", KILLED, others))
        doubted = sum("n3" in view.doubted for view in views)
        dead = sum("n3" in view.dead for view in views)
        load = scene.lines.count(SENT) / (len(others) * END / SECOND)
        rows.append((variant, first, everybody, doubted, dead, f"{load:.0f}"))
        if variant == "lifeguard":
            _judge(report, scene)
            scene.trace(report, "swim-refuted", "n2 dies; n3 stands still, and refutes")
    headers = ("", "n2 suspected", "dead to all", "n3 doubted", "n3 dead", "messages/s, each")
    report.table("The same troubles, three detectors; n3 in so many answers", headers, rows)
    grown = measure((8, 32, 128, 256), seed)
    report.table(
        "More members: SWIM in periods, beside the formulas",
        ("members", "first suspicion", "e/(e-1)", "known to all", "ln n", "messages a member"),
        [
            (
                each.members,
                f"{each.detected:.1f}",
                f"{expected_detection():.1f}",
                f"{each.spread:.1f}",
                f"{expected_spread(each.members):.1f}",
                f"{each.load:.1f}",
            )
            for each in grown
        ],
    )
    caption = "detection, dissemination and load"
    add_chart(report, "swim-growth", caption, partial(chart, grown))
    return report


def _watched(variant: str, seed: int, faults: Sequence[Fault]) -> Scene:
    """Eight members that are asked about each other all the time, until the end."""
    scene = WORLDS.scene(variant, EIGHT, seed=seed, schedule=Schedule(faults))
    scene.begin(ASKED, EIGHT.member_names)
    scene.run(END)
    return scene


def _judge(report: Report, scene: Scene) -> None:
    """Say whether beliefs were right, by the schedule; everybody has eight seconds to notice."""
    views = views_of(scene.history)
    up: dict[NodeId, list[tuple[int, int]]] = {name: [(0, END)] for name in EIGHT.member_names}
    up |= {"n2": [(0, KILLED)], "n3": [(0, PAUSED), (RESUMED, END)]}
    complete = check_completeness(views, up, {"n2": [(KILLED, END)]}, 8 * SECOND)
    accurate = check_accuracy(views, up, 0)
    for name, verdict in (("complete", complete), ("accurate", accurate)):
        judged = scene.judged(name, verdict)
        report.judged(name, judged.answer.value, judged.sentence)


def _time(time: int | None) -> str:
    return "never" if time is None else show_time(time)
