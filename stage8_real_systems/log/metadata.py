"""Part 3: what the controller decides: which brokers are there, which topics, and who leads.

It is a state machine, and the course's Raft replicates it (``quorum``), as Kafka's own Raft does
since ZooKeeper is gone (KIP-500). Every broker has a copy, so each learns all decisions in one
order. What a command says may be out of date when it is applied: so a wish for a change of a
partition names the version that is to be changed, and one about an older version changes nothing.
"""

import re
from collections.abc import Callable
from dataclasses import replace

from common.contract import Application, NodeId, record
from stage8_real_systems.log.messages import PartitionState
from stage8_real_systems.log.requests import (
    CreateTopic,
    DeleteTopic,
    Done,
    Error,
    ProducerId,
    Refused,
)

MOST_PARTITIONS = 100
"""Of one topic."""
_LEGAL_NAME = re.compile(r"[a-zA-Z0-9._-]{1,249}")


@record
class Register:
    """A broker is there, in its life of this number: it may have roles from now on."""

    broker: NodeId
    life: int


@record
class Fence:
    """A broker was not heard of for too long: in this life it has no role any more."""

    broker: NodeId
    life: int


@record
class AlterIsr:
    """A leader wants other in-sync replicas; it knows the partition in this version."""

    topic: str
    partition: int
    isr: tuple[NodeId, ...]
    epoch: int
    version: int


@record
class NewProducer:
    """A producer wants an id."""


@record
class Topic:
    """A topic. Its number tells it from another one that had the same name."""

    name: str
    number: int
    compacted: bool
    partitions: tuple[PartitionState, ...]


class Metadata(Application):
    """What is decided so far.

    Args:
        replication, partitions: of a topic for which nobody says it.

    Attributes:
        lives: of each broker that ever was there, the number of its latest life.
        alive: those that are not fenced.
        topics: by name.
        topic_count: how many topics there ever were.
        producer_count: how many producers there ever were.
    """

    def __init__(self, replication: int = 3, partitions: int = 1) -> None:
        self.replication = replication
        self.partitions = partitions
        self.lives: dict[NodeId, int] = {}
        self.alive: set[NodeId] = set()
        self.topics: dict[str, Topic] = {}
        self.topic_count = 0
        self.producer_count = 0

    def apply(self, command: object) -> object:
        """Carry out one command."""
        match command:
            case Register():
                return self.register(command)
            case Fence():
                return self.fence(command)
            case AlterIsr():
                return self.alter_isr(command)
            case CreateTopic():
                return self.create_topic(command)
            case DeleteTopic(name):
                gone = self.topics.pop(name, None)
                return Done() if gone else Refused(Error.UNKNOWN_TOPIC_OR_PARTITION, name)
            case NewProducer():
                self.producer_count += 1
                return ProducerId(self.producer_count, 0)
        raise AssertionError(f"no command of the controller: {command!r}")

    # Brokers.

    def register(self, command: Register) -> object:
        """A broker is there: it may lead what nobody leads, if it was in sync.

        What it leads already it leads in a new epoch, if its life is a new one: it has forgotten
        what it knew as the leader, and what it wished for in its earlier life must come to nothing.

        An earlier life than the latest one is over, and changes nothing: a controller that did not
        know of the latest yet has put this command into the log.
        """
        known = self.lives.get(command.broker, 0)
        if command.life < known:
            return Done()
        is_new_life = command.life > known
        self.lives[command.broker] = command.life
        self.alive.add(command.broker)

        def with_broker(state: PartitionState) -> PartitionState:
            if is_new_life and state.leader == command.broker:
                return replace(state, epoch=state.epoch + 1)
            return self.elected(state)

        self._change_all(with_broker)
        return Done()

    def fence(self, command: Fence) -> object:
        """A broker is gone: it is in sync nowhere, and leads nothing.

        The last in-sync replica stays one. Nobody else has all that was acknowledged, so nobody
        leads until it is back (an *unclean* election would let others lead, and lose that).
        """
        if self.lives.get(command.broker) != command.life:
            return Done()  # it is back already, in another life
        self.alive.discard(command.broker)

        def without(state: PartitionState) -> PartitionState:
            isr = tuple(each for each in state.isr if each != command.broker)
            return self.elected(replace(state, isr=isr or state.isr))

        self._change_all(without)
        return Done()

    def elected(self, state: PartitionState) -> PartitionState:
        """The partition with a leader that is alive and in sync, if there is one.

        The present leader goes on if it can. A new one, also none at all, begins a new epoch.
        """
        able = [each for each in state.replicas if each in state.isr and each in self.alive]
        if state.leader in able:
            return state
        leader = able[0] if able else ""
        if leader == state.leader:
            return state
        return replace(state, leader=leader, epoch=state.epoch + 1)

    def _change_all(self, change: Callable[[PartitionState], PartitionState]) -> None:
        for topic in self.topics.values():
            changed = tuple(_versioned(old, change(old)) for old in topic.partitions)
            self.topics[topic.name] = replace(topic, partitions=changed)

    # Partitions.

    def alter_isr(self, wish: AlterIsr) -> object:
        """Let others be in sync, if the leader that wants it knows the present version.

        Fenced brokers are not taken in. Each wish that is considered makes a new version, also if
        it changes nothing; so the leader hears that it is answered, and that no other is pending.
        """
        state = self.find(wish.topic, wish.partition)
        if state is None or (state.epoch, state.version) != (wish.epoch, wish.version):
            return Refused(Error.NOT_LEADER_OR_FOLLOWER, "the partition has changed meanwhile")
        isr = tuple(each for each in wish.isr if each in self.alive)
        self._put(wish, replace(state, isr=isr, version=state.version + 1))
        return Done()

    def find(self, topic: str, partition: int) -> PartitionState | None:
        """A partition, or None if there is no such one."""
        found = self.topics.get(topic)
        if found is None or not 0 <= partition < len(found.partitions):
            return None
        return found.partitions[partition]

    def _put(self, wish: AlterIsr, state: PartitionState) -> None:
        topic = self.topics[wish.topic]
        partitions = list(topic.partitions)
        partitions[wish.partition] = state
        self.topics[wish.topic] = replace(topic, partitions=tuple(partitions))

    # Topics.

    def create_topic(self, command: CreateTopic) -> object:
        """Give each partition to as many brokers as wanted, each to others, in turn."""
        replication = self.replication if command.replication == -1 else command.replication
        count = self.partitions if command.partitions == -1 else command.partitions
        if problem := self._problem_of(command.name, count, replication):
            return problem
        alive = sorted(self.alive)
        partitions = []
        for index in range(count):
            first = self.topic_count + index
            turn = [alive[(first + number) % len(alive)] for number in range(replication)]
            replicas = tuple(turn)
            partitions.append(PartitionState(replicas, replicas, replicas[0], 0, 0))
        self.topic_count += 1
        self.topics[command.name] = Topic(
            command.name, self.topic_count, command.compacted, tuple(partitions)
        )
        return Done()

    def _problem_of(self, name: str, partitions: int, replication: int) -> Refused | None:
        if not _LEGAL_NAME.fullmatch(name) or name in (".", ".."):
            text = "a topic's name has 1 to 249 of the characters a-z, A-Z, 0-9, '.', '_' and '-'"
            return Refused(Error.INVALID_TOPIC_EXCEPTION, text)
        if name in self.topics:
            return Refused(Error.TOPIC_ALREADY_EXISTS, f"there is a topic {name}")
        if not 1 <= partitions <= MOST_PARTITIONS:
            text = f"a topic has 1 to {MOST_PARTITIONS} partitions, not {partitions}"
            return Refused(Error.INVALID_PARTITIONS, text)
        if not 1 <= replication <= len(self.alive):
            text = f"{replication} replicas are wanted, and {len(self.alive)} brokers are there"
            return Refused(Error.INVALID_REPLICATION_FACTOR, text)
        return None

    # Raft's side.

    def snapshot(self) -> object:
        """All that is decided."""
        return (
            tuple(sorted(self.lives.items())),
            tuple(sorted(self.alive)),
            tuple(self.topics.values()),
            self.topic_count,
            self.producer_count,
        )

    def restore(self, snapshot: object) -> None:
        """Go on from an earlier snapshot."""
        assert isinstance(snapshot, tuple), "a snapshot of the metadata is a tuple"
        lives, alive, topics, self.topic_count, self.producer_count = snapshot
        self.lives, self.alive = dict(lives), set(alive)
        self.topics = {topic.name: topic for topic in topics}


def _versioned(old: PartitionState, new: PartitionState) -> PartitionState:
    return old if new == old else replace(new, version=old.version + 1)
