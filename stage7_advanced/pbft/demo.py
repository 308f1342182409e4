"""The demonstration of the lab ``pbft``: one liar among four is harmless, and two are not."""

from collections.abc import Sequence

from common.contract import NodeId
from common.contract.registers import Append, Get
from common.values.faults import Corrupt, Schedule
from common.values.history import Ok
from common.values.report import Report
from common.values.units import MS
from common.worlds import Scene, Size, Work
from stage7_advanced.pbft.broken import BEHAVIOURS
from stage7_advanced.pbft.checks import some_change_or_query
from stage7_advanced.pbft.demo_generals import show_generals
from stage7_advanced.pbft.worlds import WORLDS

EACH = 10
"""Requests of each client beside a liar."""


def demo(seed: int) -> Report:
    """Every way of lying by the primary, then one lie told by one replica and by two."""
    report = Report("PBFT: a store on four replicas, of which one may lie")
    show_generals(report, seed)
    report.say(
        "n1 leads the first view, and lies in one way after another, and signs every lie. Two "
        "clients work meanwhile. A client believes what f + 1 = 2 replicas say alike."
    )
    rows = [beside_a_liar(lie, seed) for lie in BEHAVIOURS]
    report.table("One liar", ("n1 ...", "done", "last view", "linearizable"), rows)
    report.say(
        "Now c1 writes, and c2 reads after that. Liars tell n3 and c2 that there was nothing to "
        "write. First n1 alone lies so; then n1 and n4 do, one more than f."
    )
    two_stories(report, ("n1",), seed).trace(report, "pbft-one-liar", "one liar: n3 is not misled")
    two_stories(report, ("n1", "n4"), seed).trace(
        report, "pbft-two-liars", "two liars: n2 and n3 carry out different requests"
    )
    return report


def beside_a_liar(lie: str, seed: int) -> tuple[str, str, int, str]:
    """The lie, how many requests got through, the latest view, and whether all was right."""
    scene = WORLDS.scene(
        "store", Size(members=4, clients=2), seed=seed, schedule=lying(("n1",), lie), recorded=False
    )
    scene.begin(Work(some_change_or_query, count=EACH))
    scene.work()
    done = sum(isinstance(asked.outcome, Ok) for asked in scene.history)
    views = [scene.nodes[name].full_status()["view"] for name in ("n2", "n3", "n4")]
    latest = max(view for view in views if isinstance(view, int))
    right = scene.verdicts()["linearizable"].answer.value
    return lie, f"{done} of {2 * EACH}", latest, right


def two_stories(report: Report, liars: Sequence[NodeId], seed: int) -> Scene:
    """c1 writes, c2 reads; these liars tell n3 and c2 another story than everybody else."""
    scene = WORLDS.scene(
        "store",
        Size(members=4, clients=2, config={"status_every": 0}),
        seed=seed,
        schedule=lying(liars, "equivocates", ("n3", "c2")),
    )
    scene.ask("c1", Append("x", "a"))
    scene.run(scene.now + 100 * MS)
    scene.ask("c2", Get("x"))
    scene.check(report, "linearizable", f"with {' and '.join(liars)} lying, one honest store")
    return scene


def lying(liars: Sequence[NodeId], lie: str, to: tuple[NodeId, ...] = ()) -> Schedule:
    """These replicas lie in this way from the beginning."""
    return Schedule(Corrupt(0, liar, lie, to) for liar in liars)
