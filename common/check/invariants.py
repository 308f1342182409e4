"""Invariants over the world after each step ("always"), and goals ("sometimes").

Lamport 1977, "Proving the correctness of multiprocess programs": a safety property says that
nothing bad ever happens, a liveness property that something good does. A test of one without the
other proves little: a protocol that does nothing is safe. So a :class:`Watch` takes both.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from common.check.verdict import Answer, Verdict
from common.values.errors import LabError
from common.values.units import show_time

World: TypeAlias = Mapping[str, Any]
"""The nodes that are up, by their names."""


class InvariantViolation(LabError):
    """An invariant does not hold; the text says which, when, where and how."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class Always:
    """What has to hold of the nodes together, after every step.

    Attributes:
        name: what is said to hold: "at most one leader in a term".
        predicate: given the world, None if it holds, else a sentence that says how not.
    """

    name: str
    predicate: Callable[[World], str | None]


@dataclass(frozen=True, slots=True)
class AlwaysEach:
    """What has to hold of each node by itself, after every step.

    Attributes:
        name: what is said to hold.
        predicate: given one node, None if it holds, else a sentence that says how not.
    """

    name: str
    predicate: Callable[[Any], str | None]


@dataclass(frozen=True, slots=True)
class Sometimes:
    """What has to be so after some step, or the run has shown nothing.

    Attributes:
        name: what is said to happen: "a leader is elected".
        predicate: given the world, whether it is so.
    """

    name: str
    predicate: Callable[[World], bool]


@dataclass(frozen=True, slots=True)
class Violation:
    """The first time at which an invariant did not hold.

    Attributes:
        name: of the invariant.
        at: world time in microseconds.
        node: where, if it is about one node.
        sentence: how.
    """

    name: str
    at: int
    node: str | None
    sentence: str

    def __str__(self) -> str:
        where = f" on node {self.node}" if self.node is not None else ""
        return f"{self.name!r} does not hold at {show_time(self.at)}{where}: {self.sentence}"


class Watch:
    """Looks at the world after each step; a world takes it as one of its monitors.

    Args:
        always: what must hold after every step.
        sometimes: what must hold after some step.
        stop: whether to end the run at the first violation, by raising it.
    """

    def __init__(
        self,
        always: Sequence[Always | AlwaysEach] = (),
        sometimes: Sequence[Sometimes] = (),
        stop: bool = False,
    ) -> None:
        self.always = tuple(always)
        self.sometimes = tuple(sometimes)
        self.stop = stop
        self.steps = 0
        self.violations: list[Violation] = []
        self.reached: dict[str, int] = {}
        """When each goal was first reached, in microseconds, by its name."""
        self._holding = list(always)
        self._missing = list(sometimes)

    def check(self, at: int, nodes: World) -> None:
        """Look at the world once.

        Args:
            at: world time in microseconds.
            nodes: the nodes that are up.

        Raises:
            InvariantViolation: an invariant does not hold, and ``stop`` was asked for.
        """
        self.steps += 1
        for invariant in list(self._holding):
            violation = _violation(invariant, at, nodes)
            if violation is not None:
                self._holding.remove(invariant)
                self.violations.append(violation)
                if self.stop:
                    raise InvariantViolation(str(violation))
        for goal in list(self._missing):
            if goal.predicate(nodes):
                self._missing.remove(goal)
                self.reached[goal.name] = at

    def verdict(self) -> Verdict:
        """What the whole run has shown: no for a violation, and for a goal never reached."""
        if self.violations:
            first = self.violations[0]
            return Verdict(
                Answer.NO,
                f"{first}.",
                steps=self.steps,
                anomaly=first.name,
                at=first.at,
                node=first.node,
            )
        if self._missing:
            goal = self._missing[0].name
            sentence = f"{goal!r} never came about in {self.steps} steps."
            return Verdict(Answer.NO, sentence, steps=self.steps, anomaly=goal)
        sentence = (
            f"{len(self.always)} invariants held after each of {self.steps} steps, and "
            f"{len(self.sometimes)} goals were reached."
        )
        return Verdict(Answer.YES, sentence, steps=self.steps)


def _violation(invariant: Always | AlwaysEach, at: int, nodes: World) -> Violation | None:
    if isinstance(invariant, Always):
        sentence = invariant.predicate(nodes)
        return None if sentence is None else Violation(invariant.name, at, None, sentence)
    for name, node in nodes.items():
        sentence = invariant.predicate(node)
        if sentence is not None:
            return Violation(invariant.name, at, name, sentence)
    return None
