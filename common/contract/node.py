"""The node: a pure event handler, the one class that every protocol of the course is.

Something happens to a node (:mod:`common.contract.events`). It changes its own state and asks for
effects (:mod:`common.contract.effects`). :meth:`Node.step` is the only door between the two, and
every world (simulator, explorer, judge, sockets, browser) uses that door and nothing else.
"""

from collections.abc import Callable, Mapping
from random import Random
from types import MappingProxyType
from typing import Any, ClassVar, NoReturn, TypeVar

from common.contract.checked import CheckedEffects, Checker
from common.contract.effects import (
    Broadcast,
    CancelTimer,
    Deliver,
    Effect,
    Forget,
    Note,
    Return,
    Save,
    Send,
    SetTimer,
)
from common.contract.events import (
    CallId,
    Event,
    Fire,
    Invoke,
    Key,
    NodeId,
    Receive,
    SavedKey,
    TimerId,
)
from common.contract.handlers import Handlers, check_names, handlers_of, place_of
from common.contract.kinds import DELIVERY, MESSAGE, TIMER, kind_of, kinds
from common.contract.signing import IDEAL_SIGNER, Signed, Signer
from common.contract.subnodes import EffectSink, Inside, Outlet
from common.contract.wrapped import Inner, InnerTimer
from common.values.errors import ContractError
from common.values.history import Outcome

N = TypeVar("N", bound="Node")


class Node:
    """One participant of a protocol.

    Subclasses take their configuration as keyword arguments with documented defaults, call
    ``super().__init__(id, peers)`` first, and keep all their state in attributes of their own.

    Args:
        id: the name of this node.
        peers: the names of the other members of the cluster, without ``id``.
    """

    subnodes: ClassVar[tuple[type["Node"], ...]] = ()
    """The classes of the nodes within this one (:mod:`common.contract.subnodes`)."""

    carries: ClassVar[tuple[type, ...]] = ()
    """Classes inside what this node sends or saves that it handles unseen, such as the commands of
    an application and their results. (What its file writes down is known without.)"""

    signs: ClassVar[bool] = False
    """Whether this node signs, or verifies signatures (:mod:`common.contract.signing`)."""

    _handlers: ClassVar[Handlers] = {}
    _signer: Signer = IDEAL_SIGNER
    _checker: Checker | None = None

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        self._id = id
        self._peers = tuple(peers)
        self._now = 0
        self._random: Random = Random(id)
        self._effects: EffectSink | None = None
        self._last_timer: TimerId = 0
        self._saved: dict[Any, object] | None = None
        self._inside: Inside | None = Inside(self) if type(self).subnodes else None
        self._outlet: Outlet | None = None

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        check_names(cls, Node)
        cls._handlers = handlers_of(cls)
        if cls.subnodes:
            cls._handlers |= {Inner: Node._inner_received, InnerTimer: Node._inner_fired}

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
        outlet = self._outlet
        return self._now if outlet is None else outlet.around.now

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
        saved = {} if self._saved is None else self._saved
        return MappingProxyType(saved)  # made here: a stored view could not be copied

    # Signatures.

    def sign(self, content: object) -> Signed:
        """``content`` with this node's signature. (A subnode signs as the node around it does.)"""
        return Signed(self.id, content, self._signs("sign").sign(self.id, content))

    def verify(self, signed: Signed) -> bool:
        """Whether ``signed.signer`` signed ``signed.content``, just as it is."""
        return self._signs("verify").verify(signed)

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
        outlet = self._outlet
        if outlet is not None:
            return outlet.set_timer(after, timer)
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

    def deliver(self, delivery: Any, /) -> None:
        """Hand ``delivery`` to the node around this one; it is handled once this handler is done.

        If this node runs alone, nobody takes it.
        """
        if kinds.get(delivery.__class__) is not DELIVERY:
            self._not_a("deliver", delivery, DELIVERY)
        self._ask("deliver", Deliver(delivery))

    # Nodes within this one.

    def subnode(self, name: str, node: N) -> N:
        """Take ``node`` in under ``name``, and return it.

        It starts at once; or, where this is called in ``__init__``, just before this node does.

        Args:
            name: unique among the subnodes that are there, without "/"; it speaks with the
                subnode of the same name on another node.
            node: just made, of a class that ``subnodes`` of this class names, with this node's id.
        """
        self._have_inside(f"subnode({name!r}, {type(node).__name__}(...))").add(name, node)
        return node

    def drop_subnode(self, name: str, *, forget: bool) -> None:
        """End a subnode: its timers, and what it delivered and nobody has handled.

        Args:
            name: the subnode's. If the subnode is gone and its saves were kept, they can still be
                forgotten.
            forget: whether what it saved is forgotten, or kept for the next subnode of this name.
        """
        self._have_inside(f"drop_subnode({name!r})").drop(name, forget)

    # What a subclass may define.

    def on_start(self) -> None:
        """Called at the start of each life, before anything else; ``saved`` is filled in."""

    def status(self) -> Mapping[str, object]:
        """What a picture or a dashboard shows of this node: a few plain values by name."""
        return {}

    def on_stray(self, name: str, message: object, sender: NodeId) -> None:
        """Called for a message to the subnode ``name`` when there is none: it leaves a note.

        The subnode may have been dropped while the message was under way, or not be made yet.
        """
        self.note(f"there is no subnode {name} for {message!r} from {sender}")

    # The door.

    def step(self, event: Event) -> list[Effect]:
        """Let one event happen to this node and return the effects that it asks for, in order.

        Raises:
            ContractError: no handler takes the event, or the handler broke another rule.
        """
        if self._effects is not None:
            self._step_within(event)
        effects: list[Effect] = [] if self._checker is None else CheckedEffects(self._checker)
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
                self._begin_life(event.saved)
            if self._inside is not None:
                self._inside.settle(event)
        except KeyError:
            self._check_taken(event)
            raise
        finally:
            self._effects = None
        return effects

    def full_status(self) -> Mapping[str, object]:
        """``status()``, and that of each subnode with its name before each field."""
        inside = self._inside
        if inside is None:
            return self.status()
        shown = dict(self.status())
        for name, node in inside.running.items():
            shown |= {f"{name}/{field}": value for field, value in node.full_status().items()}
        return shown

    def seed(self, seed: str) -> None:
        """Seed this node's random numbers; worlds call this once, before the first step."""
        self._random = Random(seed)

    def sign_by(self, signer: Signer) -> None:
        """Give this node what it signs with; worlds without ideal signatures do, once."""
        self._signer = signer

    def check_by(self, checker: Checker) -> None:
        """Have each effect checked as it is asked for; worlds that check call this, once."""
        self._checker = checker

    # For the nodes within this one.

    def _begin_life(self, saved: Mapping[SavedKey, object]) -> None:
        self._saved = dict(saved) if self._inside is None else self._inside.begin(saved)
        self.on_start()

    def _inner_received(self, inner: Inner, sender: NodeId) -> None:
        self._have_inside("step()").received(inner, sender)

    def _inner_fired(self, inner: InnerTimer) -> None:
        self._have_inside("step()").fired(inner)

    def _have_inside(self, verb: str) -> Inside:
        if self._inside is None:
            raise ContractError(
                f"{self._name()}: {verb}: a class that has nodes within it names their classes: "
                "subnodes = (...,)"
            )
        return self._inside

    def _signs(self, verb: str) -> Signer:
        if not type(self).signs:
            raise ContractError(
                f"{self._name()}: {verb}(): only a class that says signs = True has signatures"
            )
        return self._signer if self._outlet is None else self._outlet.around._signs(verb)

    def _handler_of(self, value: object, origin: str) -> Callable[..., None]:
        handler = self._handlers.get(value.__class__)
        if handler is None:
            self._not_taken(value, origin)
        return handler

    # Errors, out of the way of the fast path.

    def _ask(self, verb: str, effect: Effect) -> None:
        if self._effects is None:
            self._outside(verb)
        self._effects.append(effect)

    def _name(self) -> str:
        where = "" if self._outlet is None else f"subnode {self._outlet.path} of "
        return f"{where}node {self._id} ({type(self).__name__})"

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
            self._not_taken(value, origin)

    def _not_taken(self, value: object, origin: str) -> NoReturn:
        kind = kind_of(type(value)) or "value"
        instead = f"add a method marked @on({type(value).__name__}) to {place_of(type(self))}"
        if isinstance(value, Inner):
            instead = f"it is for a subnode, and {type(self).__name__} has no subnodes = (...)"
        raise ContractError(
            f"{self._name()}: no handler takes the {kind} {value!r}{origin}: {instead}"
        )

    def _step_within(self, event: Event) -> NoReturn:
        if self._outlet is None:
            raise ContractError(f"{self._name()}: step({event}) was called within a step")
        raise ContractError(
            f"{self._name()}: step({event}): what happens to a subnode comes through the node "
            "around it: call step() of that one"
        )
