"""The available register: every replica answers at once, and what it says may be old.

A replica answers reads from its own copy and takes writes into it, even if it reaches nobody.
Copies spread by gossip afterwards. Now and then each replica sends what it holds to the others
(*anti-entropy*: Demers and others, "Epidemic algorithms for replicated database maintenance", 1987,
section 1.3). A replica that holds something newer answers with that.

*Newer* is decided by tags (counter, replica), the greater wins: *last writer wins* (Thomas 1979,
section 2.3). The counter is a Lamport clock (Lamport 1978, "Time, clocks, and the ordering of
events", rules IR1 and IR2): one more than the greatest counter seen here. So a write that saw
another has the greater tag, and of two writes that did not see each other one wins everywhere, no
matter which came first on a wall clock. The other is gone, although its client was told Ok. That
is what is paid for answering always.

Three things are promised. A living replica answers every operation and waits for no other one. A
client that stays at one replica reads its own writes and never goes back in time: tags only grow,
and they are durable before anybody is told. Replicas that have received the same writes hold the
same value (*strong eventual consistency*: Shapiro and others 2011, section 2): to take the greater
of two tags gives the same in any order, and however often it is done.
"""

from collections.abc import Mapping
from typing import TypeAlias

from common.contract import Node, NodeId, message, on, record, timer
from common.values.units import MS
from stage1_foundations.cap.client import (
    ReadReply,
    ReadRequest,
    Value,
    WriteReply,
    WriteRequest,
)

Tag: TypeAlias = tuple[int, NodeId]
"""(Lamport counter, replica that took the write), compared as tuples. Each write has its own."""


@record
class Tagged:
    """A value with its tag; the tag (0, "") is that of the value before all writes."""

    tag: Tag = (0, "")
    value: Value = None


@message
class Gossip:
    """This is what I hold. Take it if it is newer; if yours is newer, tell me."""

    held: Tagged


@timer
class GossipAgain:
    """It is time to tell the others again."""


class AvailableReplica(Node):
    """Answers from its own copy, and gossips.

    Args:
        id: the name of this node.
        peers: the other replicas.
        gossip_every: the time between two rounds of gossip, in microseconds. It bounds how long
            replicas that can reach each other disagree.
    """

    def __init__(
        self, id: NodeId, peers: tuple[NodeId, ...], *, gossip_every: int = 50 * MS
    ) -> None:
        super().__init__(id, peers)
        self.gossip_every = gossip_every
        self.held = Tagged()
        """This copy. Its tag only grows, and whatever anybody was told of it is durable."""
        self.latest: dict[NodeId, int] = {}
        """By client, the number of its latest write here. Durable."""

    def status(self) -> Mapping[str, object]:
        """The copy and its tag."""
        counter, replica = self.held.tag
        return {"value": self.held.value, "tag": f"{counter}.{replica}" if replica else "none"}

    def on_start(self) -> None:
        """Take up what earlier lives saved, and begin to gossip."""
        for entry in self.saved.items():
            match entry:
                case "held", Tagged() as held:
                    self.held = held
                case ("latest", str(client)), int(number):
                    self.latest[client] = number
        self.set_timer(self.gossip_every, GossipAgain())

    # Requests of clients.

    @on(ReadRequest)
    def read_requested(self, request: ReadRequest, sender: NodeId) -> None:
        """Answer with what is here. It may be old: nobody else was asked."""
        self.send(sender, ReadReply(request.number, self.held.value))

    @on(WriteRequest)
    def write_requested(self, request: WriteRequest, sender: NodeId) -> None:
        """Take the write into this copy, once, and say so; then tell the others.

        The network and the client repeat requests. Taken twice, a write would get a second, greater
        tag, and its value would come back after newer ones. The number is saved in the same step,
        under ``("latest", client)``.
        """
        latest = self.latest.get(sender, -1)
        if request.number > latest:
            self.latest[sender] = request.number
            self.save(("latest", sender), request.number)
            self._hold(Tagged((self.held.tag[0] + 1, self.id), request.value))
            self.broadcast(Gossip(self.held))
        if request.number >= latest:
            self.send(sender, WriteReply(request.number))

    # Gossip.

    @on(GossipAgain)
    def gossip_again(self, timer: GossipAgain) -> None:
        """Tell all others what is here, for as long as this life lasts.

        It never stops, since a replica cannot know what the network lost, or when it heals.
        """
        del timer
        self.broadcast(Gossip(self.held))
        self.set_timer(self.gossip_every, GossipAgain())

    @on(Gossip)
    def gossip_received(self, gossip: Gossip, sender: NodeId) -> None:
        """Take what is newer; answer with what is newer here. The tags alone say which that is.

        The answer is answered by nobody: by then both hold the same.
        """
        if gossip.held.tag > self.held.tag:
            self._hold(gossip.held)
        elif gossip.held.tag < self.held.tag:
            self.send(sender, Gossip(self.held))

    def _hold(self, newer: Tagged) -> None:
        self.held = newer
        self.save("held", newer)
