"""Floor 2: the simulator. Virtual time, a seeded network, disks, crashes; standard library only.

Everything that a simulation shows is a pure function of (code, seed, schedule): the same bytes on
every supported Python, on every machine, and in the browser.
"""

from common.sim.engine import EventLimit, Monitor
from common.sim.network import LinkModel
from common.sim.simulation import Simulation
from common.sim.workload import Workload

__all__ = ["EventLimit", "LinkModel", "Monitor", "Simulation", "Workload"]
