"""The demonstration of the lab ``election``: two leaders, what they cost, and how to bear them."""

from common.check.explorer import explore_instance
from common.values.faults import Pause, Resume
from common.values.report import Report
from common.values.units import MS, show_time
from common.worlds import Scene
from common.worlds.examples import trace_of
from stage2_communication.election import demo_counts as counts
from stage2_communication.election.fencing import Read, Write
from stage2_communication.election.small import SLOW_BULLY
from stage2_communication.election.worlds import WORLDS

SIZES = (4, 8, 16, 32)
STILL = 600 * MS
"""For how long the old leader stands still."""


def demo(seed: int) -> Report:
    """Somebody is slow, and two lead; what elections cost; an old leader's write is refused."""
    report = Report("Election: who leads, and how many think so")
    _show_two_leaders(report)
    _show_counts(report, seed)
    _show_the_fence(report, seed)
    return report


def _show_two_leaders(report: Report) -> None:
    """Let the explorer find the shortest way to two leaders."""
    found = explore_instance(SLOW_BULLY)
    path, broken = found.counter_example, found.broken
    assert path is not None, "Bully has two leaders where somebody is slow"
    assert broken is not None, "Bully has two leaders where somebody is slow"
    _, lines = trace_of("election", SLOW_BULLY, path, broken, "n2")
    report.say(
        "Bully, four processes. n3 asks n4 whether it is there. n4 is, but its answer is slow. The "
        f"explorer looked at {found.states:,} states; the shortest way to trouble:"
    )
    rows = [(number, str(choice)) for number, choice in enumerate(path, 1)]
    report.table("Two leaders, and each is followed", ("", "what happens"), rows)
    report.judged("all follow one leader", broken.answer.value, broken.sentence)
    report.trace("election-bully", "n4 is slow to answer, and n3 leads beside it", lines)


def _show_counts(report: Report, seed: int) -> None:
    rows = [
        (
            members,
            counts.bully_worst(members),
            counts.bully_worst_formula(members),
            counts.bully_best(members),
            counts.bully_best_formula(members),
            counts.ring_worst(members),
            counts.ring_worst_formula(members),
            f"{counts.ring_average(members, seed):.0f}",
            f"{counts.ring_average_formula(members):.0f}",
        )
        for members in SIZES
    ]
    headers = (
        "n",
        "Bully, worst",
        "n(n-1)",
        "best",
        "n-1",
        "ring, worst",
        "n(n+1)/2",
        "average",
        "n H(n)",
    )
    report.table("Messages of an election, each beside its formula", headers, rows)


def _show_the_fence(report: Report, seed: int) -> None:
    """An old leader stands still with a write in its hands, and wakes up under a newer leader."""
    scene = WORLDS.scene("fenced", seed=seed)
    scene.run_until(lambda: bool(_leased(scene)), 2_000 * MS)
    old = _leased(scene)[0]
    scene.ask(old, Write("first"))
    scene.inject(Pause(scene.now, old))
    late = scene.call(old, Write("too late"))
    scene.run(scene.now + STILL)
    newer = next(id for id in _leased(scene) if id != old)
    scene.ask(newer, Write("second"))
    scene.inject(Resume(scene.now, old))
    scene.run(scene.now + 100 * MS)
    lines = scene.ask("n1", Read())
    report.say(
        f"Terms and a fence. {old} leads and has a lease. It is asked to write, and stands still "
        f"for {show_time(STILL)}. Meanwhile {newer} is elected, and writes. {old} wakes up, finds "
        "its lease good, and sends its write with the old term as the token:"
    )
    rows = [
        (each.process, each.function, each.argument or "", str(each).rpartition(" -> ")[2])
        for each in scene.history
    ]
    report.table("An old leader's write", ("asked", "for", "text", "is told"), rows)
    assert late.returned_at is not None, "the old leader has had its answer"
    assert lines.returned_at is not None, "the resource answers at once"
    for name in scene.checks:
        scene.check(report, name)
    scene.trace(report, "election-fenced", f"{old} stands still, and its write is refused")


def _leased(scene: Scene) -> list[str]:
    return [id for id, node in scene.nodes.items() if node.full_status().get("fenced/lease")]
