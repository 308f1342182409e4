"""Vector clocks: which event could have caused which (Mattern 1989, section 4; Fidge 1988).

Every event of a node raises the node's own entry by one. A message carries its send's clock; its
receiver takes, entry by entry, the greater of both. Then an event *a* of node *n* happened before
an event *b* (Lamport 1978) if and only if ``b.clock[n] >= a.clock[n]``, for different a and b.
"""

from collections.abc import Iterable

from common.trace.format import Event

MAX_IN_FLIGHT = 50_000
"""Clocks of messages under way that are kept; above it the oldest is forgotten."""


class Clocks:
    """The vector clocks of all nodes of a run, and of the messages that are under way.

    A message's clock is forgotten once it arrived: should it arrive again, at the same node, there
    is nothing new in it. So memory is bounded by nodes and messages under way.
    """

    def __init__(self) -> None:
        self._nodes: dict[str, dict[str, int]] = {}
        self._in_flight: dict[int, dict[str, int]] = {}

    def tick(self, node: str) -> dict[str, int]:
        """An event of ``node``; returns its clock, which the next event will change."""
        clock = self._nodes.get(node)
        if clock is None:
            clock = self._nodes[node] = {}
        clock[node] = clock.get(node, 0) + 1
        return clock

    def send(self, node: str, number: int) -> dict[str, int]:
        """``node`` sends the message ``number``."""
        clock = self.tick(node)
        if len(self._in_flight) >= MAX_IN_FLIGHT:
            del self._in_flight[next(iter(self._in_flight))]
        self._in_flight[number] = clock.copy()
        return clock

    def receive(self, node: str, number: int | None) -> dict[str, int]:
        """``node`` receives the message ``number`` (None for one from outside of the run)."""
        carried = None if number is None else self._in_flight.pop(number, None)
        clock = self.tick(node)
        if carried:
            for other, count in carried.items():
                if count > clock.get(other, 0):
                    clock[other] = count
        return clock

    def lose(self, node: str, number: int) -> dict[str, int]:
        """The message ``number`` of ``node`` will not arrive (again)."""
        self._in_flight.pop(number, None)
        return self.tick(node)

    def of(self, event: Event) -> dict[str, int] | None:
        """The clock of any event of a trace, or None for an event of the world as a whole."""
        node, kind = event["node"], event["kind"]
        if node is None or kind == "verdict":
            return None
        if kind == "send":
            return self.send(node, event["msg"])
        if kind == "recv":
            return self.receive(node, event["msg"])
        if kind == "drop":
            return self.lose(node, event["msg"])
        return self.tick(node)


def stamp(events: Iterable[Event]) -> None:
    """Write the clock of every event into it, in place; sends must come before their receives."""
    clocks = Clocks()
    for event in events:
        event.pop("clock", None)
        clock = clocks.of(event)
        if clock is not None:
            event["clock"] = clock.copy()
