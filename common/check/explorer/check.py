"""From an instance to a verdict."""

from collections.abc import Callable
from functools import partial

from common.check.explorer.choices import Choice
from common.check.explorer.findings import Exploration, Progress
from common.check.explorer.instance import Instance, Invariant, WorldView
from common.check.explorer.replay import describe_path
from common.check.explorer.search import Limits, Properties, explore
from common.check.explorer.symmetry import SymmetricSystem
from common.check.explorer.system import NodeSystem
from common.check.invariants import Always, AlwaysEach, Sometimes
from common.contract.node import Node

NO_PROBLEM = "no handler raises or breaks the contract"
"""The property that every instance has."""


def explore_instance(
    instance: Instance,
    *,
    clock: Callable[[], float] | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Exploration[Choice]:
    """Look at every run of an instance within its bounds.

    Args:
        instance: what to explore.
        clock: gives the time in seconds, such as ``time.perf_counter``; needed for a bound in
            seconds, and for the states per second in the result.
        progress: called now and then with how far the search has come.

    Returns:
        The answers, with paths as choices that :func:`replay` takes.

    Raises:
        BadInput: the bounds name seconds and there is no clock.
        ContractError: a node's state holds something that cannot be copied or compared.
    """
    system = SymmetricSystem(instance) if instance.symmetric else NodeSystem(instance)
    bounds = instance.bounds
    limits = Limits(bounds.states, bounds.depth, bounds.seconds)
    found = explore(system, properties_of(instance), limits, clock=clock, progress=progress)
    return found.translated(
        lambda path: describe_path(system, path),
        within=str(bounds),
        caveats=_caveats(instance, system),
    )


def properties_of(instance: Instance) -> Properties:
    """The properties of an instance with their titles, and :data:`NO_PROBLEM` before them."""
    return Properties(
        always=((NO_PROBLEM, _problem), *map(_titled, instance.always)),
        sometimes=tuple(
            (goal.name, goal.predicate) if isinstance(goal, Sometimes) else (_title(goal), goal)
            for goal in instance.sometimes
        ),
        eventually=tuple(map(_titled, instance.eventually)),
    )


def _problem(world: WorldView) -> str | None:
    return world.problem


def _titled(invariant: Invariant | Always | AlwaysEach) -> tuple[str, Invariant]:
    match invariant:
        case Always(name, predicate):
            return name, predicate
        case AlwaysEach(name, predicate):
            return name, partial(_each, predicate)
        case _:
            return _title(invariant), invariant


def _each(predicate: Callable[[Node], str | None], world: WorldView) -> str | None:
    for id, node in world.items():
        if sentence := predicate(node):
            return f"on node {id}: {sentence}"
    return None


def _title(function: Callable[..., object]) -> str:
    """The first line of a function's docstring, or its name with spaces."""
    if written := (function.__doc__ or "").strip():
        return written.splitlines()[0].rstrip(".")
    return getattr(function, "__name__", type(function).__name__).replace("_", " ")


def _caveats(instance: Instance, system: NodeSystem) -> tuple[str, ...]:
    caveats: list[str] = []
    if system.stepper.random.drawn:
        caveats.append("the nodes draw random numbers; one draw per step was explored, not all")
    if instance.symmetric:
        groups = " and ".join(", ".join(group) for group in instance.symmetric)
        caveats.append(f"worlds that differ in which of {groups} is which were taken for one")
    return tuple(caveats)
