"""Small protocols for the explorer's tests, right and wrong ones."""

from common.contract import CallId, Node, NodeId, message, on, operation, timer
from common.values.history import Ok
from common.values.quorum import majority
from common.values.units import MS

# Two-phase commit, as message handlers.


@message
class Prepare:
    """The coordinator asks a participant to vote."""


@message
class Vote:
    """A participant's answer."""

    yes: bool


@message
class Decide:
    """The coordinator's decision."""

    commit: bool


@timer
class GiveUp:
    """The coordinator has waited long enough for votes, or a participant aborts by itself."""


class Coordinator(Node):
    """Asks everybody for a vote and decides: commit if all say yes, abort otherwise."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        super().__init__(id, peers)
        self.prepared: set[NodeId] = set()
        self.decision: bool | None = None

    def on_start(self) -> None:
        self.broadcast(Prepare())
        self.set_timer(100 * MS, GiveUp())

    @on(Vote)
    def vote_received(self, vote: Vote, sender: NodeId) -> None:
        self.prepared.add(sender)
        if not vote.yes:
            self.decide(False)
        elif len(self.prepared) == len(self.peers):
            self.decide(True)

    @on(GiveUp)
    def gave_up(self, _: GiveUp) -> None:
        self.decide(False)

    def decide(self, commit: bool) -> None:
        if self.decision is None:
            self.decision = commit
            self.broadcast(Decide(commit))


class Participant(Node):
    """Votes yes unless it has aborted by itself before it was asked."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        super().__init__(id, peers)
        self.state = "working"

    def on_start(self) -> None:
        self.set_timer(50 * MS, GiveUp())

    @on(GiveUp)
    def aborts_alone(self, _: GiveUp) -> None:
        if self.state == "working":
            self.state = "aborted"

    @on(Prepare)
    def asked(self, _: Prepare, sender: NodeId) -> None:
        if self.state == "working":
            self.state = "prepared"
        self.send(sender, Vote(self.state == "prepared"))

    @on(Decide)
    def told(self, decide: Decide, _: NodeId) -> None:
        self.state = "committed" if decide.commit else "aborted"


class HastyCoordinator(Coordinator):
    """The bug: a first yes is enough."""

    @on(Vote)
    def vote_received(self, vote: Vote, sender: NodeId) -> None:
        self.decide(vote.yes)


# Leader election with one vote each.


@message
class Candidacy:
    """The sender asks for a vote."""


@message
class Granted:
    """The sender votes for the receiver."""


@timer
class Election:
    """The node stands for election."""


class Voter(Node):
    """Votes once, for itself or for the first who asks, and remembers it after a crash."""

    durable = True

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        super().__init__(id, peers)
        self.voted_for: NodeId | None = None
        self.votes: set[NodeId] = set()
        self.leader = False

    def on_start(self) -> None:
        saved = self.saved.get("vote")
        self.voted_for = saved if isinstance(saved, str) else None
        if self.voted_for is None:
            self.set_timer(100 * MS, Election())

    def vote(self, candidate: NodeId) -> bool:
        if self.voted_for is None:
            self.voted_for = candidate
            if self.durable:
                self.save("vote", candidate)
        return self.voted_for == candidate

    @on(Election)
    def stands(self, _: Election) -> None:
        if self.vote(self.id):
            self.votes.add(self.id)
            self.broadcast(Candidacy())

    @on(Candidacy)
    def asked(self, _: Candidacy, sender: NodeId) -> None:
        if self.vote(sender):
            self.send(sender, Granted())

    @on(Granted)
    def granted(self, _: Granted, sender: NodeId) -> None:
        self.votes.add(sender)
        self.leader = len(self.votes) >= majority(len(self.peers) + 1)


class ForgetfulVoter(Voter):
    """The bug: the vote is not saved, so a restarted node votes twice."""

    durable = False


# A lock.


@operation
class Acquire:
    """The client wants the lock."""


@message
class Request:
    """The sender wants the lock."""


@message
class Release:
    """The sender does not need the lock any more."""


@message
class Grant:
    """The receiver has the lock."""


@timer
class Done:
    """The critical section ends."""


class LockServer(Node):
    """Hands the lock to one client at a time, in the order of the requests."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        super().__init__(id, peers)
        self.queue: list[NodeId] = []

    @on(Request)
    def requested(self, _: Request, sender: NodeId) -> None:
        self.queue.append(sender)
        if len(self.queue) == 1:
            self.send(sender, Grant())

    @on(Release)
    def released(self, _: Release, sender: NodeId) -> None:
        assert self.queue[0] == sender, "only the holder releases"
        self.queue.pop(0)
        if self.queue:
            self.send(self.queue[0], Grant())


class GenerousLockServer(LockServer):
    """The bug: it grants the lock to everybody who asks."""

    @on(Request)
    def requested(self, _: Request, sender: NodeId) -> None:
        self.send(sender, Grant())

    @on(Release)
    def released(self, _: Release, sender: NodeId) -> None:
        """Nobody waits."""


class LockClient(Node):
    """Asks for the lock, holds it for a while, gives it back."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        super().__init__(id, peers)
        self.holds = False
        self.call: CallId | None = None

    @on(Acquire)
    def wanted(self, _: Acquire, call: CallId) -> None:
        self.call = call
        self.send(self.peers[0], Request())

    @on(Grant)
    def granted(self, _: Grant, __: NodeId) -> None:
        if self.call is not None:
            self.finish(self.call, Ok())
            self.call = None
            self.holds = True
            self.set_timer(10 * MS, Done())

    @on(Done)
    def done(self, _: Done) -> None:
        self.holds = False
        self.send(self.peers[0], Release())


# Nodes that try the explorer itself.


@message
class Ping:
    """A sign of life."""


@message
class Numbered:
    """A message with its place in the order of sending."""

    number: int


@timer
class Tick:
    """It is time again."""


class Counter(Node):
    """Does nothing."""


class Pinger(Node):
    """Sends a ping and sets its timer again whenever the timer fires."""

    def on_start(self) -> None:
        self.set_timer(10 * MS, Tick())

    @on(Tick)
    def ticked(self, _: Tick) -> None:
        self.broadcast(Ping())
        self.set_timer(10 * MS, Tick())

    @on(Ping)
    def pinged(self, _: Ping, __: NodeId) -> None:
        """Alive."""


class Resetter(Node):
    """Cancels and sets its timers again at every firing, and keeps their ids."""

    def on_start(self) -> None:
        self.timers = {"first": self.set_timer(10 * MS, Tick())}
        self.others = [self.set_timer(20 * MS, GiveUp())]

    @on(Tick)
    def ticked(self, _: Tick) -> None:
        self.cancel_timer(self.others.pop())
        self.timers["first"] = self.set_timer(10 * MS, Tick())
        self.others.append(self.set_timer(20 * MS, GiveUp()))

    @on(GiveUp)
    def gave_up(self, _: GiveUp) -> None:
        self.cancel_timer(self.timers["first"])
        self.timers["first"] = self.set_timer(10 * MS, Tick())
        self.others = [self.set_timer(20 * MS, GiveUp())]


class Numberer(Node):
    """Sends three numbered messages."""

    def on_start(self) -> None:
        for number in (1, 2, 3):
            self.broadcast(Numbered(number))


class InOrder(Node):
    """Insists on getting numbered messages in order."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        super().__init__(id, peers)
        self.last = 0

    @on(Numbered)
    def numbered(self, numbered: Numbered, _: NodeId) -> None:
        assert numbered.number == self.last + 1, f"{numbered.number} after {self.last}"
        self.last = numbered.number


class Hole(Node):
    """A handout that nobody has begun."""

    def on_start(self) -> None:
        raise NotImplementedError


class Unmade(Node):
    """A handout whose constructor is a hole."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        raise NotImplementedError


class Reader(Node):
    """Keeps something that nobody can compare."""

    def on_start(self) -> None:
        self.lines = iter(self.peers)


class Gambler(Node):
    """Draws a number three times."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        super().__init__(id, peers)
        self.drawn: list[int] = []

    def on_start(self) -> None:
        self.draw()

    @on(Tick)
    def draw(self, _: Tick | None = None) -> None:
        self.drawn.append(self.random.randrange(1_000_000))
        if len(self.drawn) < 3:
            self.set_timer(10 * MS, Tick())
