"""Random runs of three processes, for the suites of both clocks.

What happened before what is kept as plain sets of events: the definition, and nothing clever.
"""

from random import Random
from typing import Any

from tests.stage2_communication.clocks.lab import ClocksLab

PROCESSES = ("p", "q", "r")


class Event:
    """An event of a random run.

    Args:
        process: where it happened.
        past: all events that happened before it, by number.
        time: by a Lamport clock.
        vector: by vector clocks.
    """

    def __init__(self, process: str, past: frozenset[int], time: int, vector: Any) -> None:
        self.process = process
        self.past = past
        self.time = time
        self.vector = vector


def random_run(lab: ClocksLab, seed: int, length: int = 40) -> list[Event]:
    """Three processes do something, and now and then one hears of what another has done."""
    random = Random(f"clocks/{seed}")
    clocks = {process: lab.LamportClock() for process in PROCESSES}
    vectors = {process: lab.VectorClock() for process in PROCESSES}
    pasts: dict[str, frozenset[int]] = dict.fromkeys(PROCESSES, frozenset())
    events: list[Event] = []
    for number in range(length):
        process = random.choice(PROCESSES)
        if events and random.random() < 0.5:
            heard = random.randrange(len(events))
            time = clocks[process].witness(events[heard].time)
            vectors[process].merge(events[heard].vector)
            pasts[process] |= events[heard].past | {heard}
        else:
            time = clocks[process].tick()
        assert time == clocks[process].time, "the time of the latest event is the clock's"
        vectors[process].tick(process)
        vector = lab.VectorClock(vectors[process].counts())
        events.append(Event(process, pasts[process], time, vector))
        pasts[process] |= {number}
    return events
