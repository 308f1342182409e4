"""Consistent hashing beside uhashring: lookups a second, and what a change moves.

    python tests/benchmarks/hashring.py [--json]

Both rings have the same nodes and the same number of points for each, and both are asked for the
owners of the same keys as text, one after the other; ours takes bytes, so it pays for the encoding
within the measurement. ``vs_uhashring`` is our lookups a second over theirs with ten nodes,
``vs_uhashring_100`` with a hundred, ``vs_uhashring_build`` compares making the ring. Movement is
over ten nodes that come one after the other: ``moved_over_ideal`` is what moved over what had to.
"""

import time

from _bench import in_turns, peer, report

from stage3_partitioning.kv.balance import movement
from stage3_partitioning.kv.partitioners import Partitioner
from stage3_partitioning.kv.ring import RingPartitioner

uhashring = peer("uhashring", "bench")

KEYS = [f"user:{number}" for number in range(100_000)]
ROUNDS = 7
POINTS = 160
"""uhashring's own number of points for each node (ketama's 40 times 4)."""


def nodes(count: int) -> list[str]:
    """n0, n1 ..."""
    return [f"n{number}" for number in range(count)]


def ours(count: int) -> float:
    """Lookups a second in our ring."""
    owner = RingPartitioner(nodes(count), POINTS).owner
    begun = time.perf_counter()
    for key in KEYS:
        owner(key.encode())
    return len(KEYS) / (time.perf_counter() - begun)


def theirs(count: int) -> float:
    """Lookups a second in uhashring's."""
    get_node = uhashring.HashRing(nodes=nodes(count)).get_node
    begun = time.perf_counter()
    for key in KEYS:
        get_node(key)
    return len(KEYS) / (time.perf_counter() - begun)


def our_build() -> float:
    """Rings of 100 nodes made a second."""
    begun = time.perf_counter()
    RingPartitioner(nodes(100), POINTS)
    return 1 / (time.perf_counter() - begun)


def their_build() -> float:
    """The same by uhashring."""
    begun = time.perf_counter()
    uhashring.HashRing(nodes=nodes(100))
    return 1 / (time.perf_counter() - begun)


def moved_over_ideal(points: int) -> float:
    """Ten nodes become twenty, one after the other: what moved over what had to move."""
    keys = [key.encode() for key in KEYS[:20_000]]
    ring: Partitioner = RingPartitioner(nodes(10), points)
    moved = ideal = 0.0
    for number in range(10, 20):
        grown = ring.with_node(f"n{number}")
        change = movement(ring, grown, keys)
        moved, ideal = moved + change.moved, ideal + change.ideal
        ring = grown
    return moved / ideal


def main() -> None:
    """Measure in turns and report."""
    figures = in_turns(
        {
            "ours_10_lookups_per_second": lambda: ours(10),
            "uhashring_10_lookups_per_second": lambda: theirs(10),
            "ours_100_lookups_per_second": lambda: ours(100),
            "uhashring_100_lookups_per_second": lambda: theirs(100),
            "ours_builds_per_second": our_build,
            "uhashring_builds_per_second": their_build,
        },
        ROUNDS,
    )
    figures = {name: round(figure, 2) for name, figure in figures.items()}
    ratios = {
        f"vs_uhashring{suffix}": figures[f"ours_{case}"] / figures[f"uhashring_{case}"]
        for suffix, case in (
            ("", "10_lookups_per_second"),
            ("_100", "100_lookups_per_second"),
            ("_build", "builds_per_second"),
        )
    }
    figures["moved_over_ideal_100_points"] = moved_over_ideal(100)
    report("hashring", figures, ratios, __doc__.splitlines()[0])


if __name__ == "__main__":
    main()
