"""The demonstration of the lab ``dynamo``: a cart, homes that are away, what a quorum promises."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from common.check.linearizability import check_linearizability
from common.check.models import Register
from common.sim import LinkModel
from common.sim.host import Factory
from common.values.faults import Block, Crash, Fault, Link, Restart, Schedule
from common.values.history import History, Ok, Operation
from common.values.report import Report
from common.values.units import MS, SECOND
from common.worlds import Scene
from stage3_partitioning.dynamo.checks import every_write_is_taken, reads_see_writes
from stage3_partitioning.dynamo.client import ASK_AGAIN_AFTER, Shopper
from stage3_partitioning.dynamo.keeping import Get, Put
from stage3_partitioning.dynamo.members import Dynamo
from stage3_partitioning.dynamo.ring import Ring

FIVE = ("n1", "n2", "n3", "n4", "n5")
STEADY = LinkModel(latency=(5 * MS, 5 * MS))
KEYS = 10_000


def demo(seed: int) -> Report:
    """Four short stories."""
    report = Report("Dynamo: a store that always takes a write, and sorts it out later")
    _cart(report, seed)
    _away(report, seed)
    _promise(report, seed)
    _moved(report)
    return report


def _scene(
    seed: int, faults: Sequence[Fault] = (), patient: int = ASK_AGAIN_AFTER, **options: Any
) -> Scene:
    nodes = dict.fromkeys(FIVE, partial(Dynamo, compare_every=10 * SECOND, **options))
    clients: dict[str, Factory] = {"c1": partial(Shopper, ask_again_after=patient), "c2": Shopper}
    return Scene("dynamo", nodes, clients, seed=seed, link=STEADY, schedule=Schedule(faults))


def shown(scene: Scene, client: str, key: str) -> str:
    """What a client is shown."""
    outcome = scene.ask(client, Get(key)).outcome
    assert isinstance(outcome, Ok), outcome
    assert isinstance(outcome.value, tuple)
    return " and ".join(outcome.value) or "nothing"


def _cart(report: Report, seed: int) -> None:
    """Figure 3 of the paper, with a cart: two that did not know of each other, then one merges."""
    report.say("c1 and c2 have one cart. Both are shown it, and both put something into it.")
    scene = _scene(seed)
    rows = []
    scene.ask("c1", Put("cart", "book"))
    for client in ("c1", "c2"):
        rows.append((client, "looks", shown(scene, client, "cart")))
    for client, cart in (("c1", "book, pen"), ("c2", "book, ink")):
        scene.ask(client, Put("cart", cart))
        rows.append((client, f"writes {cart}", ""))
    rows.append(("c2", "looks", shown(scene, "c2", "cart")))
    scene.ask("c2", Put("cart", "book, pen, ink"))
    rows.append(("c2", "writes book, pen, ink", ""))
    rows.append(("c1", "looks", shown(scene, "c1", "cart")))
    report.table("A cart", ("who", "does", "and is shown"), rows)
    verdict = scene.judged("reads see writes", reads_see_writes(scene.history))
    report.judged("reads see writes", verdict.answer.value, verdict.sentence)
    scene.trace(report, "dynamo-cart", "two write apart, one merges")


def _away(report: Report, seed: int) -> None:
    """Two homes of the cart are down: the write is taken, and comes home."""
    homes = Ring(FIVE).homes("cart", 3)
    down = homes[:2]
    report.say(f"The homes of cart are {', '.join(homes)}. {down[0]} and {down[1]} crash.")
    faults: list[Fault] = [
        *(Crash(0, id) for id in down),
        *(Restart(SECOND, id) for id in down),
    ]
    rows = []
    for name, sloppy in (("homes alone", False), ("others stand in", True)):
        scene = _scene(seed, faults, sloppy=sloppy)
        scene.run(20 * MS)
        put = scene.call("c1", Put("cart", "book"))
        scene.run(SECOND)
        taken = "yes" if isinstance(put.outcome, Ok) else "not yet"
        scene.run(3 * SECOND)
        at_home = sum(("held", "cart") in scene.on_disk(id) for id in homes)
        others = sum(("held", "cart") in scene.on_disk(id) for id in FIVE if id not in homes)
        rows.append((name, taken, f"{at_home} of 3", str(others)))
        if sloppy:
            scene.judged("every write is taken", every_write_is_taken(scene.history))
            scene.trace(report, "dynamo-away", "two homes are down: hints, and the way home")
    columns = ("quorums of", "taken within a second", "at home after three", "left elsewhere")
    report.table("A write while two of three homes are down", columns, rows)


def _promise(report: Report, seed: int) -> None:
    """R + W > N, and the history is not linearizable."""
    first, second, third = Ring(FIVE).homes("cart", 3)
    report.say(
        f"R + W > N, and nobody crashes. c1's write reaches {first}, and is slow on its way to "
        f"{second} and {third}. c2 looks by way of {first}, and then by way of {second}."
    )
    slow, late = (2 * SECOND, 2 * SECOND), (20 * MS, 20 * MS)
    faults: list[Fault] = [
        *(Link(100 * MS, first, other, latency=slow) for other in (second, third)),
        *(Link(115 * MS, first, other, latency=late) for other in (second, third)),
        Link(100 * MS, third, first, latency=slow),
        Block(150 * MS, "c2", first),
    ]
    scene = _scene(seed, faults, patient=5 * SECOND, sloppy=False, patience=SECOND)
    scene.ask("c1", Put("cart", "old"))
    shown(scene, "c1", "cart")
    scene.run(105 * MS)
    scene.call("c1", Put("cart", "new"))
    scene.run(130 * MS)
    rows = [(home, shown(scene, "c2", "cart")) for home in (first, second)]
    scene.run(3 * SECOND)
    verdict = check_linearizability(as_register(scene.history), Register())
    scene.judged("linearizable", verdict)
    report.table("What c2 is shown, one look after the other", ("by way of", "values"), rows)
    report.judged("linearizable", verdict.answer.value, verdict.sentence)
    scene.trace(report, "dynamo-promise", "R + W > N, and a later look shows the older value")


def as_register(history: History) -> list[Operation]:
    """The history as that of one register; here each look shows one value."""
    found = []
    for asked in history:
        outcome = asked.outcome
        if isinstance(outcome, Ok) and isinstance(outcome.value, tuple):
            (value,) = outcome.value
            outcome = Ok(value)
        verb = "write" if asked.function == "put" else "read"
        found.append(replace(asked, function=verb, key=None, outcome=outcome))
    return found


def _moved(report: Report) -> None:
    """What moves when a sixth node joins."""
    before, after = Ring(FIVE), Ring((*FIVE, "n6"))
    keys = [f"key {number}" for number in range(KEYS)]
    moved = sum(before.homes(key, 3) != after.homes(key, 3) for key in keys)
    copies = sum(len(set(after.homes(key, 3)) - set(before.homes(key, 3))) for key in keys)
    rows = [
        ("keys with a new home", f"{moved / KEYS:.1%}"),
        ("copies that move", f"{copies / (3 * KEYS):.1%}"),
        ("the least there could be", f"{1 / 6:.1%}"),
    ]
    report.table("A sixth node joins five", ("", "of all"), rows)
