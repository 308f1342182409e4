"""Sites by hand and in the simulator, for the suites of the lab ``gossip``."""

from collections.abc import Mapping, Sequence
from typing import Any

from common.contract import Node, NodeId
from common.contract.effects import Effect, Return, SetTimer
from common.course.suites import kit
from common.course.suites.kit import effects_of, names, value_of
from common.sim import LinkModel
from common.sim.host import Factory
from common.sim.simulation import Simulation
from common.values.units import MS
from tests.stage2_communication.gossip.lab import GossipLab

FIVE = names(5)
SIXTY = names(60)
ROUND = 50 * MS
SHORT = LinkModel(latency=(1 * MS, 2 * MS))
"""Links on which a message and its answer take much less than a round."""


class Alone(kit.Alone):
    """One site, to which everything is done by hand, at a time that only grows."""

    def __init__(
        self, node: Node, saved: Mapping[Any, object] | None = None, seed: str = "alone"
    ) -> None:
        super().__init__(node, saved, seed=seed)

    def told(self, operation: object) -> Any:
        """What a person is told at once, with Ok."""
        [ended] = effects_of(Return, self.does(operation))
        return ended.outcome.value


def waits(effects: Sequence[Effect]) -> list[tuple[object, int]]:
    """Which timers are set, and for how long."""
    return [(each.timer, each.after) for each in effects_of(SetTimer, effects)]


def sites(lab: GossipLab, site: Factory, seed: int | str, many: Any = FIVE, **options: Any) -> Any:
    """So many sites of a class, on short links."""
    return lab.simulation(dict.fromkeys(many, site), seed=seed, **{"link": SHORT, **options})


def asked(simulation: Simulation, operation: object, many: Sequence[NodeId] = FIVE) -> list[Any]:
    """What each of these is told now."""
    calls = [simulation.call(site, operation) for site in many]
    simulation.run(simulation.now + 2 * MS)
    return [value_of(call) for call in calls]
