"""Leadership transfer: the leader hands over to a server of one's choice (thesis, section 3.10).

The leader takes no more requests, brings the target's log up to its own, and asks it to begin an
election at once, as if its election timer had fired. The target is as up-to-date as any, so it most
likely wins. If nothing has come of it after an election timeout, the leader goes on as before.
"""

from common.contract import NodeId, on
from stage4_consensus.raft.messages import TimeoutNow, TransferTimeout
from stage4_consensus.raft.persistence import Persistence
from stage4_consensus.raft.requests import Answer, Refusal, TransferRequest
from stage4_consensus.raft.under_way import HandOver


class Transfer(Persistence):
    """Handing over."""

    @on(TransferRequest)
    def transfer_requested(self, request: TransferRequest, sender: NodeId) -> None:
        """Begin to hand over. The client asks again, and hears from the target that it leads."""
        asked = HandOver(sender, request.number, request.target)
        if asked == self.hand_over or not self.takes_requests(sender, request.number):
            return
        if request.target == self.id:
            self.send(sender, Answer(request.number, self.id))
        elif request.target not in self.configuration.voters:
            self.send(sender, Refusal(request.number, f"{request.target} is no member"))
        else:
            self.hand_over = asked
            self.transfer_timer = self.set_timer(self.election_timeout[0], TransferTimeout())
            self.continue_transfer()

    def continue_transfer(self) -> None:
        """Once the target has all of the log, let it begin. It may hear so more than once."""
        if self.hand_over is None:
            return
        target = self.hand_over.target
        if self.followers.all_have(self.log.last_index, [target]):
            self.rounds.end_lease()
            self.send(target, TimeoutNow(self.current_term))

    @on(TransferTimeout)
    def transfer_timed_out(self, timer: TransferTimeout) -> None:
        """The target did not take over: take requests again."""
        assert self.hand_over is not None, "the timer goes with the transfer"
        asked, self.hand_over = self.hand_over, None
        self.transfer_failed(asked)

    def transfer_failed(self, asked: HandOver) -> None:
        """Tell the client that asked for it."""
        self.send(asked.client, Refusal(asked.number, f"{asked.target} did not take over"))
