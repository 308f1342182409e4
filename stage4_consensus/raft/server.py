"""A whole Raft server: the parts joined, and what follows in one from what happens in another."""

from common.contract import NodeId
from stage4_consensus.raft.compaction import Compaction
from stage4_consensus.raft.election import Election
from stage4_consensus.raft.membership import Membership
from stage4_consensus.raft.reads import Reads
from stage4_consensus.raft.replication import Replication
from stage4_consensus.raft.service import Service
from stage4_consensus.raft.transfer import Transfer


class Raft(Election, Replication, Compaction, Membership, Reads, Transfer, Service):
    """A Raft server; a subclass says which application is replicated (``new_application``)."""

    def on_start(self) -> None:
        """Servers start up as followers (section 5.2), with what earlier lives saved."""
        self.restore()
        self.start_following()

    def caught_up_to(self, follower: NodeId, index: int) -> None:
        """A follower has the log up to ``index``: commit, and send on. Then a change of members may
        have waited for this follower to learn, and a transfer for it to have everything."""
        super().caught_up_to(follower, index)
        if self.change is not None:
            self.learner_caught_up()
        self.continue_transfer()

    def apply_committed(self) -> None:
        """More is committed: apply it, and answer the clients. Then the log may be long enough for
        a snapshot, a change of members may take its next step, and queries may be answered."""
        super().apply_committed()
        self.compact_if_long()
        self.continue_change()
        self.serve_reads()
