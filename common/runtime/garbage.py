"""Garbage in cycles is looked for by the clock, not after every few hundred new objects.

Python frees almost everything by counting references; only cycles need its collector. That one
looks at all objects there are, again and again as their number grows, and a node has many that are
there to stay: a log, a store. Looking by the clock costs a bounded share of the time instead.
"""

import asyncio
import gc
from time import perf_counter

EVERY_SECONDS = 10.0
SHARE = 0.01
"""No more than this share of the time goes into looking."""


def collect_by_the_clock(
    loop: asyncio.AbstractEventLoop, every_seconds: float = EVERY_SECONDS
) -> None:
    """Turn the automatic collection of this process off, and collect every so often instead."""
    gc.disable()

    def collect() -> None:
        begun = perf_counter()
        gc.collect()
        loop.call_later(max(every_seconds, (perf_counter() - begun) / SHARE), collect)

    loop.call_later(every_seconds, collect)
