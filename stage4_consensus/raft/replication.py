"""Part 2, replication: the leader's log becomes everybody's (sections 5.3 and 5.4.2).

The leader finds out where a follower's log parts from its own by *probing*, one message at a time;
the answers let it skip whole terms (the optimization at the end of 5.3). From then on it sends
without waiting (*pipelining*), and what comes in while ``max_in_flight`` messages are unanswered
goes out together (*batching*). No more than ``max_bytes_in_flight`` bytes are under way to one
follower, for a heartbeat waits behind all of them. Each entry is sent once; only if a heartbeat
finds a gap does the leader probe again. So nothing here needs a timer beside the heartbeat's.
"""

from common.contract import NodeId, on
from stage4_consensus.raft.followers import Progress
from stage4_consensus.raft.messages import (
    AppendEntries,
    AppendEntriesReply,
    Configuration,
    Entry,
    HeartbeatDue,
    NoOp,
    Role,
)
from stage4_consensus.raft.persistence import Persistence


class Replication(Persistence):
    """AppendEntries on both sides, and the commit index."""

    # The leader sends.

    def begin_replication(self) -> None:
        """Commit a no-op, so that all before it is known to be committed (sections 5.4.2, 8)."""
        self.adjust_followers()
        self.heartbeat_timer = self.set_timer(self.heartbeat_every, HeartbeatDue())
        self.first_index_of_term = self.propose(NoOp())

    def propose(self, command: object) -> int:
        """Append the command to the own log, then send it to everybody (5.3)."""
        index = self.append_own(Entry(self.current_term, command))
        if isinstance(command, Configuration):
            self.adjust_followers()
        for follower in self.followers.progress:
            self.replicate_to(follower)
        self.advance_commit_index()  # a cluster of one is its own quorum
        return index

    def append_own(self, entry: Entry) -> int:
        """Append an entry of this leader's own; returns its index."""
        return self.append(entry)

    @on(HeartbeatDue)
    def heartbeat_due(self, timer: HeartbeatDue) -> None:
        """Be heard by everybody during idle periods, to prevent election timeouts (5.2).

        A piece of a snapshot that was not confirmed since the last heartbeat is sent once more.
        """
        self.heartbeat_timer = self.set_timer(self.heartbeat_every, HeartbeatDue())
        waiting = self.followers.getting_snapshots()
        self.start_round()
        for follower in waiting:
            self.send_snapshot_to(follower)

    def start_round(self) -> None:
        """Send everybody an empty AppendEntries, which must be answered.

        It asks for the entry before the next one to send. A refusal tells that something before
        that was lost; a success also ends a probe whose own answer was lost.
        """
        self.rounds.begin(self.now)
        for follower, progress in self.followers.progress.items():
            if progress.next_index <= self.log.snapshot_index:
                self.replicate_to(follower)  # a snapshot, unless it is on its way already
            elif progress.sending is None:
                self._send_append(follower, progress.next_index, ())

    def replicate_to(self, follower: NodeId) -> None:
        """Send the entries from ``next_index`` on, as many messages as may be under way (5.3), and
        none while it :meth:`has_enough` bytes under way.

        A follower that needs entries that are compacted away gets the snapshot. One that is getting
        a snapshot gets nothing else.
        """
        progress = self.followers.progress[follower]
        if progress.sending is not None:
            return
        if progress.next_index <= self.log.snapshot_index:
            self.send_snapshot_to(follower)
            return
        while progress.may_send(self.log.last_index, self.max_in_flight):
            if self.has_enough(progress):
                return
            first = progress.next_index
            entries = self.log.entries_from(first, self.max_entries, self.max_bytes)
            self._send_append(follower, first, entries)
            progress.record_sent(len(entries))

    def has_enough(self, progress: Progress) -> bool:
        """Whether so many bytes are under way to a follower that more have to wait for its answer.

        One message may always be: an entry may be larger than the bound.
        """
        log, sent = self.log, progress.next_index - 1
        size = log.bytes_up_to(sent) - log.bytes_up_to(progress.match_index)
        return bool(progress.in_flight) and size >= self.max_bytes_in_flight

    def _send_append(self, follower: NodeId, next_index: int, entries: tuple[Entry, ...]) -> None:
        previous = next_index - 1
        self.send(
            follower,
            AppendEntries(
                self.current_term,
                previous,
                self.log.term_at(previous),
                entries,
                self.commit_index,
                self.rounds.latest,
            ),
        )

    # A follower receives.

    @on(AppendEntries)
    def append_entries_received(self, request: AppendEntries, sender: NodeId) -> None:
        """Take the entries if the log holds the one before them (Figure 2, AppendEntries)."""
        if request.term >= self.current_term:
            self.follow(request.term, sender)
        previous = request.prev_log_index
        agrees = self.log.matches(previous, request.prev_log_term)
        if request.term < self.current_term or not agrees:
            self._refuse(request, sender)
            return
        self._store(previous, request.entries)
        last_new = previous + len(request.entries)
        self.send(
            sender,
            AppendEntriesReply(self.current_term, request.round, True, previous, last_new),
        )
        if request.leader_commit > self.commit_index:
            self._commit_to(min(request.leader_commit, last_new))

    def _store(self, previous: int, entries: tuple[Entry, ...]) -> None:
        """Append what is new; an entry that conflicts with a new one goes, and all after it.

        An entry that is there already stays, and so does what follows it: the message may be an
        old one, and the log longer by now.
        """
        for index, entry in enumerate(entries, previous + 1):
            if index <= self.log.snapshot_index:
                continue
            if index <= self.log.last_index:
                if self.log.term_at(index) == entry.term:
                    continue
                self.truncate_from(index)
            self.append(entry)

    def _refuse(self, request: AppendEntries, sender: NodeId) -> None:
        """Say no, and where the logs may agree: before the term that conflicts (5.3)."""
        previous = request.prev_log_index
        conflict_term, conflict_index = 0, self.log.last_index + 1
        if self.log.snapshot_index < previous <= self.log.last_index:
            conflict_term = self.log.term_at(previous)
            conflict_index = self.log.first_index_of_term_at(previous)
        reply = AppendEntriesReply(
            self.current_term, request.round, False, previous, 0, conflict_term, conflict_index
        )
        self.send(sender, reply)

    # The leader learns.

    @on(AppendEntriesReply)
    def append_entries_replied(self, reply: AppendEntriesReply, sender: NodeId) -> None:
        """Note how far the follower's log agrees, or look further back (5.3)."""
        progress = self.heard_from(sender, reply.term, reply.round)
        if progress is None:
            return
        if reply.success:
            self.caught_up_to(sender, reply.match_index)
        else:
            self._look_further_back(sender, progress, reply)
        self.serve_reads()

    def caught_up_to(self, follower: NodeId, index: int) -> None:
        """Update next_index and match_index; commit, and send on (5.3)."""
        self.followers.progress[follower].record_match(index)
        self.advance_commit_index()
        if follower in self.followers.progress:  # unless it was removed, or this server, just now
            self.replicate_to(follower)

    def _look_further_back(
        self, follower: NodeId, progress: Progress, reply: AppendEntriesReply
    ) -> None:
        """Let next_index skip all entries of the conflicting term at once (5.3).

        If the leader has entries of that term, the logs may agree up to its last one; if not, none
        of that term can agree.
        """
        refused = reply.prev_log_index
        if progress.is_refusal_old(refused):
            return
        next_index = reply.conflict_index
        if reply.conflict_term:
            own_last = self.log.last_index_of_term(reply.conflict_term, refused)
            next_index = own_last + 1 if own_last else next_index
        progress.probe_from(min(next_index, refused))
        self.replicate_to(follower)

    # Commitment.

    def advance_commit_index(self) -> None:
        """Commit what a quorum stores, if it is of the current term (5.3, 5.4.2).

        An entry of an earlier term that a quorum stores may still be overwritten (Figure 8); it
        is committed together with the first one of this term.
        """
        if self.role is not Role.LEADER or self.commit_index == self.log.last_index:
            return
        index = self.followers.stored_by_quorum(self.configuration, self.stored_here())
        if index > self.commit_index and self.log.term_at(index) == self.current_term:
            self._commit_to(index)

    def stored_here(self) -> int:
        """Up to where this disk has the log, as far as anybody else can see (see ``core``)."""
        return self.log.last_index

    def _commit_to(self, index: int) -> None:
        assert index <= self.log.last_index, "what is committed is in the log"
        if index > self.commit_index:
            self.commit_index = index
            self.apply_committed()
