"""The demonstration of the lab ``gossip``: rumors beside their formulas, and one from the dead."""

from dataclasses import replace
from math import exp

from common.values.faults import Heal, Partition, Schedule
from common.values.history import Ok
from common.values.report import Report
from common.values.units import MS, SECOND, show_time
from common.worlds import Scene
from stage2_communication.gossip.certificates import Delete
from stage2_communication.gossip.plot_runs import mean_spread, residue_formula
from stage2_communication.gossip.sites import Get, Put
from stage2_communication.gossip.worlds import WORLDS

SITES, RUNS = 1_000, 1
FIVE = ("n1", "n2", "n3", "n4", "n5")
CUT, HEALED, END = 300 * MS, 1500 * MS, 2500 * MS
KEEP = 500 * MS


def demo(seed: int) -> Report:
    """How far rumors get; and what a certificate is for that is kept long enough."""
    report = Report("Gossip: news that spread like a disease")
    _show_rumors(report)
    report.say(
        f"Five sites have k. At {show_time(CUT)} n5 is cut off, and the others delete k. They keep "
        f"its death certificate for {show_time(KEEP)}; n5 is back at {show_time(HEALED)}."
    )
    rows = []
    for name, keepers in (("dropped everywhere", 0), ("dormant at four keepers", 4)):
        scene = _deleted(seed, keepers)
        cells = [_held(scene, at) for at in (HEALED, END)]
        rows.append((name, *cells))
        scene.check(report, "gone stays gone", f"{name}: gone stays gone")
        if keepers:
            scene.trace(report, "gossip-dormant", "k is deleted, and a keeper remembers it")
        else:
            scene.trace(
                report, "gossip-dropped", "broken on purpose: certificates kept too briefly"
            )
    report.table("What sites have of k", ("certificates", "before n5 is back", "after"), rows)
    return report


def _show_rumors(report: Report) -> None:
    rows = []
    for name, way, k, feedback, counter in (
        ("push, feedback, counter", "push", 1, True, True),
        ("", "push", 2, True, True),
        ("", "push", 3, True, True),
        ("push, feedback, coin", "push", 2, True, False),
        ("push, blind, counter", "push", 3, False, True),
        ("pull, feedback, counter", "pull", 1, True, True),
        ("push-pull, the same", "push-pull", 1, True, True),
    ):
        made = mean_spread(way, SITES, k, RUNS, feedback=feedback, counter=counter)
        rows.append(
            (
                name,
                k,
                f"{made.residue:.3f}",
                f"{residue_formula(k):.3f}" if way == "push" and feedback else "",
                f"{made.traffic:.1f}",
                f"{exp(-made.traffic):.3f}",
                f"{made.average:.0f}",
                f"{made.last:.0f}",
            )
        )
    headers = (
        "1,000 sites",
        "k",
        "residue",
        "formula",
        "m",
        "exp(-m)",
        "average",
        "last",
    )
    report.table("Residue, traffic m a site, and delay in rounds", headers, rows)


def _deleted(seed: int, keepers: int) -> Scene:
    """Delete k while n5 is away, and let it come back."""
    table = WORLDS.variant("table")
    patient = replace(table, config={"keep": KEEP, "keepers": keepers})
    schedule = Schedule([Partition(CUT, (FIVE[:4], FIVE[4:])), Heal(HEALED)])
    scene = WORLDS.scene(patient, seed=seed, schedule=schedule)
    scene.ask("n1", Put("k", "value"))
    scene.run(CUT + 1 * MS)
    scene.ask("n2", Delete("k"))
    return scene


def _held(scene: Scene, at: int) -> str:
    """What each site answers at a time, in a few words."""
    scene.run(at)
    found: dict[str, list[str]] = {}
    for site in FIVE:
        asked = scene.ask(site, Get("k"), limit=1 * SECOND)
        assert isinstance(asked.outcome, Ok), "a site that is up answers at once"
        assert isinstance(asked.outcome.value, tuple), "an answer is a value and a stamp"
        found.setdefault(asked.outcome.value[0] or "nothing", []).append(site)
    return "; ".join(f"{value}: {' '.join(sites)}" for value, sites in sorted(found.items()))
