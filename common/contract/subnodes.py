"""Nodes within a node: a broker's partitions, a server's Raft group, a store's membership protocol.

A subnode is a node under a name inside another one::

    class Broker(Node):
        subnodes = (Raft,)

        def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
            super().__init__(id, peers)
            self.metadata = self.subnode("metadata", Raft(id, peers))

        @on(Committed)
        def committed(self, entry: Committed, subnode: str) -> None: ...

What it sends goes to the subnode of the same name on the other node. Its timers and what it saves
are its own: no other subnode, and not the node around it, ever sees them. The node around it calls
its methods, within a step of its own; the subnode calls back in one way, ``deliver``, which the
node around it takes with ``@on`` as it takes messages.

* **Order.** What is delivered in a step is handled in that step, in the order of delivery, once the
  handler that runs has come to its end. So no handler ever interrupts another one.
* **Start.** When a life begins, first the subnodes that ``__init__`` made start, in the order in
  which they were made; then ``on_start`` of the node around them. One that is made later starts
  while it is made.
* **End.** ``drop_subnode`` ends one: its timers end, what it delivered and nobody has handled is
  gone, and it can ask for nothing more. What it saved is forgotten, or kept for the next subnode of
  that name.
* **Strays.** A message for a subnode that is not there goes to ``on_stray`` of the node around it.
* **Names, not lives.** A message is addressed to a name. One that was sent to an earlier subnode of
  that name reaches the present one, just as a message that was sent to a node before it crashed
  reaches the node that it is now. A protocol for which that matters puts a number into its names or
  its messages.
* **Clients** ask the outermost node, which may hand an operation on by calling a method. A subnode
  that ends the call does it by ``finish`` of the node around it, which may say it in other words.

The subnode itself is an ordinary node. It runs alone in every world, where nobody takes what it
delivers.
"""

from collections import deque
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, ClassVar, NoReturn, Protocol

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
)
from common.contract.events import CallId, Event, Fire, NodeId, SavedKey, TimerId
from common.contract.signing import Signer
from common.contract.wrapped import Inner, InnerKey, InnerTimer
from common.values.errors import ContractError
from common.values.history import Outcome

MAX_DELIVERIES = 1_000_000
"""How much may be delivered in one step; a node and its subnode could go on forever."""


_VERBS: Mapping[type, str] = {
    Send: "send",
    Broadcast: "broadcast",
    CancelTimer: "cancel_timer",
    Save: "save",
    Forget: "forget",
    Return: "finish",
    Note: "note",
    Deliver: "deliver",
}
"""What a node calls to ask for an effect."""


class EffectSink(Protocol):
    """Where the effects go that a handler asks for: a list, or out through the node around."""

    def append(self, effect: Effect, /) -> None:
        """Ask for one more."""


class Participant(Protocol):
    """What a node and the nodes within it know of each other. Only a Node is one."""

    subnodes: ClassVar[tuple[type[Any], ...]]
    _effects: EffectSink | None
    _inside: "Inside | None"
    _outlet: "Outlet | None"
    _random: Random
    _saved: dict[Any, object] | None

    @property
    def id(self) -> NodeId: ...
    @property
    def now(self) -> int: ...
    def set_timer(self, after: int, timer: object) -> TimerId: ...
    def cancel_timer(self, id: TimerId) -> None: ...
    def finish(self, call: CallId, outcome: Outcome) -> None: ...
    def on_stray(self, name: str, message: object, sender: NodeId) -> None: ...
    def full_status(self) -> Mapping[str, object]: ...
    def _ask(self, verb: str, effect: Effect) -> None: ...
    def _begin_life(self, saved: Mapping[SavedKey, object]) -> None: ...
    def _handler_of(self, value: object, origin: str) -> Callable[..., None]: ...
    def _name(self) -> str: ...
    def _outside(self, verb: str) -> NoReturn: ...
    def _signs(self, verb: str) -> Signer: ...


def _outermost(node: Participant) -> Participant:
    while node._outlet is not None:
        node = node._outlet.around
    return node


def _in_step(node: Participant, verb: str) -> Participant:
    """The outermost node, while it takes a step. Raises: ContractError, where it takes none."""
    outermost = _outermost(node)
    if outermost._effects is None:
        node._outside(verb)
    return outermost


class Outlet:
    """Where a subnode's effects go: to the node around it, with the subnode's name around each.

    Args:
        around: the node around the subnode.
        name: the subnode's.
        saved: what the subnodes of this name have saved; kept up to date here.

    Attributes:
        timers: the subnode's timers that are set, those of its own subnodes too.
        ended: whether the subnode was dropped.
    """

    __slots__ = ("around", "ended", "name", "saved", "timers")

    def __init__(self, around: Participant, name: str, saved: dict[SavedKey, object]) -> None:
        self.around = around
        self.name = name
        self.saved = saved
        self.timers: set[TimerId] = set()
        self.ended = False

    @property
    def path(self) -> str:
        """The names of this subnode and of those around it, the outermost first."""
        outer = self.around._outlet
        return self.name if outer is None else f"{outer.path}/{self.name}"

    @property
    def gone(self) -> bool:
        """Whether this subnode was dropped, or one around it."""
        outer = self.around._outlet
        return self.ended or (outer is not None and outer.gone)

    def append(self, effect: Effect) -> None:
        """Ask for an effect of the subnode's: the same one, with the name around what is in it."""
        if self.ended:
            self._dropped()
        around = self.around
        sink = around._effects
        if sink is None:
            around._outside(_VERBS[type(effect)])
        match effect:
            case Send() | Broadcast():
                effect.message = Inner(self.name, effect.message)
            case Save(key, value):
                self.saved[key] = value
                effect.key = InnerKey(self.name, key)
            case Forget(key):
                self.saved.pop(key, None)
                effect.key = InnerKey(self.name, key)
            case CancelTimer(id):
                self.timers.discard(id)
            case Return(call, outcome):
                around.finish(call, outcome)  # which may say it in other words
                return
            case Note(text, fields):
                _outermost(around)._ask("note", Note(f"{self.path}: {text}", fields))
                return
            case Deliver(value):
                self._deliver(value)
                return
        sink.append(effect)

    def set_timer(self, after: int, timer: object) -> TimerId:
        """Set a timer of the subnode's; its id is one of the outermost node's."""
        if self.ended:
            self._dropped()
        id = self.around.set_timer(after, InnerTimer(self.name, timer))
        self.timers.add(id)
        return id

    def end(self) -> None:
        """Cancel all timers, and let nothing through any more."""
        for id in sorted(self.timers):
            self.around.cancel_timer(id)
        self.timers.clear()
        self.ended = True

    def _deliver(self, value: object) -> None:
        inside = _in_step(self.around, "deliver")._inside
        assert inside is not None, "this subnode is in there"
        inside.delivered.append((self, value))

    def _dropped(self) -> NoReturn:
        raise ContractError(
            f"{self.around._name()}: its subnode {self.name} was dropped, and can ask for "
            "nothing any more: keep no reference to it after drop_subnode()"
        )


class Inside:
    """The subnodes of one node.

    Args:
        around: the node.

    Attributes:
        running: the subnodes that are there, by name, in the order in which they were made.
        saved: what the subnodes of each name have saved, whether one is there or not.
        delivered: on the outermost node: what was delivered in this step and is not handled yet,
            in order, each with the outlet that it came out of.
    """

    def __init__(self, around: Participant) -> None:
        self.around = around
        self.running: dict[str, Participant] = {}
        self.saved: dict[str, dict[SavedKey, object]] = {}
        self.delivered: deque[tuple[Outlet, object]] = deque()

    def add(self, name: str, node: Participant) -> None:
        """Take a subnode in. It starts now, if the node around it has started."""
        around = self.around
        started = around._saved is not None
        if started:
            _in_step(around, "subnode")
        self._check(name, node)
        outlet = Outlet(around, name, self.saved.setdefault(name, {}))
        node._outlet = node._effects = outlet
        self.running[name] = node
        if started:
            self._start(node, outlet)

    def drop(self, name: str, forget: bool) -> None:
        """End the subnode of this name, and forget what was saved under it or keep it."""
        _in_step(self.around, "drop_subnode")
        node = self.running.pop(name, None)
        if node is not None:
            assert node._outlet is not None, "it was taken in"
            node._outlet.end()
        elif not (forget and name in self.saved):
            raise ContractError(
                f"{self.around._name()}: drop_subnode({name!r}): it has no subnode of this name, "
                f"but {', '.join(self.running) or 'none at all'}"
            )
        if forget:
            for key in self.saved.pop(name):
                self.around._ask("forget", Forget(InnerKey(name, key)))

    def begin(self, saved: Mapping[SavedKey, object]) -> dict[SavedKey, object]:
        """Start those that are there already; returns what of ``saved`` is not the subnodes'."""
        own: dict[SavedKey, object] = {}
        for key, value in saved.items():
            if isinstance(key, InnerKey):
                self.saved.setdefault(key.of, {})[key.key] = value
            else:
                own[key] = value
        for node in list(self.running.values()):
            assert node._outlet is not None, "it was taken in"
            self._start(node, node._outlet)
        return own

    def received(self, inner: Inner, sender: NodeId) -> None:
        """A message has arrived for a subnode."""
        node = self.running.get(inner.to)
        if node is None:
            self.around.on_stray(inner.to, inner.message, sender)
        else:
            node._handler_of(inner.message, f" from {sender}")(node, inner.message, sender)

    def fired(self, inner: InnerTimer) -> None:
        """A timer of a subnode has fired."""
        node = self.running[inner.of]  # it is there: the timers of one that was dropped have ended
        node._handler_of(inner.timer, "")(node, inner.timer)

    def settle(self, event: Event) -> None:
        """End a step of the outermost node: see to what was delivered in it."""
        if isinstance(event, Fire):
            self._forget_timer(event.id, event.timer)
        handled = 0
        while self.delivered:
            outlet, delivery = self.delivered.popleft()
            if outlet.gone:
                continue
            around = outlet.around
            handled += 1
            if handled > MAX_DELIVERIES:
                raise ContractError(
                    f"{around._name()}: its subnode {outlet.name} and others delivered more than "
                    f"{MAX_DELIVERIES:,} times in one step: does a delivery lead to the next one?"
                )
            handler = around._handler_of(delivery, f" of the subnode {outlet.name}")
            handler(around, delivery, outlet.name)

    def _start(self, node: Participant, outlet: Outlet) -> None:
        node._random = self.around._random
        node._begin_life(outlet.saved)

    def _forget_timer(self, id: TimerId, timer: object) -> None:
        """One that has fired need not be cancelled when a subnode is dropped."""
        inside: Inside | None = self
        while isinstance(timer, InnerTimer) and inside is not None and timer.of in inside.running:
            node = inside.running[timer.of]
            assert node._outlet is not None, "it was taken in"
            node._outlet.timers.discard(id)
            inside, timer = node._inside, timer.timer

    def _check(self, name: str, node: Participant) -> None:
        around = self.around
        kind = type(node).__name__
        problem = ""
        if not name or "/" in name:
            problem = 'a name is a text that is not empty and has no "/"'
        elif name in self.running:
            problem = "there is a subnode of this name: drop_subnode() it first"
        elif not isinstance(node, type(around).subnodes):
            problem = f"say in the class {type(around).__name__}: subnodes = ({kind},)"
        elif node._saved is not None or node._outlet is not None:
            problem = "it was a node before: make a new one"
        elif node.id != around.id:
            problem = f"its id is {node.id}: a subnode has the id of the node around it"
        if problem:
            raise ContractError(f"{around._name()}: subnode({name!r}, {kind}(...)): {problem}")
