"""A student's error, told over a pipe, becomes an exception of the judge's: by registered names."""

import builtins
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from common.course.judge.worker.lines import Problem
from common.values import errors
from common.values.brief import legible
from common.values.errors import LabError

NOT_HERE = ("SystemExit", "KeyboardInterrupt", "GeneratorExit", "BaseException", "Exception")
"""Exceptions that mean something to the judge itself; a student's are told as their own."""

ODD = (
    BaseExceptionGroup, SyntaxError, UnicodeDecodeError, UnicodeEncodeError, UnicodeTranslateError,
)  # fmt: skip
"""Exceptions that cannot be made of a text alone, or do not show it: told by a base of theirs."""

MOST_TEXT, MOST_NAME = 4000, 100
"""Of what a stranger tells about an error, so many characters are believed."""


class StudentError(LabError):
    """An exception of a class that the judge does not know; the text names the class."""

    exit_code = 1


def registered(modules: list[ModuleType]) -> Mapping[str, type[BaseException]]:
    """The exceptions that may come back, by name: Python's, the course's, the lab's own."""
    found: dict[str, type[BaseException]] = {}
    for module in (builtins, errors, *modules):
        for name, value in vars(module).items():
            if name in NOT_HERE or not isinstance(value, type):
                continue
            if issubclass(value, Exception) and not issubclass(value, (Warning, *ODD)):
                found[name] = value
    return found


def raised(problem: Problem, known: Mapping[str, type[BaseException]]) -> BaseException:
    """The exception to raise for what a student's process told."""
    said = _shown(problem.text, MOST_TEXT)
    first = _shown(problem.kinds[0], MOST_NAME) if problem.kinds else "an error"
    kind = next((known[name] for name in problem.kinds if name in known), None)
    if kind is None:
        made: Any = StudentError(f"{first}: {said}".removesuffix(": "))
    else:
        own = kind.__name__ == first or issubclass(kind, LabError)
        made = _bare(kind, said if own else f"{first}: {said}")
    made.lab_place = _shown(problem.place, MOST_TEXT)
    return made  # type: ignore[no-any-return]


def _bare(kind: type[BaseException], text: str) -> BaseException:
    """An exception with a text and nothing else; what its class asks for is not known."""
    made = kind.__new__(kind)
    made.args = (text,) if text else ()
    return made


def _shown(text: str, most: int) -> str:
    """A stranger's text, fit for a terminal and a report: not too long, and nothing but text."""
    return legible(text[:most])
