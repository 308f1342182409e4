"""The leader writes to its disk while its followers write to theirs (thesis, section 10.2.1).

A leader need not have an entry on its own disk before it sends it: the entry is committed as soon
as *some* majority has it. What a step saves is durable before what the step sends leaves, so the
two are two steps here: one sends, and the next, by a timer of no time at all, saves. One flush less
stands between a client and its answer, and commands that come in together share one.

Safety. The leader counts itself only for what it has saved. If it crashes in between, others may
hold entries of its term that it has lost. It comes back as a follower, in a term in which it has
voted for itself. So nobody else ever appends entries of that term, and it does not either. When it
is deposed it saves the rest at once, before it answers anybody as a follower.
"""

from common.contract import on, timer
from stage4_consensus.raft.messages import Entry, Role
from stage4_consensus.raft.server import Raft


@timer
class WriteDue:
    """It is time for the leader to save what it has sent."""


class ParallelWrites(Raft):
    """A Raft server that as a leader sends first and saves meanwhile."""

    saved_index = 0
    """Up to where a leader has saved its log."""
    write_is_due = False
    """Whether a timer will bring the next save."""

    def begin_replication(self) -> None:
        """As a follower it has saved everything."""
        self.saved_index = self.log.last_index
        super().begin_replication()

    def append_own(self, entry: Entry) -> int:
        """Append in memory, so that it is sent at once; save it in a step of its own."""
        if not self.write_is_due:
            self.write_is_due = True
            self.set_timer(0, WriteDue())
        return self.append_in_memory(entry)

    @on(WriteDue)
    def write_due(self, timer: WriteDue) -> None:
        """Save what was appended since; from now on it counts."""
        self.write_is_due = False
        if self.role is Role.LEADER:
            self._save_the_rest()
            self.advance_commit_index()

    def stored_here(self) -> int:
        """What was sent and is not saved yet does not count."""
        return self.saved_index

    def end_leadership(self) -> None:
        """Save the rest: a follower answers for all of its log."""
        self._save_the_rest()
        super().end_leadership()

    def _save_the_rest(self) -> None:
        first = max(self.saved_index, self.log.snapshot_index) + 1
        for index in range(first, self.log.last_index + 1):
            self.save(("log", index), self.log.entry(index))
        self.saved_index = self.log.last_index
