"""Prints the SHA-256 of the traces of the replicated store under trouble, to compare Pythons.

``python3.13 -m tests.support.raftkv_hash``; it needs what :mod:`tests.support.raft_hash` needs.
"""

import hashlib
from random import Random

from common.contract import Node, NodeId
from common.sim import Simulation, Workload
from common.sim.chaos import random_schedule
from common.trace.format import Meta
from common.trace.recorder import Recorder
from common.values.units import MS, SECOND
from stage5_fault_tolerance.raftkv.checks import linearizable, some_command
from stage5_fault_tolerance.raftkv.client import KeyValueClient
from stage5_fault_tolerance.raftkv.server import RaftKeyValue

SERVERS, CLIENTS = ("n1", "n2", "n3"), ("c1", "c2", "c3")
SEEDS = 4


def server(id: NodeId, peers: tuple[NodeId, ...]) -> Node:
    """A server that compacts often."""
    return RaftKeyValue(id, peers, snapshot_every=10, piece_parts=4)


def trace(seed: int) -> str:
    """The trace of one run, its history, and the verdict on it."""
    lines: list[str] = []
    recorder = Recorder(lines.append, Meta(lab="raftkv", nodes=SERVERS, clients=CLIENTS, seed=seed))
    simulation = Simulation(
        dict.fromkeys(SERVERS, server),
        dict.fromkeys(CLIENTS, KeyValueClient),
        seed=seed,
        schedule=random_schedule(Random(f"{seed}/schedule"), SERVERS, 2 * SECOND, others=CLIENTS),
        observers=[recorder],
    )
    Workload(simulation, some_command, think=(10 * MS, 100 * MS), patience=4 * SECOND)
    simulation.run(4 * SECOND)
    verdict = linearizable(simulation.history)
    return "".join(lines) + simulation.history.to_jsonl() + verdict.sentence


def digest() -> str:
    """The hash of some runs."""
    return hashlib.sha256("".join(trace(seed) for seed in range(SEEDS)).encode()).hexdigest()


if __name__ == "__main__":
    print(digest())
