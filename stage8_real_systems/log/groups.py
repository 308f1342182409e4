"""Part 7: a consumer group, as its coordinator sees it.

Consumers that form a group share the partitions of a topic: each partition is read by one of them.
The coordinator does not know what there is to share. It only sees to it that all members agree on
who they are, round after round; each round is a *generation*:

::

    Empty ──join──▶ Preparing ──all have joined──▶ Completing ──leader's sync──▶ Stable
                        ▲                              │                           │
                        └────── somebody joins, leaves, or is not heard of ◀───────┘

* A join is answered when *all* members have joined, or the time for it is over. Those that have not
  joined by then are members no longer. A coordinator that closes a round early, because two have
  joined and it has waited a while, gives partitions to a new member that an old one still reads.
* The leader, one of the members, hears who is there, and says in its sync who gets what. A sync is
  answered when the leader's is there.
* What a member says in an old generation is refused, a commit above all.
* A member that does not beat is expelled after its session timeout.

Kafka's classic protocol (KIP-62, KIP-394). Pure: its coordinator tells a group the time, and sends
what is in ``endings``.
"""

import enum
from dataclasses import dataclass

from common.values.units import SECOND
from stage8_real_systems.log.group_requests import (
    GroupInfo,
    GroupMember,
    Heartbeat,
    Joined,
    JoinGroup,
    LeaveGroup,
    MemberIdRequired,
    Synced,
    SyncGroup,
)
from stage8_real_systems.log.purgatory import Caller
from stage8_real_systems.log.requests import (
    Done,
    Error,
    Refused,
)

MOST_MEMBERS = 1000
"""Of one group, those that were given an id and have not used it included."""
LONGEST_SESSION = 1800 * SECOND
"""A member that has died is missed after its session at the latest (Kafka's own bound)."""


class State(enum.Enum):
    """What a group is doing, in Kafka's words."""

    EMPTY = "Empty"
    PREPARING = "PreparingRebalance"
    COMPLETING = "CompletingRebalance"
    STABLE = "Stable"


@dataclass(slots=True)
class Member:
    """A member.

    Attributes:
        request: its latest join.
        heard_at: when it was last heard, in microseconds.
        joining: who waits for the end of the round, if it has joined.
        syncing: who waits for the leader's sync.
        assignment: what the leader gave it, in this generation.
    """

    request: JoinGroup
    heard_at: int
    joining: Caller | None = None
    syncing: Caller | None = None
    assignment: bytes = b""

    def metadata(self, protocol: str) -> bytes:
        """What it says about itself, for that protocol."""
        return next(each.metadata for each in self.request.protocols if each.name == protocol)


class Group:
    """One group.

    Args:
        name: of the group.
        generation: the one before its first.

    Attributes:
        members: by id, in the order in which they came.
        pending: ids that were given and not used yet, and when that was.
        leader: the id of the leader.
        protocol: what all members of the generation know.
        deadline: when the round has to end, in microseconds.
        endings: who is to be told what; to be taken out after each call.
    """

    def __init__(self, name: str, generation: int) -> None:
        self.name = name
        self.generation = generation
        self.state = State.EMPTY
        self.members: dict[str, Member] = {}
        self.pending: dict[str, int] = {}
        self.leader = ""
        self.protocol = ""
        self.deadline = 0
        self.endings: list[tuple[Caller, object]] = []

    # What members ask.

    def join(self, request: JoinGroup, caller: Caller, new_id: str, now: int) -> None:
        """A consumer wants to be, or to go on being, a member.

        Args:
            new_id: the id for one that has none.
        """
        id = request.member or new_id
        if problem := self._problem_of(request, id):
            self.endings.append((caller, problem))
        elif request.id_required and not request.member:
            self.pending[id] = now
            self.endings.append((caller, MemberIdRequired(id)))
        elif self._knows_already(id, request):
            self.members[id].heard_at = now
            self.endings.append((caller, self._joined(id)))
        else:
            self.pending.pop(id, None)
            self._enter(id, request, caller, now)

    def _enter(self, id: str, request: JoinGroup, caller: Caller, now: int) -> None:
        """Let it wait for the end of the round; where there is none, one begins.

        If it waits for the end of an earlier join or sync, that ends, too: REBALANCE_IN_PROGRESS.
        """
        member = self.members.setdefault(id, Member(request, now))
        self._end_join(member, Refused(Error.REBALANCE_IN_PROGRESS), unless=caller)
        member.request, member.joining = request, caller
        self._rebalance(now)
        self._complete_if_all_joined(now)

    def sync(self, request: SyncGroup, caller: Caller, now: int) -> None:
        """A member wants its assignment; the leader brings those of all."""
        if error := self._error_of(request.member, request.generation):
            self.endings.append((caller, Refused(error)))
            return
        member = self.members[request.member]
        member.heard_at = now
        if self.state is State.PREPARING:
            self.endings.append((caller, Refused(Error.REBALANCE_IN_PROGRESS)))
        elif self.state is State.STABLE:
            self.endings.append((caller, Synced(self.protocol, member.assignment)))
        else:
            if member.syncing not in (None, caller):
                self._end_sync(member, Refused(Error.REBALANCE_IN_PROGRESS))
            member.syncing = caller
            if request.member == self.leader:
                self._assign({each.member: each.data for each in request.assignments}, now)

    def heartbeat(self, request: Heartbeat, now: int) -> object:
        """A member is alive; it hears whether its generation is over.

        It is over once a round is prepared. While the leader's sync is awaited, it has just begun.
        """
        if error := self._error_of(request.member, request.generation):
            return Refused(error)
        self.members[request.member].heard_at = now
        if self.state is State.PREPARING:
            return Refused(Error.REBALANCE_IN_PROGRESS)
        return Done()

    def leave(self, request: LeaveGroup, now: int) -> object:
        """A member goes; the others share what it had."""
        if self.pending.pop(request.member, None) is not None:
            return Done()
        if request.member not in self.members:
            return Refused(Error.UNKNOWN_MEMBER_ID)
        self._expel(request.member, now)
        return Done()

    def refusal_of_commit(self, generation: int, member: str, now: int) -> Error:
        """Why a commit must not be taken; Error.NONE if it may be.

        One who is not of the group (generation -1, no member) may commit while nobody else is
        there. A member may, in its own generation; also while the next one is prepared, for that
        is the last moment at which it can.
        """
        if generation < 0 and not member:
            return Error.UNKNOWN_MEMBER_ID if self.members else Error.NONE
        if error := self._error_of(member, generation):
            return error
        self.members[member].heard_at = now
        if self.state is State.COMPLETING:
            return Error.REBALANCE_IN_PROGRESS
        return Error.NONE

    def info(self) -> GroupInfo:
        """How the group is."""
        kind = next((each.request.protocol_type for each in self.members.values()), "")
        has_protocol = self.state in (State.STABLE, State.COMPLETING)
        members = self._listed(self.protocol) if has_protocol else ()
        state, protocol = self.state.value, self.protocol if has_protocol else ""
        return GroupInfo(self.name, state, kind, protocol, self.generation, members)

    # Time.

    def expire(self, now: int) -> None:
        """Expel those that were not heard for too long, and end a round that takes too long.

        One that waits for an answer is not silent: it is the coordinator that keeps it waiting.
        """
        for id, given_at in list(self.pending.items()):
            if now - given_at > 60_000_000:
                del self.pending[id]
        for id, member in list(self.members.items()):
            waits = member.joining is not None or member.syncing is not None
            if not waits and now - member.heard_at > member.request.session_timeout_us:
                self._expel(id, now)
        if self.state is State.PREPARING and now >= self.deadline:
            for id in [id for id, each in self.members.items() if each.joining is None]:
                del self.members[id]
            self._complete(now)
        elif self.state is State.COMPLETING and now >= self.deadline:
            for id in [id for id, each in self.members.items() if each.syncing is None]:
                self._expel(id, now)

    def disband(self, error: Error) -> None:
        """This coordinator is one no longer: send all away that wait."""
        for member in self.members.values():
            self._end_join(member, Refused(error))
            self._end_sync(member, Refused(error))

    # Rounds.

    def _rebalance(self, now: int) -> None:
        """Begin a round, unless there is one."""
        if self.state is State.PREPARING:
            return
        self.state = State.PREPARING
        longest = max(each.request.rebalance_timeout_us for each in self.members.values())
        self.deadline = now + longest
        for member in self.members.values():
            self._end_sync(member, Refused(Error.REBALANCE_IN_PROGRESS))

    def _complete_if_all_joined(self, now: int) -> None:
        if all(each.joining is not None for each in self.members.values()):
            self._complete(now)

    def _complete(self, now: int) -> None:
        """End the round: the members are those that have joined, in a new generation."""
        self.generation += 1
        if not self.members:
            self.state, self.leader = State.EMPTY, ""
            return
        self.state = State.COMPLETING
        self.protocol = self._chosen()
        self.leader = next(iter(self.members))  # of those that stay, who came first
        for id, member in self.members.items():
            member.heard_at = now
            self._end_join(member, self._joined(id))
        longest = max(each.request.rebalance_timeout_us for each in self.members.values())
        self.deadline = now + longest

    def _assign(self, assignments: dict[str, bytes], now: int) -> None:
        """The leader has said who gets what: the generation is stable.

        Those that have waited for it are heard from now on: they were kept from beating.
        """
        self.state = State.STABLE
        for id, member in self.members.items():
            member.assignment = assignments.get(id, b"")
            if member.syncing is not None:
                member.heard_at = now
            self._end_sync(member, Synced(self.protocol, member.assignment))

    def _expel(self, id: str, now: int) -> None:
        """Go on without a member."""
        member = self.members.pop(id)
        self._end_join(member, Refused(Error.UNKNOWN_MEMBER_ID))
        self._end_sync(member, Refused(Error.UNKNOWN_MEMBER_ID))
        if self.members:
            self._rebalance(now)
            self._complete_if_all_joined(now)
        else:
            self._complete(now)

    # Helpers.

    def _problem_of(self, request: JoinGroup, id: str) -> Refused | None:
        """Why a join is refused, or None."""
        if not 0 < request.session_timeout_us <= LONGEST_SESSION:
            return Refused(Error.INVALID_SESSION_TIMEOUT)
        if request.member and id not in self.members and id not in self.pending:
            return Refused(Error.UNKNOWN_MEMBER_ID)
        if id not in self.members and len(self.members) + len(self.pending) >= MOST_MEMBERS:
            return Refused(Error.GROUP_MAX_SIZE_REACHED)
        others = [each.request for other, each in self.members.items() if other != id]
        fits = bool(request.protocol_type and request.protocols) and all(
            each.protocol_type == request.protocol_type for each in others
        )
        if not fits or not _common([request, *others]):
            return Refused(Error.INCONSISTENT_GROUP_PROTOCOL)
        return None

    def _knows_already(self, id: str, request: JoinGroup) -> bool:
        """Whether it joins again in a generation that it is in, with nothing new to say.

        Then the answer to its first join was lost. The leader's join means more, in a generation
        that is stable: it wants to share the partitions again.
        """
        member = self.members.get(id)
        if member is None or member.request.protocols != request.protocols:
            return False
        is_follower = id != self.leader
        return self.state is State.COMPLETING or (self.state is State.STABLE and is_follower)

    def _error_of(self, member: str, generation: int) -> Error:
        """Whether this member may speak in this generation."""
        if member not in self.members:
            return Error.UNKNOWN_MEMBER_ID
        if generation != self.generation:
            return Error.ILLEGAL_GENERATION
        return Error.NONE

    def _chosen(self) -> str:
        """The protocol that all know and most like best; of several, that of who came first."""
        requests = [each.request for each in self.members.values()]
        common = _common(requests)
        votes = [next(p.name for p in each.protocols if p.name in common) for each in requests]
        return max(common, key=lambda name: (votes.count(name), -common.index(name)))

    def _joined(self, id: str) -> Joined:
        members = self._listed(self.protocol) if id == self.leader else ()
        return Joined(self.generation, self.protocol, self.leader, id, members)

    def _listed(self, protocol: str) -> tuple[GroupMember, ...]:
        return tuple(
            GroupMember(id, each.request.instance, each.metadata(protocol))
            for id, each in self.members.items()
        )

    def _end_join(self, member: Member, result: object, unless: Caller | None = None) -> None:
        if member.joining is not None and member.joining != unless:
            self.endings.append((member.joining, result))
        member.joining = None

    def _end_sync(self, member: Member, result: object) -> None:
        if member.syncing is not None:
            self.endings.append((member.syncing, result))
        member.syncing = None


def _common(requests: list[JoinGroup]) -> list[str]:
    """The protocols that all of them know, as the first one orders them."""
    known = [{each.name for each in request.protocols} for request in requests]
    return [each.name for each in requests[0].protocols if all(each.name in it for it in known)]
