"""A value that is there and is not found: a lookup goes one way, and liars stand on it."""

from functools import partial
from typing import Any

from bonus_overlays.kademlia.buckets import Contact, key_of
from bonus_overlays.kademlia.disjoint import Careful
from bonus_overlays.kademlia.holding import Items
from bonus_overlays.kademlia.messages import Nodes
from bonus_overlays.kademlia.publishing import Get, Put
from common.check.verdict import Verdict
from common.contract import NodeId
from common.contract.lies import Lie, Plan
from common.sim import LinkModel
from common.values.faults import Corrupt, Crash, Restart
from common.values.history import Ok
from common.values.units import MS, SECOND
from common.worlds import Scene
from docs.making.shown import told

VALUE = b"hidden"
HONEST = 10
"""Members that follow the protocol."""
GUIDES = 3
"""Members that everybody knows, and that turn into liars."""
HIDERS = 3
"""Liars that join late: all lies name them."""
ASKERS = ("n3", "n4", "n5", "n6")
SEED = 6
"""With it, each of these has an honest path among its paths."""


def one_path() -> tuple[Scene, Verdict]:
    """Some members name only their friends, whose keys are next to that of the value."""
    members = [f"n{number}" for number in range(1, HONEST + GUIDES + HIDERS + 1)]
    guides, hiders = members[HONEST : HONEST + GUIDES], members[HONEST + GUIDES :]
    keys = {id: _near(number) for number, id in enumerate(hiders, 1)}

    def member(id: NodeId, peers: tuple[NodeId, ...]) -> Careful:
        return Careful(
            id,
            peers,
            key=keys.get(id, ""),
            k=2,
            alpha=1,
            seeds=("n1", "n2"),
            refresh_every=60 * SECOND,
        )

    scene = Scene(
        "kademlia",
        dict.fromkeys(members, member),
        seed=SEED,
        link=LinkModel(latency=(5 * MS, 5 * MS)),
        behaviours={"names its friends": Plan(Lie(of=(Items, Nodes), says=partial(_lie, keys)))},
    )
    scene.run(10 * MS)
    for id in hiders:
        scene.inject(Crash(scene.now, id))
    scene.run(SECOND)
    scene.ask("n1", Put(VALUE))
    for id in (*guides, *hiders):
        scene.inject(Corrupt(scene.now, id, "names its friends"))
    for id in hiders:
        scene.inject(Restart(scene.now, id))
    scene.run(scene.now + SECOND // 2)
    asked = [scene.ask(id, Get(key_of(VALUE))) for id in ASKERS]
    got = [each.process for each in asked if each.outcome == Ok(VALUE)]
    sentence = (
        f"A value is there. {len(asked)} honest members look for it, and {len(got)} of them get it."
    )
    return told(scene, "one honest path is enough", len(got) == len(asked), sentence, *asked)


def _near(number: int) -> str:
    """A key that is closer to that of the value than the keys of all honest members."""
    return f"{int(key_of(VALUE), 16) ^ number:040x}"


def _lie(keys: dict[NodeId, str], liar: Any, to: NodeId, message: Any) -> object:
    """An answer that names the hiders, and has no value."""
    del to
    others = tuple(Contact(key, id) for id, key in keys.items() if id != liar.id)
    if isinstance(message, Items):
        return Items(message.number, message.key, others, (), message.token)
    return Nodes(message.number, message.key, others)
