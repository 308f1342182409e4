"""Small instances for the explorer: every order in which writes may arrive, and be lost.

In each one n1 and n2 write to the same key, at any time: at once, or one when it has the other's
write. Then the second write may reach n3 first.

* :data:`LATEST`: the last writer wins. Leaders that have the same writes show the same value.
* :data:`BOTH`: the same with siblings.
* :data:`AS_THEY_COME`: the first one, by leaders that do not ask for causes.
"""

from collections.abc import Mapping

from common.check.explorer import Bounds, Instance, WorldView
from common.contract import NodeId
from stage3_partitioning.multileader.broken import AsTheyCome
from stage3_partitioning.multileader.latest import LastWriterWins, order
from stage3_partitioning.multileader.shipping import Leader, Put
from stage3_partitioning.multileader.siblings import Siblings
from stage3_partitioning.multileader.versions import Vector, covers

THREE = ("n1", "n2", "n3")


def leaders(world: WorldView) -> Mapping[NodeId, Leader]:
    """Those that run."""
    return {id: node for id, node in world.items() if isinstance(node, Leader)}


def causes_first(world: WorldView) -> str | None:
    """no leader has a write before what its author's leader had"""
    for id, leader in leaders(world).items():
        had: Vector = ()
        for write in leader.log:
            if not covers(had, write.after):
                return f"{id} has {write.value} without what came before it"
            had = tuple(sorted({**dict(had), write.leader: write.number}.items()))
    return None


def same_writes_same_values(world: WorldView) -> str | None:
    """leaders that have the same writes show the same values"""
    shown: dict[Vector, tuple[NodeId, object]] = {}
    for id, leader in leaders(world).items():
        other, values = shown.setdefault(leader.have, (id, values_of(leader)))
        if values != values_of(leader):
            return f"{id} shows {values_of(leader)} and {other} shows {values}"
    return None


def values_of(leader: Leader) -> object:
    """What a leader shows of each key."""
    if isinstance(leader, Siblings):
        found = leader.siblings.items()
        return {key: tuple(each.value for each in writes) for key, writes in found}
    assert isinstance(leader, LastWriterWins)
    return {key: max(writes, key=order).value for key, writes in leader.writes.items()}


def all_have_both(world: WorldView) -> bool:
    """all leaders have both writes"""
    return all(len(leader.log) == 2 for leader in leaders(world).values())


def _instance(node: type[Leader]) -> Instance:
    return Instance(
        nodes=dict.fromkeys(THREE, node),
        operations={"n1": (Put("x", "a"),), "n2": (Put("x", "b"),)},
        bounds=Bounds(losses=1, timers=1),
        always=(causes_first, same_writes_same_values),
        sometimes=(all_have_both,),
    )


LATEST = _instance(LastWriterWins)
BOTH = _instance(Siblings)
AS_THEY_COME = _instance(AsTheyCome)
