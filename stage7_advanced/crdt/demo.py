"""The demonstration of the lab ``crdt``: words that mix, a cut, what is sent, what is kept."""

from collections.abc import Callable, Mapping
from functools import partial

from common.check.convergence import check_convergence
from common.codec.messagepack import MessagePackCodec
from common.contract import Node, NodeId
from common.contract.observer import Observer
from common.contract.schema import Schema
from common.sim import LinkModel
from common.values.faults import Block, Fault, Heal, Schedule
from common.values.history import Ok
from common.values.report import Report
from common.values.units import MS, SECOND
from common.worlds import Scene
from stage7_advanced.crdt.deltas import DeltaReplica
from stage7_advanced.crdt.fugue import FugueText
from stage7_advanced.crdt.garbage import CollectingReplica
from stage7_advanced.crdt.gossip import Add, Look, StateReplica
from stage7_advanced.crdt.operations import Erase, Show, TextReplica, Type
from stage7_advanced.crdt.rga import RgaText

THREE = ("n1", "n2", "n3")
STEADY = LinkModel(latency=(10 * MS, 10 * MS))
CUT, HEALED, END = 50 * MS, 200 * MS, 350 * MS
"""When n1 is cut off from the others, when it is back, and when all is over."""


def demo(seed: int) -> Report:
    """Four short stories."""
    report = Report("Copies that nobody has to agree about")
    report.say(
        "n1 writes milk and n2 writes eggs, at the front of the same empty text, without having "
        "heard of each other. Then each hears what the other one has typed."
    )
    rows = [
        (name, written(kind, backwards=False), written(kind, backwards=True))
        for name, kind in (("RGA", RgaText), ("Fugue", FugueText))
    ]
    report.table("What all copies show", ("text", "typed forwards", "typed backwards"), rows)
    _cut(report, seed)
    _sent(report, seed)
    _kept(report, seed)
    return report


def written(kind: type[RgaText] | type[FugueText], backwards: bool) -> str:
    """Two words at one place, and what they look like once both have heard everything."""
    copies = {"n1": kind("n1"), "n2": kind("n2")}
    typed: dict[str, list[object]] = {}
    for name, word in (("n1", "milk"), ("n2", "eggs")):
        signs = reversed(word) if backwards else word
        typed[name] = [
            copies[name].insert(0 if backwards else at, sign) for at, sign in enumerate(signs)
        ]
    for name, other in (("n1", "n2"), ("n2", "n1")):
        do: Callable[[object], None] = copies[name].apply  # type: ignore[assignment]
        for operation in typed[other]:
            do(operation)
    assert copies["n1"].text() == copies["n2"].text(), "both copies show the same"
    return copies["n1"].text()


def _cut(report: Report, seed: int) -> None:
    """Everybody goes on typing while n1 is cut off."""
    cut: list[Fault] = [Heal(HEALED)]
    for other in ("n2", "n3"):
        cut += [Block(CUT, "n1", other), Block(CUT, other, "n1")]
    scene = Scene(
        "crdt",
        dict.fromkeys(THREE, partial(TextReplica, every=80 * MS)),
        seed=seed,
        link=STEADY,
        schedule=Schedule(cut),
    )
    rows: list[tuple[str, ...]] = []

    def all_show(when: str) -> dict[NodeId, object]:
        shown = {id: scene.ask(id, Show()).outcome for id in THREE}
        texts = {id: each.value for id, each in shown.items() if isinstance(each, Ok)}
        rows.append((when, *map(str, texts.values())))
        return texts

    scene.ask("n1", Type(0, "buy tea"))
    scene.run(CUT)
    all_show("before")
    scene.ask("n1", Type(3, " hot"))
    scene.ask("n2", Erase(4, 3))
    scene.ask("n2", Type(4, "milk"))
    scene.run(HEALED - 50 * MS)
    all_show("while n1 is cut off")
    scene.run(END)
    texts = all_show("once it is back")
    report.table("Nobody waits for anybody", ("", *THREE), rows)
    verdict = scene.judged("convergence", check_convergence(texts))
    report.judged("all copies are the same", verdict.answer.value, verdict.sentence)
    scene.trace(report, "crdt-cut", "a text, while n1 is cut off and when it is back")


class Bytes(Observer):
    """Counts the bytes of what is sent."""

    def __init__(self, kind: type[Node]) -> None:
        self._codec = MessagePackCodec(Schema.of(kind))
        self.sent_bytes = 0

    def sent(self, at: int, node: NodeId, to: NodeId, message: object, number: int) -> None:
        """A message leaves."""
        self.sent_bytes += len(self._codec.encode(message))


def _sent(report: Report, seed: int) -> None:
    """The same list by whole states and by deltas: what ten changes in a second cost."""
    rows = []
    for name, kind in (("whole states", StateReplica), ("deltas", DeltaReplica)):
        counted = Bytes(kind)
        scene = Scene(
            "crdt", dict.fromkeys(THREE, kind), seed=seed, recorded=False, observers=[counted]
        )
        for number in range(100):
            scene.ask("n1", Add(f"item {number}"))
        scene.run(scene.now + SECOND)
        counted.sent_bytes = 0
        for number in range(10):
            scene.ask("n2", Add(f"news {number}"))
            scene.run(scene.now + 100 * MS)
        looks = {id: scene.ask(id, Look()).outcome for id in THREE}
        held = {len(each.value) for each in looks.values() if isinstance(each, Ok)}  # type: ignore[arg-type]
        rows.append((name, f"{counted.sent_bytes:,}", *held))
    headers = ("sent as", "bytes in a second", "items at the end")
    report.table("A list of 100 items, and ten more, one by one", headers, rows)


def _kept(report: Report, seed: int) -> None:
    """What is left of a text that was rewritten many times."""
    rows: list[tuple[object, ...]] = []
    for name, kind in (("all are kept", TextReplica), ("collected", CollectingReplica)):
        scene = Scene("crdt", dict.fromkeys(THREE, kind), seed=seed, recorded=False)
        for number in range(50):
            person = THREE[number % 3]
            scene.ask(person, Type(0, f"version {number}"))
            scene.run(scene.now + 60 * MS)
            if number < 49:
                scene.ask(person, Erase(0, 20))
        scene.run(scene.now + SECOND)
        held: Mapping[str, object] = scene.nodes["n1"].status()
        rows.append((name, held["shown"], held["gravestones"]))
    headers = ("gravestones", "characters shown", "gravestones at n1")
    report.table("A line that was written and erased 50 times", headers, rows)
