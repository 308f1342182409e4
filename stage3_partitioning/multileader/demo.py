"""The demonstration of the lab ``multileader``: what is lost, what is kept, what a way costs."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from common.check.convergence import check_convergence
from common.contract import NodeId
from common.contract.events import Event
from common.contract.observer import Observer
from common.sim import LinkModel
from common.values.faults import Clock, Crash, Fault, Heal, Partition, Schedule
from common.values.history import Ok
from common.values.report import Report
from common.values.units import MS, SECOND
from common.worlds import Scene
from stage3_partitioning.multileader.broken import ByTheClock
from stage3_partitioning.multileader.checks import causes_first
from stage3_partitioning.multileader.latest import LastWriterWins
from stage3_partitioning.multileader.shipping import Get, Put, Shipment
from stage3_partitioning.multileader.siblings import Siblings

FOUR = ("n1", "n2", "n3", "n4")
STEADY = LinkModel(latency=(10 * MS, 10 * MS))
HEALED, END = 300 * MS, SECOND
MINUTE = 60 * SECOND
BEHIND = -MINUTE


def demo(seed: int) -> Report:
    """Three short stories of four leaders."""
    report = Report("Several leaders: everybody writes at home, and the copies meet later")
    _apart(report, seed)
    _behind(report, seed)
    _ways(report, seed)
    return report


def _scene(seed: int, node: Any, faults: Sequence[Fault] = (), **options: Any) -> Scene:
    schedule = Schedule(faults)
    nodes = dict.fromkeys(FOUR, node)
    return Scene("multileader", nodes, seed=seed, link=STEADY, schedule=schedule, **options)


def _apart(report: Report, seed: int) -> None:
    """Two halves write the same key while they do not hear of each other."""
    report.say("n1 and n3 change the menu, while n1 and n2 do not hear of n3 and n4. Then they do.")
    halves: list[Fault] = [Partition(50 * MS, (("n1", "n2"), ("n3", "n4"))), Heal(HEALED)]
    rows = []
    for name, node in (("the last writer wins", LastWriterWins), ("siblings", Siblings)):
        scene = _scene(seed, node, halves)
        scene.ask("n1", Put("menu", "soup"))
        scene.run(60 * MS)
        for id, dish in (("n1", "fish"), ("n3", "rice")):
            scene.ask(id, Get("menu"))
            scene.ask(id, Put("menu", dish))
        scene.run(END)
        shown = {id: value(scene, id, "menu") for id in FOUR}
        verdict = scene.judged("convergence", check_convergence(shown))
        rows.append((name, *(_text(each) for each in shown.values())))
        report.judged(f"{name}: all show the same", verdict.answer.value, verdict.sentence)
        scene.trace(report, f"multileader-{node.__name__.lower()}", f"two halves: {name}")
    report.table("What they show in the end", ("", *FOUR), rows)


def _behind(report: Report, seed: int) -> None:
    """Somebody corrects a price at a leader whose clock is a minute behind."""
    report.say("n1 writes the price 10. n2 sees it and writes 12; its clock is a minute behind.")
    rows = []
    for name, node in (("the clock's time", ByTheClock), ("later than all seen", LastWriterWins)):
        scene = _scene(seed, node, [Clock(0, "n2", skew=BEHIND)])
        scene.run(2 * MINUTE)
        scene.ask("n1", Put("price", "10"))
        scene.run(scene.now + 100 * MS)
        scene.ask("n2", Get("price"))
        scene.ask("n2", Put("price", "12"))
        shown = value(scene, "n2", "price")
        rows.append((name, str(shown)))
        verdict = scene.judged("causes first", causes_first(scene.history))
        report.judged(f"{name}: causes first", verdict.answer.value, verdict.sentence)
        broken = "broken on purpose: " if node is ByTheClock else ""
        title = f"{broken}a clock is behind"
        scene.trace(report, f"multileader-{node.__name__.lower()}-behind", title)
    report.table("What n2 shows its people right after", ("stamps", "price"), rows)


def _ways(report: Report, seed: int) -> None:
    """What a write costs on each way, and whom it reaches when one leader is down."""
    rows = []
    for topology in ("all", "ring", "star"):
        node = partial(LastWriterWins, topology=topology, ask_every=MINUTE)
        row = [topology]
        for down in ("", "n1", "n3"):
            watch = Watch()
            faults = [Crash(0, down)] if down else []
            scene = _scene(seed, node, faults, observers=[watch], recorded=False)
            scene.ask("n2", Put("table", "4"))
            scene.run(END)
            if not down:
                took = max(watch.first.values()) - watch.first["n2"]
                row += [str(watch.shipments), f"{took // MS} ms"]
            row.append(f"{len(watch.first)} of {len(FOUR) - bool(down)}")
        rows.append(tuple(row))
    columns = ("way", "shipments", "everywhere after", "reaches", "n1 down", "n3 down")
    report.table("One write of n2: a message takes 10 ms, n1 is the hub of the star", columns, rows)


class Watch(Observer):
    """Counts shipments, and sees when each leader has the first write."""

    def __init__(self) -> None:
        self.shipments = 0
        self.first: dict[NodeId, int] = {}

    def sent(self, at: int, node: NodeId, to: NodeId, message: object, number: int) -> None:
        """A message leaves."""
        self.shipments += isinstance(message, Shipment)

    def stepped(
        self,
        at: int,
        node: NodeId,
        event: Event,
        number: int | None,
        status: Mapping[str, object],
    ) -> None:
        """Something has happened to a leader."""
        if status.get("writes"):
            self.first.setdefault(node, at)


def value(scene: Scene, id: NodeId, key: str) -> object:
    """What a leader shows of a key."""
    outcome = scene.ask(id, Get(key)).outcome
    assert isinstance(outcome, Ok)
    return outcome.value


def _text(shown: object) -> str:
    return " and ".join(shown) if isinstance(shown, tuple) else str(shown)
