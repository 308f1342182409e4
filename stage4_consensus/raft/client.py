"""A client of a Raft cluster: finds the leader, repeats what is not answered, tells the truth.

Section 8. A request that was not answered may have been carried out, or may still be. So the client
repeats it under the same number, to another server each time, and the servers carry out a number
once. Numbers, attempts and waiting are those of every client (:class:`~common.contract.Asker`).
Here is what is Raft's own: a server that does not lead may know who does. It ends an operation with

* Ok: some leader answered;
* Failed: it had no effect and never will, which a client can know of a query only, or of what it
  never sent;
* Unknown: no answer in all attempts. The next operation's number is greater, so once that one is
  applied, this one never will be.
"""

from collections.abc import Mapping

from common.contract import Asker, CallId, NodeId, on, operation
from common.values.history import Ok, Unknown
from stage4_consensus.raft.requests import (
    Answer,
    CommandRequest,
    MembershipRequest,
    NotLeader,
    QueryRequest,
    Refusal,
    TransferRequest,
)


@operation
class ChangeMembers:
    """Let ``voters`` be the members of the cluster. Ends with Ok(voters)."""

    voters: tuple[NodeId, ...]


@operation
class TransferLeadership:
    """Let ``target`` lead. Ends with Ok(target) once it does."""

    target: NodeId


class RaftClient(Asker):
    """What clients of any application on Raft have in common.

    The arguments are those of :class:`~common.contract.Asker`. The servers know the client's
    session by its name. Redirects are followed once in each attempt.
    """

    def status(self) -> Mapping[str, object]:
        """Which server it asks, and what it waits for."""
        waiting = [type(asked.request).__name__ for asked in self.under_way.values()]
        return {"server": self.server, "waiting": ", ".join(waiting)}

    # What an application's client calls.

    def execute(self, command: object, call: CallId) -> None:
        """Have a command carried out, once; its result ends the call."""
        self.ask(CommandRequest(self.new_number(), command), call)

    def query(self, query: object, call: CallId) -> None:
        """Have a query answered, which changes nothing; its result ends the call."""
        self.ask(QueryRequest(self.new_number(), query), call, question=True)

    # Operations on the cluster itself.

    @on(ChangeMembers)
    def change_members(self, operation: ChangeMembers, call: CallId) -> None:
        """Ask for other members."""
        self.ask(MembershipRequest(self.new_number(), operation.voters), call)

    @on(TransferLeadership)
    def transfer_leadership(self, operation: TransferLeadership, call: CallId) -> None:
        """Ask for another leader."""
        self.ask(TransferRequest(self.new_number(), operation.target), call)

    # What servers say.

    @on(Answer)
    def answered(self, answer: Answer, sender: NodeId) -> None:
        """A leader carried it out."""
        self.end(answer.number, Ok(answer.value), sender)

    @on(NotLeader)
    def not_leader(self, reply: NotLeader, sender: NodeId) -> None:
        """Follow the word of a server that knows the leader (section 8)."""
        if reply.leader is not None:
            self.redirect(reply.number, reply.leader)

    @on(Refusal)
    def refused(self, refusal: Refusal, sender: NodeId) -> None:
        """Not now; another attempt may do better. Handing over is tried once, for it costs time.

        A copy of the request may still be on its way, so even then nobody knows for certain.
        """
        asked = self.under_way.get(refusal.number)
        if asked is not None and isinstance(asked.request, TransferRequest):
            self.end(refusal.number, Unknown(refusal.reason))
        else:
            self.not_now(refusal.number, refusal.reason)
