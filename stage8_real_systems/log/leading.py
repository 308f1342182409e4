"""What a leader does: take batches, let followers copy them, and know what is committed."""

from dataclasses import dataclass

from common.contract import NodeId, on
from stage8_real_systems.log.batches import NOBODY, Batch
from stage8_real_systems.log.messages import (
    FetchLog,
    IsrWanted,
    ItEnds,
    LagCheck,
    LogPart,
    WhereDoesItEnd,
)
from stage8_real_systems.log.replica import Replica
from stage8_real_systems.log.requests import (
    ALL,
    Error,
    Refused,
)

FIRST_PAUSE, LONGEST_PAUSE = 2, 4
"""A part of the log that nobody has confirmed is sent again after so many times ``fetch_again``."""


@dataclass(slots=True)
class Progress:
    """What a leader knows of a follower, in its own epoch.

    Attributes:
        offset: it has everything below; -1 if it has not fetched in this epoch.
        caught_up_at: when it last had everything that was there at that time.
        fetched_at: when it last fetched.
        end_then: where the leader's log ended at that time.
        sent: the offset at which the last part with batches for it begins; -1 for none.
        sent_at: when that was sent, for the last time.
        pause: how long it is taken to be on its way since then.
    """

    offset: int
    caught_up_at: int
    fetched_at: int
    end_then: int
    sent: int = -1
    sent_at: int = 0
    pause: int = 0

    def fetched(self, offset: int, now: int, end: int) -> None:
        """It asks for ``offset``, while the log ends at ``end``.

        It has caught up now if there is nothing more; and if it has all that was there when it
        asked before, it had caught up then, though more was appended since (KIP-16).
        """
        if offset >= end:
            self.caught_up_at = now
        elif offset >= self.end_then:
            self.caught_up_at = self.fetched_at
        self.offset = max(self.offset, offset)
        self.fetched_at, self.end_then = now, end

    def part_sent(self, offset: int, now: int, fetch_again: int) -> None:
        """Batches from ``offset`` on are on their way. If they were before, they may take longer
        than it seemed."""
        times = LONGEST_PAUSE if offset == self.sent else FIRST_PAUSE
        self.pause = times * fetch_again
        self.sent, self.sent_at = offset, now

    def is_on_its_way(self, offset: int, now: int) -> bool:
        """Whether what it asks for is on its way to it, as far as anybody can say.

        A follower asks again when it hears nothing. The part may be lost, or large and slow; and if
        it were sent for each question, a slow network would have the more to carry.
        """
        return offset == self.sent and now - self.sent_at < self.pause


class Leading(Replica):
    """A replica that leads."""

    epoch_start = 0
    """Where the leader's own epoch begins. Below that, others wrote."""

    def begin_to_lead(self) -> None:
        """Nothing is known of followers. All of them have until ``lag_time`` is over to be heard.

        What is in the log stays: all that is committed is in it, since this was an in-sync replica.
        """
        self.progress = {
            each: Progress(-1, self.now, self.now, self.log.end)
            for each in self.state.replicas
            if each != self.id
        }
        self.waiting_fetches: dict[NodeId, FetchLog] = {}
        self.joining: tuple[NodeId, ...] = ()
        self.epoch_start = self.log.end
        self.epochs.note(self.state.epoch, self.log.end)
        self.commit()
        self.check_lag_later()

    # Producers.

    def take(self, batch: Batch, acks: int) -> Batch | Refused:
        """Append a producer's batch, or tell why not.

        A repetition is not appended: the result is the batch that is in the log already, and the
        producer has to wait for that one to be committed like for a new one. It is answered though
        too few replicas are in sync; and a gap is refused as a gap then, too.

        Args:
            batch: not placed yet.
            acks: with ALL, ``min_isr`` replicas have to be in sync.

        Returns:
            Where it is now; it need not be committed.
        """
        if not self.leads:
            return Refused(Error.NOT_LEADER_OR_FOLLOWER)
        if batch.producer != NOBODY:
            if repeated := self.producers.repeated(batch):
                return repeated
            if error := self.producers.refusal(batch, is_forgetful=self.log.start > 0):
                return Refused(error, f"producer {batch.producer}, sequence {batch.sequence}")
        if acks == ALL and len(self.state.isr) < self.min_isr:
            return Refused(Error.NOT_ENOUGH_REPLICAS, f"in sync: {', '.join(self.state.isr)}")
        placed = batch.placed(self.log.end, self.state.epoch)
        self.append(placed)
        self.commit()
        self.serve_followers()
        return placed

    # Followers.

    @on(WhereDoesItEnd)
    def epoch_end_wanted(self, question: WhereDoesItEnd, sender: NodeId) -> None:
        """Tell a follower where an epoch ends here (KIP-101), and which epoch that is (KIP-279)."""
        if self.leads and question.leader_epoch == self.state.epoch:
            epoch, end = self.epochs.end_of(question.epoch, self.log.end)
            self.send(sender, ItEnds(self.state.epoch, question.epoch, epoch, end))

    @on(FetchLog)
    def fetch_received(self, request: FetchLog, sender: NodeId) -> None:
        """A fetch says two things: what the follower has by now, and what it wants.

        So it may advance the high watermark, and bring the follower back into sync. It is answered
        when there is something that the follower does not know.
        """
        if not self.leads or request.leader_epoch != self.state.epoch:
            return
        if sender not in self.progress:
            return
        self.progress[sender].fetched(request.offset, self.now, self.log.end)
        self.waiting_fetches[sender] = request
        self.commit()
        self.let_join(sender)
        self.serve_followers()

    def serve_followers(self) -> None:
        """Answer the fetches for which there is something to tell by now, once each.

        While what a follower asks for :meth:`Progress.is_on_its_way`, its question waits; the
        questions of others do not. A part with batches is noted (:meth:`Progress.part_sent`).
        """
        for follower, request in list(self.waiting_fetches.items()):
            progress = self.progress[follower]
            has_news = request.offset < self.log.end
            if progress.is_on_its_way(request.offset, self.now):
                continue
            if has_news or request.high_watermark < self.high_watermark:
                del self.waiting_fetches[follower]
                part = self.part_for(request.offset)
                if part.batches:
                    progress.part_sent(request.offset, self.now, self.fetch_again)
                self.send(follower, part)

    def part_for(self, offset: int) -> LogPart:
        """What comes at an offset."""
        batches: tuple[Batch, ...] = ()
        if offset >= self.log.start:
            batches = self.log.read(offset, self.fetch_bytes, self.log.end)
        return LogPart(self.state.epoch, offset, batches, self.high_watermark, self.log.start)

    # What is committed.

    def commit(self) -> None:
        """Advance the high watermark to what all in-sync replicas have.

        Replicas that this leader has asked the controller to take in count already: the controller
        may have taken them in, and then one of them may lead next (KIP-497). Those that it has
        asked to put out still count, for the same reason.
        """
        has_to_have = {*self.state.isr, *self.joining} - {self.id}
        ends = [self.progress[each].offset for each in has_to_have]
        self.advance_to(min([self.log.end, *ends]))

    # Who is in sync.

    def isr_changed(self) -> None:
        """The controller has decided on a wish of this leader, or has fenced a broker: no wish is
        under way that could still take somebody in."""
        self.joining = ()
        self.commit()
        self.serve_followers()

    def let_join(self, follower: NodeId) -> None:
        """Ask for a follower to be in sync again, once it has all that is committed, and all that
        was there when this epoch began.

        One after the other: as long as the controller may have taken in the one in ``joining``,
        that one counts, and no other is asked for.
        """
        has = self.progress[follower].offset
        is_out = follower not in self.state.isr and not self.joining
        if is_out and has >= max(self.high_watermark, self.epoch_start):
            self.joining = (follower,)
            self.want((*self.state.isr, follower))

    @on(LagCheck)
    def lag_checked(self, timer: LagCheck) -> None:
        """Ask for those to be put out of sync that have lagged behind for too long.

        They count until the controller has said so. A leader that did not count them before that
        could acknowledge records that it alone has; if it died, one of them would lead.
        """
        late = self.now - self.lag_time
        staying = tuple(
            each
            for each in self.state.isr
            if each == self.id
            or self.progress[each].offset >= self.log.end
            or self.progress[each].caught_up_at >= late
        )
        if staying != self.state.isr:
            self.want(staying)
        self.check_lag_later()

    def check_lag_later(self) -> None:
        """See who lags behind, some time later."""
        self.timer = self.set_timer(self.lag_time // 2, LagCheck())

    def want(self, isr: tuple[NodeId, ...]) -> None:
        """Ask the controller for other in-sync replicas."""
        self.deliver(IsrWanted(isr, self.state.epoch, self.state.version))
