"""PBFT as four processes on loopback: signatures against MACs, and Raft with four beside it.

    python tests/benchmarks/pbft.py [--json]

The same store of texts, the same clients, each of which puts one thing at a time; all replicas save
what they promise. In turns within this run, and each figure is the median of the turns:

* ``signatures_per_second``, ``macs_per_second``, ``raft_per_second``: puts a second, 16 clients.
* ``..._ms``: how long one put takes with a single client.
* ``..._cpu_us``: processor time of all processes for one put, clients included; it holds on a busy
  machine too.

Ratios above 1 mean that PBFT with signatures is faster: ``vs_macs``, ``vs_raft``. Raft is of course
faster: it has one round where PBFT has two, sends 2(n-1) messages where PBFT sends 2n² or so, signs
nothing, and bears crashes only.
"""

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from _bench import cpu_seconds, report

from common.contract import Node
from common.contract.registers import Put
from common.runtime.client import Client
from common.runtime.cluster import Cluster
from common.runtime.loops import run
from common.runtime.signatures import Authentication
from common.runtime.spec import ClusterSpec
from common.values.history import Ok
from common.values.units import SECOND
from stage4_consensus.raft.registers import RaftRegisters, RegistersClient
from stage7_advanced.pbft.store import Store, StoreClient

TURNS = 3
SECONDS = 2.0
CLIENTS = 16
ALONE = 40
FOUR = ("n1", "n2", "n3", "n4")
PATIENCE = 5 * SECOND
"""A busy machine is no reason for a view change, or to ask again."""
CALM: dict[str, Any] = {
    "patience": 2 * PATIENCE, "status_every": 1 * SECOND, "every": 128, "window": 512,
}  # fmt: skip
RAFT: dict[str, Any] = {"election_timeout": (1_000_000, 2_000_000), "heartbeat_every": 100_000}

Turns = defaultdict[str, list[float]]


async def one_turn(
    table: Turns, name: str, node: type[Node], client: type[Node], spec: dict[str, Any]
) -> None:
    """Start a cluster, measure one client alone and all of them, and end it."""
    with tempfile.TemporaryDirectory() as place:
        made = ClusterSpec(
            lab=name, node=node, members=FOUR, directory=Path(place), trace=False, **spec
        )
        async with Cluster(made) as running:
            clients = [
                running.client(client, f"c{number}", ask_again_after=PATIENCE)
                for number in range(CLIENTS)
            ]
            await puts(clients[0], 5)
            alone = [await puts(clients[0], 1) for _ in range(ALONE)]
            processes = [os.getpid(), *(member.pid for member in running.members.values())]
            used, begun = cpu_seconds(processes), time.perf_counter()
            counts = await asyncio.gather(*(until(each, SECONDS) for each in clients))
            took, used = time.perf_counter() - begun, cpu_seconds(processes) - used
    figures = {"ms": statistics.median(alone) * 1e3, "per_second": sum(counts) / took,
               "cpu_us": used / sum(counts) * 1e6}  # fmt: skip
    for figure, value in figures.items():
        table[f"{name}_{figure}"].append(value)
        print(f"  {name}_{figure:24} {value:>12,.1f}", file=sys.stderr, flush=True)


async def puts(client: Client, count: int) -> float:
    """Put so many things one after the other; the seconds of one."""
    begun = time.perf_counter()
    for number in range(count):
        outcome = await client.call(Put(f"{client.id}-{number}", "value" * 4), 20 * SECOND)
        assert isinstance(outcome, Ok), outcome
    return (time.perf_counter() - begun) / count


async def until(client: Client, seconds: float) -> int:
    """Put for so long; how often."""
    end, count = time.perf_counter() + seconds, 0
    while time.perf_counter() < end:
        await puts(client, 1)
        count += 1
    return count


async def main() -> None:
    """All of it."""
    table: Turns = defaultdict(list)
    ways: tuple[tuple[str, Authentication], ...] = (("signatures", "signatures"), ("macs", "macs"))
    for _ in range(TURNS):
        for name, way in ways:
            spec = {"config": CALM, "authentication": way}
            await one_turn(table, name, Store, StoreClient, spec)
        await one_turn(table, "raft", RaftRegisters, RegistersClient, {"config": RAFT})
    figures = {name: statistics.median(values) for name, values in table.items()}
    ratios = {
        f"vs_{other}": figures["signatures_per_second"] / figures[f"{other}_per_second"]
        for other in ("macs", "raft")
    }
    about = "PBFT with signatures, with MACs, and Raft, four processes each"
    report("pbft", figures, ratios, about)


if __name__ == "__main__":
    run(main())
