"""Small instances for the explorer: strong eventual consistency under every schedule.

Shapiro et al. 2011, definition 2.2: replicas that have received the same changes hold the same
state. It says nothing of *when*, so it must hold in every world that can be reached.

* :data:`ADD_AND_REMOVE`: three lists, two additions and a removal; states come late and twice.
* :data:`TYPE_TOGETHER`: three texts, two people type, one erases; edits come in any order.
* :data:`BY_POSITION`: what people try first: tell each other at which position something happened.
"""

from collections.abc import Callable, Hashable, Mapping

from common.check.explorer import Bounds, Instance, WorldView
from common.contract import CallId, Node, NodeId, message, on
from common.values.history import Ok
from stage7_advanced.crdt.gossip import Add, GossipAgain, Remove, StateReplica
from stage7_advanced.crdt.operations import Erase, TextReplica, Type
from stage7_advanced.crdt.sets import ORSet

THREE = ("n1", "n2", "n3")


@message
class At:
    """``text`` was typed at ``index``; or the character there was erased, where it is empty."""

    index: int
    text: str


class ByPosition(Node):
    """A text whose copies tell each other positions. But positions move while news travel."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        super().__init__(id, peers)
        self.text = "abc"
        self.done = 0

    def status(self) -> Mapping[str, object]:
        """The text."""
        return {"text": self.text}

    @on(Type)
    def type(self, type: Type, call: CallId) -> None:
        """Type it here, and tell everybody where."""
        self.tell(At(type.index, type.text), call)

    @on(Erase)
    def erase(self, erase: Erase, call: CallId) -> None:
        """Erase it here, and tell everybody where."""
        self.tell(At(erase.index, ""), call)

    def tell(self, at: At, call: CallId) -> None:
        """Do it here and everywhere."""
        self.at_received(at, self.id)
        self.broadcast(at)
        self.finish(call, Ok())

    @on(At)
    def at_received(self, at: At, sender: NodeId) -> None:
        """Do it here."""
        end = at.index + (not at.text)
        self.text = self.text[: at.index] + at.text + self.text[end:]
        self.done += 1


@message
class TracedState:
    """A whole state, and the names of all changes that have come into it."""

    items: ORSet
    changes: tuple[str, ...]


class TracedList(StateReplica):
    """The list, and beside it what the property speaks of: which changes have come to it."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        super().__init__(id, peers)
        self.changes: tuple[str, ...] = ()

    @on(Add)
    def add(self, add: Add, call: CallId) -> None:
        """As ever; this is a change."""
        super().add(add, call)
        self.come(f"add {add.item} at {self.id}")

    @on(Remove)
    def remove(self, remove: Remove, call: CallId) -> None:
        """As ever; this is a change."""
        super().remove(remove, call)
        self.come(f"remove {remove.item} at {self.id}")

    @on(GossipAgain)
    def gossip_again(self, timer: GossipAgain) -> None:
        """As ever, with the names of the changes."""
        self.broadcast(TracedState(self.items, self.changes))
        self.set_timer(self.every, GossipAgain())

    @on(TracedState)
    def traced_received(self, state: TracedState, sender: NodeId) -> None:
        """As ever, with the names of the changes."""
        self.take(state.items)
        self.come(*state.changes)

    def come(self, *changes: str) -> None:
        """These changes have come."""
        self.changes = tuple(sorted({*self.changes, *changes}))


def lists(world: WorldView) -> dict[NodeId, tuple[Hashable, object]]:
    """Which changes have come to each list, and what is on it."""
    return {
        id: (node.changes, node.items) for id, node in world.items() if isinstance(node, TracedList)
    }


def texts(world: WorldView) -> dict[NodeId, tuple[Hashable, object]]:
    """What each text has received, and what is shown."""
    return {
        id: (node.done.counts(), node.text.text())
        for id, node in world.items()
        if isinstance(node, TextReplica)
    }


def positions(world: WorldView) -> dict[NodeId, tuple[Hashable, object]]:
    """How much each text has received (in this instance, two is all), and what is shown."""
    return {
        id: (node.done, node.text)
        for id, node in world.items()
        if isinstance(node, ByPosition) and node.done == 2
    }


def same_changes_same_state(
    held: Callable[[WorldView], Mapping[NodeId, tuple[Hashable, object]]],
) -> Callable[[WorldView], str | None]:
    """Who has received the same holds the same."""

    def check(world: WorldView) -> str | None:
        """replicas that have received the same changes hold the same state"""
        states: dict[Hashable, tuple[NodeId, object]] = {}
        for id, (received, state) in held(world).items():
            other, theirs = states.setdefault(received, (id, state))
            if theirs != state:
                return f"{id} holds {state!r}, and {other}, which received the same, {theirs!r}"
        return None

    return check


def all_have_all(world: WorldView) -> bool:
    """all three texts have received both edits"""
    return [received for received, _ in texts(world).values()] == [(("n1", 1), ("n2", 2))] * 3


def something_came(world: WorldView) -> bool:
    """all three changes have come to n3"""
    received = world["n3"]
    return isinstance(received, TracedList) and len(received.changes) == 3


ADD_AND_REMOVE = Instance(
    nodes=dict.fromkeys(THREE, TracedList),
    operations={"n1": (Add("milk"), Remove("milk")), "n2": (Add("milk"),)},
    bounds=Bounds(timers=2, duplicates=1),
    always=(same_changes_same_state(lists),),
    sometimes=(something_came,),
)

TYPE_TOGETHER = Instance(
    nodes=dict.fromkeys(THREE, TextReplica),
    operations={"n1": (Type(0, "a"),), "n2": (Type(0, "b"), Erase(0))},
    bounds=Bounds(timers=0, duplicates=1),
    always=(same_changes_same_state(texts),),
    sometimes=(all_have_all,),
)

BY_POSITION = Instance(
    nodes=dict.fromkeys(THREE, ByPosition),
    operations={"n1": (Type(0, "x"),), "n2": (Erase(2),)},
    bounds=Bounds(timers=0),
    always=(same_changes_same_state(positions),),
)
