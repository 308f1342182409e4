"""The live brokers of the lab ``log`` on disks that are slow, as those of a busy machine are."""

from common.contract import NodeId
from common.sim.simulation import Simulation
from common.values.faults import Disk, Schedule
from common.values.history import Ok
from common.values.units import MS, SECOND
from stage8_real_systems.log.broker import Broker
from stage8_real_systems.log.requests import CreateTopic, Done
from stage8_real_systems.log.worlds import WORLDS

FLUSH = 300 * MS


def test_live_brokers_find_a_controller_where_each_flush_is_slow() -> None:
    """A vote waits for the candidate's flush and the voter's: elections must take longer."""
    live = WORLDS.live

    def broker(id: NodeId, peers: tuple[NodeId, ...]) -> Broker:
        return Broker(id, peers, **live.config)

    names = ["n1", "n2", "n3"]
    slow = Schedule([Disk(0, name, FLUSH) for name in names])
    simulation = Simulation(dict.fromkeys(names, broker), schedule=slow)
    simulation.run(10 * SECOND)
    asked = simulation.call("n1", CreateTopic("t", 1))
    assert simulation.run_until(lambda: asked.outcome == Ok(Done()), 15 * SECOND), asked
