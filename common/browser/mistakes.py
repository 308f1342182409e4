"""What went wrong, in one sentence, and the line of the learner's own file where it did."""

import re
from dataclasses import asdict, dataclass
from typing import Any

from common.browser.course import PortableCourse, PortableLab
from common.course.base.reasons import import_problem
from common.values.errors import LabError

_PLACE = re.compile(r"([\w./]+\.py):(\d+)")


@dataclass(frozen=True, slots=True)
class Mistake:
    """A sentence for the learner.

    Attributes:
        sentence: what, why and where.
        file: the learner's file that it is about, relative to the course; "" for none.
        line: the line in there, from 1; 0 for none.
    """

    sentence: str
    file: str = ""
    line: int = 0

    def to_plain(self) -> dict[str, Any]:
        """As a dictionary for JSON."""
        return asdict(self)


def mistake(error: BaseException, course: PortableCourse, lab: PortableLab | None) -> Mistake:
    """What a person is told of an error.

    Args:
        error: what was raised while the learner's code was imported, or ran.
        course: says which modules are of labs.
        lab: the lab that was asked for, if one was.
    """
    if isinstance(error, RecursionError):
        error = LabError("functions call each other without end: which call should be the last?")
    told = import_problem(error, course)  # type: ignore[arg-type]
    return placed(told, lab)


def placed(told: str, lab: PortableLab | None) -> Mistake:
    """A sentence that names a place, with the place taken out of it."""
    for file, line in _PLACE.findall(told):
        for path in lab.paths if lab else ():
            if file.endswith(path):
                return Mistake(told.replace(file, path), path, int(line))
    return Mistake(told)
