"""Breadth-first search of a transition system: every state once, the shortest way first.

This file knows nothing of nodes or messages. A :class:`TransitionSystem` says where it begins and
what can happen in a state; the search visits all states that can be reached and evaluates the
properties in each. States are compared by equality and found by hashing, so a hash decides
nothing. Breadth first, because then the first state that breaks a property is one that the fewest
choices lead to (Clarke, Grumberg and Peled, "Model Checking", 1999, chapters 1 and 14).
"""

from abc import ABC, abstractmethod
from array import array
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from common.check.explorer.findings import Exploration, Finding, Progress
from common.check.verdict import Answer
from common.values.errors import BadInput

S = TypeVar("S", bound=Hashable)
A = TypeVar("A")

STATES_BETWEEN_LOOKS = 2_000
"""How many states are expanded between two looks at the clock and two reports of progress."""


class TransitionSystem(ABC, Generic[S, A]):
    """Something that is in a state, and in which actions lead from state to state."""

    @abstractmethod
    def initial(self) -> Iterable[S]:
        """The states in which it may begin."""

    @abstractmethod
    def actions(self, state: S) -> Iterable[A]:
        """What can happen in ``state``, in a fixed order."""

    @abstractmethod
    def next(self, state: S, action: A) -> S:
        """The state to which ``action`` leads from ``state``."""

    def successors(self, state: S) -> Iterable[tuple[A, S]]:
        """All actions with the states they lead to; override it where that is faster."""
        return [(action, self.next(state, action)) for action in self.actions(state)]

    def representative(self, state: S) -> Hashable:
        """What stands for ``state`` and all its mirror images; the state itself without symmetry.

        Only compared, never continued from: a path is always one that the system itself takes.
        """
        return state

    def quiescent(self, state: S) -> bool:
        """Whether nothing can happen any more that would change ``state``."""
        return all(after == state for _, after in self.successors(state))

    def view(self, state: S) -> Any:
        """What properties are shown of ``state``."""
        return state


@dataclass(frozen=True, slots=True)
class Properties:
    """What is checked; each function with its title.

    Attributes:
        always: must hold in every state: None, or a sentence about what is wrong.
        sometimes: must be true in some state that can be reached.
        eventually: must hold in every quiescent state, like ``always``.
    """

    always: Sequence[tuple[str, Callable[[Any], str | None]]] = ()
    sometimes: Sequence[tuple[str, Callable[[Any], bool]]] = ()
    eventually: Sequence[tuple[str, Callable[[Any], str | None]]] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is looked at; reaching one makes the verdict unknown. None is no limit."""

    states: int | None = None
    depth: int | None = None
    seconds: float | None = None


def explore(
    system: TransitionSystem[S, A],
    properties: Properties,
    limits: Limits | None = None,
    *,
    clock: Callable[[], float] | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Exploration[A]:
    """Visit every state that ``system`` can reach and check ``properties`` in each.

    Args:
        system: what to explore.
        properties: what to check. The search stops at the first broken one.
        limits: how much to look at.
        clock: gives the time in seconds; without it no speed is reported.
        progress: called now and then.

    Raises:
        BadInput: a limit in seconds without a clock.
    """
    limits = limits or Limits()
    if limits.seconds is not None and clock is None:
        raise BadInput("a limit in seconds needs a clock: pass clock=time.perf_counter")
    return _Search(system, properties, limits, clock or (lambda: 0.0), progress).run()


class _Search(Generic[S, A]):
    def __init__(
        self,
        system: TransitionSystem[S, A],
        properties: Properties,
        limits: Limits,
        clock: Callable[[], float],
        progress: Callable[[Progress], None] | None,
    ) -> None:
        self._system = system
        self._properties = properties
        self._limits = limits
        self._clock = clock
        self._progress = progress
        self._began = clock()
        self._seen: set[Hashable] = set()
        self._parents = array("q")
        self._actions: list[A | None] = []
        self._expanded = 0
        self._transitions = 0
        self._depth = 0
        self._quiescent = 0
        self._broken: Finding[A] | None = None
        self._reached: dict[str, int] = {}
        self._limit: str | None = None

    def run(self) -> Exploration[A]:
        """Search level by level: all states at one distance before any at the next."""
        level: list[tuple[int, S]] = []
        for state in self._system.initial():
            key = self._system.representative(state)
            if key not in self._seen:
                self._visit(state, key, (-1, None), level)
        while level and self._broken is None and self._limit is None:
            if self._limits.depth is not None and self._depth >= self._limits.depth:
                self._limit = f"{self._limits.depth:,} choices in a row"
                break
            deeper = self._expand(level)
            if deeper:
                self._depth += 1
            level = deeper
        return self._result()

    def _expand(self, level: list[tuple[int, S]]) -> list[tuple[int, S]]:
        deeper: list[tuple[int, S]] = []
        successors = self._system.successors
        representative = self._system.representative
        seen = self._seen
        before = self._expanded
        for count, (number, state) in enumerate(level, 1):
            for action, after in successors(state):
                self._transitions += 1
                key = representative(after)
                if key not in seen:
                    self._visit(after, key, (number, action), deeper)
                    if self._broken is not None or self._limit is not None:
                        return deeper
            if (before + count) % STATES_BETWEEN_LOOKS == 0:
                self._look_up(len(level) - count + len(deeper))
                if self._limit is not None:
                    break
        self._expanded += len(level)
        return deeper

    def _visit(
        self, state: S, key: Hashable, origin: tuple[int, A | None], level: list[tuple[int, S]]
    ) -> None:
        """Note a state that was not seen before, and check the properties in it."""
        number = len(self._actions)
        if self._limits.states is not None and number >= self._limits.states:
            self._limit = f"{self._limits.states:,} states"
            return
        self._seen.add(key)
        self._parents.append(origin[0])
        self._actions.append(origin[1])
        level.append((number, state))
        self._check(state, number)

    def _check(self, state: S, number: int) -> None:
        properties = self._properties
        view = self._system.view(state)
        for title, holds in properties.always:
            if sentence := holds(view):
                self._break("always", title, sentence, number)
                return
        for title, reached in properties.sometimes:
            if title not in self._reached and reached(view):
                self._reached[title] = number
        if properties.eventually and self._system.quiescent(state):
            self._quiescent += 1
            for title, holds in properties.eventually:
                if sentence := holds(view):
                    self._break("eventually", title, sentence, number)
                    return

    def _break(self, kind: str, title: str, sentence: str, number: int) -> None:
        self._broken = Finding(kind, title, Answer.NO, sentence, self._path(number))

    def _path(self, number: int) -> tuple[A, ...]:
        """The actions that led to a state, from the beginning."""
        path: list[A] = []
        while (action := self._actions[number]) is not None:
            path.append(action)
            number = self._parents[number]
        return tuple(reversed(path))

    def _look_up(self, waiting: int) -> None:
        """Report progress, and look at the clock."""
        seconds = self._clock() - self._began
        if self._progress is not None:
            states = len(self._actions)
            self._progress(Progress(states, self._transitions, self._depth, waiting, seconds))
        if self._limits.seconds is not None and seconds >= self._limits.seconds:
            self._limit = f"{self._limits.seconds:g} seconds"

    def _result(self) -> Exploration[A]:
        findings: list[Finding[A]] = []
        properties = self._properties
        for kind, titled in (("always", properties.always), ("eventually", properties.eventually)):
            for title, _ in titled:
                broken = self._broken
                mine = broken is not None and (broken.kind, broken.title) == (kind, title)
                findings.append(broken if broken and mine else self._unbroken(kind, title))
        findings += [self._goal(title) for title, _ in properties.sometimes]
        seconds = self._clock() - self._began
        return Exploration(
            findings=tuple(findings),
            states=len(self._actions),
            transitions=self._transitions,
            depth=self._depth,
            quiescent=self._quiescent if properties.eventually else None,
            seconds=seconds,
            limit=self._limit,
        )

    def _unbroken(self, kind: str, title: str) -> Finding[A]:
        if self._broken is not None:
            return Finding(kind, title, Answer.UNKNOWN, "the search stopped at another failure")
        if self._limit is not None:
            said = f"holds as far as the search came, which stopped at {self._limit}"
            return Finding(kind, title, Answer.UNKNOWN, said)
        if kind == "always":
            return Finding(kind, title, Answer.YES, f"holds in all {len(self._actions):,} states")
        if not self._quiescent:
            said = "says nothing: in every state something can still happen"
            return Finding(kind, title, Answer.UNKNOWN, said)
        said = f"holds in all {self._quiescent:,} states in which nothing can happen any more"
        return Finding(kind, title, Answer.YES, said)

    def _goal(self, title: str) -> Finding[A]:
        if (number := self._reached.get(title)) is not None:
            path = self._path(number)
            said = f"is reached after {len(path)} choices"
            return Finding("sometimes", title, Answer.YES, said, path)
        if self._broken is not None:
            said = "was not reached before the search stopped at a failure"
        elif self._limit is not None:
            said = f"was not reached before the search stopped at {self._limit}"
        else:
            said = f"is never reached: none of all {len(self._actions):,} states shows it"
            return Finding("sometimes", title, Answer.NO, said)
        return Finding("sometimes", title, Answer.UNKNOWN, said)
