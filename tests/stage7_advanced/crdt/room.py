"""Replicas with a person at each, in the simulator, for the suites of lists and of texts."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from common.check.convergence import check_convergence
from common.contract.events import NodeId
from common.course.suites.kit import ask_ok, must_hold, names, trouble
from common.sim.host import Factory
from common.sim.network import LinkModel
from common.sim.simulation import Simulation
from common.sim.workload import Workload
from common.values.faults import Block, Fault, Schedule
from common.values.units import MS, SECOND
from tests.stage7_advanced.crdt.lab import CrdtLab

THREE = names(3)
UNEVEN = LinkModel(latency=(1 * MS, 40 * MS), reorder=0.2)
KINDS = ("partition", "block", "crash", "pause", "link", "disk")
CALM = 1 * SECOND
ITEMS = ("bread", "eggs", "milk")
FINE = 0.1
"""The least part of all operations that ends with Ok: at a replica that is down none does."""


def replicas(
    lab: CrdtLab, kind: Factory, seed: int | str, faults: Sequence[Fault] = (), **options: Any
) -> Simulation:
    """Three replicas of a class."""
    options = {"link": UNEVEN, "schedule": Schedule(faults), **options}
    return lab.simulation(dict.fromkeys(THREE, kind), seed=seed, **options)


def in_trouble(lab: CrdtLab, kind: Factory, seed: int | str, **options: Any) -> Simulation:
    """Three replicas to which everything happens; then a calm."""
    faults = trouble(seed, KINDS, hit=THREE, until=CALM, troubles=5)
    return replicas(lab, kind, seed, faults, **options)


def work(
    simulation: Simulation, choose: Callable[[Random, NodeId, int], object], count: int = 15
) -> Workload:
    """Let a person at each replica work."""
    return Workload(simulation, choose, clients=THREE, count=count, think=(0, 60 * MS))


def must_converge(simulation: Simulation, look: object) -> Any:
    """Check that all show the same, once all is calm; returns it."""
    shown = {person: ask_ok(simulation, person, look) for person in THREE}
    must_hold(check_convergence(shown))
    return shown[THREE[0]]


def cut(at: int, one: NodeId, other: NodeId) -> list[Fault]:
    """From now on these two do not hear each other."""
    return [Block(at, one, other), Block(at, other, one)]
