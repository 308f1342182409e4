"""Small nodes with subnodes, for the tests of the contract, the simulator and the explorer."""

from common.contract import CallId, Node, NodeId, TimerId, delivery, message, on, operation, timer
from common.values.history import Ok
from common.values.units import MS


@message
class Ping:
    """Please answer."""

    number: int


@message
class Pong:
    """The answer to the ping of this number."""

    number: int


@message
class Silence:
    """A message that no handler takes."""


@timer
class PingAgain:
    """No answer came in time."""


@delivery
class Answered:
    """``by`` has answered the ping of this number."""

    number: int
    by: NodeId


class Pinger(Node):
    """Counts its pings over all lives, and says who answered."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        super().__init__(id, peers)
        self.number = 0
        self.retry: TimerId = 0
        """The timer of the ping that nobody has answered, or 0."""

    def on_start(self) -> None:
        self.number = self.saved.get("number", 0)

    def status(self) -> dict[str, object]:
        return {"number": self.number}

    def ping(self) -> None:
        """Ping everybody, and again until somebody answers."""
        self.number += 1
        self.save("number", self.number)
        self.broadcast(Ping(self.number))
        self.retry = self.set_timer(10 * MS, PingAgain())

    @on(Ping)
    def pinged(self, ping: Ping, sender: NodeId) -> None:
        self.send(sender, Pong(ping.number))

    @on(Pong)
    def answered(self, pong: Pong, sender: NodeId) -> None:
        if pong.number == self.number and self.retry:
            self.cancel_timer(self.retry)
            self.retry = 0
            self.deliver(Answered(pong.number, sender))

    @on(PingAgain)
    def not_answered(self, _: PingAgain) -> None:
        self.note("pings again", number=self.number)
        self.broadcast(Ping(self.number))
        self.retry = self.set_timer(10 * MS, PingAgain())


@operation
class Begin:
    """Let the subnode ``name`` ping."""

    name: str


@operation
class Make:
    """Make the subnode ``name``."""

    name: str


@operation
class Drop:
    """Drop the subnode ``name``, and forget what it saved or not."""

    name: str
    forget: bool


class House(Node):
    """A node with a pinger at home from the start, and others that are made and dropped."""

    subnodes = (Pinger,)

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        super().__init__(id, peers)
        self.pingers = {"home": self.subnode("home", Pinger(id, peers))}
        self.answers: list[tuple[str, int, NodeId]] = []
        self.waiting: dict[str, CallId] = {}

    def on_start(self) -> None:
        for name in self.saved.get("made", ()):
            self.pingers[name] = self.subnode(name, Pinger(self.id, self.peers))

    def status(self) -> dict[str, object]:
        return {"answers": len(self.answers)}

    @on(Begin)
    def begin(self, begin: Begin, call: CallId) -> None:
        self.waiting[begin.name] = call
        self.pingers[begin.name].ping()

    @on(Make)
    def make(self, make: Make, call: CallId) -> None:
        self.pingers[make.name] = self.subnode(make.name, Pinger(self.id, self.peers))
        self.keep(call)

    @on(Drop)
    def drop(self, drop: Drop, call: CallId) -> None:
        del self.pingers[drop.name]
        self.drop_subnode(drop.name, forget=drop.forget)
        self.waiting.pop(drop.name, None)
        self.keep(call)

    def keep(self, call: CallId) -> None:
        """Remember which subnodes there are, besides the one at home."""
        self.save("made", tuple(sorted(set(self.pingers) - {"home"})))
        self.finish(call, Ok())

    @on(Answered)
    def answered(self, answered: Answered, subnode: str) -> None:
        self.answers.append((subnode, answered.number, answered.by))
        call = self.waiting.pop(subnode, None)
        if call is not None:
            self.finish(call, Ok(answered.number))


class Street(Node):
    """A node whose subnode has subnodes."""

    subnodes = (House,)

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        super().__init__(id, peers)
        self.house = self.subnode("house", House(id, peers))

    @on(Begin)
    def begin(self, begin: Begin, call: CallId) -> None:
        self.house.begin(begin, call)

    @on(Make)
    def make(self, make: Make, call: CallId) -> None:
        self.house.make(make, call)

    @on(Drop)
    def drop(self, drop: Drop, call: CallId) -> None:
        self.house.drop(drop, call)
