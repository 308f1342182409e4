"""The node: a pure event handler, the one class that every protocol of the course is.

Something happens to a node (:mod:`common.contract.events`). It changes its own state and asks for
effects (:mod:`common.contract.effects`). :meth:`Node.step` is the only door between the two, and
every world (simulator, explorer, judge, sockets, browser) uses that door and nothing else.
"""

import inspect
from collections.abc import Callable, Mapping
from random import Random
from types import MappingProxyType
from typing import Any, ClassVar, NoReturn, TypeVar

from common.contract.effects import (
    Broadcast,
    CancelTimer,
    Effect,
    Forget,
    Note,
    Return,
    Save,
    Send,
    SetTimer,
)
from common.contract.events import CallId, Event, Fire, Invoke, Key, NodeId, Receive, TimerId
from common.contract.kinds import MESSAGE, OPERATION, RECORD, TIMER, field_types, kind_of, kinds
from common.values.errors import ContractError
from common.values.history import Outcome

Handler = TypeVar("Handler", bound=Callable[..., None])

_ARGUMENTS = {
    MESSAGE: "(self, message, sender)",
    TIMER: "(self, timer)",
    OPERATION: "(self, operation, call)",
}
_HANDLES = "__handles__"


def on(*kinds: type) -> Callable[[Handler], Handler]:
    """Mark a method as the handler of the given message, timer or operation classes.

    A handler of messages is called ``(message, sender)``, one of timers ``(timer)``, one of
    operations ``(operation, call)``.
    """

    def mark(method: Handler) -> Handler:
        setattr(method, _HANDLES, kinds)
        return method

    return mark


class Node:
    """One participant of a protocol.

    Subclasses take their configuration as keyword arguments with documented defaults, call
    ``super().__init__(id, peers)`` first, and keep all their state in attributes of their own.

    Args:
        id: the name of this node.
        peers: the names of the other members of the cluster, without ``id``.
    """

    _handlers: ClassVar[dict[type, Callable[..., None]]] = {}

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        self._id = id
        self._peers = tuple(peers)
        self._now = 0
        self._random: Random = Random(id)
        self._effects: list[Effect] | None = None
        self._last_timer: TimerId = 0
        self._saved: dict[Key, object] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        _check_names(cls)
        handlers: dict[type, Callable[..., None]] = {}
        for base in reversed(cls.__mro__):  # a class may join two halves, each with handlers
            handlers |= vars(base).get("_handlers", {})
        for method in vars(cls).values():
            for kind in getattr(method, _HANDLES, ()):
                _check_handler(cls, method, kind)
                handlers[kind] = method
        for kind, method in handlers.items():  # an override keeps its parent's @on
            handlers[kind] = getattr(cls, method.__name__)
        cls._handlers = handlers

    # What a handler may read.

    @property
    def id(self) -> NodeId:
        """The name of this node."""
        return self._id

    @property
    def peers(self) -> tuple[NodeId, ...]:
        """The other members of the cluster, without this node."""
        return self._peers

    @property
    def now(self) -> int:
        """This node's own clock in microseconds. It may be wrong, and run fast or slow."""
        return self._now

    @property
    def random(self) -> Random:
        """This node's own random numbers, seeded by the world.

        Draw with ``randrange``, ``random``, ``choice``, ``shuffle``, ``sample``: those give the
        same numbers on every machine. ``gauss``, ``expovariate`` and their kind do not.
        """
        return self._random

    @property
    def saved(self) -> Mapping[Key, Any]:
        """What earlier lives of this node made durable, as it was when this life started."""
        return MappingProxyType(self._saved)  # made here: a stored view could not be copied

    # What a handler may ask for.

    def send(self, to: NodeId, message: object) -> None:
        """Ask for ``message`` to be sent to the node ``to``, which may be this node itself."""
        if kinds.get(message.__class__) is not MESSAGE:
            self._not_a("send", message, MESSAGE)
        effects = self._effects
        if effects is None:
            self._outside("send")
        effects.append(Send(to, message))

    def broadcast(self, message: object) -> None:
        """Ask for ``message`` to be sent to every peer, in the order of ``peers``."""
        if kinds.get(message.__class__) is not MESSAGE:
            self._not_a("broadcast", message, MESSAGE)
        self._ask("broadcast", Broadcast(self._peers, message))

    def set_timer(self, after: int, timer: object) -> TimerId:
        """Ask for ``timer`` to come back ``after`` microseconds from now, once.

        Returns:
            The name of this setting, for :meth:`cancel_timer`.
        """
        if kinds.get(timer.__class__) is not TIMER:
            self._not_a("set_timer", timer, TIMER)
        if type(after) is not int or after < 0:
            raise ContractError(
                f"{self._name()}: set_timer({after!r}, ...): a time is a whole number of "
                "microseconds, 0 or more: write 150 * MS"
            )
        self._last_timer += 1
        self._ask("set_timer", SetTimer(self._last_timer, after, timer))
        return self._last_timer

    def cancel_timer(self, id: TimerId) -> None:
        """Forget a timer; nothing happens if it has fired or was cancelled before."""
        self._ask("cancel_timer", CancelTimer(id))

    def save(self, key: Key, value: object) -> None:
        """Make ``value`` durable under ``key`` before any send of this step leaves.

        All saves of one step become durable together or not at all.
        """
        self._ask("save", Save(key, value))

    def forget(self, key: Key) -> None:
        """Make it durable that nothing is saved under ``key``."""
        self._ask("forget", Forget(key))

    def finish(self, call: CallId, outcome: Outcome) -> None:
        """Tell the client how its operation ended: Ok, Failed or Unknown. A call ends once."""
        self._ask("finish", Return(call, outcome))

    def note(self, text: str, /, **fields: object) -> None:
        """Leave an annotation in the trace."""
        self._ask("note", Note(text, fields))

    # What a subclass may define.

    def on_start(self) -> None:
        """Called at the start of each life, before anything else; ``saved`` is filled in."""

    def status(self) -> Mapping[str, object]:
        """What a picture or a dashboard shows of this node: a few plain values by name."""
        return {}

    # The door.

    def step(self, event: Event) -> list[Effect]:
        """Let one event happen to this node and return the effects that it asks for, in order.

        Raises:
            ContractError: no handler takes the event, or the handler broke another rule.
        """
        effects: list[Effect] = []
        self._effects = effects
        self._now = event.now
        try:
            if isinstance(event, Receive):
                self._handlers[event.message.__class__](self, event.message, event.sender)
            elif isinstance(event, Fire):
                self._handlers[event.timer.__class__](self, event.timer)
            elif isinstance(event, Invoke):
                self._handlers[event.operation.__class__](self, event.operation, event.call)
            else:
                self._saved = dict(event.saved)
                self.on_start()
        except KeyError:
            self._check_taken(event)
            raise
        finally:
            self._effects = None
        return effects

    def seed(self, seed: str) -> None:
        """Seed this node's random numbers; worlds call this once, before the first step."""
        self._random = Random(seed)

    # Errors, out of the way of the fast path.

    def _ask(self, verb: str, effect: Effect) -> None:
        if self._effects is None:
            self._outside(verb)
        self._effects.append(effect)

    def _name(self) -> str:
        return f"node {self._id} ({type(self).__name__})"

    def _outside(self, verb: str) -> NoReturn:
        raise ContractError(
            f"{self._name()}: {verb}() was called outside a handler: effects are asked for in "
            "on_start() and in methods marked @on, never in __init__ or later"
        )

    def _not_a(self, verb: str, value: object, wanted: str) -> NoReturn:
        raise ContractError(
            f"{self._name()}: {verb}() takes a {wanted}, not {value!r}: declare its class "
            f"with @{wanted}"
        )

    def _check_taken(self, event: Event) -> None:
        match event:
            case Receive(_, sender, message):
                value, origin = message, f" from {sender}"
            case Fire(_, _, timer):
                value, origin = timer, ""
            case Invoke(_, _, operation):
                value, origin = operation, " from a client"
            case _:
                return
        if type(value) not in self._handlers:
            kind = kind_of(type(value)) or "value"
            raise ContractError(
                f"{self._name()}: no handler takes the {kind} {value!r}{origin}: "
                f"add a method marked @on({type(value).__name__})"
            )


def _check_names(cls: type) -> None:
    """A helper of a subclass must not replace one of Node's own by accident."""
    for name in vars(cls):
        ours = name.startswith("_") and not name.startswith("__") and name != "_handlers"
        if ours and name in vars(Node):
            raise ContractError(
                f"{cls.__module__}.{cls.__qualname__}: the name {name} belongs to Node: "
                "give yours another"
            )


def _check_handler(cls: type, method: Callable[..., None], kind: type) -> None:
    place = f"{cls.__module__}.{cls.__qualname__}.{method.__name__}"
    declared = kind_of(kind)
    if declared is None or declared == RECORD:
        raise ContractError(
            f"{place}: @on({kind.__name__}): declare {kind.__name__} with @message, @timer or "
            "@operation"
        )
    wanted = _ARGUMENTS[declared]
    if len(inspect.signature(method).parameters) != wanted.count(",") + 1:
        raise ContractError(f"{place}: the handler of a {declared} is called {wanted}")
    field_types(kind)
