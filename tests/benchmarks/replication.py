"""A leader with one follower: ours beside two Redis servers of Debian's, with the same clients.

    python tests/benchmarks/replication.py [--json]

Three figures, in turns, all on one machine:

* ``rate_c64``, ``rate_c1``: SET a second at the leader while the follower follows, as
  redis-benchmark counts them; nobody waits for the follower.
* ``waited_c1``: one client that knows after each write that the follower has it. Ours is
  semi-synchronous, so that is SET. Redis needs SET and WAIT 1.
* ``lag_us``: from the reply to a SET at the leader until GET at the follower shows it; the median
  of many, by one client that asks again and again.

Durability decides most of it, so it is said: ours has a write on disk before it acknowledges or
ships it. ``redis`` writes nothing to disk, ``redis_fsync`` has ``appendfsync always`` on both
sides, which is the same promise as ours. A ratio above 1 means that ours is faster, or lags less.
"""

import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from _bench import in_turns, program, report

from common.runtime.launch import launch_in_background
from stage3_partitioning.replication.worlds import WORLDS
from tests.support.resp_wire import HOST, Wire, debian_redis

ROUNDS = 5
REQUESTS = {64: 20_000, 1: 2_000}
"""By connections, how many requests a turn of redis-benchmark takes."""

WAITED = 300
LAGS = 200
LIMIT_SECONDS = 30.0

Pair = tuple[int, int, bool]
"""The leader's port, the follower's, and whether SET alone waits for the follower."""


def rate(pair: Pair, connections: int) -> float:
    """SET a second at the leader."""
    line = ["redis-benchmark", "-p", str(pair[0]), "-t", "set", "-c", str(connections)]
    line += ["-n", str(REQUESTS[connections]), "-r", "10000", "--csv"]
    ran = subprocess.run(line, capture_output=True, text=True, check=True, timeout=120)
    return float(ran.stdout.strip().splitlines()[-1].split(",")[1].strip('"'))


def waited(pair: Pair) -> float:
    """Writes a second of one client that waits until the follower has each."""
    with Wire(pair[0]) as wire:
        begin = time.perf_counter()
        for number in range(WAITED):
            told = wire.say("SET", f"key:{number}", "abc")
            assert told == b"+OK\r\n", told
            if not pair[2]:
                told = wire.say("WAIT", "1", "0")
                assert told == b":1\r\n", told
        return WAITED / (time.perf_counter() - begin)


def lag(pair: Pair) -> float:
    """Microseconds from a write at the leader to its sight at the follower; the median."""
    found: list[float] = []
    with Wire(pair[0]) as leader, Wire(pair[1]) as follower:
        for _ in range(LAGS):
            value = str(time.perf_counter_ns())
            leader.say("SET", "lag", value)
            begin = time.perf_counter_ns()
            while value.encode() not in follower.say("GET", "lag"):
                assert time.perf_counter_ns() - begin < LIMIT_SECONDS * 1e9, "it does not follow"
            found.append((time.perf_counter_ns() - begin) / 1000)
    return statistics.median(found)


@contextmanager
def redis_pair(directory: Path, *options: str) -> Iterator[Pair]:
    """Two Redis servers, of which one follows the other."""
    directory.mkdir()
    with ExitStack() as stack:
        leader = stack.enter_context(debian_redis(directory / "leader", *options))
        follows = ("--replicaof", f"{HOST} {leader}", *options)
        follower = stack.enter_context(debian_redis(directory / "follower", *follows))
        pair = (leader, follower, False)
        _until_it_follows(pair)
        yield pair


@contextmanager
def our_pair(directory: Path, mode: str) -> Iterator[Pair]:
    """Two members of the lab."""
    with launch_in_background(WORLDS, directory, members=2, mode=mode) as running:
        pair = (running.ports["n1"], running.ports["n2"], mode == "semi-sync")
        _until_it_follows(pair)
        yield pair


def _until_it_follows(pair: Pair) -> None:
    end = time.monotonic() + LIMIT_SECONDS
    with Wire(pair[0]) as leader, Wire(pair[1]) as follower:
        leader.say("SET", "begin", "1")
        while follower.say("GET", "begin") != b"$1\r\n1\r\n":
            assert time.monotonic() < end, "the follower does not follow"
            time.sleep(0.01)


def main() -> None:
    """Measure in turns and report."""
    program("redis-server", "redis-server")
    program("redis-benchmark", "redis-tools")
    fsync = ("--appendonly", "yes", "--appendfsync", "always")
    contestants: dict[str, Callable[[], float]] = {}
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        pairs = {
            "redis": stack.enter_context(redis_pair(scratch / "redis")),
            "redis_fsync": stack.enter_context(redis_pair(scratch / "fsync", *fsync)),
            "ours": stack.enter_context(our_pair(scratch / "async", "async")),
        }
        semi_sync = stack.enter_context(our_pair(scratch / "semi-sync", "semi-sync"))
        for name, pair in pairs.items():
            for connections in REQUESTS:
                contestants[f"{name}_rate_c{connections}"] = partial(rate, pair, connections)
            contestants[f"{name}_lag_us"] = partial(lag, pair)
            asked = semi_sync if name == "ours" else pair
            contestants[f"{name}_waited_c1"] = partial(waited, asked)
        figures = in_turns(contestants, ROUNDS)
    ratios = {}
    for peer, shown in (("redis", "vs_redis_replica"), ("redis_fsync", "vs_redis_replica_fsync")):
        for case in ("rate_c64", "rate_c1", "waited_c1"):
            ratios[f"{shown}_{case}"] = figures[f"ours_{case}"] / figures[f"{peer}_{case}"]
        ratios[f"{shown}_lag"] = figures[f"{peer}_lag_us"] / figures["ours_lag_us"]
    report("replication", figures, ratios, __doc__.splitlines()[0])


if __name__ == "__main__":
    main()
