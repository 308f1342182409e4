"""Elections for the explorer: every order of messages, and a timer that fires before its time.

The explorer has no time, only order. So a timer that fires while an answer is on its way is what
"somebody is slow" means here.

* :data:`NOBODY_SLOW`: Bully with four processes, and no timer fires. One leader at a time.
* :data:`SLOW_BULLY`, :data:`SLOW_RING`: one timer may fire. Two leaders, and each is followed.
* :data:`TERMS`: three voters, two terms, a crash. At most one leader for each term.
* :data:`FORGETFUL`: the same, but the vote is not saved. Two leaders of one term.
* :data:`FENCED`: two writers whose leases mean nothing, because timers fire at any time. The
  resource takes no write of an older leader after one of a newer leader.
* :data:`NO_FENCE`: the same without the fence.
"""

from collections.abc import Iterator
from itertools import combinations

from common.check.explorer import Bounds, Instance, WorldView
from common.contract import CallId, Node, NodeId, on
from stage2_communication.election.bully import Bully
from stage2_communication.election.fencing import (
    Machine,
    Refused,
    Resource,
    Store,
    Write,
    Writer,
)
from stage2_communication.election.ring import RingProcess
from stage2_communication.election.terms import (
    ElectionTimeout,
    Heartbeat,
    Role,
    Voter,
)

THREE = ("n1", "n2", "n3")
FOUR = (*THREE, "n4")
RESOURCE = "n1"
LAST_TERM = 2

# Bully and the ring.


def leaders(world: WorldView) -> list[NodeId]:
    """Those that lead, as they say themselves."""
    return [id for id, node in world.items() if getattr(node, "leader", None) == id]


def one_leader(world: WorldView) -> str | None:
    """at most one process says that it leads"""
    leading = leaders(world)
    return f"{' and '.join(leading)} lead" if len(leading) > 1 else None


def no_two_are_followed(world: WorldView) -> str | None:
    """all that follow somebody else follow the same leader"""
    followed = {
        str(getattr(node, "leader", None)): id
        for id, node in world.items()
        if getattr(node, "leader", None) not in (None, id)
    }
    if len(followed) > 1:
        return " and ".join(f"{id} follows {leader}" for leader, id in sorted(followed.items()))
    return None


def all_follow_the_highest(world: WorldView) -> bool:
    """everybody follows the highest process"""
    return all(getattr(node, "leader", None) == max(world) for node in world.values())


NOBODY_SLOW = Instance(
    nodes=dict.fromkeys(THREE, Bully),
    bounds=Bounds(timers=0, duplicates=1),
    always=(one_leader,),
    sometimes=(all_follow_the_highest,),
)
SLOW_BULLY = Instance(
    nodes=dict.fromkeys(FOUR, Bully),
    bounds=Bounds(timers=1),
    always=(no_two_are_followed,),
)
SLOW_RING = Instance(
    nodes=dict.fromkeys(THREE, RingProcess),
    bounds=Bounds(timers=2),
    always=(one_leader,),
)

# Terms.


class Hasty(Voter):
    """Makes no promise, and begins no term above the second. A leader is heard once.

    What terms promise must hold without leases and their timers: those only make it rarer that two
    lead at one time.
    """

    def keep_promise(self) -> None:
        """Promise nothing."""
        self.promised = False

    @property
    def has_lease(self) -> bool:
        """Whether it leads, as far as it knows."""
        return False

    def beat(self) -> None:
        """Be heard, and set no timer."""
        self.broadcast(Heartbeat(self.term, 1))

    @on(ElectionTimeout)
    def election_timed_out(self, timer: ElectionTimeout) -> None:
        """Stand, but not for a third term."""
        if self.term < LAST_TERM:
            super().election_timed_out(timer)


class Forgetful(Hasty):
    """Does not save its vote."""

    def enter(self, term: int, voted_for: NodeId | None = None) -> None:
        """Enter, and save the term alone."""
        super().enter(term, voted_for)
        self.save("vote", (term, None))


def voters(world: WorldView) -> Iterator[Voter]:
    """All voters, those within machines too."""
    for node in world.values():
        found = node.writer if isinstance(node, Machine) else node
        if isinstance(found, Voter):
            yield found


def one_leader_a_term(world: WorldView) -> str | None:
    """a term has at most one leader"""
    leading = [each for each in voters(world) if each.role is Role.LEADER]
    for one, other in combinations(leading, 2):
        if one.term == other.term:
            return f"{one.id} and {other.id} both lead term {one.term}"
    return None


def two_lead_at_one_time(world: WorldView) -> bool:
    """two processes lead, in different terms"""
    return sum(each.role is Role.LEADER for each in voters(world)) > 1


def the_second_term_has_a_leader(world: WorldView) -> bool:
    """the second term has a leader"""
    return any(each.role is Role.LEADER and each.term == LAST_TERM for each in voters(world))


def _terms(voter: type[Hasty]) -> Instance:
    return Instance(
        nodes=dict.fromkeys(THREE, voter),
        bounds=Bounds(timers=2, crashes=1),
        always=(one_leader_a_term,),
        sometimes=(the_second_term_has_a_leader, two_lead_at_one_time),
        symmetric=(THREE,),
    )


TERMS = _terms(Hasty)
FORGETFUL = _terms(Forgetful)

# Fencing.


class Careless(Hasty, Writer):
    """Writes while it thinks that it leads. The first machine is the resource, and has no vote."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        voters = tuple(peer for peer in peers if peer != RESOURCE)
        super().__init__(id, voters, resource=RESOURCE)

    @property
    def has_lease(self) -> bool:
        """Whether it leads, as far as it knows."""
        return self.role is Role.LEADER

    def beat(self) -> None:
        """Nobody needs to hear it here."""

    @on(Write)
    def asked_to_write(self, write: Write, call: CallId) -> None:
        """A person asks for a write."""
        self.write(write.text, call)


class Fenceless(Resource):
    """Takes every write."""

    @on(Store)
    def store_received(self, store: Store, sender: NodeId) -> None:
        """Take it, whatever its token is: no token was ever seen here."""
        self.token = 0
        super().store_received(store, sender)


def lines_of(world: WorldView) -> tuple[tuple[int, str], ...]:
    """What the resource has taken."""
    found = world.get(RESOURCE)
    return found.lines if isinstance(found, Resource) else ()


def tokens_never_fall(world: WorldView) -> str | None:
    """the resource takes no write of an older leader after one of a newer leader"""
    tokens = [token for token, _ in lines_of(world)]
    return None if tokens == sorted(tokens) else f"the resource has taken {lines_of(world)}"


def both_terms_have_written(world: WorldView) -> bool:
    """the resource has taken a write of each term"""
    return {token for token, _ in lines_of(world)} == {1, LAST_TERM}


def a_write_is_refused(world: WorldView) -> bool:
    """an old leader's write is refused"""
    return any(isinstance(packet.message, Refused) for packet in world.in_flight)


def _fenced(resource: type[Resource]) -> Instance:
    nodes: dict[NodeId, type[Node]] = {RESOURCE: resource, "n2": Careless, "n3": Careless}
    return Instance(
        nodes={**nodes, "n4": Careless},
        operations={"n2": (Write("older"),), "n3": (Write("newer"),)},
        bounds=Bounds(timers=2),
        always=(tokens_never_fall,),
        sometimes=(both_terms_have_written, a_write_is_refused),
    )


FENCED = _fenced(Resource)
NO_FENCE = _fenced(Fenceless)
