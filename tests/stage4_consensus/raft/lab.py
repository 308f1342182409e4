"""The lab ``raft``, as its suite sees it."""

from typing import TYPE_CHECKING

from common.course.suites.under_test import LabUnderTest

if TYPE_CHECKING:
    from stage4_consensus.raft import pieces


class RaftLab(LabUnderTest):
    """What the suite uses of the lab; the names come from the implementation under test."""

    if TYPE_CHECKING:
        from common.contract import CommandBatch, Numbered
        from common.contract.registers import Append, Get, Put
        from stage4_consensus.raft.client import ChangeMembers, TransferLeadership
        from stage4_consensus.raft.messages import (
            AppendEntries,
            AppendEntriesReply,
            Configuration,
            ElectionTimeout,
            Entry,
            HeartbeatDue,
            InstallSnapshot,
            InstallSnapshotReply,
            NoOp,
            QuorumCheck,
            RequestPreVote,
            RequestPreVoteReply,
            RequestVote,
            RequestVoteReply,
            TimeoutNow,
            TransferTimeout,
        )
        from stage4_consensus.raft.parallel_writes import WriteDue
        from stage4_consensus.raft.registers import RaftRegisters, RegistersClient
        from stage4_consensus.raft.requests import (
            Answer,
            CommandRequest,
            MembershipRequest,
            NotLeader,
            QueryRequest,
            Refusal,
            TransferRequest,
        )

        flatten = staticmethod(pieces.flatten)
