"""Messages a second in the simulator, against simpy and against a bare heapq loop.

Five nodes play ping-pong, tracing off. simpy plays the same with five processes that pass tokens
through Stores with a timeout of 1 per hop; the heapq loop only pushes and pops (time, number)
pairs at a depth of five, which is the ceiling for anything in Python.

    python tests/benchmarks/simulator.py --json
"""

import time
from collections.abc import Generator
from heapq import heappop, heappush
from typing import Any

from _bench import in_turns, peer, report

from common.contract import Node, NodeId, message, on
from common.sim import Simulation

simpy = peer("simpy", "bench")

MESSAGES = 300_000
ROUNDS = 5
FOREVER = 10**15


@message
class Ping:
    """The ball."""

    hops: int


class Player(Node):
    """Serves one ball to the next player, and sends every ball back to where it came from."""

    def on_start(self) -> None:
        """Serve."""
        self.send(self.peers[int(self.id[1:]) % 4], Ping(0))

    @on(Ping)
    def ping_received(self, ping: Ping, sender: NodeId) -> None:
        """Return the ball."""
        self.send(sender, Ping(ping.hops + 1))


def ours() -> float:
    """Delivered messages a second in the simulator."""
    simulation = Simulation({f"n{i}": Player for i in range(5)}, max_events=2 * MESSAGES)
    began = time.perf_counter()
    simulation.run_until(lambda: simulation.events > 0, FOREVER)
    while simulation.events < MESSAGES:
        simulation.run(simulation.now + 1_000_000)
    return simulation.events / (time.perf_counter() - began)


def simpys() -> float:
    """Tokens passed a second in simpy."""
    environment = simpy.Environment()
    stores = [simpy.Store(environment) for _ in range(5)]
    passed = 0

    def player(number: int) -> Generator[Any, Any, None]:
        nonlocal passed
        while True:
            token = yield stores[number].get()
            passed += 1
            yield environment.timeout(1)
            yield stores[(number + 1) % 5].put(token)

    for number in range(5):
        environment.process(player(number))
        stores[number].put("token")
    began = time.perf_counter()
    environment.run(until=MESSAGES // 5)
    return passed / (time.perf_counter() - began)


def heapqs() -> float:
    """Pops and pushes a second of a bare loop."""
    queue = [(n, n) for n in range(5)]
    began = time.perf_counter()
    for number in range(MESSAGES):
        at, _ = heappop(queue)
        heappush(queue, (at + 5, number))
    return MESSAGES / (time.perf_counter() - began)


def main() -> None:
    """Measure in turns and report."""
    medians = in_turns({"ours": ours, "simpy": simpys, "heapq": heapqs}, ROUNDS)
    figures = {f"{name}_messages_per_second": round(value) for name, value in medians.items()}
    ratios = {f"vs_{peer}": medians["ours"] / medians[peer] for peer in ("simpy", "heapq")}
    report("simulator", figures, ratios, __doc__ or "")


if __name__ == "__main__":
    main()
