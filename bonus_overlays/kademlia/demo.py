"""The demonstration of the lab ``kademlia``: a value, its holders, and what becomes of them."""

from bonus_overlays.kademlia.buckets import distance, key_of
from bonus_overlays.kademlia.checks import put_get_or_look_up
from bonus_overlays.kademlia.plot_topologies import drawing, measure, topologies
from bonus_overlays.kademlia.publishing import Dht, Get, Put
from bonus_overlays.kademlia.worlds import STORING, WORLDS
from common.values.faults import Crash
from common.values.history import Ok
from common.values.report import Report
from common.values.units import SECOND, show_time
from common.worlds import Scene, Size, Work

SIXTEEN = Size(members=16, config={"refresh_every": 10 * SECOND})
VALUE = b"hello"
ASKER = "n9"
MANY = 64
"""Nodes in the overlays that are compared."""


def demo(seed: int) -> Report:
    """Sixteen members; those that hold a value die one after the other, and it lives on."""
    report = Report("Kademlia: a table that nobody owns")
    target = key_of(VALUE)
    report.say(
        f"Sixteen members join by two of them. n1 puts {VALUE.decode()!r}, whose key is {target}: "
        f"the {STORING['k']} members that are closest to it get it. Then those that hold it are "
        f"killed, one every {show_time(5 * SECOND)}. Every "
        f"{show_time(STORING['republish_every'])} or so a holder looks the key up, and "
        "gives the value to those that are closest then."
    )
    scene = WORLDS.scene("dht", SIXTEEN, seed=seed)
    scene.run(3 * SECOND)
    scene.ask("n1", Put(VALUE))
    rows = [_row(scene, "after the put", target)]
    for _ in range(4):
        victim = next(name for name in _holders(scene, target) if name not in ("n1", ASKER))
        scene.inject(Crash(scene.now, victim))
        scene.run(scene.now + 5 * SECOND)
        rows.append(_row(scene, f"{victim} is dead", target))
    headers = ("", "who holds it, the closest first", f"{ASKER} gets")
    report.table("One value", headers, rows)
    scene.begin(Work(put_get_or_look_up, count=5), scene_members(scene))
    scene.work(scene.now + 20 * SECOND)
    for name in WORLDS.variant("dht").checks:
        scene.check(report, name)
    scene.trace(report, "kademlia-holders", "the holders of a value die, one after the other")
    _compare(report, seed)
    return report


def _compare(report: Report, seed: int) -> None:
    """Which nodes should a node know? Five answers, and what each of them costs."""
    rows = []
    for name, graph in topologies(MANY, seed).items():
        costs = measure(graph, seed)
        rows.append(
            (
                name,
                f"{costs.links:.1f}",
                costs.diameter,
                f"{costs.farthest} / {costs.hops}",
                f"{costs.messages:,} / {costs.sent:,}",
                f"{costs.cut:.0%}, {costs.worst:.0%}",
            )
        )
    headers = ("", "links", "diameter", "hops", "messages", "failure cuts: mean, worst")
    report.table(f"Other overlays of {MANY} nodes; computed / measured by flooding", headers, rows)
    report.chart("kademlia-topologies", "five topologies of 16 nodes", drawing(seed))


def scene_members(scene: Scene) -> tuple[str, ...]:
    """Those that live."""
    return tuple(name for name in scene.members if scene.nodes.get(name) is not None)


def _holders(scene: Scene, target: str) -> list[str]:
    holders = [
        name
        for name, node in scene.nodes.items()
        if isinstance(node, Dht) and node.kept(target) is not None
    ]
    return sorted(holders, key=lambda name: distance(key_of(name.encode()), target))


def _row(scene: Scene, when: str, target: str) -> tuple[str, str, str]:
    asked = scene.ask(ASKER, Get(target))
    value = asked.outcome.value if isinstance(asked.outcome, Ok) else None
    got = value.decode() if isinstance(value, bytes) else "nothing"
    return when, " ".join(_holders(scene, target)), got
