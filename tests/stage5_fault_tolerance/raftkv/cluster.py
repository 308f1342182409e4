"""Clusters of the store in virtual time, their clients, and what their histories must keep to."""

from collections.abc import Sequence
from typing import Any

from common.check.serializability import check_serializability
from common.course.suites.kit import must_end, must_hold, names, trouble
from common.sim.simulation import Simulation
from common.sim.workload import Choose, Workload
from common.values.faults import Schedule
from common.values.history import Failed, Ok, Operation
from common.values.units import MS, SECOND
from stage4_consensus.raft.checks_outside import Seen, watched
from tests.stage5_fault_tolerance.raftkv.lab import RaftkvLab

CLIENTS = ("c1", "c2", "c3")
CALM = 2 * SECOND
"""When all faults of a sweep are over."""

LIMIT = CALM + 10 * SECOND
"""When every client must have got through."""


def cluster(lab: RaftkvLab, seed: int | str, count: int = 3, **options: Any) -> Simulation:
    """Servers that compact often and send snapshots in small pieces, with three clients."""
    config = {"snapshot_every": 8, "piece_parts": 3, **options.pop("config", {})}
    seen = Seen()
    made = lab.simulation(
        dict.fromkeys(names(count), lambda id, peers: lab.RaftKeyValue(id, peers, **config)),
        dict.fromkeys(CLIENTS, lab.KeyValueClient),
        seed=seed,
        observers=[seen, *options.pop("observers", ())],
        **options,
    )
    return watched(made, seen)


def sweep_once(
    lab: RaftkvLab, seed: int, choose: Choose, kinds: Sequence[str], count: int = 3, each: int = 30
) -> Simulation:
    """Clients ask while these kinds of trouble happen, and in the calm; all must end."""
    faults = trouble(seed, kinds, hit=names(count), others=CLIENTS, until=CALM)
    simulation = cluster(lab, seed, count, schedule=Schedule(faults))
    workload = Workload(
        simulation, choose, count=each, think=(0, 120 * MS), patience=LIMIT, clients=CLIENTS
    )
    must_end(simulation, workload, limit=LIMIT)
    return simulation


def oks(simulation: Simulation, function: str) -> list[tuple[Operation, Any]]:
    """The operations of this kind that were answered, with their values."""
    asked = [each for each in simulation.history if each.function == function]
    return [(each, each.outcome.value) for each in asked if isinstance(each.outcome, Ok)]


def must_be_strictly_serializable(simulation: Simulation) -> None:
    """Check transactions of Get and Append of ``number;`` as those of lists of numbers."""
    asked = [_as_lists(each) for each in simulation.history if each.function == "transaction"]
    must_hold(check_serializability(asked, strict=True))


def _as_lists(operation: Operation) -> Operation:
    argument: Any = operation.argument
    steps = tuple(_step(step, None) for step in argument[1])
    outcome = operation.outcome
    if isinstance(outcome, Ok):
        told: Any = outcome.value
        pairs = zip(argument[1], told.results, strict=True)
        outcome = Ok(tuple(_step(step, result) for step, result in pairs))
    assert not isinstance(outcome, Failed), f"{operation}: nothing stood in its way"
    times = (operation.invoked_at, operation.returned_at)
    return Operation(operation.process, "txn", None, steps, *times, outcome)


def _step(step: Any, result: Any) -> tuple[str, str, object]:
    if type(step).__name__ == "Append":
        return ("append", step.key, step.value.rstrip(";"))
    return ("r", step.key, None if result is None else tuple(result.rstrip(";").split(";")))
