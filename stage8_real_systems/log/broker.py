"""A broker: it keeps replicas of partitions, and answers all who ask.

Within it are a server of the controller's Raft (``quorum``) and a node for each replica that it
keeps (``partition``). Beside these the broker has only what waits, and what it coordinates.
"""

from common.contract import CallId, on
from stage8_real_systems.log.coordinating import Coordinating
from stage8_real_systems.log.group_requests import (
    CommitOffsets,
    Coordinator,
    DescribeGroup,
    FetchOffsets,
    FindCoordinator,
    GroupInfo,
    Groups,
    Heartbeat,
    Joined,
    JoinGroup,
    LeaveGroup,
    ListGroups,
    MemberIdRequired,
    Offsets,
    Synced,
    SyncGroup,
)
from stage8_real_systems.log.metadata import NewProducer
from stage8_real_systems.log.partition import Partition
from stage8_real_systems.log.purgatory import Caller
from stage8_real_systems.log.quorum import Quorum
from stage8_real_systems.log.requests import (
    OFFSETS_TOPIC,
    CreateTopic,
    DeleteTopic,
    DescribeCluster,
    Described,
    Done,
    EndOfEpoch,
    EpochEnd,
    Error,
    Fetch,
    Fetched,
    InitProducer,
    ListOffset,
    Offset,
    PartitionInfo,
    Produce,
    Produced,
    ProducerId,
    Refused,
    TopicInfo,
)

OPERATIONS = (
    *(DescribeCluster, CreateTopic, DeleteTopic, InitProducer),
    *(Produce, Fetch, ListOffset, EpochEnd),
    *(FindCoordinator, JoinGroup, SyncGroup, Heartbeat, LeaveGroup, DescribeGroup, ListGroups),
    *(CommitOffsets, FetchOffsets),
)
RESULTS = (
    *(Done, Refused, Described, ProducerId, Produced, Fetched, Offset, EndOfEpoch),
    *(Coordinator, Joined, MemberIdRequired, Synced, GroupInfo, Groups, Offsets),
)


class Broker(Coordinating):
    """A broker of the cluster. Its arguments are those of a
    :class:`~stage8_real_systems.log.desk.Desk`."""

    subnodes = (Quorum, Partition)
    carries = (*OPERATIONS, *RESULTS)

    @on(*OPERATIONS)
    def invoked(self, operation: object, call: CallId) -> None:
        """A front in this process asks, for one of its clients."""
        self.carry_out(operation, call)

    def carry_out(self, operation: object, caller: Caller) -> None:
        """Do what is asked, and tell, at once or later."""
        match operation:
            case Produce():
                self.produce(operation, caller)
            case Fetch():
                self.fetch(operation, caller)
            case ListOffset():
                self.list_offset(operation, caller)
            case EpochEnd():
                self.epoch_end(operation, caller)
            case CommitOffsets():
                self.commit_offsets(operation, caller)
            case FetchOffsets():
                self.fetch_offsets(operation, caller)
            case FindCoordinator():
                self.find_coordinator(operation, caller)
            case ListGroups():
                self.list_groups(caller)
            case InitProducer():
                self.wish(NewProducer(), caller)
            case CreateTopic(name) if name == OFFSETS_TOPIC:
                text = f"{name} is the brokers' own: it is made when the first group is looked for"
                self.tell(caller, Refused(Error.INVALID_TOPIC_EXCEPTION, text))
            case CreateTopic() | DeleteTopic():
                self.wish(operation, caller)
            case DescribeCluster(topics):
                self.tell(caller, self.describe(topics))
            case _:
                self.in_group(operation, caller)

    def describe(self, topics: tuple[str, ...] | None) -> Described:
        """The cluster as this broker knows it; what is decided just now it may not know yet."""
        metadata = self.metadata
        names = sorted(metadata.topics) if topics is None else topics
        return Described(
            self.quorum.leader or "",
            tuple(sorted(metadata.alive)),
            tuple(self.describe_topic(name) for name in names),
        )

    def describe_topic(self, name: str) -> TopicInfo:
        """A topic, or that there is none."""
        topic = self.metadata.topics.get(name)
        if topic is None:
            return TopicInfo(name, Error.UNKNOWN_TOPIC_OR_PARTITION, ())
        partitions = tuple(
            PartitionInfo(index, state.leader, state.epoch, state.replicas, state.isr)
            for index, state in enumerate(topic.partitions)
        )
        return TopicInfo(name, Error.NONE, partitions)

    def replica_moved(self, name: str) -> None:
        """First the coordinator reads what is committed now; then those are told who wait for it,
        for they may ask the coordinator next."""
        if name.rpartition("-")[0] == OFFSETS_TOPIC:
            self.coordinate(name)
        self.look_again(name)
