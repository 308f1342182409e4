"""Tries a lab's mutants, all of them or some; the tests that are likely to catch one come first."""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from common.course.base.course import Course
from common.course.base.lab import Lab
from common.course.kit.generated.kept import Ended, Kept
from common.course.kit.generated.making import Generated, generate
from common.course.kit.generated.reckoning import Reckoning, reckon
from common.course.kit.generated.trying import Processes, WarmProcess
from common.course.kit.mutants import read_mutants
from common.course.kit.slices import take
from common.values.errors import BadInput

FEWEST_SECONDS = 60
TIMES_THE_REFERENCE = 10
"""A suite that takes longer than this never ends: so much, and so many times what the reference
takes."""

A_MOMENT = 0.05
"""Seconds that a test takes at least, when tests are compared by what they catch in a second."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which of a lab's mutants to try.

    Attributes:
        part: a slice, and of how many.
        limit: at most so many in all labs together; 0 for all. Always the same ones.
        only: those whose id has this text.
    """

    part: tuple[int, int] = (0, 1)
    limit: int = 0
    only: str = ""

    @property
    def is_all(self) -> bool:
        """Whether nothing is left out."""
        return self.part[1] == 1 and not self.limit and not self.only

    def of(self, every: Sequence[Generated]) -> set[tuple[str, str]]:
        """The chosen ones among the mutants of all labs, by lab and id."""
        chosen = take([each for each in every if self.only in each.id], self.part, _name)
        if self.limit:
            chosen = sorted(chosen, key=_mark)[: self.limit]
        return {(each.lab, each.id) for each in chosen}


def _name(mutant: Generated) -> str:
    return f"{mutant.lab}:{mutant.id}"


def _mark(mutant: Generated) -> bytes:
    return hashlib.sha256(_name(mutant).encode()).digest()


class Proof:
    """The mutants of one lab, and what is known about them.

    Args:
        course: the course.
        lab: the lab.
        out: where results are kept.
    """

    def __init__(self, course: Course, lab: Lab, out: Path) -> None:
        self.course, self.lab = course, lab
        self.every = generate(course, lab)
        file = read_mutants(course, lab)
        self.equivalent, self.named = file.equivalent, len(file.mutants)
        self._kept = Kept(out, course, lab)
        self._seconds = 0.0

    def open(self, chosen: Sequence[Generated]) -> list[Generated]:
        """Those of which it is not known what becomes of them."""
        return [each for each in chosen if each.id not in self._kept.ended]

    def run(
        self, chosen: Sequence[Generated], processes: Processes, on_end: Callable[[], None]
    ) -> None:
        """Try mutants; what is known already is not tried again.

        Raises:
            BadInput: the reference itself fails a test.
        """
        started = time.monotonic()
        todo = self.open(chosen)
        if todo and self._kept.reference is None:
            processes.each([self.lab], self._try_reference, self._kept.add)

        def keep(ended: Ended) -> None:
            self._kept.add(ended)
            on_end()

        processes.each(todo, self._try, keep)
        self._seconds += time.monotonic() - started

    def trust(self, seconds: float) -> None:
        """Take for granted that the reference passes, within so many seconds: it is not tried."""
        times = {test.id: 1.0 for test in self.lab.tests}
        self._kept.add(Ended("", "survived", "", "", seconds, times))

    def reckon(self, chosen: Sequence[Generated]) -> Reckoning:
        """What these mutants have come to; all of them have been tried."""
        return reckon(
            self.lab, self.every, chosen, self._kept.ended, self.equivalent, self._seconds
        )

    def _try_reference(self, process: WarmProcess, lab: Lab) -> Ended:
        ran = process.run(self.course, lab, {}, (), FEWEST_SECONDS * TIMES_THE_REFERENCE, ())
        if ran.fate != "survived":
            test = ran.caught_by.rpartition("::")[2] or "its suite"
            raise BadInput(
                f"the reference of lab {lab.id} itself fails {test} ({ran.why}): mend that first, "
                "for nothing can be said about mutants before"
            )
        times = {test.test: test.seconds for test in ran.result.tests}
        return Ended("", ran.fate, "", "", ran.seconds, times)

    def _try(self, process: WarmProcess, mutant: Generated) -> Ended:
        reference = self._kept.reference
        assert reference is not None, "it was tried before its mutants"
        limit = FEWEST_SECONDS + TIMES_THE_REFERENCE * reference.seconds
        order = self.order(mutant.exercise, reference.times)
        changed = {mutant.file: mutant.text()}
        return Ended.of(mutant.id, process.run(self.course, self.lab, changed, order, limit))

    def order(self, exercise: str, times: dict[str, float]) -> list[str]:
        """All graded tests, the most promising first.

        The tests of the part to which the exercise belongs come before all others; among them, the
        one that has caught most mutants for the time that it takes.
        """
        own = next((part for part in self.lab.parts if exercise in part.names), None)

        def promise(test: str) -> tuple[bool, float]:
            caught = (1 + self._kept.kills[test]) / (times[test] + A_MOMENT)
            return self.lab.part_of(test) != own, -caught

        return sorted(times, key=promise)
