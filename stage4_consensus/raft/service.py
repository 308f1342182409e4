"""Commands of clients, and applying what is committed (sections 5.3 and 8).

The log replicates numbered commands; :class:`common.contract.AtMostOnce` applies each once, however
often it is in the log. So a leader may append a repeated command; but while the first copy is on
its way it need not, and a leader that did would have the more to do the slower it is.
"""

from common.contract import NodeId, Numbered, on
from stage4_consensus.raft.messages import Role
from stage4_consensus.raft.persistence import Persistence
from stage4_consensus.raft.requests import Answer, CommandRequest, NotLeader, Refusal


class Service(Persistence):
    """What clients see of a server."""

    @on(CommandRequest)
    def command_requested(self, request: CommandRequest, sender: NodeId) -> None:
        """Append the command to the log; it is answered once it is applied (5.3)."""
        is_under_way = (sender, request.number) in self.waiting
        if not is_under_way and self.takes_requests(sender, request.number):
            self.waiting.add(self.log.last_index + 1, sender, request.number)
            self.propose(Numbered(sender, request.number, request.command))

    def takes_requests(self, client: NodeId, number: int) -> bool:
        """A leader takes requests, unless it is about to hand over; others name the leader (8)."""
        if self.role is not Role.LEADER:
            self.send(client, NotLeader(number, self.leader))
            return False
        if self.hand_over is not None:
            self.send(client, Refusal(number, f"{self.hand_over.target} is taking over"))
            return False
        return True

    def apply_committed(self) -> None:
        """If commitIndex > lastApplied: apply log[lastApplied], again and again (Figure 2)."""
        while self.last_applied < self.commit_index:
            self.last_applied += 1
            command = self.log.entry(self.last_applied).command
            if isinstance(command, Numbered):
                result = self.machine.apply(command)
                if asked := self.waiting.take(self.last_applied):
                    client, number = asked
                    self.send(client, Answer(number, result))
