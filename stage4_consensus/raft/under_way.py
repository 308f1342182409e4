"""What clients have asked a leader for, and is not done yet. Pure: it sends nothing.

A client is told by its name and the number of its request, for it repeats what is not answered.
A deposed leader drops all of this: its clients ask the next one.
"""

from dataclasses import dataclass

from common.contract import NodeId


class Waiting:
    """Which client waits for the entry at which index of the log, and the number of its request."""

    def __init__(self) -> None:
        self._by_index: dict[int, tuple[NodeId, int]] = {}
        self._requests: set[tuple[NodeId, int]] = set()

    def __contains__(self, request: tuple[NodeId, int]) -> bool:
        """Whether an entry for this request is on its way."""
        return request in self._requests

    def add(self, index: int, client: NodeId, number: int) -> None:
        """Let a client wait for the entry at ``index``, which is about to be appended."""
        self._by_index[index] = (client, number)
        self._requests.add((client, number))

    def take(self, index: int) -> tuple[NodeId, int] | None:
        """Who waited for the entry at ``index``, if anybody did; from now on nobody does."""
        found = self._by_index.pop(index, None)
        if found is not None:
            self._requests.discard(found)
        return found


@dataclass(frozen=True, slots=True)
class PendingRead:
    """A query that waits for the proof that its leader still leads.

    Attributes:
        client, number: who asked, and under which number.
        query: what was asked.
        read_index: what must be applied before it is answered.
        round: the round that a quorum must have answered; 0 for none.
    """

    client: NodeId
    number: int
    query: object
    read_index: int
    round: int


class PendingReads:
    """The queries that wait, in the order in which they came."""

    def __init__(self) -> None:
        self._reads: list[PendingRead] = []

    def __bool__(self) -> bool:
        return bool(self._reads)

    def add(self, read: PendingRead) -> None:
        """Let a query wait."""
        self._reads.append(read)

    def take_ready(self, answered_round: int, applied: int) -> list[PendingRead]:
        """Those whose round a quorum has answered, and whose index is applied; the others stay."""

        def is_ready(read: PendingRead) -> bool:
            return read.round <= answered_round and read.read_index <= applied

        ready = [read for read in self._reads if is_ready(read)]
        self._reads = [read for read in self._reads if not is_ready(read)]
        return ready

    def wait_for_more_than(self, round: int) -> bool:
        """Whether any of them waits for a later round."""
        return any(read.round > round for read in self._reads)


@dataclass(slots=True)
class Change:
    """A change of the membership whose new members catch up: it is in no log yet.

    Attributes:
        client, number: who asked, and under which number.
        voters: the members to be.
        learners: those of them that are new, and get the log before they vote.
        target: index up to which the learners have to come in this round of catching up.
        since: when this round began, by the leader's clock.
        rounds: how many rounds there were, this one included.
    """

    client: NodeId
    number: int
    voters: tuple[NodeId, ...]
    learners: tuple[NodeId, ...]
    target: int
    since: int
    rounds: int = 1

    def begin_round(self, target: int, now: int) -> None:
        """The learners have come to the target, too late: what has come since is the next one."""
        self.target, self.since = target, now
        self.rounds += 1


@dataclass(frozen=True, slots=True)
class HandOver:
    """A transfer of the leadership: to whom, and which client asked under which number."""

    client: NodeId
    number: int
    target: NodeId
