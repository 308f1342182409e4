"""One search for a schedule that breaks a lab: clients at work, random trouble, the lab's checkers.

What runs is what ``lab run`` runs (the lab's ``LIVE``: its nodes, clients, workload and checks), in
the simulator. A failure is a checker's *no*, or an error in a node.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from typing import Any

from common.check.verdict import Answer
from common.course.base.naming import find
from common.course.kit.shrinking import shrink
from common.runtime.live import LiveLab, Variant
from common.sim.chaos import KINDS, random_schedule
from common.sim.simulation import Simulation
from common.sim.workload import Workload
from common.values.errors import BadInput, LabError
from common.values.faults import Schedule
from common.values.history import Ok
from common.values.units import MS, SECOND

OPERATIONS = 15
"""Operations of each client."""

TROUBLE_UNTIL = 2 * SECOND
"""When the calm begins."""

RUN_UNTIL = 8 * SECOND
MAX_EVENTS = 300_000
THINK = (0, 200 * MS)


@dataclass(frozen=True, slots=True)
class Found:
    """What a run has shown.

    Attributes:
        seed: of the run.
        failure: what went wrong, a sentence; "" if nothing did.
        ok: operations that ended ok: a search that never gets anything done finds nothing.
        schedule: the schedule of a failure.
    """

    seed: int
    failure: str
    ok: int
    schedule: Schedule | None = None


def draw(live: LiveLab, seed: int, kinds: Sequence[str] = KINDS) -> Schedule:
    """The schedule that belongs to a seed."""
    members, clients = ids(live)
    random = Random(f"{seed}/schedule")
    return random_schedule(random, members, TROUBLE_UNTIL, kinds=kinds, others=clients)


def ids(live: LiveLab) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The members and the clients."""
    members = tuple(f"n{number}" for number in range(1, live.members + 1))
    return members, tuple(f"c{number}" for number in range(1, live.clients + 1))


def variant_of(live: LiveLab, name: str) -> Variant:
    """A variant by its name; the first for "".

    Raises:
        BadInput: there is none of that name.
    """
    if name and name not in live.variants:
        raise BadInput(f"lab {live.lab} has no variant {name!r}: it has {', '.join(live.variants)}")
    return live.variants[name or next(iter(live.variants))]


def run_one(live: LiveLab, variant: Variant, seed: int, schedule: Schedule) -> Found:
    """Run a lab under a schedule, and check what the clients saw."""
    members, clients = ids(live)
    node = partial(_class(variant.node, live), **variant.node_config)
    client = partial(_class(variant.client, live), **variant.client_config)
    simulation = Simulation(
        dict.fromkeys(members, node),
        dict.fromkeys(clients, client),
        seed=seed,
        schedule=schedule,
        max_events=MAX_EVENTS,
    )
    try:
        Workload(simulation, variant.choose, count=OPERATIONS, think=THINK)
        simulation.run(RUN_UNTIL)
        failure = _checked(simulation, variant)
    except (LabError, AssertionError) as error:
        failure = f"{type(error).__name__}: {error}".removesuffix(": ")
    except Exception as error:  # a node's own mistake is what we search for
        failure = f"{type(error).__name__} in a node: {error}"
    ok = sum(isinstance(operation.outcome, Ok) for operation in simulation.history)
    return Found(seed, failure, ok)


def try_seed(live: LiveLab, variant: Variant, seed: int, kinds: Sequence[str]) -> Found:
    """Draw a schedule, and run it."""
    schedule = draw(live, seed, kinds)
    found = run_one(live, variant, seed, schedule)
    return replace(found, schedule=schedule) if found.failure else found


def shrunk(live: LiveLab, variant: Variant, found: Found) -> Found:
    """The same failure under as few faults as still make one."""
    assert found.schedule is not None, "a failure has its schedule"
    seed = found.seed
    small = shrink(found.schedule, lambda part: bool(run_one(live, variant, seed, part).failure))
    again = run_one(live, variant, seed, small)
    return Found(seed, again.failure, again.ok, small)


def _checked(simulation: Simulation, variant: Variant) -> str:
    for name, check in variant.checks.items():
        verdict = check(simulation.history)
        if verdict.answer is Answer.NO:
            return f"not {name}: {verdict.sentence}"
    return ""


def _class(name: str, live: LiveLab) -> Any:
    return find(name, f"lab {live.lab}: live")
