"""Which part of a lab a student works at, which ones have passed, and which one is next.

A part is the course's while one of its holes is supplied; what its tests say then is no merit of
the student's: it is neither counted nor remembered (:mod:`common.course.verbs.testing`).
"""

from collections.abc import Iterable

from common.course.base.lab import Lab, Part
from common.course.student.state import LabState
from common.course.suites.suite import TestResult

ALL = "--all"
"""The option that opens, or tests, all parts of a lab at once."""


def is_supplied(part: Part, known: LabState) -> bool:
    """Whether the course filled all the holes of a part."""
    return bool(known.supplied) and set(part.names) <= set(known.supplied)


def of_supplied_code(lab: Lab, tests: Iterable[TestResult], known: LabState) -> list[TestResult]:
    """The tests of parts in which the course filled a hole: what they say is no merit of anybody's.

    Args:
        lab: which lab.
        tests: how tests of it ended.
        known: what is known of the student.
    """
    supplied = {part.id for part in lab.parts if set(part.names) & set(known.supplied)}
    return [t for t in tests if (part := lab.part_of(t.test)) and part.id in supplied]


def has_passed(lab: Lab, part: Part, known: LabState) -> bool:
    """Whether all tests of a part passed when they were run last, on the student's own code."""
    names = {name for name, test in known.tests.items() if lab.part_of(test.test) == part}
    mine = not set(part.names) & set(known.supplied)
    return mine and known.earned(names) >= part.points


def next_part(lab: Lab, known: LabState) -> Part | None:
    """The first part of a lab that has not passed yet; None if all have."""
    return next((part for part in lab.parts if not has_passed(lab, part, known)), None)


def how_to_go_on(lab: Lab, known: LabState) -> str:
    """What to type once the part that is open has passed; "" if it has not, or none is left."""
    part = next_part(lab, known)
    if part is None or not known.part or not has_passed(lab, lab.part(known.part), known):
        return ""
    return f"lab start {lab.id} --part {part.id}"
