"""Prints the SHA-256 of the traces of the sharded store under trouble, to compare between Pythons.

It needs nothing but the standard library, the course's floors 0 to 2 and the lab, so any
interpreter can run it from the repository: ``python3.13 -m tests.support.kv_hash``.
"""

import hashlib
from random import Random

from common.contract import Node, NodeId
from common.sim import Simulation, Workload
from common.sim.chaos import random_schedule
from common.trace.format import Meta
from common.trace.recorder import Recorder
from common.values.units import MS, SECOND
from stage3_partitioning.kv.checks import linearizable, some_command
from stage3_partitioning.kv.client import StoreClient
from stage3_partitioning.kv.commands import AddNode, RemoveNode
from stage3_partitioning.kv.server import StoreNode

NODES, CLIENTS = ("n1", "n2", "n3", "n4"), ("c1", "c2", "operator")
SLOTS = 32
SEEDS = 4
CHANGES = (AddNode("n4"), RemoveNode("n2"), AddNode("n2"))


def node(id: NodeId, peers: tuple[NodeId, ...]) -> Node:
    """A node of a store on a ring."""
    return StoreNode(
        id, peers, slots=SLOTS, shards=NODES[:3], placement="ring", batch_keys=2, run_slots=4
    )


def client(id: NodeId, peers: tuple[NodeId, ...]) -> Node:
    """A client of it."""
    return StoreClient(id, peers, slots=SLOTS)


def some_change(random: Random, client: NodeId, number: int) -> object:
    """The next change of the nodes."""
    return CHANGES[number % len(CHANGES)]


def trace(seed: int) -> str:
    """The trace of one run, its history, and the verdict on it."""
    lines: list[str] = []
    recorder = Recorder(lines.append, Meta(lab="kv", nodes=NODES, clients=CLIENTS, seed=seed))
    simulation = Simulation(
        dict.fromkeys(NODES, node),
        dict.fromkeys(CLIENTS, client),
        seed=seed,
        schedule=random_schedule(Random(f"{seed}/schedule"), NODES, 2 * SECOND, others=CLIENTS),
        observers=[recorder],
    )
    Workload(
        simulation,
        some_command,
        clients=CLIENTS[:2],
        think=(10 * MS, 100 * MS),
        patience=4 * SECOND,
    )
    Workload(
        simulation,
        some_change,
        clients=CLIENTS[2:],
        count=3,
        think=(200 * MS, 300 * MS),
        patience=4 * SECOND,
    )
    simulation.run(4 * SECOND)
    verdict = linearizable(simulation.history)
    return "".join(lines) + simulation.history.to_jsonl() + verdict.sentence


def digest() -> str:
    """The hash of some runs."""
    return hashlib.sha256("".join(trace(seed) for seed in range(SEEDS)).encode()).hexdigest()


if __name__ == "__main__":
    print(digest())
