"""How fast the simulator plays a Raft cluster, for ``raft.py``."""

import time
from random import Random

from common.contract.registers import Append
from common.sim import LinkModel, Simulation, Workload
from common.values.units import MS, SECOND
from stage4_consensus.raft.registers import RaftRegisters, RegistersClient

SERVERS = ("n1", "n2", "n3", "n4", "n5")
CLIENTS = ("c1", "c2", "c3")
IDLE_SECONDS, BUSY_SECONDS = 60, 20
THINK = (5 * MS, 20 * MS)
LINK = LinkModel(latency=(1 * MS, 5 * MS))


def simulated_seconds() -> dict[str, float]:
    """Seconds of a five-node cluster in one real second, idle and with three busy clients."""
    idle = Simulation(dict.fromkeys(SERVERS, RaftRegisters), {}, seed=1, link=LINK)
    busy = Simulation(
        dict.fromkeys(SERVERS, RaftRegisters),
        dict.fromkeys(CLIENTS, RegistersClient),
        seed=1,
        link=LINK,
    )
    Workload(busy, _append, count=1_000_000, think=THINK, patience=20 * SECOND)
    idle_figure = _timed(idle, IDLE_SECONDS)
    busy_figure = _timed(busy, BUSY_SECONDS)
    done = sum(each.returned_at is not None for each in busy.history)
    return {
        "simulated_seconds_idle": idle_figure,
        "simulated_seconds_busy": busy_figure,
        "simulated_operations_per_second": done / BUSY_SECONDS * busy_figure,
    }


def _append(_: Random, client: str, number: int) -> Append:
    return Append(f"of {client}", f"{number % 10}")


def _timed(simulation: Simulation, seconds: int) -> float:
    begun = time.perf_counter()
    simulation.run(seconds * SECOND)
    return seconds / (time.perf_counter() - begun)
