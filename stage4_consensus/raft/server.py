"""A whole Raft server: all parts joined. What each part needs of another is named in ``core``."""

from stage4_consensus.raft.compaction import Compaction
from stage4_consensus.raft.election import Election
from stage4_consensus.raft.membership import Membership
from stage4_consensus.raft.persistence import Persistence
from stage4_consensus.raft.reads import Reads
from stage4_consensus.raft.replication import Replication
from stage4_consensus.raft.service import Service
from stage4_consensus.raft.transfer import Transfer


class Raft(Election, Replication, Persistence, Compaction, Membership, Reads, Transfer, Service):
    """A Raft server; a subclass says which application is replicated (``new_application``)."""
