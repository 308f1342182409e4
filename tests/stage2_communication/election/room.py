"""Processes by hand and in the simulator, for the suites of the lab ``election``."""

from collections.abc import Sequence
from typing import Any

from common.contract import NodeId
from common.contract.effects import Effect, Return, SetTimer
from common.contract.wrapped import Inner, InnerTimer, unwrapped
from common.course.suites import kit
from common.course.suites.kit import effects_of, names, value_of
from common.sim.simulation import Simulation
from common.sim.workload import Workload
from common.values.history import Ok
from common.values.units import MS, SECOND
from tests.stage2_communication.election.lab import ElectionLab

FIVE = names(5)
SETTLED = 800 * MS
"""On a good network every election is over by then."""


class Alone(kit.Alone):
    """One process, to which everything is done by hand."""

    def asked(self, operation: object) -> Any:
        """What a person is told at once."""
        [told] = effects_of(Return, self.does(operation)[-1:])
        return told.outcome

    def leader(self, lab: ElectionLab) -> Any:
        """What it says of who leads."""
        told = self.asked(lab.WhoLeads())
        assert isinstance(told, Ok), f"WhoLeads ended with {told}"
        return told.value


class Within(Alone):
    """A machine by hand: what happens, happens to the node within it."""

    name = "fenced"

    def gets(self, sender: NodeId, message: object) -> list[Effect]:
        """A message arrives."""
        return super().gets(sender, Inner(self.name, message))

    def fires(self, timer: object) -> list[Effect]:
        """A timer fires."""
        return super().fires(InnerTimer(self.name, timer))


def sent(effects: Sequence[Effect]) -> list[tuple[NodeId, Any]]:
    """What is sent to whom, in order; without the name of a node within."""
    return [(to, unwrapped(message)[1]) for to, message in kit.sent(effects)]


def waits(effects: Sequence[Effect]) -> dict[object, int]:
    """The timers that are set, and for how long."""
    return {unwrapped(each.timer)[1]: each.after for each in effects_of(SetTimer, effects)}


def told(lab: ElectionLab, simulation: Simulation, asked: Sequence[NodeId]) -> dict[NodeId, Any]:
    """What each of these says now of who leads."""
    calls = {process: simulation.call(process, lab.WhoLeads()) for process in asked}
    simulation.run(simulation.now + 2 * MS)
    return {process: value_of(call) for process, call in calls.items()}


def must_follow(lab: ElectionLab, simulation: Simulation, leader: NodeId, *others: NodeId) -> None:
    """Check that the leader and these others all say that it leads, after a while."""
    simulation.run(simulation.now + SETTLED)
    found = told(lab, simulation, (leader, *others))
    assert set(found.values()) == {leader}, f"{leader} is the highest that is up; told was {found}"


def keep_asking(
    simulation: Simulation, operation: object, processes: Sequence[NodeId], count: int = 60
) -> Workload:
    """Let everybody be asked for the same, about every 20 ms."""
    return Workload(
        simulation, lambda *_: operation, clients=processes, count=count, think=(10 * MS, 30 * MS)
    )


def must_be_done(simulation: Simulation, work: Workload) -> None:
    """Check that everybody has an answer to everything in the end."""
    assert simulation.run_until(lambda: work.done, 10 * SECOND), "somebody still waits"
