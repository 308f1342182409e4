"""The demonstration of the lab ``echo``: a caller and two servers, good and bad network."""

from common.values.faults import Crash, Heal, Link, Partition, Restart, Schedule
from common.values.history import History, Ok
from common.values.report import Report
from common.values.units import MS, SECOND, show_time
from common.worlds import Size, Work
from stage1_foundations.echo.checks import some_question
from stage1_foundations.echo.worlds import ITS_OWN_TEXT, WORLDS

ROUGH = Schedule(
    [
        Link(at=0, latency=(2 * MS, 30 * MS), loss=0.25, duplicate=0.1),
        Partition(at=500 * MS, groups=(("n1", "n2"), ("c1",))),
        Heal(at=1400 * MS),
        Crash(at=1600 * MS, node="n1"),
        Restart(at=1900 * MS, node="n1"),
    ]
)
"""A network as bad as they come: lossy, then parted, then without its first server."""


def demo(seed: int) -> Report:
    """A caller and two servers on a good network, then on a bad one."""
    report = Report("Echo: a question, an answer, and everything in between")
    rows = []
    for name, title, schedule in (
        ("good", "a network that loses nothing", Schedule()),
        ("bad", "loss, a partition, a crash", ROUGH),
    ):
        scene = WORLDS.scene(size=Size(members=2, clients=1), seed=seed, schedule=schedule)
        scene.begin(Work(some_question, count=25, think=(20 * MS, 60 * MS), patience=1 * SECOND))
        scene.work(60 * SECOND)
        rows.append((title, *_count(scene.history)))
        scene.check(report, ITS_OWN_TEXT, f"every answer has the text of its question ({title})")
        scene.trace(report, f"echo-{name}", f"Echo on {title}")
    report.table(
        "What the caller was told",
        ("on", "questions", "ok", "unknown", "slowest answer"),
        rows,
    )
    report.say(
        "An answer that does not come is not a question that was not heard: the caller says "
        "unknown, never failed. It asks each question up to five times, the servers in turn."
    )
    return report


def _count(history: History) -> tuple[int, int, int, str]:
    answered = [each for each in history if isinstance(each.outcome, Ok)]
    times = [each.returned_at - each.invoked_at for each in answered if each.returned_at]
    slowest = show_time(max(times)) if times else "none"
    return len(history), len(answered), len(history) - len(answered), slowest
