"""Three shards of the course beside one Redis of Debian's, loaded by redis-benchmark.

    python tests/benchmarks/resp.py [--json]

Both are loaded by the same program with the same commands (SET and GET of 16-byte keys drawn from
10,000, values of 3 bytes), in turns, 1 and 64 connections, no pipelining; all of it shares the
machine. Ours answers through one Python process for each shard, theirs is one process in C.

Durability is said for each figure, since it decides most of them:

* ``vs_redis_c64``, ``vs_redis_c1``: neither side writes anything to disk (ours ``durable=False``,
  theirs without RDB and AOF). The geometric mean of the ratios for SET and GET.
* ``vs_redis_fsync_c64``, ``vs_redis_fsync_c1``: SET alone, and both sides have it on disk before
  they acknowledge it (ours as the lab runs it, theirs with ``appendfsync always``).
* ``durable_vs_redis_c64``, ``durable_vs_redis_c1``: SET alone, ours durable, theirs not: what one
  gets who compares the lab as it runs with a Redis as it comes.
"""

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from math import sqrt
from pathlib import Path

from _bench import in_turns, program, report

from common.runtime.launch import launch_in_background
from stage3_partitioning.kv.worlds import WORLDS
from tests.support.resp_wire import debian_redis

ROUNDS = 5
SHARDS = 3
REQUESTS = {64: 20_000, 1: 2_000}
"""By connections, how many requests a turn takes."""


def rate(port: int, cluster: bool, command: str, connections: int) -> float:
    """Requests a second, as redis-benchmark counts them."""
    line = ["redis-benchmark", "-p", str(port), "-t", command, "-c", str(connections)]
    line += ["-n", str(REQUESTS[connections]), "-r", "10000", "--csv"]
    line += ["--cluster"] if cluster else []
    ran = subprocess.run(line, capture_output=True, text=True, check=True, timeout=120)
    last = ran.stdout.strip().splitlines()[-1]
    return float(last.split(",")[1].strip('"'))


@contextmanager
def servers() -> Iterator[dict[str, tuple[int, bool]]]:
    """By name, the port of each contestant, and whether it is a cluster."""
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        fsync = ("--appendonly", "yes", "--appendfsync", "always")
        start = partial(launch_in_background, WORLDS, members=SHARDS)
        durable = stack.enter_context(start(scratch / "durable"))
        memory = stack.enter_context(start(scratch / "memory", durable=False))
        yield {
            "redis": (stack.enter_context(debian_redis(scratch / "redis")), False),
            "redis_fsync": (stack.enter_context(debian_redis(scratch / "aof", *fsync)), False),
            "ours_durable": (durable.ports["n1"], True),
            "ours_memory": (memory.ports["n1"], True),
        }


def main() -> None:
    """Measure in turns and report."""
    program("redis-server", "redis-server")
    program("redis-benchmark", "redis-tools")
    contestants: dict[str, Callable[[], float]] = {}
    with servers() as found:
        for connections in REQUESTS:
            for command in ("set", "get"):
                for name, (port, cluster) in found.items():
                    if command == "get" and name in ("redis_fsync", "ours_durable"):
                        continue  # a question writes nothing
                    case = f"{name}_{command}_c{connections}"
                    contestants[case] = partial(rate, port, cluster, command, connections)
        figures = in_turns(contestants, ROUNDS)
    ratios = {}
    for case in ("c64", "c1"):
        puts = figures[f"ours_memory_set_{case}"] / figures[f"redis_set_{case}"]
        gets = figures[f"ours_memory_get_{case}"] / figures[f"redis_get_{case}"]
        ratios[f"vs_redis_{case}"] = sqrt(puts * gets)
        durable = figures[f"ours_durable_set_{case}"]
        ratios[f"vs_redis_fsync_{case}"] = durable / figures[f"redis_fsync_set_{case}"]
        ratios[f"durable_vs_redis_{case}"] = durable / figures[f"redis_set_{case}"]
    report("resp", figures, ratios, __doc__.splitlines()[0])


if __name__ == "__main__":
    main()
