"""Prints the SHA-256 of the traces of Raft under trouble, for comparison between Pythons.

It needs nothing but the standard library, the course's floors 0 to 2 and the lab, so any
interpreter can run it from the repository: ``python3.13 -m tests.support.raft_hash``.
"""

import hashlib
from random import Random

from common.contract import Node, NodeId
from common.sim import Simulation, Workload
from common.sim.chaos import random_schedule
from common.trace.format import Meta
from common.trace.recorder import Recorder
from common.values.units import MS, SECOND
from stage4_consensus.raft.checks import linearizable, some_change_or_query
from stage4_consensus.raft.registers import RaftRegisters, RegistersClient

SERVERS, CLIENTS = ("n1", "n2", "n3"), ("c1", "c2", "admin")
SEEDS = 6


def server(id: NodeId, peers: tuple[NodeId, ...]) -> Node:
    """A server that compacts often."""
    return RaftRegisters(id, peers, snapshot_every=10, piece_parts=4)


def trace(seed: int) -> str:
    """The trace of one run, its history, and the verdict on it."""
    lines: list[str] = []
    recorder = Recorder(lines.append, Meta(lab="raft", nodes=SERVERS, clients=CLIENTS, seed=seed))
    simulation = Simulation(
        dict.fromkeys(SERVERS, server),
        dict.fromkeys(CLIENTS, RegistersClient),
        seed=seed,
        schedule=random_schedule(Random(f"{seed}/schedule"), SERVERS, 2 * SECOND, others=CLIENTS),
        observers=[recorder],
    )
    Workload(simulation, some_change_or_query, think=(10 * MS, 100 * MS), patience=4 * SECOND)
    simulation.run(4 * SECOND)
    verdict = linearizable(simulation.history)
    return "".join(lines) + simulation.history.to_jsonl() + verdict.sentence


def digest() -> str:
    """The hash of some runs."""
    return hashlib.sha256("".join(trace(seed) for seed in range(SEEDS)).encode()).hexdigest()


if __name__ == "__main__":
    print(digest())
