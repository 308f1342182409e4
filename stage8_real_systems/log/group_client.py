"""A consumer in a group: it joins, reads what it is given, commits, and joins again when told to.

It commits what it has handed out before it asks for more. So what is read is handed out at least
once; if a member dies, or is expelled, the next one begins where it committed last.
"""

import json
from typing import Any

from common.contract import CallId, NodeId, TimerId, on, operation, record, timer
from common.contract.asking import Asked
from common.values.history import Ok, Outcome
from common.values.units import MS
from stage8_real_systems.log.batches import texts
from stage8_real_systems.log.client import PARTITIONS, TOPIC, LogClient, asked_for
from stage8_real_systems.log.group_requests import (
    Assignment,
    CommitOffsets,
    Committed,
    Coordinator,
    FetchOffsets,
    FindCoordinator,
    GroupMember,
    Heartbeat,
    Joined,
    JoinGroup,
    MemberIdRequired,
    Offsets,
    Protocol,
    Synced,
    SyncGroup,
)
from stage8_real_systems.log.requests import (
    Ask,
    Done,
    Error,
    Fetch,
    Fetched,
    FetchPart,
    InitProducer,
    Produce,
    Refused,
    Told,
)

GROUP = "g"
IN_TURN = Protocol("in-turn", b"")
ALL_PARTITIONS = tuple((TOPIC, partition) for partition in range(PARTITIONS))


@operation
class Consume:
    """Read what comes next in one of the partitions that this member is given."""


@operation
class Positions:
    """What has the group committed? The result is pairs of a partition and an offset."""


@record
class Consumed:
    """What a member got.

    Attributes:
        generation, member: in which generation, and under which id.
        owns: the partitions that were given to it.
        records: triples of a partition, an offset and a text.
    """

    generation: int
    member: str
    owns: tuple[str, ...]
    records: tuple[tuple[str, int, str], ...]


@timer
class BeatDue:
    """It is time for a member to beat."""


@timer
class StepDue:
    """It is time to take the step again that was refused."""

    call: CallId


class GroupClient(LogClient):
    """A member of the group, which also sends.

    Args:
        id, peers, config: as of a client.
        session_timeout: after how long without a beat it is expelled, in microseconds.
    """

    carries = (*LogClient.carries, Consumed)
    most_under_way = 1

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        session_timeout: int = 600 * MS,
        **config: Any,
    ) -> None:
        super().__init__(id, peers, **config)
        self.session_timeout = session_timeout
        self.coordinator: NodeId = ""
        self.member = ""
        self.generation = -1
        """In which generation it is a member; -1 if it has to join."""
        self.to_assign: tuple[GroupMember, ...] = ()
        """The members that it gives partitions to, as the leader."""
        self.owns: tuple[str, ...] | None = None
        """What it was given; None if it has to ask."""
        self.from_offsets: dict[str, int] | None = None
        """Where it reads on, in what it owns; None if it has to ask."""
        self.handed_out: dict[str, int] = {}
        """Up to where it has handed out what it read, and has not committed it."""
        self.turn = 0
        self.beat_timer: TimerId = 0
        self.asks_positions = False
        self.call: CallId = 0
        """What a Consume or a question for positions ends; 0 for none that is wanted."""

    # What it is asked for.

    @on(Consume)
    def consume(self, operation: Consume, call: CallId) -> None:
        """Take the first step."""
        self.give_up()
        self.doing, self.asks_positions, self.call = None, False, call
        self.go_on(call)

    @on(Positions)
    def ask_positions(self, operation: Positions, call: CallId) -> None:
        """It need not be a member to ask that."""
        self.give_up()
        self.doing, self.asks_positions, self.call = None, True, call
        self.go_on(call)

    def give_up(self) -> None:
        """It does not take the next step towards that either."""
        super().give_up()
        self.call = 0

    def go_on(self, call: CallId) -> None:
        """What is missing before it can read? First things first."""
        if self.doing is not None:
            super().go_on(call)
        elif not self.coordinator:
            self.put(FindCoordinator(GROUP), call, question=True)
        elif self.asks_positions:
            self.put(FetchOffsets(GROUP, ALL_PARTITIONS), call, question=True)
        elif self.generation < 0:
            self.put(self.join(), call, question=True)
        elif self.owns is None:
            shared = in_turn(self.to_assign)
            self.put(SyncGroup(GROUP, self.generation, self.member, shared), call, question=True)
        elif self.from_offsets is None:
            wanted = tuple((TOPIC, int(key)) for key in self.owns)
            self.put(FetchOffsets(GROUP, wanted), call, question=True)
        elif self.handed_out:
            offsets = tuple(Committed(TOPIC, int(k), o) for k, o in self.handed_out.items())
            commit = CommitOffsets(GROUP, self.generation, self.member, offsets)
            self.put(commit, call, question=True)
        else:
            self.read_next(call)

    def join(self) -> JoinGroup:
        """What it says to be a member; it has twice a session to say it again in a round."""
        session, round = self.session_timeout, 2 * self.session_timeout
        kind, ways = "consumer", (IN_TURN,)
        return JoinGroup(GROUP, self.member, self.id, session, round, kind, ways, id_required=True)

    def read_next(self, call: CallId) -> None:
        """Read from one of its partitions after the other."""
        assert self.owns is not None, "it has asked"
        assert self.from_offsets is not None, "it has asked for that, too"
        if not self.owns:
            self.finish(call, Ok(Consumed(self.generation, self.member, (), ())))
            return
        self.turn += 1
        key = self.owns[self.turn % len(self.owns)]
        part = FetchPart(TOPIC, int(key), self.from_offsets[key])
        self.put(Fetch((part,)), call, question=True)

    def server_for(self, asked: Asked) -> NodeId:
        """What is about the group goes to its coordinator, while it answers."""
        operation = asked_for(asked)
        about_group = hasattr(operation, "group") and not isinstance(operation, FindCoordinator)
        if about_group and self.coordinator and not asked.server:
            return self.coordinator
        return super().server_for(asked)

    # What it is told.

    @on(Told)
    def told(self, told: Told, sender: NodeId) -> None:
        """An answer to a request, or to a beat: these have the number 0."""
        if told.number:
            super().told(told, sender)
        elif isinstance(told.result, Refused):
            self.lose_place(told.result.error)

    def refused(self, asked: Asked, refusal: Refused) -> None:
        """What the coordinator refuses is begun again, a little later."""
        if isinstance(asked_for(asked), (FindCoordinator, Produce, Fetch, InitProducer)):
            super().refused(asked, refusal)
            return
        self.lose_place(refusal.error)
        self.end(asked.request.number, Ok(refusal))

    def lose_place(self, error: Error) -> None:
        """Forget what is not true any more: the coordinator, the id, or the generation."""
        match error:
            case Error.NOT_COORDINATOR | Error.COORDINATOR_LOAD_IN_PROGRESS:
                self.coordinator = ""
            case Error.UNKNOWN_MEMBER_ID:
                self.member = ""
                self.join_again()
            case Error.REBALANCE_IN_PROGRESS | Error.ILLEGAL_GENERATION:
                self.join_again()

    def join_again(self) -> None:
        """The generation is over. What was handed out in it and is not committed, is handed out
        again, by the member that gets the partition next."""
        self.generation = -1
        self.owns = self.from_offsets = None
        self.handed_out = {}
        self.cancel_timer(self.beat_timer)

    def ended(self, asked: Asked, outcome: Outcome) -> None:
        """A step has ended."""
        if self.doing is not None or not isinstance(outcome, Ok):
            if not isinstance(outcome, Ok):
                self.coordinator = ""  # it may be gone
            super().ended(asked, outcome)
            return
        match outcome.value:
            case Refused():
                self.set_timer(self.ask_again_after // 4, StepDue(asked.call))
                return
            case Coordinator(broker):
                self.coordinator = broker
            case MemberIdRequired(member):
                self.member = member
            case Joined() as joined:
                self.generation, self.to_assign = joined.generation, joined.members
                self.owns = self.from_offsets = None
                self.beat_later()
            case Synced(_, assignment):
                self.owns = tuple(json.loads(assignment or b"[]"))
            case Offsets(offsets) if self.asks_positions:
                told = tuple((str(each.partition), each.offset) for each in offsets)
                self.finish(asked.call, Ok(told))
                return
            case Offsets(offsets):
                self.from_offsets = {str(each.partition): max(each.offset, 0) for each in offsets}
            case Done():
                self.handed_out = {}
            case Fetched() as fetched:
                self.finish(asked.call, Ok(self.hand_out(fetched)))
                return
        self.go_on(asked.call)

    @on(StepDue)
    def step_due(self, timer: StepDue) -> None:
        """Try again, if it is still wanted."""
        if timer.call == self.call:
            self.go_on(timer.call)

    def hand_out(self, fetched: Fetched) -> Consumed:
        """What a Consume ends with; if the generation is over meanwhile, with nothing.

        That it is over a member can know too late. Then somebody else hands out the same records.
        """
        if self.owns is None or self.from_offsets is None:
            return Consumed(self.generation, self.member, (), ())
        part = fetched.parts[0]
        key, found = str(part.partition), []
        for batch in part.batches:
            for offset, text in enumerate(texts(batch), batch.base_offset):
                if offset >= self.from_offsets[key]:
                    found.append((key, offset, text))
        if found:
            self.from_offsets[key] = self.handed_out[key] = found[-1][1] + 1
        return Consumed(self.generation, self.member, self.owns, tuple(found))

    # Beats.

    def beat_later(self) -> None:
        """Beat several times within a session timeout."""
        self.cancel_timer(self.beat_timer)
        self.beat_timer = self.set_timer(self.session_timeout // 4, BeatDue())

    @on(BeatDue)
    def beat(self, timer: BeatDue) -> None:
        """Say that this member is alive; hear whether the generation is over."""
        if self.coordinator:
            self.send(self.coordinator, Ask(0, Heartbeat(GROUP, self.generation, self.member)))
        self.beat_later()


def in_turn(members: tuple[GroupMember, ...]) -> tuple[Assignment, ...]:
    """Give each partition to a member, in turn: what a leader brings to its sync."""
    given: dict[str, list[str]] = {id: [] for id in sorted(each.id for each in members)}
    for partition in range(PARTITIONS if given else 0):
        given[list(given)[partition % len(given)]].append(str(partition))
    return tuple(Assignment(id, json.dumps(keys).encode()) for id, keys in given.items())
