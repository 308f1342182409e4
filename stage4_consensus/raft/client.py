"""A client of a Raft cluster: finds the leader, repeats what is not answered, tells the truth.

Section 8. A request that was not answered may have been carried out, or may be yet; so the client
repeats it under the same number, to another server each time, and the servers carry out a number
once. It ends an operation with

* Ok: some leader answered;
* Failed: it had no effect and never will, which a client can know of a query only, or of what it
  never sent;
* Unknown: no answer in all attempts. The next operation's number is greater, so once that one is
  applied, this one never will be.
"""

from collections.abc import Mapping
from typing import TypeAlias

from common.contract import CallId, Node, NodeId, TimerId, on, operation, timer
from common.values.history import Failed, Ok, Outcome, Unknown
from common.values.units import MS
from stage4_consensus.raft.requests import (
    Answer,
    CommandRequest,
    MembershipRequest,
    NotLeader,
    QueryRequest,
    Refusal,
    TransferRequest,
)

NUMBERS_OF_A_LIFE = 2**32
"""How many requests a client may send between two crashes."""

Request: TypeAlias = CommandRequest | QueryRequest | MembershipRequest | TransferRequest


@operation
class ChangeMembers:
    """Let ``voters`` be the members of the cluster. Ends with Ok(voters)."""

    voters: tuple[NodeId, ...]


@operation
class TransferLeadership:
    """Let ``target`` lead. Ends with Ok(target) once it does."""

    target: NodeId


@timer
class AskAgain:
    """The request under way was not answered in time."""


class RaftClient(Node):
    """What clients of any application on Raft have in common.

    Args:
        id: the name of this node; the servers know the client's session by it.
        peers: the servers.
        ask_again_after: how long to wait for an answer before the next server is asked, in
            microseconds.
        attempts: how often a request is sent at most, redirections not counted.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        ask_again_after: int = 100 * MS,
        attempts: int = 30,
    ) -> None:
        super().__init__(id, peers)
        self.ask_again_after = ask_again_after
        self.attempts = attempts
        self.last_number = 0
        """The number of the latest request. It only grows, over crashes too."""
        self.server = self.peers[0]
        """Whom to ask: the leader as far as is known."""
        self.request: Request | None = None
        """What is under way, or None. There is never more than one."""
        self.call: CallId = 0
        self.asked = 0
        self.why = "no server answered"
        """What kept the request from being answered, as the servers last said."""
        self.redirected = False
        """Whether this attempt has followed a server's word already: two servers that each take
        the other for the leader would keep the client running between them."""
        self.retry_timer: TimerId = 0

    def status(self) -> Mapping[str, object]:
        """Whom it asks, and for what it waits."""
        under_way = "" if self.request is None else type(self.request).__name__
        return {"server": self.server, "waiting": under_way}

    def on_start(self) -> None:
        """Begin with numbers that no earlier life has used."""
        life = self.saved.get("life", 0)
        assert isinstance(life, int), "this node saved something else than a number as its life"
        self.save("life", life + 1)
        self.last_number = life * NUMBERS_OF_A_LIFE

    # What an application's client calls.

    def execute(self, command: object, call: CallId) -> None:
        """Have a command carried out, once; its result ends the call."""
        self._begin(CommandRequest(self.last_number + 1, command), call)

    def query(self, query: object, call: CallId) -> None:
        """Have a query answered, which changes nothing; its result ends the call."""
        self._begin(QueryRequest(self.last_number + 1, query), call)

    # Operations on the cluster itself.

    @on(ChangeMembers)
    def change_members(self, operation: ChangeMembers, call: CallId) -> None:
        """Ask for other members."""
        self._begin(MembershipRequest(self.last_number + 1, operation.voters), call)

    @on(TransferLeadership)
    def transfer_leadership(self, operation: TransferLeadership, call: CallId) -> None:
        """Ask for another leader."""
        self._begin(TransferRequest(self.last_number + 1, operation.target), call)

    # The request under way.

    def _begin(self, request: Request, call: CallId) -> None:
        if self.request is not None:
            self.finish(call, Failed("this client has an operation under way"))
            return
        self.last_number = request.number
        self.request, self.call, self.asked = request, call, 0
        self.why = "no server answered"
        self._send_to(self.server)

    def _send_to(self, server: NodeId) -> None:
        assert self.request is not None, "there is something to ask"
        self.server, self.redirected = server, False
        self.asked += 1
        self.send(server, self.request)
        self.retry_timer = self.set_timer(self.ask_again_after, AskAgain())

    @on(Answer)
    def answered(self, answer: Answer, sender: NodeId) -> None:
        """A leader carried it out."""
        if self._is_about(answer.number):
            self.server = sender
            self._end(Ok(answer.value))

    @on(NotLeader)
    def not_leader(self, reply: NotLeader, sender: NodeId) -> None:
        """Follow the word of a server that knows the leader, once in each attempt (section 8)."""
        if self._is_about(reply.number) and reply.leader is not None and not self.redirected:
            assert self.request is not None, "a reply is about a request"
            self.server, self.redirected = reply.leader, True
            self.send(reply.leader, self.request)

    @on(Refusal)
    def refused(self, refusal: Refusal, sender: NodeId) -> None:
        """Not now; another attempt may do better. Handing over is tried once, for it costs time.

        A copy of the request may still be on its way, so even then nobody knows for certain.
        """
        if self._is_about(refusal.number):
            self.why = refusal.reason
            if isinstance(self.request, TransferRequest):
                self._end(Unknown(refusal.reason))

    @on(AskAgain)
    def ask_again(self, timer: AskAgain) -> None:
        """Ask the next server, or after the last attempt say what is certainly true."""
        if self.asked < self.attempts:
            following = self.peers.index(self.server) + 1
            self._send_to(self.peers[following % len(self.peers)])
        elif isinstance(self.request, QueryRequest):
            self._end(Failed(self.why))
        else:
            self._end(Unknown(self.why))

    def _is_about(self, number: int) -> bool:
        return self.request is not None and self.request.number == number

    def _end(self, outcome: Outcome) -> None:
        self.request = None
        self.cancel_timer(self.retry_timer)
        self.finish(self.call, outcome)
