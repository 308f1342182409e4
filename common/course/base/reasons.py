"""Why a graded test failed, in one paragraph: what was found and expected, and where to look."""

import os
import re
from dataclasses import FrozenInstanceError
from traceback import walk_tb
from types import TracebackType
from typing import TYPE_CHECKING

from common.course.base.limits import NeverEnds
from common.values.brief import LONGEST, brief, legible
from common.values.errors import LabError

if TYPE_CHECKING:  # the browser has a course of its own
    from common.course.base.course import Course

LONGEST_REASON = 4000
"""Characters of a whole reason: what is in it may be a stranger's."""

_NO_NAME = re.compile(r"cannot import name '(\w+)' from '[\w.]+' \((.+)\)")


def compared(op: str, left: object, right: object) -> list[str]:
    """What pytest shall say of a comparison that does not hold."""
    if op == "==":
        return [f"found {brief(left)}, expected {brief(right)}"]
    return [f"this does not hold: {brief(left)} {op} {brief(right)}"]


def reason(error: BaseException, course: "Course") -> str:
    """Why a test failed: the message, and the place in a lab's file or in the test.

    Args:
        error: what ended the test; an AssertionError has pytest's account of the comparison.
        course: says which modules are of labs.
    """
    place = _place(error.__traceback__, course)
    match error:
        case AssertionError():
            told, bare = _asserted(str(error))
            place = place or (_place(error.__traceback__, None) if bare else "")
        case LabError() | NeverEnds():
            told = str(error)
        case FrozenInstanceError():
            told = (
                f"{error}: a declared value never changes, for others may hold it: make a new one, "
                "dataclasses.replace(value, field=...)"
            )
        case NotImplementedError():
            told = str(error) or "this is not written yet"
        case _:
            told = f"{type(error).__name__}: {error}".removesuffix(": ")
    if len(told) > LONGEST_REASON:
        told = f"{told[: LONGEST_REASON // 2]} ... {told[-LONGEST_REASON // 2 :]}"
    told = legible(told)  # a stranger may have a say in it
    return f"{told} ({place})" if place else told


def import_problem(error: BaseException, course: "Course") -> str:
    """Why a suite could not be read: it imports a lab's files, and one of them is wrong."""
    while error.__cause__ is not None and not isinstance(error, LabError):
        error = error.__cause__  # pytest wraps what it met
    if isinstance(error, SyntaxError):
        return f"{shown(error.filename or '?')}:{error.lineno}: {error.msg}"
    missing = _NO_NAME.match(str(error))
    if missing is not None:
        name, file = missing.groups()
        return f"there is no {name} in {shown(file)}: was it renamed?"
    return reason(error, course)


def _asserted(text: str) -> tuple[str, bool]:
    """The account of an assertion, and whether it had no words of its own."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    if not lines:
        return "an assertion does not hold", True
    first, *more = (line.removeprefix("assert ") for line in lines)
    if lines[0].startswith("assert "):
        return first, True
    found = next((line for line in more if line.startswith("found ")), "")
    return (f"{first}: {found}" if found and len(found) <= LONGEST else first), False


def _place(trace: TracebackType | None, course: "Course | None") -> str:
    """The innermost line of a file of a lab of the course that was being run, or of a test where
    there is no course; "" if there is none."""
    place = ""
    for frame, line in walk_tb(trace):
        if frame.f_code.co_filename.startswith("<"):
            continue  # what a decorator wrote
        module = str(frame.f_globals.get("__name__", ""))
        code = frame.f_code
        if course is not None:
            if course.is_of_lab(module):
                place = f"{shown(code.co_filename)}:{line}"
                place += "" if code.co_name == "<module>" else f", in {code.co_name}"
        elif os.path.basename(code.co_filename).startswith("test_"):
            place = f"{shown(code.co_filename)}:{line}"
    return place


def shown(file: str) -> str:
    """A path as a person would type it: relative where it is below the present folder."""
    relative = os.path.relpath(file)
    return file if relative.startswith("..") else relative
