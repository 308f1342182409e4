"""Vector clocks: which event could have caused which (Mattern 1989, section 4; Fidge 1988).

Every event of a node raises the node's own entry by one. A message carries its send's clock; its
receiver takes, entry by entry, the greater of both. Then an event *a* of node *n* happened before
an event *b* (Lamport 1978) if and only if ``b.clock[n] >= a.clock[n]``, for different a and b.
"""

from collections.abc import Iterable, Mapping

from common.trace.format import Event, encode

MAX_IN_FLIGHT = 50_000
"""Clocks of messages under way that are kept; above it the oldest is forgotten."""


class Clock:
    """The vector clock of one node.

    Attributes:
        node: whose it is.
        own: how many events it had.
        others: what it knows of other nodes: of their clocks, how many events they had. It is never
            changed, only replaced, so that messages under way share it.
    """

    __slots__ = ("_quoted", "_rest", "node", "others", "own")

    def __init__(self, node: str) -> None:
        self.node = node
        self.own = 0
        self.others: Mapping[Clock, int] = {}
        self._quoted, self._rest = encode(node), "}"

    def take(self, carried: Mapping["Clock", int]) -> None:
        """Take, entry by entry, the greater of what is known and what a message brings."""
        others = dict(self.others)
        for other, count in carried.items():
            if other is not self and count > others.get(other, 0):
                others[other] = count
        self.others = others
        entries = [f",{other._quoted}:{count}" for other, count in others.items()]
        self._rest = "".join(entries) + "}"

    def as_dict(self) -> dict[str, int]:
        """The clock as a line of a trace has it: the node's own entry is the first."""
        others = {other.node: count for other, count in self.others.items()}
        return {self.node: self.own, **others}

    def as_json(self) -> str:
        """The same as JSON. Between two messages only the node's own entry changes."""
        return f"{{{self._quoted}:{self.own}{self._rest}"


class Clocks:
    """The vector clocks of all nodes of a run, and of the messages that are under way.

    A message's clock is forgotten once it arrived: should it arrive again, at the same node, there
    is nothing new in it. So memory is bounded by nodes and messages under way.

    Each method returns the clock of the event, which the next event of its node will change.
    """

    def __init__(self) -> None:
        self._nodes: dict[str, Clock] = {}
        self._in_flight: dict[int, tuple[Clock, int, Mapping[Clock, int]]] = {}

    def tick(self, node: str) -> Clock:
        """Any other event of ``node``."""
        clock = self._nodes.get(node)
        if clock is None:
            clock = self._nodes[node] = Clock(node)
        clock.own += 1
        return clock

    def send(self, node: str, number: int) -> Clock:
        """``node`` sends the message ``number``."""
        clock = self.tick(node)
        if len(self._in_flight) >= MAX_IN_FLIGHT:
            del self._in_flight[next(iter(self._in_flight))]
        self._in_flight[number] = (clock, clock.own, clock.others)
        return clock

    def receive(self, node: str, number: int | None) -> Clock:
        """``node`` receives the message ``number`` (None for one from outside of the run)."""
        carried = None if number is None else self._in_flight.pop(number, None)
        clock = self.tick(node)
        if carried:
            sender, own, others = carried
            clock.take({sender: own, **others})
        return clock

    def lose(self, node: str, number: int) -> Clock:
        """The message ``number`` of ``node`` will not arrive (again)."""
        self._in_flight.pop(number, None)
        return self.tick(node)

    def of(self, event: Event) -> Clock | None:
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
            event["clock"] = clock.as_dict()
