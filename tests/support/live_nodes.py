"""Small nodes for tests of the socket world; a node process loads them by name."""

from collections.abc import Mapping

from common.contract import CallId, Node, NodeId, message, on, operation, timer
from common.values.history import Ok


@message
class Add:
    """Please count one up."""

    number: int


@message
class Added:
    """The request of this number made the counter ``total``, durably."""

    number: int
    total: int


@operation
class Increment:
    """A client wants the counter one higher."""


class Counter(Node):
    """Counts, and saves before it answers."""

    def on_start(self) -> None:
        """Go on from what was saved."""
        self.total = self.saved.get("total", 0)

    def status(self) -> Mapping[str, object]:
        """The count."""
        return {"total": self.total}

    @on(Add)
    def add(self, add: Add, sender: NodeId) -> None:
        """Save the new count, then answer."""
        self.total += 1
        self.save("total", self.total)
        self.send(sender, Added(add.number, self.total))


class Asker(Node):
    """A client of the first counter; it asks once and waits."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        super().__init__(id, peers)
        self.calls: dict[int, CallId] = {}
        self.last = 0

    @on(Increment)
    def increment(self, operation: Increment, call: CallId) -> None:
        """Ask."""
        self.last += 1
        self.calls[self.last] = call
        self.send(self.peers[0], Add(self.last))

    @on(Added)
    def added(self, added: Added, sender: NodeId) -> None:
        """Tell the client the new count."""
        call = self.calls.pop(added.number, None)
        if call is not None:
            self.finish(call, Ok(added.total))


@message
class Drop:
    """One of many."""

    number: int
    filling: str = ""


@operation
class Flood:
    """Send so many Drops of so many bytes to a node."""

    to: str
    count: int
    size: int = 0


@operation
class Crash:
    """Fail in the way of this name."""

    way: str


@timer
class Tick:
    """Comes back at once."""


class Flooder(Node):
    """Sends floods and counts what it receives."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        super().__init__(id, peers)
        self.broken = False
        self.received = 0
        self.distinct: set[int] = set()
        self.overtaken = 0
        self.latest = -1

    def status(self) -> Mapping[str, object]:
        """What came."""
        if self.broken:
            raise KeyError("status")
        return {
            "received": self.received,
            "distinct": len(self.distinct),
            "overtaken": self.overtaken,
        }

    @on(Flood)
    def flood(self, flood: Flood, call: CallId) -> None:
        """Send them all in one step."""
        for number in range(flood.count):
            self.send(flood.to, Drop(number, "x" * flood.size))
        self.finish(call, Ok(flood.count))

    @on(Drop)
    def drop(self, drop: Drop, sender: NodeId) -> None:
        """Count it."""
        self.received += 1
        self.distinct.add(drop.number)
        self.overtaken += drop.number < self.latest
        self.latest = max(self.latest, drop.number)

    @on(Crash)
    def crash(self, crash: Crash, call: CallId) -> None:
        """Break the contract, or Python, or never come back."""
        if crash.way == "loop":
            while True:
                pass
        if crash.way == "status":
            self.broken = True
            return
        if crash.way == "divide":
            call // 0
        self.set_timer(0, Tick())

    # Nothing takes a Tick: that breaks the contract.


@operation
class Keep:
    """Count one more, durably."""


class Keeper(Node):
    """Keeps a count across its lives; it can be a member or a client."""

    def on_start(self) -> None:
        """Take up the count."""
        self.kept: int = self.saved.get("kept", 0)

    @on(Keep)
    def keep(self, keep: Keep, call: CallId) -> None:
        """Save, then answer."""
        self.kept += 1
        self.save("kept", self.kept)
        self.finish(call, Ok(self.kept))
