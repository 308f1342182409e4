"""Random runs of three processes, for the suites of both clocks.

What happened before what is kept as plain sets of events: the definition, and nothing clever.
"""

from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING

from tests.stage2_communication.clocks.lab import ClocksLab

if TYPE_CHECKING:
    from stage2_communication.clocks.vector import VectorClock

PROCESSES = ("p", "q", "r")


class Event:
    """An event of a random run.

    Args:
        process: where it happened.
        heard: the event of which it heard, by number; None where nothing arrived.
        past: all events that happened before it, by number.
    """

    def __init__(self, process: str, heard: int | None, past: frozenset[int]) -> None:
        self.process = process
        self.heard = heard
        self.past = past


def random_run(seed: int, length: int = 40) -> list[Event]:
    """Three processes do something, and now and then one hears of what another has done."""
    random = Random(f"clocks/{seed}")
    pasts: dict[str, frozenset[int]] = dict.fromkeys(PROCESSES, frozenset())
    events: list[Event] = []
    for number in range(length):
        process = random.choice(PROCESSES)
        heard = random.randrange(number) if number and random.random() < 0.5 else None
        if heard is not None:
            pasts[process] |= events[heard].past | {heard}
        events.append(Event(process, heard, pasts[process]))
        pasts[process] |= {number}
    return events


def lamport_times(lab: ClocksLab, events: Sequence[Event]) -> list[int]:
    """The time of each event, by the clock of its process."""
    clocks = {process: lab.LamportClock() for process in PROCESSES}
    times: list[int] = []
    for event in events:
        clock = clocks[event.process]
        times.append(clock.tick() if event.heard is None else clock.witness(times[event.heard]))
        assert times[-1] == clock.time, "the time of the latest event is the clock's"
    return times


def vectors(lab: ClocksLab, events: Sequence[Event]) -> "list[VectorClock]":
    """The vector of each event, by the vector of its process."""
    clocks = {process: lab.VectorClock() for process in PROCESSES}
    made: list[VectorClock] = []
    for event in events:
        clock = clocks[event.process]
        if event.heard is not None:
            clock.merge(made[event.heard])
        clock.tick(event.process)
        made.append(lab.VectorClock(clock.counts()))
    return made
