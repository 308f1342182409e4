"""How lookups grow: hops and requests with up to 10,000 nodes, and the logarithm.

    python -m bonus_overlays.kademlia.plot kademlia-hops.svg

All nodes join for real, one after the other, each by a lookup of its own key that begins at one of
a few others. Looking into further buckets after that is left out here: tables fill by what others
ask. All of it is a function of the seed.
"""

import gc
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log2
from pathlib import Path
from random import Random

from bonus_overlays.kademlia.buckets import BITS, HEX, key_of
from bonus_overlays.kademlia.finding import Finder
from bonus_overlays.kademlia.messages import Finding, Inquiry, Lookup, Refresh
from common.charts.drawing import Axis, Series, curves
from common.contract import NodeId, on
from common.sim import LinkModel, Simulation
from common.values.history import Ok
from common.values.units import MS, SECOND

LINK = LinkModel(latency=(1 * MS, 5 * MS))
BETWEEN_JOINS = 5 * MS
LOOKUPS = 200
SEEDS = 20
"""Each node joins by one of the first so many."""
NEVER = 10**6 * SECOND


class Measured(Finder):
    """A node that joins when it is its turn, and remembers how its lookups went."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        number = int(id[1:])
        seed = f"n{key_number(id) % min(number, SEEDS)}" if number else ""
        super().__init__(id, (), seeds=(seed,) if seed else (), refresh_every=NEVER)
        self.hop_counts: list[int] = []
        self.numbers_asked: list[int] = []

    def on_start(self) -> None:
        """Wait for its turn."""
        self.set_timer(int(self.id[1:]) * BETWEEN_JOINS, Refresh())

    @on(Refresh)
    def refresh_is_due(self, timer: Refresh) -> None:
        """It is its turn."""
        self.join()

    def refresh(self, oldest: int) -> None:
        """Look into no further buckets."""

    def concluded(self, inquiry: Inquiry) -> None:
        """Tell how it went, and remember it."""
        super().concluded(inquiry)
        search = inquiry.search
        if isinstance(inquiry.goal, Finding) and search.found:
            self.hop_counts.append(search.hops[search.found[0].key] + 1)
            self.numbers_asked.append(len(search.asked))


def key_number(id: NodeId) -> int:
    """A number that is spread evenly, and always the same for a name."""
    return int(key_of(id.encode()), 16)


@dataclass(frozen=True, slots=True)
class Growth:
    """What was measured with so many nodes.

    Attributes:
        nodes: how many there are.
        hops: messages one after the other until the closest node was asked, on average.
        requests: how many nodes a lookup asked, on average.
        contacts: how many a node knows, on average.
        right: of all lookups, the part that found the very closest node.
        events: how many events the simulation took.
    """

    nodes: int
    hops: float
    requests: float
    contacts: float
    right: float
    events: int


def grow(nodes: int, seed: int = 1, lookups: int = LOOKUPS) -> Growth:
    """Let so many nodes join, and look up random keys from random nodes.

    Meanwhile Python looks for no garbage: none is made, and to look takes a part of the time.
    """
    gc.disable()
    try:
        return _grow(nodes, seed, lookups)
    finally:
        gc.enable()


def _grow(nodes: int, seed: int, lookups: int) -> Growth:
    names = tuple(f"n{number}" for number in range(nodes))
    simulation = Simulation(
        dict.fromkeys(names, Measured), seed=seed, link=LINK, peers=names, max_events=100_000_000
    )
    simulation.run(nodes * BETWEEN_JOINS + 2 * SECOND)
    random = Random(f"lookups/{seed}")
    keys = {int(key_of(name.encode()), 16): name for name in names}
    right = 0
    for _ in range(lookups):
        target, asker = random.getrandbits(BITS), random.choice(names)
        asked = simulation.call(asker, Lookup(f"{target:0{HEX}x}"))
        simulation.run(simulation.now + SECOND)
        closest = min((key for key in keys if keys[key] != asker), key=lambda key: key ^ target)
        found = asked.outcome.value if isinstance(asked.outcome, Ok) else ()
        assert isinstance(found, tuple), "an answer to Lookup is a tuple of names"
        right += found[:1] == (keys[closest],)
    members = [node for node in simulation.nodes.values() if isinstance(node, Measured)]
    hops = [each for node in members for each in node.hop_counts]
    requests = [each for node in members for each in node.numbers_asked]
    contacts = sum(len(node.table.contacts()) for node in members) / nodes
    return Growth(
        nodes,
        sum(hops) / len(hops),
        sum(requests) / len(requests),
        contacts,
        right / lookups,
        simulation.events,
    )


def chart(measured: Sequence[Growth]) -> str:
    """Hops, requests and contacts over the number of nodes, beside the logarithm, as SVG."""

    def over(values: Callable[[Growth], float]) -> list[tuple[float, float]]:
        return [(each.nodes, values(each)) for each in measured]

    return curves(
        "One lookup in Kademlia over the number of nodes, k = 8",
        Axis("nodes", log=True, ticks=[(each.nodes, f"{each.nodes:,}") for each in measured]),
        Axis("hops; nodes that are asked", between=(0, None)),
        [
            Series("log2 n (the formula)", over(lambda g: log2(g.nodes)), "line", 2),
            Series("nodes that are asked", over(lambda g: g.requests), "both", 0),
            Series("hops to the closest node", over(lambda g: g.hops), "both", 1),
        ],
    )


if __name__ == "__main__":
    grown = [grow(size) for size in (10, 30, 100, 300, 1_000, 3_000, 10_000)]
    Path(sys.argv[1]).write_text(chart(grown), encoding="utf-8")
    for each in grown:
        print(each)
