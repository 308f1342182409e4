"""Prints the SHA-256 of traces of chats under trouble, for comparison between Pythons.

It needs nothing but the standard library, the course's floors 0 to 2 and the lab, so any
interpreter can run it from the repository: ``python3.13 -m tests.support.chat_hash``.
"""

import hashlib
from random import Random

from common.contract import NodeId
from common.sim import Simulation, Workload
from common.sim.chaos import random_schedule
from common.trace.format import Meta
from common.trace.recorder import Recorder
from common.values.units import MS, SECOND
from stage2_communication.chat.causal import CausalMember
from stage2_communication.chat.checks import causes_first, same_order
from stage2_communication.chat.member import Member
from stage2_communication.chat.messages import Join, Operation, Read, Remove, Say
from stage2_communication.chat.total import TotalOrderMember

MEMBERS, FOUNDERS = ("n1", "n2", "n3", "n4"), ("n1", "n2", "n3")
SEEDS = 3


def choose(random: Random, person: NodeId, number: int) -> Operation:
    """Say something or look; n4 joins first, and n3 is removed some time."""
    if person == "n4" and number == 0:
        return Join()
    if person == "n1" and number == 12:
        return Remove("n3")
    return Say(f"{person}.{number}") if random.random() < 0.5 else Read(0)


def trace(kind: type[Member], seed: int) -> str:
    """The trace of one run, its history, and the verdicts on it."""
    lines: list[str] = []
    recorder = Recorder(lines.append, Meta(lab="chat", nodes=MEMBERS, seed=seed))

    def member(id: NodeId, peers: tuple[NodeId, ...]) -> Member:
        return kind(id, peers, founders=FOUNDERS)

    simulation = Simulation(
        dict.fromkeys(MEMBERS, member),
        seed=seed,
        schedule=random_schedule(Random(f"{seed}/schedule"), MEMBERS, 2 * SECOND),
        observers=[recorder],
    )
    Workload(simulation, choose, clients=MEMBERS, think=(10 * MS, 100 * MS))
    simulation.run(4 * SECOND)
    checks = (same_order, causes_first)
    sentences = [check(simulation.history).sentence for check in checks]
    return "".join([*lines, simulation.history.to_jsonl(), *sentences])


def digest() -> str:
    """The hash of some runs of both protocols."""
    runs = [trace(kind, seed) for kind in (TotalOrderMember, CausalMember) for seed in range(SEEDS)]
    return hashlib.sha256("".join(runs).encode()).hexdigest()


if __name__ == "__main__":
    print(digest())
