"""What somebody types is shown at another place than that where they typed it."""

from collections.abc import Mapping
from functools import partial

from common.check.verdict import Verdict
from common.contract import NodeId
from common.sim import LinkModel
from common.sim.host import Factory
from common.values.history import Ok
from common.values.units import MS
from common.worlds import Scene
from docs.making.shown import told
from stage7_advanced.crdt.operations import Erase, Show, TextReplica, Type
from stage7_advanced.crdt.rga import RgaText

TWO = ("n1", "n2")
HEARD = 60 * MS
"""After that everybody has heard of everything."""


class _Rga(RgaText):
    """A text of RGA, as a replica wants it."""

    def __len__(self) -> int:
        return len(self.row)


class RgaReplica(TextReplica):
    """A copy of a text that is kept by RGA; the lab's own replicas keep theirs by Fugue."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        super().__init__(id, peers)
        self.text = _Rga(id)  # type: ignore[assignment]

    def status(self) -> Mapping[str, object]:
        """What is shown here."""
        return {"text": self.text.text()}


class FugueReplica(TextReplica):
    """The lab's own replica."""

    def status(self) -> Mapping[str, object]:
        """What is shown here."""
        return {"text": self.text.text()}


def names() -> tuple[Scene, Verdict]:
    """n1 types in front of a word of n2, whose name is the greater one."""
    scene = _scene(RgaReplica)
    scene.ask("n2", Type(0, "world"))
    scene.run(scene.now + HEARD)
    return _typed(scene, "hello ", 0, "hello world", "in front of world")


def gravestones() -> tuple[Scene, Verdict]:
    """n1 types behind a character whose next one is deleted."""
    scene = _scene(FugueReplica)
    for step in (Type(0, "!"), Type(0, "Hi"), Erase(1)):
        scene.ask("n2", step)
    scene.run(scene.now + HEARD)
    return _typed(scene, "ey", 1, "Hey!", "between H and !")


def _scene(kind: Factory) -> Scene:
    link = LinkModel(latency=(10 * MS, 10 * MS))
    return Scene("crdt", dict.fromkeys(TWO, partial(kind)), seed=1, link=link)


def _typed(scene: Scene, text: str, index: int, expected: str, where: str) -> tuple[Scene, Verdict]:
    typed = scene.ask("n1", Type(index, text))
    scene.run(scene.now + HEARD)
    looks = [scene.ask(id, Show()) for id in TWO]
    shown = [each.outcome.value for each in looks if isinstance(each.outcome, Ok)]
    sentence = f"n1 typed {text!r} {where}; the copies show {' and '.join(map(repr, shown))}."
    is_well = shown == [expected, expected]
    return told(scene, "typed is where it was typed", is_well, sentence, typed, *looks)
