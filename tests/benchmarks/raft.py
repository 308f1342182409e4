"""Raft as three processes on loopback, beside PySyncObj and etcd.

    python tests/benchmarks/raft.py [--json]

Ours and etcd flush to the disk before they acknowledge; PySyncObj never does, unless this script
makes it. Its clients are its own leader, in the leader's process; ours and etcd's are in another
process. All are measured in turns within this run, and each figure is the median of the turns.

* ``vs_pysyncobj_sync``, ``vs_etcd_sync``: one client, one put at a time; median latency. PySyncObj
  is set to send each command at once (``appendEntriesUseBatch=False``), which is its fastest.
  ``vs_pysyncobj_flushed_sync`` is against the same with its journal flushed after each entry, so
  that what it acknowledges would survive a power failure too.
* ``vs_pysyncobj_inflight``: puts a second with 1,000 and with 20,000 under way; the worse of the
  two ratios. PySyncObj has its journal, and sends every 2 ms, which is its fastest;
  ``..._memory_inflight`` is without its journal. ``cpu_vs_...`` compares the processor time of one
  put in all processes together, clients included; it holds on a busy machine too.
* ``vs_etcd_inflight``: 64 callers in one process that put one thing at a time: ours through our
  own client, etcd's through gRPC. ``..._grpc`` is the same gRPC client against our etcd (lab
  ``etcd``), whose server is Python too; ``vs_etcd_sync_grpc`` is that with one caller.
* How long clients are without an answer when the leader is killed with SIGKILL: 50 times.
* How many seconds of a five-node cluster the simulator plays in one.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import _raft_ours as ours
import _raft_peers as peers
from _bench import Flight, cpu_seconds
from _raft_simulated import simulated_seconds

from common.course.base.machine import machine
from common.runtime.client import Client
from common.runtime.garbage import collect_by_the_clock
from common.runtime.launch import launch
from common.runtime.loops import run
from stage4_consensus.raft.registers import (
    BatchingRegistersClient,
    ParallelRegisters,
    RegistersClient,
)
from stage5_fault_tolerance.etcd.worlds import WORLDS as ETCD

TURNS = 7
WARM_UP, ONE_BY_ONE = 50, 400
SECONDS = 1.5
IN_FLIGHT = (1_000, 20_000)
CALLERS = 64
KILLS = 50
SERVER = ParallelRegisters
CALM: dict[str, Any] = {"election_timeout": (1_000_000, 2_000_000), "heartbeat_every": 100_000}
"""As with etcd, where throughput is measured: a busy machine is no reason for an election."""
CLIENTS = 2
"""Through so many of our clients, each with a connection, thousands are under way."""

Figures = dict[str, float]


class Table:
    """Figures of several turns."""

    def __init__(self) -> None:
        self.turns: defaultdict[str, list[float]] = defaultdict(list)

    def add(self, name: str, figure: float) -> None:
        """Note the figure of one turn, and say so on stderr."""
        self.turns[name].append(figure)
        print(f"  {name:36} {figure:>12,.1f}", file=sys.stderr, flush=True)

    def add_flight(self, name: str, flight: Flight, cpu: float) -> None:
        """Note how many operations there were a second, and what processor time each took."""
        self.add(f"{name}_per_second", flight.rate)
        self.add(f"{name}_cpu_us", cpu / flight.operations * 1e6)

    def medians(self) -> Figures:
        """The medians of the turns, by name."""
        return {name: statistics.median(values) for name, values in self.turns.items()}

    def ratio(self, one: str, other: str) -> float:
        """The median of the turns' ratios."""
        pairs = zip(self.turns[one], self.turns[other], strict=True)
        return statistics.median(first / second for first, second in pairs)


async def one_by_one(table: Table, directory: Path) -> None:
    """One client, one put at a time: ours, PySyncObj and etcd in turns."""
    fast = peers.PySyncObjCluster(directory / "fast", batch=False, journal=False)
    safe = peers.PySyncObjCluster(directory / "safe", batch=False, journal=True, flush=True)
    async with ours.cluster(directory / "ours", SERVER, **CALM) as running:
        await ours.leader_of(running)
        client = running.client(RegistersClient, "c1")
        with fast, safe, peers.etcd_processes(directory / "etcd") as ports:
            async with peers.etcd_put(await peers.etcd_leader(ports)) as put:
                for count in (WARM_UP, *[ONE_BY_ONE] * TURNS):
                    mine = await ours.puts_one_by_one(client, count)
                    theirs = fast.one_by_one(count)
                    flushed = safe.one_by_one(count)
                    etcd = await peers.puts_one_by_one(put, count)
                    if count != WARM_UP:
                        table.add("ours_sync_us", mine * 1e6)
                        table.add("pysyncobj_sync_us", theirs * 1e6)
                        table.add("pysyncobj_flushed_sync_us", flushed * 1e6)
                        table.add("etcd_sync_us", etcd * 1e6)


async def many_in_flight(table: Table, directory: Path) -> None:
    """Thousands under way: ours, and PySyncObj with a journal and without, in turns."""
    collect_by_the_clock(asyncio.get_running_loop())  # as in the servers' processes
    async with ours.cluster(directory / "ours", SERVER, **CALM) as running:
        await ours.leader_of(running)
        names = [f"c{number}" for number in range(CLIENTS)]
        clients = [running.client(BatchingRegistersClient, name) for name in names]
        all_ours = ours.processes(running)
        await ours.puts_in_flight(clients, IN_FLIGHT[0], SECONDS)
        for turn in range(TURNS):
            for count in IN_FLIGHT:
                before = cpu_seconds(all_ours)
                flight = await ours.puts_in_flight(clients, count, SECONDS)
                table.add_flight(f"ours_inflight_{count}", flight, cpu_seconds(all_ours) - before)
            for name, journal in (("pysyncobj", True), ("pysyncobj_memory", False)):
                place = directory / f"{name}-{turn}"
                with peers.PySyncObjCluster(place, batch=True, period_ms=2, journal=journal) as it:
                    for count in IN_FLIGHT:
                        before = cpu_seconds(it.processes)
                        flight = it.in_flight(count, SECONDS)
                        used = cpu_seconds(it.processes) - before
                        table.add_flight(f"{name}_inflight_{count}", flight, used)


async def callers_at_once(table: Table, directory: Path) -> None:
    """So many callers at once: ours, etcd, and our etcd through etcd's client, in turns."""
    collect_by_the_clock(asyncio.get_running_loop())  # as in the servers' processes
    async with (
        ours.cluster(directory / "ours", SERVER, **CALM) as running,
        launch(ETCD, directory / "our-etcd", **CALM) as our_etcd,
    ):
        await ours.leader_of(running)
        client = running.client(BatchingRegistersClient, "c1")
        our_ports = [int(endpoint.rpartition(":")[2]) for endpoint in our_etcd.endpoints]
        with peers.etcd_processes(directory / "etcd") as ports:
            async with (
                peers.etcd_put(await peers.etcd_leader(ports)) as put,
                peers.etcd_put(await peers.etcd_leader(our_ports)) as our_put,
            ):
                for _ in range(TURNS):
                    flight = await ours.puts_in_flight([client], CALLERS, SECONDS)
                    table.add("ours_callers_per_second", flight.rate)
                    flight = await peers.puts_in_flight(put, CALLERS, SECONDS)
                    table.add("etcd_callers_per_second", flight.rate)
                    flight = await peers.puts_in_flight(our_put, CALLERS, SECONDS)
                    table.add("ours_grpc_callers_per_second", flight.rate)
                    once = await peers.puts_one_by_one(put, ONE_BY_ONE // 2)
                    table.add("etcd_grpc_sync_us", once * 1e6)
                    once = await peers.puts_one_by_one(our_put, ONE_BY_ONE // 2)
                    table.add("ours_grpc_sync_us", once * 1e6)


async def without_leader(directory: Path) -> Figures:
    """Kill the leader again and again while a client writes; how long it had no answer."""
    async with ours.cluster(directory / "ours", SERVER) as running:
        await ours.leader_of(running)
        client: Client = running.client(RegistersClient, "c1", ask_again_after=10_000, attempts=500)
        gaps = await ours.gaps_of_kills(running, client, KILLS)
    return {
        "without_leader_median_ms": statistics.median(gaps) * 1e3,
        "without_leader_worst_ms": max(gaps) * 1e3,
    }


def compare() -> dict[str, object]:
    """Measure everything; returns the object that ``--json`` prints."""
    table = Table()
    more: Figures = {}
    parts: tuple[Callable[[Table, Path], object], ...] = (
        one_by_one, many_in_flight, callers_at_once,
    )  # fmt: skip
    for part in parts:
        print(part.__doc__, file=sys.stderr)
        with tempfile.TemporaryDirectory() as directory:
            run(part(table, Path(directory)))  # type: ignore[arg-type]
    print(without_leader.__doc__, file=sys.stderr)
    with tempfile.TemporaryDirectory() as directory:
        more |= run(without_leader(Path(directory)))
    more |= simulated_seconds()
    in_flight = {
        name: min(
            table.ratio(f"ours_inflight_{count}_per_second", f"{name}_inflight_{count}_per_second")
            for count in IN_FLIGHT
        )
        for name in ("pysyncobj", "pysyncobj_memory")
    }
    ratios = {
        "vs_pysyncobj_sync": table.ratio("pysyncobj_sync_us", "ours_sync_us"),
        "vs_pysyncobj_flushed_sync": table.ratio("pysyncobj_flushed_sync_us", "ours_sync_us"),
        "vs_etcd_sync": table.ratio("etcd_sync_us", "ours_sync_us"),
        "vs_pysyncobj_inflight": in_flight["pysyncobj"],
        "vs_pysyncobj_memory_inflight": in_flight["pysyncobj_memory"],
        "cpu_vs_pysyncobj_inflight": min(
            table.ratio(f"pysyncobj_inflight_{count}_cpu_us", f"ours_inflight_{count}_cpu_us")
            for count in IN_FLIGHT
        ),
        "vs_etcd_inflight": table.ratio("ours_callers_per_second", "etcd_callers_per_second"),
        "vs_etcd_inflight_grpc": table.ratio(
            "ours_grpc_callers_per_second", "etcd_callers_per_second"
        ),
        "vs_etcd_sync_grpc": table.ratio("etcd_grpc_sync_us", "ours_grpc_sync_us"),
    }
    figures = {name: round(value, 1) for name, value in {**table.medians(), **more}.items()}
    rounded = {name: round(value, 2) for name, value in ratios.items()}
    return {"name": "raft", "machine": machine(), "figures": figures, "ratios": rounded}


def main() -> None:
    """Print the comparison as a table, or with ``--json`` as one object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    options = parser.parse_args()
    peers.look_for_all()
    result = compare()
    if options.json:
        print(json.dumps(result))
        return
    for part in ("figures", "ratios"):
        for name, value in result[part].items():  # type: ignore[attr-defined]
            print(f"{name:40} {value:>12,}")


if __name__ == "__main__":
    main()
