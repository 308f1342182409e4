"""Raft without the rule that Figure 8 of the paper is about. Do not build on it."""

from stage4_consensus.raft.configuration import agreed
from stage4_consensus.raft.messages import Role
from stage4_consensus.raft.registers import RaftRegisters


class CommitsOldTerms(RaftRegisters):
    """A leader that commits whatever a majority stores, of whichever term it is (section 5.4.2)."""

    def advance_commit_index(self) -> None:
        if self.role is not Role.LEADER:
            return
        stored = {id: progress.match_index for id, progress in self.progress.items()}
        stored[self.id] = self.stored_here()
        self._commit_to(agreed(self.configuration, stored))
