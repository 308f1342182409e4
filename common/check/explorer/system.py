"""The transition system of an instance: worlds of nodes, and the choices that lead between them.

A world is a tuple of numbers. Each node's share of it, each message and each line of the history is
numbered when it first occurs, and equal ones have equal numbers; so worlds are quick to compare,
and what an event makes of a node's share is looked up by two numbers after the first time.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

from common.check.explorer.canonical import Canonical, canonical
from common.check.explorer.instance import Bounds, Instance, Packet, WorldView
from common.check.explorer.liars import Liars
from common.check.explorer.local import Local, Step, Stepper
from common.check.explorer.network import Flight, Lasting, Network, Ordered, Unordered
from common.check.explorer.search import TransitionSystem
from common.contract.calls import describe
from common.contract.events import NodeId, SavedKey
from common.values.history import History, Operation, Outcome

World: TypeAlias = tuple[tuple[int, ...], Flight, tuple[int, ...], tuple[int, ...]]
"""Shares of the nodes, messages in flight, history, and what is spent of each budget."""

Move: TypeAlias = tuple[Any, ...]
"""A choice as the search keeps it: its kind, and a message's or a node's number, and a timer's."""

LOSSES, DUPLICATES, CRASHES, RESTARTS, TIMERS = range(5)
"""Places in what is spent."""

FAULTS = frozenset(("lose", "duplicate", "crash"))
"""Kinds of choices that nobody can count on; without them, a world is at rest."""


class Numbers:
    """Numbers for values: equal values, equal numbers, in the order of their first occurrence."""

    def __init__(self) -> None:
        self.values: list[Canonical] = []
        self._numbers: dict[Canonical, int] = {}

    def number(self, value: Canonical) -> int:
        """The number of ``value``, a new one if it has none."""
        number = self._numbers.setdefault(value, len(self.values))
        if number == len(self.values):
            self.values.append(value)
        return number


class Entry(NamedTuple):
    """A remembered step.

    Attributes:
        after: the number of the node's share afterwards.
        sends: the numbers of the messages it sent.
        lines: the numbers of the lines it adds to the history.
        step: the step itself, for replays.
    """

    after: int
    sends: tuple[int, ...]
    lines: tuple[int, ...]
    step: Step


class NodeSystem(TransitionSystem[World, Move]):
    """All that can happen in an instance.

    Args:
        instance: what to explore.

    Attributes:
        ids: the nodes' ids by their numbers; a node that runs twice has two of them.
        starts: the first step of each node, which lead to the one initial world.
        packets: the messages by their numbers.
    """

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.ids: tuple[NodeId, ...] = instance.everyone
        self.packets: dict[int, Packet] = {}
        self.shares = Numbers()
        self.messages = Numbers()
        self.lines = Numbers()
        self.liars = Liars(instance)
        self.stepper = Stepper(self.ids, self.liars)
        self._number_of = {id: number for number, id in enumerate(self.ids)}
        self._operations = [tuple(instance.operations.get(id, ())) for id in self.ids]
        mortal = instance.nodes if instance.may_crash is None else instance.may_crash
        self._mortal = frozenset(mortal)
        self._budget = _budget(instance.bounds)
        self._room = instance.bounds.in_flight
        self._lasting = instance.bounds.duplicates is None
        self.network = self._make_network()
        # By the number of a share: the share; its node if that is up, and if it is honest besides;
        # what its handler did wrong; the choices that its node has without a message, each with the
        # budget that pays for it.
        self._locals: dict[int, Local] = {}
        self._nodes: dict[int, tuple[NodeId, Any]] = {}
        self._honest: dict[int, tuple[NodeId, Any]] = {}
        self._problems: dict[int, str] = {}
        self._own: dict[int, tuple[tuple[Move, int | None], ...]] = {}
        # By the number of a message: the number of its target. By a line's: how the call ended.
        self._targets: dict[int, int] = {}
        self._outcomes: dict[int, Outcome] = {}
        # Steps taken so far: by share and message, or by share and choice.
        self._entries: dict[Move, Entry] = {}
        # Whether the last call of successors left out a step for a bound.
        self._withheld = False
        self.starts: list[Entry] = []
        self._initial = self._begin()

    # What the search asks.

    def initial(self) -> Iterable[World]:
        """The one world in which all nodes have started and nothing else has happened."""
        return (self._initial,)

    def actions(self, state: World) -> Iterable[Move]:
        """The choices there are in a world."""
        return [move for move, _ in self.successors(state)]

    def next(self, state: World, action: Move) -> World:
        """The world that a choice leads to."""
        return next(after for move, after in self.successors(state) if move == action)

    def successors(self, state: World) -> list[tuple[Move, World]]:
        """All choices in a world, messages first, with the worlds they lead to."""
        found: list[tuple[Move, World]] = []
        self._move_messages(state, found)
        self._move_nodes(state, found)
        return found

    def quiescent(self, state: World) -> bool:
        """Whether no message, timer, restart or operation can change the world any more.

        Not so where only a bound holds one back: then something would still happen.
        """
        self._withheld = False
        after = self.successors(state)
        return not self._withheld and all(
            world == state for move, world in after if move[0] not in FAULTS
        )

    def view(self, state: World) -> WorldView:
        """The world as properties see it."""
        nodes = self._honest
        return WorldView(dict([nodes[share] for share in state[0] if share in nodes]), self, state)

    # What a view asks.

    def saved_in(self, world: Any) -> Mapping[NodeId, Mapping[SavedKey, object]]:
        """What is on each node's disk."""
        shares = zip(self.ids, world[0], strict=True)
        return {id: self._locals[share].saved for id, share in shares}

    def packets_in(self, world: Any) -> tuple[Packet, ...]:
        """The messages under way."""
        return tuple(self.packets[message] for message in self.network.messages(world[1]))

    def history_in(self, world: Any) -> History:
        """The clients' operations so far."""
        history = History()
        running: dict[int, Operation] = {}
        for at, line in enumerate(world[2]):
            number, call, _ = self.lines.values[line]
            if line in self._outcomes:
                history.finish(running.pop(number), self._outcomes[line], at)
                continue
            asked = describe(self._operations[number][call - 1])
            running[number] = history.invoke(self.ids[number], *asked, at)
        return history

    def problem_in(self, world: Any) -> str | None:
        """What some handler did wrong."""
        if not self._problems:
            return None
        return next((self._problems[one] for one in world[0] if one in self._problems), None)

    def entry(self, world: World, move: Move) -> Entry | None:
        """The remembered step of a choice in a world; None for a loss or a duplicate."""
        kind, operand = move[:2]
        if kind == "deliver":
            return self._entries[(world[0][self._targets[operand]], operand)]
        if kind in ("lose", "duplicate"):
            return None
        return self._entries[(world[0][operand], *move)]

    # The choices.

    def _move_messages(self, world: World, found: list[tuple[Move, World]]) -> None:
        shares, flight, history, spent = world
        lost = None if self._lasting else self._pay(spent, LOSSES)
        doubled = None if self._lasting else self._pay(spent, DUPLICATES)
        network = self.network
        for message in network.heads(flight):
            at = self._targets[message]
            share = shares[at]
            rest = network.delivered(flight, message)
            if share not in self._nodes:
                if not self._lasting:
                    found.append((("lose", message), (shares, rest, history, spent)))
                continue
            entry = self._entries.get((share, message)) or self._receive(at, share, message)
            self._follow(found, ("deliver", message), (shares, rest, history, spent), at, entry)
            if lost is not None:
                found.append((("lose", message), (shares, rest, history, lost)))
            if doubled is not None and self._fits(more := network.doubled(flight, message)):
                found.append((("duplicate", message), (shares, more, history, doubled)))

    def _move_nodes(self, world: World, found: list[tuple[Move, World]]) -> None:
        shares, flight, history, spent = world
        for at, share in enumerate(shares):
            own = self._own.get(share)
            if own is None:
                own = self._own[share] = tuple(self._own_moves(at, self._locals[share]))
            for move, budget in own:
                paid = spent if budget is None else self._pay(spent, budget)
                if paid is None:
                    self._withheld |= budget == TIMERS
                    continue
                entry = self._entries.get((share, *move)) or self._take(at, share, move)
                self._follow(found, move, (shares, flight, history, paid), at, entry)

    def _own_moves(self, at: int, local: Local) -> Iterable[tuple[Move, int | None]]:
        """What can happen to one node without a message, each with the budget that pays for it."""
        if local.problem:
            return
        if local.node is None:
            yield ("restart", at), self._counted(RESTARTS)
            return
        if not local.waiting and local.calls < len(self._operations[at]):
            yield ("call", at), None
        alike: set[Canonical] = set()
        for name, timer in local.timers.items():
            form = canonical(timer)
            if form not in alike:
                alike.add(form)
                yield ("fire", at, name), self._counted(TIMERS)
        if self.ids[at] in self._mortal and self._budget[CRASHES] != 0:
            yield ("crash", at), self._counted(CRASHES)

    def _counted(self, what: int) -> int | None:
        return None if self._budget[what] is None else what

    def _follow(
        self, found: list[tuple[Move, World]], move: Move, world: World, at: int, entry: Entry
    ) -> None:
        """Add the world that a step at node ``at`` leads to, unless it would be too full."""
        shares, flight, history, spent = world
        after, sends, lines, _ = entry
        if sends:
            flight = self.network.sent(flight, sends)
            if not self._fits(flight):
                self._withheld = True
                return
        if lines:
            history = history + lines
        found.append((move, ((*shares[:at], after, *shares[at + 1 :]), flight, history, spent)))

    def _fits(self, flight: Flight) -> bool:
        return self._room is None or len(self.network.messages(flight)) <= self._room

    def _pay(self, spent: tuple[int, ...], what: int) -> tuple[int, ...] | None:
        """What is spent after one more of ``what``; None if the budget does not allow it."""
        bound = self._budget[what]
        if bound is None:
            return spent
        if spent[what] >= bound:
            return None
        return (*spent[:what], spent[what] + 1, *spent[what + 1 :])

    # Steps that were not taken before.

    def _begin(self) -> World:
        flight: Flight = ()
        shares: list[int] = []
        history: tuple[int, ...] = ()
        for at, id in enumerate(self.ids):
            step = self.stepper.start(Local(None, {}, {}), id, self.instance.make)
            entry = self._enter(at, step, ())
            self.starts.append(entry)
            shares.append(entry.after)
            flight = self.network.sent(flight, entry.sends)
        return (tuple(shares), flight, history, (0,) * len(self._budget))

    def _receive(self, at: int, share: int, message: int) -> Entry:
        packet = self.packets[message]
        sender = self.liars.identity(packet.source)
        step = self.stepper.receive(self._locals[share], sender, packet.message)
        return self._remember((share, message), at, share, step)

    def _take(self, at: int, share: int, move: Move) -> Entry:
        local = self._locals[share]
        kind = move[0]
        if kind == "fire":
            step = self.stepper.fire(local, move[2])
        elif kind == "crash":
            step = self.stepper.crash(local)
        elif kind == "restart":
            step = self.stepper.start(local, self.ids[at], self.instance.make)
        else:
            step = self.stepper.call(local, self._operations[at][local.calls])
        return self._remember((share, *move), at, share, step)

    def _remember(self, key: Move, at: int, share: int, step: Step) -> Entry:
        lines: list[int] = []
        if self.instance.history:
            calls = step.after.calls
            if calls > self._locals[share].calls:
                lines.append(self.lines.number((at, calls, None)))
            if step.outcome is not None:
                line = self.lines.number((at, calls, (canonical(step.outcome),)))
                self._outcomes[line] = step.outcome
                lines.append(line)
        entry = self._entries[key] = self._enter(at, step, tuple(lines))
        return entry

    def _enter(self, at: int, step: Step, lines: tuple[int, ...]) -> Entry:
        """Number what a step led to."""
        source = self.ids[at]
        sends: list[int] = []
        for target, content in self.liars.reached(source, step.sends):
            message = self.messages.number((source, target, canonical(content)))
            if message not in self.packets:
                self.packets[message] = Packet(source, target, content)
                self._targets[message] = self._number_of[target]
            sends.append(message)
        after = self.shares.number((at, step.after.form()))
        if after not in self._locals:
            self._locals[after] = step.after
            if step.after.problem:
                self._problems[after] = step.after.problem
            if step.after.node is not None:
                self._nodes[after] = (source, step.after.node)
                if source not in self.liars.byzantine:
                    self._honest[after] = self._nodes[after]
        return Entry(after, tuple(sends), lines, step)

    def _make_network(self) -> Network:
        if self.instance.network == "ordered":
            return Ordered(self._link_of)
        return Lasting() if self._lasting else Unordered()

    def _link_of(self, message: int) -> int:
        source, target, _ = self.messages.values[message]
        return self._number_of[source] * len(self.ids) + self._number_of[target]


def _budget(bounds: Bounds) -> tuple[int | None, ...]:
    return (bounds.losses, bounds.duplicates, bounds.crashes, bounds.restarts, bounds.timers)
