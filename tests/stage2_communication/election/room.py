"""Processes by hand and in the simulator, for the suites of the lab ``election``."""

from collections.abc import Mapping, Sequence
from typing import Any

from common.contract import Node, NodeId
from common.contract.effects import Broadcast, Effect, Send, SetTimer
from common.contract.events import Fire, Invoke, Receive, Start
from common.contract.wrapped import Inner, InnerTimer, unwrapped
from common.course.suites.kit import effects_of, names, value_of
from common.sim.simulation import Simulation
from common.sim.workload import Workload
from common.values.history import Ok
from common.values.units import MS, SECOND
from tests.stage2_communication.election.lab import ElectionLab

FIVE = names(5)
SETTLED = 800 * MS
"""On a good network every election is over by then."""


class Alone:
    """One process, to which everything is done by hand.

    Args:
        node: just made.
        saved: what its earlier lives saved.
    """

    def __init__(self, node: Node, saved: Mapping[Any, object] | None = None) -> None:
        self.node = node
        self.started = node.step(Start(0, dict(saved or {})))

    def gets(self, sender: NodeId, message: object) -> list[Effect]:
        """A message arrives."""
        return self.node.step(Receive(1, sender, message))

    def fires(self, timer: object) -> list[Effect]:
        """A timer fires."""
        return self.node.step(Fire(1, 1, timer))

    def asked(self, operation: object) -> Any:
        """What a person is told at once."""
        return self.node.step(Invoke(1, 1, operation))[-1].outcome  # type: ignore[union-attr]

    def leader(self, lab: ElectionLab) -> Any:
        """What it says of who leads."""
        told = self.asked(lab.WhoLeads())
        assert isinstance(told, Ok), f"WhoLeads ended with {told}"
        return told.value


class Within(Alone):
    """A machine by hand: what happens, happens to the node within it."""

    name = "fenced"

    def __init__(self, node: Node, saved: Mapping[Any, object] | None = None) -> None:
        self.timers: dict[object, int] = {}
        super().__init__(node, saved)
        self._remember(self.started)

    def gets(self, sender: NodeId, message: object) -> list[Effect]:
        """A message arrives."""
        return self._remember(super().gets(sender, Inner(self.name, message)))

    def fires(self, timer: object) -> list[Effect]:
        """A timer fires."""
        inner = InnerTimer(self.name, timer)
        return self._remember(self.node.step(Fire(1, self.timers[inner], inner)))

    def asks(self, operation: object, call: int) -> list[Effect]:
        """A person asks for something."""
        return self._remember(self.node.step(Invoke(1, call, operation)))

    def _remember(self, effects: list[Effect]) -> list[Effect]:
        for each in effects_of(SetTimer, effects):
            self.timers[each.timer] = each.id
        return effects


def sent(effects: Sequence[Effect]) -> list[tuple[NodeId, Any]]:
    """What is sent to whom, broadcasts too, in order; without the name of a node within."""
    told: list[tuple[NodeId, object]] = []
    for effect in effects:
        if isinstance(effect, Send):
            told.append((effect.to, unwrapped(effect.message)[1]))
        elif isinstance(effect, Broadcast):
            told += [(to, unwrapped(effect.message)[1]) for to in effect.to]
    return told


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
