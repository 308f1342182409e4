"""The client: believes what f + 1 replicas say alike (Castro and Liskov 1999, section 4.1)."""

from typing import Any

from common.contract import Asker, CallId, NodeId, Signed, on
from common.contract.asking import Asked
from common.values.history import Ok
from common.values.units import MS, SECOND
from stage7_advanced.pbft.certificates import Group
from stage7_advanced.pbft.messages import Reply, Request, Submit


class PbftClient(Asker):
    """A client of replicas of which f may lie.

    Args:
        id: the name of this client; its requests are signed under it.
        peers: the replicas.
        ask_again_after: how long it waits before it asks all replicas, in microseconds.
        attempts: how often it asks at most.
    """

    signs = True

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        ask_again_after: int = 150 * MS,
        attempts: int = 40,
    ) -> None:
        super().__init__(
            id,
            peers,
            ask_again_after=ask_again_after,
            longest_wait=1 * SECOND,
            attempts=attempts,
        )
        self.group = Group(peers)
        self.view = 0
        """The view in which the last result that it believes was found."""
        self.believed = False
        """Whether it has believed any result. Before, it does not know who leads."""
        self.results: dict[NodeId, Reply] = {}
        """By replica, its reply to the request under way."""

    def request(self, command: Any, call: CallId) -> None:
        """Sign a request, and ask for it."""
        self.results.clear()
        number = self.new_number()
        self.ask(Submit(self.sign(Request(self.id, number, command))), call)

    def server_for(self, asked: Asked) -> NodeId:
        """The replica to ask: the primary, as far as this client knows (4.1)."""
        return self.group.primary(self.view)

    def also_ask(self, asked: Asked) -> tuple[NodeId, ...]:
        """After silence all replicas are asked: an honest one sees to it that it is done (4.1).

        So are all in the beginning. On sockets that gives each a connection to answer by.
        """
        if self.believed and asked.attempts == 1:
            return ()
        return tuple(peer for peer in self.peers if peer != self.group.primary(self.view))

    @on(Signed)
    def reply_received(self, signed: Signed, sender: NodeId) -> None:
        """A replica answers. The result is what f + 1 replicas say alike (4.1).

        f of them may lie, so at least one of f + 1 is honest. A reply counts for nothing if no
        replica signed it, or if it answers another request. Each replica has one voice.
        """
        reply = signed.content
        if not (isinstance(reply, Reply) and signed.signer in self.peers and self.verify(signed)):
            return
        if reply.client != self.id or reply.number not in self.under_way:
            return
        self.results[signed.signer] = reply
        alike = [each for each in self.results.values() if each.result == reply.result]
        if len(alike) > self.group.most_liars:
            self.believed = True
            self.view = max(self.view, min(each.view for each in alike))
            self.end(reply.number, Ok(reply.result), None)
