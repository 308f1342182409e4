"""Which part of a lab a student works at, which ones have passed, and which one is next.

A part is the course's while one of its holes is supplied; what its tests say then is no merit of
the student's, and is not remembered (:func:`common.course.verbs.testing.remember`).
"""

from common.course.base.lab import Lab, Part
from common.course.student.state import LabState

ALL = "--all"
"""The option that opens, or tests, all parts of a lab at once."""


def is_supplied(part: Part, known: LabState) -> bool:
    """Whether the course filled all the holes of a part."""
    return bool(known.supplied) and set(part.names) <= set(known.supplied)


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
