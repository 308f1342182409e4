"""A small instance of a protocol: what there is, what may go wrong, and what must hold.

A lab has its instances in ``LAB/small.py``, and names them in its ``worlds.py``::

    REPLICAS = ("n1", "n2", "n3")
    PUT_AND_GET = Instance(
        nodes=dict.fromkeys(REPLICAS, Replica),
        clients={"c1": Client},
        operations={"c1": (Put("x", 1), Get("x"))},
        bounds=Bounds(losses=1, crashes=1, timers=2),
        always=(at_most_one_leader,),
        sometimes=(some_leader_is_elected,),
        symmetric=(REPLICAS,),
    )
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from math import factorial, prod
from typing import Literal, Protocol, TypeAlias

from common.check.invariants import Always, AlwaysEach, Sometimes
from common.contract.events import NodeId, SavedKey
from common.contract.kinds import OPERATION, kind_of
from common.contract.lies import Behaviour, known_behaviour
from common.contract.node import Node
from common.values.errors import BadInput
from common.values.faults import TWIN_MARK, Corrupt, Schedule, Twin
from common.values.history import History

Factory: TypeAlias = Callable[[NodeId, tuple[NodeId, ...]], Node]
"""Makes a node from its id and its peers; a Node class is one."""

MAX_PERMUTATIONS = 720
"""Each state is compared with this many renamed versions of itself at most (six nodes)."""

MAX_STATES = 1_000_000
"""States that an exploration looks at unless told otherwise; 300 to 600 bytes of memory each."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far an exploration goes. None is no bound.

    The first six say which runs there are: a yes means yes for all runs within them. The last
    three say how much of that is looked at: reaching one of them makes the verdict unknown.

    Attributes:
        losses: messages that may be lost. (One for a node that is down may always be.)
        duplicates: messages that may arrive once more. With None every message lasts: it can be
            delivered any number of times, or never.
        crashes: crashes of nodes.
        restarts: restarts of crashed nodes; with 0 a crashed node stays down.
        timers: firings of timers. A protocol that sets a timer again whenever it fires may need
            this bound to have finitely many states.
        in_flight: messages under way at one time; a step that would exceed it is not taken.
        states: different states.
        depth: choices in a row.
        seconds: time by the caller's clock.
    """

    losses: int | None = 0
    duplicates: int | None = 0
    crashes: int | None = 0
    restarts: int | None = None
    timers: int | None = None
    in_flight: int | None = None
    states: int | None = MAX_STATES
    depth: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        for part in fields(self):
            value = getattr(self, part.name)
            if value is not None and value < 0:
                raise BadInput(f"the bound {part.name} is {value}: give 0 or more, or None")

    def __str__(self) -> str:
        """The runs that these bounds allow, in words."""
        duplicates = _up_to(self.duplicates, "duplicate")
        words = [
            _up_to(self.losses, "lost message"),
            "messages that last" if self.duplicates is None else duplicates,
            _up_to(self.crashes, "crash", "crashes"),
            "" if self.crashes == 0 else _up_to(self.restarts, "restart"),
            "" if self.timers is None else _up_to(self.timers, "timer firing"),
            "" if self.in_flight is None else f"up to {self.in_flight} in flight at a time",
        ]
        return ", ".join(word for word in words if word)


def _up_to(bound: int | None, one: str, many: str = "") -> str:
    many = many or f"{one}s"
    if bound is None:
        return f"any number of {many}"
    if bound == 0:
        return f"no {many}"
    return f"up to {bound} {one if bound == 1 else many}"


@dataclass(frozen=True, slots=True)
class Packet:
    """A message in flight."""

    source: NodeId
    target: NodeId
    message: object


class Surroundings(Protocol):
    """What is around the nodes of one world; made only for properties that look."""

    def saved_in(self, world: object) -> Mapping[NodeId, Mapping[SavedKey, object]]:
        """What is on each node's disk."""

    def packets_in(self, world: object) -> tuple[Packet, ...]:
        """The messages under way."""

    def history_in(self, world: object) -> History:
        """The clients' operations so far."""

    def problem_in(self, world: object) -> str | None:
        """What some handler did wrong."""


class WorldView(dict[NodeId, Node]):
    """The world as a property sees it: the honest nodes that are up, and what is around them.

    A property only reads. Being a mapping of nodes, it is also what the simulator's monitors
    see, so that one invariant serves both.
    """

    __slots__ = ("_around", "_world")

    def __init__(self, up: Mapping[NodeId, Node], around: Surroundings, world: object) -> None:
        super().__init__(up)
        self._around = around
        self._world = world

    @property
    def saved(self) -> Mapping[NodeId, Mapping[SavedKey, object]]:
        """What is on each node's disk, whether the node is up or down."""
        return self._around.saved_in(self._world)

    @property
    def in_flight(self) -> tuple[Packet, ...]:
        """The messages under way."""
        return self._around.packets_in(self._world)

    @property
    def history(self) -> History:
        """The clients' operations so far; empty unless the instance asks for a history.

        The times in it count invocations and returns; they give an order and nothing else.
        """
        return self._around.history_in(self._world)

    @property
    def problem(self) -> str | None:
        """What a handler did wrong in the last step, in one sentence, or None."""
        return self._around.problem_in(self._world)


Invariant: TypeAlias = Callable[[WorldView], str | None]
"""Says in a sentence what is wrong with a world, or None."""

Goal: TypeAlias = Callable[[WorldView], bool]
"""Says whether a world is one that some run must reach."""


@dataclass(frozen=True, slots=True)
class Instance:
    """A small instance of a protocol.

    All nodes start before anything else happens, members first. There is no time: ``now`` is
    always 0, and any pending timer may fire next. Random numbers are a function of the step in
    which they are drawn, so one draw of all possible ones is explored. What a step saves and what
    it sends happen at once: a crash between the two is a crash and the loss of those messages, so a
    protocol that saves needs a bound of losses beside that of crashes.

    Attributes:
        nodes: the members of the cluster: how to make each, by id.
        clients: the clients: how to make each. As in the simulator, their peers are all members.
        operations: what is asked of a client (or of a member), in order, one after the other.
        bounds: how far to go.
        always: what must hold in every world: functions (whose docstring or name is the title), or
            the very invariants that a simulation's :class:`~common.check.invariants.Watch` takes.
        sometimes: what some run must reach.
        eventually: what must hold once nothing but faults can happen any more.
        symmetric: groups of nodes that are interchangeable: same class, same operations, and
            ids that the protocol compares for equality only (not ``max``, not a ring).
        network: ``unordered`` (any message may overtake any other) or ``ordered`` (not those of
            the same link).
        may_crash: the nodes that crashes can hit; None for all members.
        history: whether properties look at the history; it makes more states different.
        liars: who is Byzantine, all the time: nodes that run twice, or whose messages are rewritten
            (:class:`~common.values.faults.Twin`, :class:`~common.values.faults.Corrupt`). What they
            send beside the truth is in flight beside it, so all orders are explored; properties are
            not shown these nodes.
        behaviours: the behaviours that the liars have, by name.
        lying: members whose class lies by itself; a counter-example says what they were heard to
            say. Nothing else looks at it.
    """

    nodes: Mapping[NodeId, Factory]
    clients: Mapping[NodeId, Factory] = field(default_factory=dict)
    operations: Mapping[NodeId, Sequence[object]] = field(default_factory=dict)
    bounds: Bounds = field(default_factory=Bounds)
    always: Sequence[Invariant | Always | AlwaysEach] = ()
    sometimes: Sequence[Goal | Sometimes] = ()
    eventually: Sequence[Invariant | Always | AlwaysEach] = ()
    symmetric: Sequence[Sequence[NodeId]] = ()
    network: Literal["unordered", "ordered"] = "unordered"
    may_crash: Sequence[NodeId] | None = None
    history: bool = False
    liars: Sequence[Twin | Corrupt] = ()
    behaviours: Mapping[str, Behaviour] = field(default_factory=dict)
    lying: Sequence[NodeId] = ()

    def __post_init__(self) -> None:
        """Check that the parts fit together.

        Raises:
            BadInput: they do not; the text says which and why.
        """
        if not self.nodes:
            raise BadInput("the instance has no nodes: declare at least one")
        self._check_names()
        self._check_liars()
        for node, asked in self.operations.items():
            for operation in asked:
                if kind_of(type(operation)) != OPERATION:
                    raise BadInput(
                        f"{node} is asked for {operation!r}, which is no operation: "
                        "declare its class with @operation"
                    )
        if self.network not in ("unordered", "ordered"):
            raise BadInput(f"{self.network!r} is no kind of network: say unordered or ordered")
        if self.network == "ordered" and self.bounds.duplicates is None:
            raise BadInput("an ordered network needs a bound on duplicates: set a number")
        self._check_symmetry()

    @property
    def members(self) -> tuple[NodeId, ...]:
        """The members, in the order of their declaration, and second halves after their first."""
        return Schedule(self.liars).halved(self.nodes)

    @property
    def everyone(self) -> tuple[NodeId, ...]:
        """All that take steps: members first, then clients."""
        return (*self.members, *self.clients)

    def identity(self, id: NodeId) -> NodeId:
        """The node that ``id`` is, for the second half of one the first."""
        return id if id in self.nodes or id in self.clients else id.removesuffix(TWIN_MARK)

    def make(self, id: NodeId) -> Node:
        """A new node, as before the start of a life."""
        identity = self.identity(id)
        factory = {**self.nodes, **self.clients}[identity]
        return factory(identity, tuple(member for member in self.nodes if member != identity))

    def _check_names(self) -> None:
        if twice := [id for id in self.clients if id in self.nodes]:
            raise BadInput(f"{twice[0]!r} is both a node and a client: give it one of the two")
        named = {
            "operations": list(self.operations),
            "symmetric": [id for group in self.symmetric for id in group],
            "may_crash": list(self.may_crash or ()),
            "lying": list(self.lying),
        }
        for part, ids in named.items():
            for id in ids:
                if id not in self.everyone:
                    known = ", ".join(self.everyone)
                    raise BadInput(f"{part} names {id!r}, which is not there: there are {known}")

    def _check_liars(self) -> None:
        Schedule(self.liars).check_nodes((*self.nodes, *self.clients))
        lying = [fault.node for fault in self.liars]
        if len(set(lying)) < len(lying):
            raise BadInput("a node is among the liars twice: it lies in one way all the time")
        for fault in self.liars:
            if isinstance(fault, Corrupt):
                known_behaviour(fault.behaviour, self.behaviours)
            if isinstance(fault, Twin) and fault.node not in self.nodes:
                raise BadInput(f"{fault.node} is a client: only members run twice")

    def _seen_by(self, id: NodeId) -> tuple[bool, ...]:
        """In which parts of the network of liars a node is, and whether it is one itself."""
        twins = [half for fault in self.liars if isinstance(fault, Twin) for half in fault.halves]
        heard = [fault.to for fault in self.liars if isinstance(fault, Corrupt)]
        lies = any(fault.node == id for fault in self.liars)
        return (*(id in part for part in (*twins, *heard)), lies)

    def _check_symmetry(self) -> None:
        grouped = [id for group in self.symmetric for id in group]
        if len(set(grouped)) < len(grouped):
            raise BadInput("a node is in two symmetric groups, or in one twice: name each once")
        count = prod(factorial(len(group)) for group in self.symmetric)
        if count > MAX_PERMUTATIONS:
            raise BadInput(
                f"the symmetric groups have {count} permutations, more than {MAX_PERMUTATIONS}, "
                "so that comparing states would cost more than it saves: make them smaller"
            )
        for group in self.symmetric:
            same: tuple[Callable[[NodeId], object], ...] = (
                lambda id: tuple(self.operations.get(id, ())),
                lambda id: id in self.clients,
                lambda id: self.may_crash is None or id in self.may_crash,
                self._seen_by,
            )
            for id in group:
                if any(part(id) != part(group[0]) for part in same):
                    raise BadInput(
                        f"{group[0]} and {id} are declared symmetric, but they differ in their "
                        "operations, or one of them is a client, or only one may crash, lies, or "
                        "is lied to"
                    )
