"""Lamport's logical clock: a counter that never contradicts cause and effect.

Lamport 1978, "Time, clocks, and the ordering of events in a distributed system". An event *happened
before* another one if it came earlier in the same process, or if it sent the message that the other
received, or by a chain of such steps. The *clock condition* asks: if a happened before b, then the
time of a is less than that of b. Two rules are enough:

* IR1: between any two of its events a process advances its clock;
* IR2: a message carries the time at which it was sent, and its receiver advances its clock beyond
  that time.

The converse does not hold: a lesser time does not mean *before*. For that it takes a vector clock
(``vector.py``). But times of different processes can be compared, and with the process's name
to break ties (:data:`Stamp`) they put all events into one order that contradicts no cause.
"""

from typing import TypeAlias

from common.contract import NodeId

Stamp: TypeAlias = tuple[int, NodeId]
"""(time, process): Lamport's total order => is the order of these pairs (1978, page 561)."""


class LamportClock:
    """The clock of one process.

    Attributes:
        time: that of the latest event, 0 before the first one. It only grows.
    """

    def __init__(self) -> None:
        self.time = 0

    def tick(self) -> int:
        """Advance the clock for an event of this process, and return the event's time (IR1)."""
        self.time += 1
        return self.time

    def witness(self, time: int) -> int:
        """Advance the clock for the arrival of a message that was sent at ``time`` (IR2).

        The arrival is an event of its own: its time, which is returned, is greater than ``time``
        and greater than that of every event of this process before it.
        """
        self.time = max(self.time, time) + 1
        return self.time
