"""What a follower does: make its log agree with the leader's, and then copy what is new."""

from common.contract import NodeId, on
from stage8_real_systems.log.epochs import NO_EPOCH, where_to_cut
from stage8_real_systems.log.messages import FetchDue, FetchLog, ItEnds, LogPart, WhereDoesItEnd
from stage8_real_systems.log.replica import Replica


class Following(Replica):
    """A replica that follows."""

    asking: int | None = None
    """The epoch whose end in the leader's log it asks for; None once the two logs agree."""

    def begin_to_follow(self) -> None:
        """Before it fetches, a follower cuts off what the new leader does not have (part 5).

        It asks where the last epoch in its log ends in the leader's; with an empty log there is
        nothing to ask. It never goes by its high watermark. An epoch in which it led and appended
        nothing is not in its log.
        """
        self.epochs.truncate(self.log.end)
        self.asking = self.epochs.latest if self.log.end > self.log.start else None
        self.ask_leader()

    def ask_leader(self) -> None:
        """Ask what is to be asked now, and ask again if no answer comes."""
        epoch = self.state.epoch
        if self.asking is not None:
            self.send(self.state.leader, WhereDoesItEnd(epoch, self.asking))
        else:
            self.send(self.state.leader, FetchLog(epoch, self.log.end, self.high_watermark))
        self.cancel_timer(self.timer)
        self.timer = self.set_timer(self.fetch_again, FetchDue(epoch))

    @on(FetchDue)
    def fetch_due(self, timer: FetchDue) -> None:
        """The question or the answer was lost, or there was nothing to tell."""
        if self.follows(timer.leader_epoch):
            self.ask_leader()

    def follows(self, epoch: int) -> bool:
        """Whether it follows in this epoch."""
        return epoch == self.state.epoch and bool(self.state.leader) and not self.leads

    @on(ItEnds)
    def epoch_end_told(self, answer: ItEnds, sender: NodeId) -> None:
        """Cut the log where it parts from the leader's, or ask for the next lower epoch."""
        if not self.follows(answer.leader_epoch) or answer.asked != self.asking:
            return
        offset, ask_next = where_to_cut(self.epochs, self.log.end, answer.epoch, answer.end_offset)
        self.truncate(offset)
        self.asking = None if ask_next == NO_EPOCH else ask_next
        self.ask_leader()

    @on(LogPart)
    def log_part_received(self, part: LogPart, sender: NodeId) -> None:
        """Append what comes next, and ask for more; an answer to an older question says nothing.

        The high watermark that the leader tells may be beyond this log's end: what is not here yet
        is not this replica's to call committed.
        """
        if not self.follows(part.leader_epoch) or self.asking is not None:
            return
        if part.offset != self.log.end:
            return
        if part.log_start > self.log.end:
            self.begin_at(part.log_start)
        for batch in part.batches:
            self.append(batch)
        self.advance_to(min(part.high_watermark, self.log.end))
        self.ask_leader()
