"""Deletions for the explorer: every order of comparisons between three sites.

There is no time here, so nothing is ever too old. :data:`KEPT`: a deleted key does not come back.
:data:`DROPPED`: a site that drops its certificate in the next round. The key comes back.
"""

from common.check.explorer import Bounds, Instance, WorldView
from common.contract import NodeId
from stage2_communication.gossip.certificates import Delete, DeletingSite
from stage2_communication.gossip.sites import Put
from stage2_communication.gossip.store import Entry

THREE = ("n1", "n2", "n3")


class Impatient(DeletingSite):
    """Keeps no certificate, and has no keepers."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        super().__init__(id, peers, keepers=0)

    def bury(self) -> None:
        """Drop each certificate."""
        for entry in tuple(self.store):
            if entry.value is None:
                self.store.drop(entry.key)
                self.forget(entry.key)


def held(world: WorldView) -> dict[NodeId, Entry | None]:
    """What each site has of the key."""
    return {
        id: node.store.entries.get("k")
        for id, node in world.items()
        if isinstance(node, DeletingSite)
    }


def gone_stays_gone(world: WorldView) -> str | None:
    """what n1 has deleted, n1 never has again"""
    node = world.get("n1")
    entry = held(world).get("n1")
    if not isinstance(node, DeletingSite) or entry is None or entry.value is None:
        return None
    again = node.latest > entry.stamp[0]
    return f"n1 has deleted k, and has {entry.value!r} again" if again else None


def deleted_everywhere(world: WorldView) -> bool:
    """all have the certificate"""
    found = held(world).values()
    return all(entry is not None and entry.value is None for entry in found)


def somebody_had_it(world: WorldView) -> bool:
    """another site has the value"""
    return any(entry is not None and entry.value for id, entry in held(world).items() if id != "n1")


def _instance(site: type[DeletingSite]) -> Instance:
    return Instance(
        nodes=dict.fromkeys(THREE, site),
        operations={"n1": (Put("k", "v"), Delete("k"))},
        bounds=Bounds(timers=4),
        always=(gone_stays_gone,),
        sometimes=(deleted_everywhere, somebody_had_it),
    )


KEPT = _instance(DeletingSite)
DROPPED = _instance(Impatient)
