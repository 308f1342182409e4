"""What members of groups ask of the broker that coordinates them."""

from typing import Any
from zlib import crc32

from common.contract import NodeId, on, timer
from common.values.units import MS
from stage8_real_systems.log.coordinator import Coordinator, commit_batch
from stage8_real_systems.log.group_requests import (
    CommitOffsets,
    DescribeGroup,
    FetchOffsets,
    FindCoordinator,
    Groups,
    Heartbeat,
    JoinGroup,
    LeaveGroup,
    Offsets,
    SyncGroup,
)
from stage8_real_systems.log.group_requests import Coordinator as CoordinatorIs
from stage8_real_systems.log.groups import Group
from stage8_real_systems.log.purgatory import Caller, Waiting
from stage8_real_systems.log.requests import (
    ALL,
    OFFSETS_TOPIC,
    CreateTopic,
    Done,
    Error,
    Refused,
)
from stage8_real_systems.log.segments import size_of
from stage8_real_systems.log.serving import MOST_BATCH_BYTES, Serving, refusal_of

EXPIRE_EVERY = 50 * MS
"""How often a coordinator looks for members that are silent, and for rounds that take too long."""
COMMIT_WITHIN = 5000 * MS
"""How long a commit may take."""
MOST_CLIENT_ID = 255
"""Characters of what a client calls itself that go into the id of its member."""


@timer
class ExpireDue:
    """It is time to look at the groups."""


class Coordinating(Serving):
    """A broker, as members of groups see it."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...], **config: Any) -> None:
        super().__init__(id, peers, **config)
        self.coordinators: dict[str, Coordinator] = {}
        """By the name of the replica whose log they read; only where this broker leads."""
        self.expires = False
        """Whether a timer will bring the next look at the groups."""

    # Which groups are this broker's?

    def partition_of(self, group: str) -> int:
        """The partition of the offsets topic that a group belongs to."""
        return crc32(group.encode()) % self.offsets_partitions

    def find_coordinator(self, request: FindCoordinator, caller: Caller) -> None:
        """Tell who leads the group's partition; the first one who asks has the topic made.

        As long as there are too few brokers for its replicas, there is no coordinator.
        """
        if OFFSETS_TOPIC not in self.metadata.topics:
            self.last_token += 1  # nobody waits for it
            topic = CreateTopic(OFFSETS_TOPIC, self.offsets_partitions, compacted=True)
            self.quorum.wish(self.last_token, topic)
        state = self.metadata.find(OFFSETS_TOPIC, self.partition_of(request.group))
        if state is None or not state.leader:
            self.tell(caller, Refused(Error.COORDINATOR_NOT_AVAILABLE))
        else:
            self.tell(caller, CoordinatorIs(state.leader))

    def coordinate(self, name: str) -> None:
        """A replica of the offsets topic has changed: begin, go on, or end to coordinate by it."""
        replica, present = self.replicas.get(name), self.coordinators.get(name)
        epoch = replica.state.epoch if replica is not None and replica.leads else None
        if present is not None and present.epoch != epoch:
            for group in self.coordinators.pop(name).groups.values():
                group.disband(Error.NOT_COORDINATOR)
                self.tell_endings(group)
            present = None
        if replica is None or epoch is None:
            return
        if present is None:
            present = Coordinator(epoch, replica.epoch_start)
            self.coordinators[name] = present
        while present.read_to < replica.high_watermark:
            most = replica.fetch_bytes
            present.read(replica.log.read(present.read_to, most, replica.high_watermark))

    def coordinator_of(self, group: str) -> Coordinator | Refused:
        """The coordinator of a group, if that is this broker and it knows enough."""
        name, _ = self.find(OFFSETS_TOPIC, self.partition_of(group))
        present = self.coordinators.get(name)
        if present is None:
            return Refused(Error.NOT_COORDINATOR)
        if not present.is_loaded:
            return Refused(Error.COORDINATOR_LOAD_IN_PROGRESS)
        return present

    # Members.

    def in_group(self, request: Any, caller: Caller) -> None:
        """Let a group hear what one who is, or wants to be, a member asks."""
        present = self.coordinator_of(request.group)
        if isinstance(present, Refused):
            self.tell(caller, present)
            return
        if not request.group:
            self.tell(caller, Refused(Error.INVALID_GROUP_ID, "a group has a name"))
            return
        group = present.group(request.group)
        match request:
            case JoinGroup():
                client_id = request.client_id[:MOST_CLIENT_ID]
                new_id = f"{client_id}-{self.random.randrange(2**64):016x}"
                group.join(request, caller, new_id, self.now)
            case SyncGroup():
                group.sync(request, caller, self.now)
            case Heartbeat():
                self.tell(caller, group.heartbeat(request, self.now))
            case LeaveGroup():
                self.tell(caller, group.leave(request, self.now))
            case DescribeGroup():
                self.tell(caller, group.info())
        self.tell_endings(group)
        present.forget_if_empty(group)
        self.expire_later()

    def tell_endings(self, group: Group) -> None:
        """Tell those whose waiting has ended."""
        endings, group.endings = group.endings, []
        for caller, result in endings:
            self.tell(caller, result)

    def expire_later(self) -> None:
        """Look at the groups some time later, if there are any."""
        has_members = any(
            group.members or group.pending
            for each in self.coordinators.values()
            for group in each.groups.values()
        )
        if has_members and not self.expires:
            self.expires = True
            self.set_timer(EXPIRE_EVERY, ExpireDue())

    @on(ExpireDue)
    def expire(self, timer: ExpireDue) -> None:
        """Expel who is silent; end rounds that take too long."""
        self.expires = False
        for present in self.coordinators.values():
            for group in list(present.groups.values()):
                group.expire(self.now)
                self.tell_endings(group)
                present.forget_if_empty(group)
        self.expire_later()

    def list_groups(self, caller: Caller) -> None:
        """Tell the names of the groups that this broker coordinates."""
        names = [name for each in self.coordinators.values() for name in each.groups]
        self.tell(caller, Groups(tuple(sorted(names))))

    # Positions.

    def commit_offsets(self, request: CommitOffsets, caller: Caller) -> None:
        """Keep the positions of a group, if the one who says them may.

        They are written to the offsets topic like a batch of a producer that wants all in-sync
        replicas to have it. They are told to nobody before that is done.
        """
        present = self.coordinator_of(request.group)
        if isinstance(present, Refused):
            self.tell(caller, present)
            return
        group = present.group(request.group)
        error = group.refusal_of_commit(request.generation, request.member, self.now)
        present.forget_if_empty(group)
        if error or not request.offsets:
            self.tell(caller, Refused(error) if error else Done())
            return
        name, replica = self.find(OFFSETS_TOPIC, self.partition_of(request.group))
        assert replica is not None, "its coordinator is here"
        batch = commit_batch(request)
        if refusal_of(batch):
            text = f"a commit has {size_of(batch):,} bytes, and may have {MOST_BATCH_BYTES:,}"
            self.tell(caller, Refused(Error.INVALID_COMMIT_OFFSET_SIZE, text))
            return
        taken = replica.take(batch, ALL)
        if isinstance(taken, Refused):
            self.tell(caller, taken)
        else:
            epoch = replica.state.epoch
            self.wait(Waiting(caller, (name,), taken, epoch, is_commit=True), COMMIT_WITHIN)

    def fetch_offsets(self, request: FetchOffsets, caller: Caller) -> None:
        """Tell what a group has committed."""
        present = self.coordinator_of(request.group)
        if isinstance(present, Refused):
            self.tell(caller, present)
        else:
            self.tell(caller, Offsets(present.committed(request.group, request.partitions)))
