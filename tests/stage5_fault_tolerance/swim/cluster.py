"""Clusters of members in a simulation, and what they believe."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from common.contract.events import NodeId
from common.course.suites.kit import Wire, ask_ok, names
from common.sim.simulation import Simulation
from common.values.faults import Fault, Schedule
from common.values.units import SECOND
from tests.stage5_fault_tolerance.swim.alone import Belief
from tests.stage5_fault_tolerance.swim.lab import SwimLab

PERIOD = 1 * SECOND


def cluster(
    lab: SwimLab,
    kind: Any,
    seed: int | str,
    count: int = 8,
    faults: Sequence[Fault] = (),
    config: Mapping[str, Any] | None = None,
    **options: Any,
) -> Simulation:
    """So many members of a class, with this configuration.

    The options are the simulation's; links are good unless they say something else.
    """
    settings = dict(config or {})

    def made(id: NodeId, peers: tuple[NodeId, ...]) -> Any:
        return kind(id, peers, **settings)

    options = {"schedule": Schedule(faults), **options}
    return lab.simulation(dict.fromkeys(names(count), made), seed=seed, **options)


def believed(lab: SwimLab, simulation: Simulation, member: NodeId) -> Belief:
    """What a member believes now."""
    told = ask_ok(simulation, member, lab.Members())
    assert isinstance(told, tuple), f"{told}: an answer to Members is a tuple"
    return {name: (state, incarnation) for name, state, incarnation in told}


def state_of(
    lab: SwimLab, simulation: Simulation, member: NodeId, observers: Iterable[NodeId]
) -> set[str]:
    """All that these believe a member to be."""
    return {believed(lab, simulation, observer)[member][0] for observer in observers}


def must_all_be_alive(lab: SwimLab, simulation: Simulation) -> None:
    """Check that everybody knows everybody, and believes that all are alive."""
    for member in simulation.members:
        told = believed(lab, simulation, member)
        wrong = {name: entry for name, entry in told.items() if entry[0] != "alive"}
        assert set(told) == set(simulation.members), f"{member} knows {sorted(told)}"
        assert not wrong, f"{member} believes {wrong}, and all are alive, and were for long"


def incarnations_come_from_their_members(lab: SwimLab, wire: Wire) -> int:
    """Check that no update has an incarnation that its member had not announced before.

    Returns:
        How many updates had one greater than 0.
    """
    announced: dict[NodeId, int] = {}
    seen = 0
    for sent in wire.sent_messages:
        updates = list(getattr(sent.message, "updates", ()))
        if isinstance(sent.message, lab.Join):
            updates.append(lab.Alive(sent.sender, sent.message.incarnation))
        for update in updates:
            if isinstance(update, lab.Alive) and update.member == sent.sender:
                announced[sent.sender] = max(announced.get(sent.sender, 0), update.incarnation)
        for update in updates:
            seen += update.incarnation > 0
            assert update.incarnation <= announced.get(update.member, 0), (
                f"{sent.sender} sends {update}, and {update.member} itself has announced no "
                f"incarnation after {announced.get(update.member, 0)}"
            )
    return seen
