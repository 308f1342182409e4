"""Networks in the simulator, and what is true of them."""

from collections.abc import Iterable, Sequence
from typing import Any

from common.contract.events import NodeId
from common.course.suites.kit import ask_ok, names
from common.sim.simulation import Simulation
from common.values.units import SECOND
from tests.bonus_overlays.kademlia.keys import nearest
from tests.bonus_overlays.kademlia.lab import KademliaLab

SETTLED = 5 * SECOND
"""By then everybody has joined, and has looked around twice: while all join at once, each sees only
a part of the others."""


def network(
    lab: KademliaLab, kind: Any, seed: int | str, count: int, k: int = 4, **options: Any
) -> Simulation:
    """So many nodes that have joined by the first two. The options are the simulation's, but for
    ``config``: keyword arguments of the nodes, and ``clients``, how to make each."""
    config = {"k": k, "refresh_every": 3 * SECOND, **options.pop("config", {})}

    def made(id: NodeId, peers: tuple[NodeId, ...]) -> Any:
        return kind(id, peers, seeds=("n1", "n2"), **config)

    clients = options.pop("clients", {})
    simulation = lab.simulation(dict.fromkeys(names(count), made), clients, seed=seed, **options)
    simulation.run(SETTLED)
    return simulation


def key_of_node(lab: KademliaLab, node: NodeId) -> str:
    """The key of a node that nobody has given another one."""
    return lab.key_of(node.encode())


def closest_nodes(
    lab: KademliaLab, nodes: Iterable[NodeId], target: str, count: int
) -> list[NodeId]:
    """The truth: so many of the nodes, the closest to the target first."""
    by_key = {key_of_node(lab, node): node for node in nodes}
    return [by_key[key] for key in nearest(target, by_key, count)]


def must_nearly_all(results: Sequence[bool], what: str) -> None:
    """Check that something was so nearly every time: once it may fail, and once more for each
    hundred times. Whom a node has heard of depends on chance."""
    wrong = len(results) - sum(results)
    assert wrong < len(results), f"{what}: never"
    assert wrong <= 1 + len(results) // 100, f"{what}: not in {wrong} of {len(results)} times"


def found_by(
    lab: KademliaLab, simulation: Simulation, asker: NodeId, target: str
) -> Sequence[NodeId]:
    """What a node finds now."""
    found = ask_ok(simulation, asker, lab.Lookup(target), within=20 * SECOND)
    assert isinstance(found, tuple), f"{found}: an answer to Lookup is a tuple of names"
    return found
