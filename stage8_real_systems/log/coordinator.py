"""Who coordinates a group: the leader of a partition of the offsets topic, and of what is in it.

What groups have committed is kept in a topic like any other, ``__consumer_offsets``. It is
replicated as any other, compacted by key, and the leader of a partition of it coordinates the
groups that belong there. So there is no second way to survive the death of a broker.

Members are not kept: under a new coordinator all join again. Its generations have numbers above
those of all coordinators before it, by the leader's epoch, so that no word of an old generation is
taken for one of a new one.
"""

import json
from collections.abc import Iterable

from stage8_real_systems.log.batches import Batch, batch_of, unpack
from stage8_real_systems.log.group_requests import (
    CommitOffsets,
    Committed,
)
from stage8_real_systems.log.groups import Group

GENERATIONS = 2**16
"""How many a coordinator may begin; the next one's are above."""

Position = tuple[str, str, int]
"""A group, a topic, a partition."""


class Coordinator:
    """What a broker knows as the coordinator of some groups, from the log of one partition.

    Args:
        epoch: of the leader of that partition.
        load_to: where its log ended when the epoch began. What was committed before is below.

    Attributes:
        groups: by name.
        offsets: what is committed.
        read_to: up to where the log was read.
    """

    def __init__(self, epoch: int, load_to: int) -> None:
        self.epoch = epoch
        self.load_to = load_to
        self.groups: dict[str, Group] = {}
        self.offsets: dict[Position, Committed] = {}
        self.read_to = 0
        self._generation = epoch * GENERATIONS
        """No group that is forgotten had a greater one."""

    @property
    def is_loaded(self) -> bool:
        """Whether it knows all that was committed under the leaders before."""
        return self.read_to >= self.load_to

    def group(self, name: str) -> Group:
        """The group of this name; an empty one if there is none."""
        if name not in self.groups:
            self.groups[name] = Group(name, self._generation)
        return self.groups[name]

    def forget_if_empty(self, group: Group) -> None:
        """A group in which nobody is needs no room: strangers may ask about any name.

        What it committed is kept. If somebody joins, its generations go on above its last one.
        """
        if not group.members and not group.pending:
            self._generation = max(self._generation, group.generation)
            self.groups.pop(group.name, None)

    def read(self, batches: Iterable[Batch]) -> None:
        """Take over what batches say that are below the high watermark, in order."""
        for batch in batches:
            self.read_to = batch.next_offset
            for record in unpack(batch.payload):
                group, topic, partition = json.loads(record.key)
                offset, epoch, metadata = json.loads(record.value or "")
                committed = Committed(topic, partition, offset, epoch, metadata)
                self.offsets[group, topic, partition] = committed

    def committed(
        self, group: str, partitions: tuple[tuple[str, int], ...] | None
    ) -> tuple[Committed, ...]:
        """What a group has committed, for these partitions or for all; -1 where it has nothing."""
        if partitions is None:
            return tuple(each for key, each in sorted(self.offsets.items()) if key[0] == group)
        return tuple(
            self.offsets.get((group, topic, partition), Committed(topic, partition, -1))
            for topic, partition in partitions
        )


def commit_batch(request: CommitOffsets) -> Batch:
    """A commit as a batch for the offsets topic: one record for each partition.

    The key says which group and partition, so that compaction leaves the last commit of each.
    """
    return batch_of(
        *(
            (
                json.dumps([request.group, each.topic, each.partition]),
                json.dumps([each.offset, each.epoch, each.metadata]),
            )
            for each in request.offsets
        )
    )
