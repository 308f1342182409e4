"""What an exploration found, for people and for programs."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Generic, TypeVar

from common.check.verdict import Answer

A = TypeVar("A")
B = TypeVar("B")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a search has come.

    Attributes:
        states: different states so far.
        transitions: choices tried so far.
        depth: choices in a row that lead to the states being expanded now.
        waiting: states seen but not yet expanded.
        seconds: since the beginning, by the caller's clock.
    """

    states: int
    transitions: int
    depth: int
    waiting: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Finding(Generic[A]):
    """The answer for one property.

    Attributes:
        kind: ``always``, ``sometimes`` or ``eventually``.
        title: the property's.
        answer: yes, no, or unknown.
        sentence: why; for a broken ``always`` or ``eventually``, what the property says is wrong.
        path: the shortest way there: to the broken state, or to the goal; None where there is none.
    """

    kind: str
    title: str
    answer: Answer
    sentence: str
    path: tuple[A, ...] | None = None

    def translated(self, translate: Callable[[tuple[A, ...]], tuple[B, ...]]) -> "Finding[B]":
        """The same with the path replaced by its translation."""
        path = None if self.path is None else translate(self.path)
        return Finding(self.kind, self.title, self.answer, self.sentence, path)


@dataclass(frozen=True, slots=True)
class Exploration(Generic[A]):
    """What a search found.

    Attributes:
        findings: one for each property, in their order: always, eventually, sometimes.
        states: different states (with symmetry: different up to renaming).
        transitions: choices tried.
        depth: choices in a row that lead to the farthest state.
        quiescent: states in which nothing can happen any more; None if nobody asked.
        seconds: how long it took by the caller's clock; 0 without one.
        limit: which limit stopped the search, or None for a search to the end.
        within: the runs that were looked at, in words; empty for all.
        caveats: what a reader of the verdict should know besides.
    """

    findings: tuple[Finding[A], ...]
    states: int
    transitions: int
    depth: int
    quiescent: int | None
    seconds: float
    limit: str | None
    within: str = ""
    caveats: tuple[str, ...] = ()

    @property
    def answer(self) -> Answer:
        """No if any property is broken, else unknown if any is, or a limit was hit, else yes."""
        answers = {finding.answer for finding in self.findings}
        if Answer.NO in answers:
            return Answer.NO
        if Answer.UNKNOWN in answers or self.limit is not None:
            return Answer.UNKNOWN
        return Answer.YES

    @property
    def broken(self) -> Finding[A] | None:
        """The first property that was answered with no."""
        return next((one for one in self.findings if one.answer is Answer.NO), None)

    @property
    def counter_example(self) -> tuple[A, ...] | None:
        """The shortest way to a broken property; a goal that is never reached has none."""
        return None if self.broken is None else self.broken.path

    @property
    def states_per_second(self) -> float | None:
        """Different states a second, or None without a clock."""
        return self.states / self.seconds if self.seconds > 0 else None

    def translated(
        self,
        translate: Callable[[tuple[A, ...]], tuple[B, ...]],
        within: str,
        caveats: tuple[str, ...],
    ) -> "Exploration[B]":
        """The same with each path replaced by its translation, and with what to say besides."""
        findings = tuple([found.translated(translate) for found in self.findings])
        rest = {part.name: getattr(self, part.name) for part in fields(self)}
        rest |= {"findings": findings, "within": within, "caveats": caveats}
        return Exploration(**rest)

    def summary(self) -> str:
        """The whole result as a few lines of text."""
        lines = [f"{self.answer.value}: {self._scope()}"]
        for found in self.findings:
            lines.append(f"  {found.answer.value:7} {found.kind} {found.title}: {found.sentence}")
        lines += [f"  note: {caveat}" for caveat in self.caveats]
        if self.counter_example is not None:
            lines.append(f"  the shortest counter-example has {len(self.counter_example)} choices:")
            lines += [f"  {n:5}. {choice}" for n, choice in enumerate(self.counter_example, 1)]
        return "\n".join(lines)

    def to_plain(self, plain_choice: Callable[[A], Any] = str) -> dict[str, Any]:
        """The whole result as plain data for JSON.

        Args:
            plain_choice: how to write one choice; for nodes, ``choices.to_plain``.
        """
        findings = [
            {
                "kind": found.kind,
                "title": found.title,
                "answer": found.answer.value,
                "sentence": found.sentence,
                "path": None if found.path is None else [plain_choice(one) for one in found.path],
            }
            for found in self.findings
        ]
        return {
            "answer": self.answer.value,
            "states": self.states,
            "transitions": self.transitions,
            "depth": self.depth,
            "seconds": round(self.seconds, 3),
            "states_per_second": round(self.states_per_second or 0),
            "limit": self.limit,
            "within": self.within,
            "caveats": list(self.caveats),
            "findings": findings,
        }

    def _scope(self) -> str:
        speed = self.states_per_second
        told = f"{self.states:,} states, {self.transitions:,} transitions, depth {self.depth}"
        told += f", {speed:,.0f} states/s" if speed else ""
        told += f"; runs with {self.within}" if self.within else ""
        return told + (f"; stopped at {self.limit}" if self.limit else "")
