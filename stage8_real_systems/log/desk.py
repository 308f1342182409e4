"""A broker's desk: who asks, who is told, and which replicas and decisions are at hand.

Clients of the course ask by messages, real clients through a front in the broker's own process. It
makes no difference to the rest of a broker: both are callers, and are told once.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from common.contract import Node, NodeId, begin_life, on
from common.contract.asking import NUMBERS_OF_A_LIFE
from common.values.history import Ok
from common.values.units import MS
from stage8_real_systems.log.messages import IsrWanted, Moved
from stage8_real_systems.log.metadata import AlterIsr, Metadata
from stage8_real_systems.log.partition import Partition
from stage8_real_systems.log.purgatory import Caller, Remote
from stage8_real_systems.log.quorum import Decided, MetadataChanged, Quorum
from stage8_real_systems.log.requests import (
    Ask,
    Told,
)


def name_of(topic: str, number: int, partition: int) -> str:
    """The name of the replicas of a partition; a topic that is made again has another number."""
    return f"{topic}-{partition}@{number}"


class Desk(Node, ABC):
    """What all parts of a broker need.

    Args:
        id: the name of this broker.
        peers: all other brokers.
        min_isr, fetch_again, lag_time, fetch_bytes, segment_bytes, retention_bytes: as of a
            :class:`~stage8_real_systems.log.replica.Replica`.
        replication, partitions, beat_every, fence_after: as of the
            :class:`~stage8_real_systems.log.quorum.Quorum`.
        offsets_partitions: into how many partitions the commits of groups are spread.
        raft: what else the quorum takes.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        min_isr: int = 2,
        fetch_again: int = 100 * MS,
        lag_time: int = 400 * MS,
        fetch_bytes: int = 1024 * 1024,
        segment_bytes: int = 1024 * 1024,
        retention_bytes: int = 0,
        replication: int = 3,
        partitions: int = 1,
        beat_every: int = 50 * MS,
        fence_after: int = 300 * MS,
        offsets_partitions: int = 1,
        **raft: Any,
    ) -> None:
        super().__init__(id, peers)
        self.replica_config: dict[str, int] = {
            "min_isr": min_isr,
            "fetch_again": fetch_again,
            "lag_time": lag_time,
            "fetch_bytes": fetch_bytes,
            "segment_bytes": segment_bytes,
        }
        self.retention_bytes = retention_bytes
        self.min_isr = min_isr
        self.offsets_partitions = offsets_partitions
        quorum = Quorum(
            id,
            peers,
            replication=replication,
            partitions=partitions,
            beat_every=beat_every,
            fence_after=fence_after,
            **raft,
        )
        self.quorum = self.subnode("metadata", quorum)
        self.replicas: dict[str, Partition] = {}
        """The replicas that this broker keeps, by name."""
        self.hosted: tuple[str, ...] = ()
        """Their names as they are on disk."""
        self.life = 0
        """The number of this life, from 1."""
        self.wishing: dict[int, Caller] = {}
        """Who waits for a decision, by the token of the wish."""
        self.isr_wishes: dict[int, str] = {}
        """The replicas whose wish for other in-sync replicas is under way, by token."""
        self.last_token = 0

    @property
    def metadata(self) -> Metadata:
        """What is decided, as far as this broker knows."""
        return self.quorum.metadata

    def on_start(self) -> None:
        """Begin a life that no earlier one can be taken for."""
        first_number = begin_life(self)
        self.life = first_number // NUMBERS_OF_A_LIFE + 1
        hosted = self.saved.get("hosted", ())
        self.hosted = tuple(hosted)
        self.quorum.begin(first_number)

    def status(self) -> Mapping[str, object]:
        """What this broker leads, and how much is in its logs."""
        leads = [name for name, each in self.replicas.items() if each.leads]
        return {
            "controller": self.quorum.leader or "",
            "leads": " ".join(leads),
            "replicas": len(self.replicas),
            "end": sum(each.log.end for each in self.replicas.values()),
            "committed": sum(each.high_watermark for each in self.replicas.values()),
        }

    # Who asks, and who is told.

    @on(Ask)
    def asked(self, ask: Ask, sender: NodeId) -> None:
        """A client of the course asks."""
        self.carry_out(ask.operation, Remote(sender, ask.number))

    @abstractmethod
    def carry_out(self, operation: object, caller: Caller) -> None:
        """Do what is asked, and tell, at once or later."""

    def tell(self, caller: Caller, result: object) -> None:
        """Tell the one who asked."""
        if isinstance(caller, Remote):
            self.send(caller.client, Told(caller.number, result))
        else:
            self.finish(caller, Ok(result))

    # What the controller decides.

    def wish(self, command: object, caller: Caller) -> None:
        """Have a command carried out; the caller is told the result."""
        self.last_token += 1
        self.wishing[self.last_token] = caller
        self.quorum.wish(self.last_token, command)

    @on(IsrWanted)
    def isr_wanted(self, wanted: IsrWanted, subnode: str) -> None:
        """A replica that leads wants other in-sync replicas: ask, one wish at a time."""
        if subnode in self.isr_wishes.values():
            return
        topic, _, rest = subnode.rpartition("-")
        partition = int(rest.partition("@")[0])
        self.last_token += 1
        self.isr_wishes[self.last_token] = subnode
        command = AlterIsr(topic, partition, wanted.isr, wanted.epoch, wanted.version)
        self.quorum.wish(self.last_token, command)

    @on(Decided)
    def decided(self, news: Decided, subnode: str) -> None:
        """What this broker has asked for is carried out.

        A replica's wish may have come to nothing, for it was about an older version. Another one
        that the replica had meanwhile was not sent, so it has to be wished again.
        """
        replica = self.replicas.get(self.isr_wishes.pop(news.token, ""))
        if replica is not None and replica.leads:
            replica.isr_changed()
        caller = self.wishing.pop(news.token, None)
        if caller is not None:
            self.tell(caller, news.result)

    @on(MetadataChanged)
    def metadata_changed(self, news: MetadataChanged, subnode: str) -> None:
        """Take the roles that are given to this broker.

        It does so only once it has seen that this life of it is registered: until then it may know
        old decisions only, and would take roles that it has lost long ago.
        """
        if self.metadata.lives.get(self.id) != self.life:
            return
        wanted = {
            name_of(topic.name, topic.number, index): (topic, state)
            for topic in self.metadata.topics.values()
            for index, state in enumerate(topic.partitions)
            if self.id in state.replicas
        }
        if tuple(wanted) != self.hosted:
            for name in self.hosted:
                if name not in wanted:
                    self.replicas.pop(name, None)
                    self.drop_subnode(name, forget=True)
                    self.replica_moved(name)
            self.hosted = tuple(wanted)
            self.save("hosted", self.hosted)
        for name, (topic, state) in wanted.items():
            if name not in self.replicas:
                self.replicas[name] = self.subnode(name, self._new_replica(topic.compacted))
            self.replicas[name].assume(state)

    def _new_replica(self, compacted: bool) -> Partition:
        return Partition(
            self.id,
            self.peers,
            compacted=compacted,
            retention_bytes=0 if compacted else self.retention_bytes,
            **self.replica_config,
        )

    @on(Moved)
    def moved(self, news: Moved, subnode: str) -> None:
        """Something has changed at a replica."""
        self.replica_moved(subnode)

    @abstractmethod
    def replica_moved(self, name: str) -> None:
        """See who waits for this replica; it may be gone."""

    def on_stray(self, name: str, message: object, sender: NodeId) -> None:
        """A replica that is not here yet, or not any more: the other one asks again."""

    def find(self, topic: str, partition: int) -> tuple[str, Partition | None]:
        """The name of a replica, "" where there is no such partition; and the replica, if it is
        here."""
        found = self.metadata.topics.get(topic)
        if found is None or not 0 <= partition < len(found.partitions):
            return "", None
        name = name_of(topic, found.number, partition)
        return name, self.replicas.get(name)
