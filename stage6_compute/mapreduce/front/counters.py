"""Counters (OSDI'04, 4.8): what a job counts beside its output.

    from stage6_compute.mapreduce.front.counters import count

    def map(name, line):
        if not line.strip():
            count("empty lines")

Those of attempts that came to nothing are left out: each task counts once.
"""

from collections import Counter

_counted: Counter[str] = Counter()


def count(name: str, by: int = 1) -> None:
    """Add ``by`` to the counter of this name."""
    _counted[name] += by


def take_counters() -> dict[str, int]:
    """What was counted since this was last asked, by name, in the order of names."""
    taken = dict(sorted(_counted.items()))
    _counted.clear()
    return taken
