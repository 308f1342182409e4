"""The lab ``log``, as its suite sees it."""

from typing import TYPE_CHECKING

from common.course.suites.under_test import LabUnderTest

if TYPE_CHECKING:
    from stage8_real_systems.log import batches, compaction, epochs, segments
    from stage8_real_systems.log import coordinator as coordinating


class LogLab(LabUnderTest):
    """What the suite uses of the lab; the names come from the implementation under test."""

    if TYPE_CHECKING:
        from stage8_real_systems.log import coordinator, group_requests, quorum
        from stage8_real_systems.log.alone import (
            Append,
            Appoint,
            Contents,
            FenceBroker,
            IsrWish,
            LoneController,
            LoneReplica,
        )
        from stage8_real_systems.log.batches import Batch, Record
        from stage8_real_systems.log.broker import Broker
        from stage8_real_systems.log.client import LogClient, Read, Send
        from stage8_real_systems.log.epochs import Epochs
        from stage8_real_systems.log.group_client import Consume, Consumed, GroupClient, Positions
        from stage8_real_systems.log.group_requests import (
            Assignment,
            CommitOffsets,
            Committed,
            FetchOffsets,
            FindCoordinator,
            Heartbeat,
            Joined,
            JoinGroup,
            LeaveGroup,
            MemberIdRequired,
            Offsets,
            Synced,
            SyncGroup,
        )
        from stage8_real_systems.log.groups import Group
        from stage8_real_systems.log.leading import Progress
        from stage8_real_systems.log.messages import (
            FetchLog,
            ItEnds,
            LogPart,
            PartitionState,
            WhereDoesItEnd,
        )
        from stage8_real_systems.log.metadata import (
            AlterIsr,
            Fence,
            Metadata,
            NewProducer,
            Register,
        )
        from stage8_real_systems.log.producers import Producers
        from stage8_real_systems.log.quorum import Beat, Quorum
        from stage8_real_systems.log.requests import (
            CreateTopic,
            DeleteTopic,
            DescribeCluster,
            Done,
            Error,
            Fetch,
            FetchPart,
            ListOffset,
            Produce,
            Produced,
            Refused,
        )
        from stage8_real_systems.log.segments import CorruptLog, MemoryFile, Segment
        from stage8_real_systems.log.storage import Log

        batch_of = staticmethod(batches.batch_of)
        commit_batch = staticmethod(coordinating.commit_batch)
        compact = staticmethod(compaction.compact)
        framed = staticmethod(segments.framed)
        latest_offsets = staticmethod(compaction.latest_offsets)
        pack = staticmethod(batches.pack)
        size_of = staticmethod(segments.size_of)
        unpack = staticmethod(batches.unpack)
        where_to_cut = staticmethod(epochs.where_to_cut)
        without_void = staticmethod(compaction.without_void)
