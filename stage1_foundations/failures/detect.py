"""A failure detector: it says who is *suspected*, because nobody can say who is dead.

Each node tells all others now and then that it is alive. A peer that was not heard for too long is
suspected. If it is heard again, it is not suspected any more, and gets more time from then on.

Chandra and Toueg 1996, "Unreliable failure detectors for reliable distributed systems", name what
one may ask of such a thing:

* **completeness** (strong): each crashed node is suspected by every living node, from some time on;
* **accuracy** (eventual strong): from some time on, nobody who lives is suspected.

Each is easy alone: suspect everybody, or nobody. Both together, for certain and at every time,
would decide what Fischer, Lynch and Paterson 1985 show undecidable without bounds on time: slow and
dead look the same (``apart.py``). So accuracy comes *eventually*, and only if the network
at some time becomes good enough: delays and loss with a bound, which nobody needs to know. This
detector finds it. Each time it was wrong about a peer it doubles that peer's timeout. So it is
wrong about each finitely often: Chandra and Toueg call that eventually perfect, and build one on
partial synchrony in section 9.1.

**Where we leave the paper.** There the timeout grows by a step, without end; here it doubles, up to
:data:`GREATEST_TIMEOUT`. Safety argument: none is needed, since a suspicion is an opinion and never
a promise; but a network with silences above that bound gets no accuracy from us.

What to do with an opinion: ask somebody else, elect another leader, page a human. Not: take the
suspect's work away without making sure (by a quorum, or by a fence) that it cannot go on with it.
"""

from collections.abc import Mapping

from common.contract import CallId, Node, NodeId, TimerId, message, on, operation, timer
from common.values.history import Failed, Ok
from common.values.units import MS, SECOND

GREATEST_TIMEOUT = 60 * SECOND
"""No peer is waited for longer than this before it is suspected."""

ANSWERING = "answering"
SUSPECTED = "suspected"


@operation
class Classify:
    """What does this node think of the peer ``key``? Ends with Ok of one of the two words.

    Not "alive" and "dead": those would be claims about the peer; these are about its silence.
    """

    key: NodeId


@message
class Alive:
    """The sender was alive when it sent this."""


@timer
class Beat:
    """It is time to tell the others."""


@timer
class Silence:
    """Nothing was heard of ``peer`` for as long as its timeout."""

    peer: NodeId


class HeartbeatDetector(Node):
    """Tells the others that it is alive, and suspects those that it does not hear.

    Args:
        id: the name of this node.
        peers: the nodes that it tells and watches.
        period: the time between two messages to each peer, in microseconds.
        first_timeout: the silence after which a peer is suspected at first, in microseconds.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        period: int = 50 * MS,
        first_timeout: int = 100 * MS,
    ) -> None:
        super().__init__(id, peers)
        self.period = period
        self.timeouts: dict[NodeId, int] = dict.fromkeys(self.peers, first_timeout)
        """By peer, the silence after which it is suspected, in microseconds. It only grows."""
        self.suspected: dict[NodeId, bool] = dict.fromkeys(self.peers, False)
        """By peer, whether it is suspected now."""
        self.timers: dict[NodeId, TimerId] = {}
        """By peer, what will bring the suspicion. None is pending for a suspected peer."""

    def status(self) -> Mapping[str, object]:
        """Who is suspected."""
        return {"suspects": " ".join(peer for peer in self.peers if self.suspected[peer])}

    def on_start(self) -> None:
        """Give every peer one timeout from now, and begin to tell them."""
        for peer in self.peers:
            self._wait_for(peer)
        self._tell()

    @on(Beat)
    def beat(self, timer: Beat) -> None:
        """Tell everybody, also those who are suspected: they may be there, and suspect us."""
        del timer
        self._tell()

    @on(Alive)
    def alive_received(self, alive: Alive, sender: NodeId) -> None:
        """The sender was alive a moment ago. If it was suspected, that was wrong: wait longer."""
        if self.suspected[sender]:
            self.suspected[sender] = False
            self.timeouts[sender] = min(GREATEST_TIMEOUT, 2 * self.timeouts[sender])
            self.note("was wrong", peer=sender, timeout_us=self.timeouts[sender])
        self.cancel_timer(self.timers[sender])
        self._wait_for(sender)

    @on(Silence)
    def silence(self, timer: Silence) -> None:
        """Suspect the peer. It may be dead, slow, or out of reach; nothing here can tell."""
        self.suspected[timer.peer] = True
        self.note("suspects", peer=timer.peer)

    @on(Classify)
    def classify(self, operation: Classify, call: CallId) -> None:
        """Say what this node thinks just now."""
        if operation.key not in self.suspected:
            self.finish(call, Failed(f"{operation.key} is no peer of {self.id}"))
            return
        suspected = self.suspected[operation.key]
        self.finish(call, Ok(SUSPECTED if suspected else ANSWERING))

    def _tell(self) -> None:
        self.broadcast(Alive())
        self.set_timer(self.period, Beat())

    def _wait_for(self, peer: NodeId) -> None:
        self.timers[peer] = self.set_timer(self.timeouts[peer], Silence(peer))
