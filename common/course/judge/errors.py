"""A student's error, told over a pipe, becomes an exception of the judge's: by registered names."""

import builtins
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from common.course.judge.worker.lines import Problem
from common.values import errors
from common.values.errors import LabError

NOT_HERE = ("SystemExit", "KeyboardInterrupt", "GeneratorExit", "BaseException", "Exception")
"""Exceptions that mean something to the judge itself; a student's are told as their own."""


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
            if issubclass(value, Exception) and not issubclass(value, Warning):
                found[name] = value
    return found


def raised(problem: Problem, known: Mapping[str, type[BaseException]]) -> BaseException:
    """The exception to raise for what a student's process told."""
    first = problem.kinds[0] if problem.kinds else "an error"
    kind = next((known[name] for name in problem.kinds if name in known), None)
    if kind is None:
        made: Any = StudentError(f"{first}: {problem.text}".removesuffix(": "))
    else:
        own = kind.__name__ == first or issubclass(kind, LabError)
        text = problem.text if own else f"{first}: {problem.text}"
        made = kind.__new__(kind)
        made.args = (text,) if text else ()
    made.lab_place = problem.place
    return made  # type: ignore[no-any-return]
