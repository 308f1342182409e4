"""One node's share of the world, and what an event makes of it.

The state of a whole world changes with every choice, but any one node only ever has few different
states, and a handler is a function of state and event. So each step is taken once, on a copy of
the node, and remembered: that is what makes the exploration fast.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from common.check.explorer.canonical import (
    BOOKKEEPING,
    Canonical,
    canonical,
    form_of_node,
    state_of,
)
from common.check.explorer.copying import copy_state
from common.check.explorer.forgery import check_state, known_before, without_forgeries
from common.check.explorer.liars import Liars
from common.check.explorer.planted import SharedRandom, TimerName
from common.contract.effects import (
    Broadcast,
    CancelTimer,
    Effect,
    Forget,
    Return,
    Save,
    Send,
    SetTimer,
)
from common.contract.events import Event, Fire, Invoke, NodeId, Receive, SavedKey, Start, TimerId
from common.contract.kinds import check_value
from common.contract.node import Node
from common.values.errors import ContractError
from common.values.history import Outcome, Unknown

CRASHED = Unknown("the client crashed")
"""How a client's operation ends when its node does."""


@dataclass(frozen=True, slots=True)
class Local:
    """Everything of a world that one node can change by itself.

    Attributes:
        node: the node, or None while it is down. Nobody may change it: steps go to copies.
        timers: the pending timers, by name; any of them may fire at any moment.
        saved: what is on the node's disk.
        calls: how many of its operations the node's client has begun.
        waiting: whether the last of them is under way.
        problem: what its handler did wrong, in one sentence; empty for all is well.
    """

    node: Node | None
    timers: Mapping[TimerId, object]
    saved: Mapping[SavedKey, object]
    calls: int = 0
    waiting: bool = False
    problem: str = ""

    def form(self) -> Canonical:
        """The canonical form: equal for shares that no later event can tell apart."""
        state = None if self.node is None else _form_of_node(self.node)
        timers = tuple((int(name), canonical(timer)) for name, timer in self.timers.items())
        return (state, timers, canonical(self.saved), self.calls, self.waiting, self.problem)


@dataclass(frozen=True, slots=True)
class Step:
    """What came of one event at one node.

    Attributes:
        after: the node's share of the world afterwards.
        event: the event, for those who watch; None for a crash.
        effects: what the node asked for, in order.
        sends: its messages and their targets, in order; what it says instead, if it lies.
        outcome: how the client's operation that was under way ended, or None.
    """

    after: Local
    event: Event | None
    effects: tuple[Effect, ...] = ()
    sends: tuple[tuple[NodeId, object], ...] = ()
    outcome: Outcome | None = None


class Stepper:
    """Takes steps on copies of nodes.

    Args:
        everyone: all node ids there are; a message to any other breaks the contract.
        liars: who says something else than the node asks for.
    """

    def __init__(self, everyone: tuple[NodeId, ...], liars: Liars) -> None:
        self.random = SharedRandom()
        self._everyone = frozenset(everyone)
        self._liars = liars

    def start(self, local: Local, id: NodeId, make: Callable[[NodeId], Node]) -> Step:
        """Make a node anew and let it begin a life with what is on the disk of ``local``."""
        event = Start(0, local.saved)
        try:
            fresh = make(id)
        except Exception as error:
            return _failed(id, error, event)
        fresh._random = self.random
        fresh._last_timer = TimerName(0)
        return self._step(local, fresh, event)

    def crash(self, local: Local) -> Step:
        """The node dies: what it saved and what its client was promised remain, nothing else."""
        outcome = CRASHED if local.waiting else None
        return Step(replace(local, node=None, timers={}, waiting=False), None, outcome=outcome)

    def receive(self, local: Local, sender: NodeId, message: object) -> Step:
        """A message arrives."""
        return self._step(local, _clone(local.node), Receive(0, sender, message))

    def fire(self, local: Local, name: TimerId) -> Step:
        """A pending timer fires."""
        event = Fire(0, name, local.timers[name])
        left = {other: timer for other, timer in local.timers.items() if other != name}
        return self._step(replace(local, timers=left), _clone(local.node), event)

    def call(self, local: Local, operation: object) -> Step:
        """The client begins its next operation."""
        begun = replace(local, calls=local.calls + 1, waiting=True)
        return self._step(begun, _clone(local.node), Invoke(0, begun.calls, operation))

    def _step(self, local: Local, node: Node, event: Event) -> Step:
        """Take the step on ``node``, a copy. What the handler raises is the node's problem."""
        self.random.name_step(lambda: repr((node.id, local.form(), canonical(event))))
        try:
            effects = tuple(node.step(event))
            return self._carry_out(local, node, event, effects)
        except Exception as error:
            return _failed(node.id, error, event)

    def _carry_out(
        self, local: Local, node: Node, event: Event, effects: tuple[Effect, ...]
    ) -> Step:
        timers = dict(local.timers)
        saved = dict(local.saved)
        sends: list[tuple[NodeId, object]] = []
        outcome: Outcome | None = None
        for effect in effects:
            match effect:
                case Send(to, message):
                    sends.append((to, message))
                case Broadcast(everyone, message):
                    sends += [(to, message) for to in everyone]
                case SetTimer(id, _, timer):
                    timers[id] = timer
                case CancelTimer(id):
                    timers.pop(id, None)
                case Save(key, value):
                    saved[key] = value
                case Forget(key):
                    saved.pop(key, None)
                case Return(call, ended):
                    _check_call(node, local, call, ended, outcome)
                    outcome = ended
        for to, message in sends:
            self._check_send(node, to, message)
        known = known_before(local.form(), event) if node.signs else set()
        if node.signs:
            check_state(node, known, (form_of_node(node), canonical(saved)))
        node, timers = _rename_timers(node, timers)
        waiting = local.waiting and outcome is None
        after = Local(node, timers, saved, local.calls, waiting)
        said = self._liars.said(node, sends, self.random)
        if node.signs:
            said = without_forgeries(node, known, said)
        return Step(after, event, effects, tuple(said), outcome)

    def _check_send(self, node: Node, to: NodeId, message: object) -> None:
        if to not in self._everyone:
            raise ContractError(
                f"node {node.id} sends to {to!r}, which is not in this instance: "
                f"there are {', '.join(sorted(self._everyone))}"
            )
        check_value(message)


def _failed(id: NodeId, error: Exception, event: Event) -> Step:
    said = f"{type(error).__name__}: {error}".rstrip(": ")
    problem = f"node {id} raised {said}, when it took {_what(event)}"
    if isinstance(error, ContractError):
        problem = str(error)
    return Step(Local(None, {}, {}, problem=problem), event)


def _what(event: Event) -> str:
    match event:
        case Receive(_, sender, message):
            return f"{message!r} from {sender}"
        case Fire(_, _, timer):
            return f"its timer {timer!r}"
        case Invoke(_, _, operation):
            return f"its client's {operation!r}"
        case _:
            return "its start"


def _check_call(node: Node, local: Local, call: int, ended: Outcome, before: object) -> None:
    if call != local.calls or not local.waiting or before is not None:
        raise ContractError(
            f"node {node.id}: finish({call}, {ended}): that call is not under way: "
            "each call ends once, and in the life in which it began"
        )


def _form_of_node(node: Node) -> Canonical:
    try:
        return form_of_node(node)
    except RecursionError:
        raise ContractError(
            f"node {node.id} ({type(node).__name__}): its state contains itself, so the explorer "
            "cannot compare it: refer to parts of it by name or number"
        ) from None
    except ContractError as error:
        raise ContractError(f"node {node.id} ({type(node).__name__}): {error}") from None


def _clone(node: Node | None) -> Node:
    assert node is not None, "only a node that is up takes a step"
    made: Node = object.__new__(type(node))
    for name in BOOKKEEPING:
        setattr(made, name, getattr(node, name))
    _set_state(made, copy_state(state_of(node), of=node, to=made))
    return made


def _set_state(node: Node, state: Mapping[str, object]) -> None:
    for name, part in state.items():
        object.__setattr__(node, name, part)


def _rename_timers(node: Node, timers: dict[TimerId, object]) -> tuple[Node, dict[TimerId, object]]:
    """Number all timer names afresh, so that setting a timer again and again makes no new state.

    The pending ones come first, in the order of what they hold and then of their setting; then
    those that the node still remembers although they fired or were cancelled.
    """
    if not node._last_timer:
        return node, timers
    remembered: set[TimerId] = set()

    def found(name: TimerName) -> TimerName:
        remembered.add(name)
        return name

    state = state_of(node)
    copy_state(state, found, of=node, to=node)
    pending = sorted(timers, key=lambda name: (repr(canonical(timers[name])), name))
    names = [*pending, *sorted(remembered - set(timers))]
    new: dict[TimerId, TimerName] = {old: TimerName(number) for number, old in enumerate(names, 1)}
    _set_state(node, copy_state(state, new.__getitem__, of=node, to=node))
    node._last_timer = TimerName(len(names))
    return node, {new[old]: timers[old] for old in pending}
