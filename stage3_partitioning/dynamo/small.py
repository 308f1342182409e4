"""A small instance for the explorer: one key, its three homes, two clients.

c1 writes twice; c2 looks, and writes what replaces what it was shown. In every world that can be
reached no home has lost a version that nobody has replaced.
"""

from common.check.explorer import Bounds, Instance, WorldView
from stage3_partitioning.dynamo.client import Shopper
from stage3_partitioning.dynamo.keeping import Get, Keeper, Put
from stage3_partitioning.dynamo.quorum import Coordinator, Writing
from stage3_partitioning.dynamo.versions import Version, replaces

THREE = ("n1", "n2", "n3")


def answered_is_kept(world: WorldView) -> str | None:
    """what a coordinator has told a client is at two homes, or replaced there"""
    nodes = [node for node in world.values() if isinstance(node, Keeper)]
    for node in nodes:
        for under_way in getattr(node, "rounds", {}).values():
            if isinstance(under_way, Writing) and under_way.answered:
                have = sum(bool(each.versions(under_way.key)) for each in nodes)
                if have < 2:
                    return f"{node.id} has answered a write that is at {have} homes"
    return None


def no_dot_twice(world: WorldView) -> str | None:
    """two versions with one dot have one value"""
    found: dict[tuple[str, int], Version] = {}
    for node in world.values():
        for held in node.held.values() if isinstance(node, Keeper) else ():
            for version in held.versions:
                other = found.setdefault((version.actor, version.number), version)
                if other != version:
                    both = f"{other.value} and {version.value}"
                    return f"{both} are both {version.actor}'s {version.number}"
    return None


def siblings_only(world: WorldView) -> str | None:
    """no home has two versions of which one replaces the other"""
    for node in world.values():
        for held in node.held.values() if isinstance(node, Keeper) else ():
            for one in held.versions:
                for other in held.versions:
                    if replaces(one, other):
                        return (
                            f"{node.id} keeps {other.value} beside {one.value}, which replaces it"
                        )
    return None


def all_have_it(world: WorldView) -> bool:
    """all three homes have a version"""
    return all(node.held for node in world.values() if isinstance(node, Keeper))


PUT_AND_LOOK = Instance(
    nodes=dict.fromkeys(THREE, Coordinator),
    clients={"c1": Shopper, "c2": Shopper},
    operations={"c1": (Put("x", "a"),), "c2": (Get("x"), Put("x", "b"))},
    bounds=Bounds(timers=0),
    always=(answered_is_kept, no_dot_twice, siblings_only),
    sometimes=(all_have_it,),
)
