"""Raft without the rule that Figure 8 of the paper is about. Do not build on it."""

from stage4_consensus.raft.messages import Role
from stage4_consensus.raft.registers import RaftRegisters


class CommitsOldTerms(RaftRegisters):
    """A leader that commits what a majority stores, of any term (section 5.4.2).

    It counts by itself, for a cluster whose members do not change. So it shows the mistake, and is
    no copy of the right rule.
    """

    def advance_commit_index(self) -> None:
        if self.role is Role.LEADER:
            followers = self.followers.progress.values()
            ends = [self.stored_here(), *(each.match_index for each in followers)]
            self._commit_to(sorted(ends)[(len(ends) - 1) // 2])
