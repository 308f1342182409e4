"""A plugin of pytest: a graded suite whose default wait is cut to a part of itself.

What fails there, and passes else, has little more time than it needs, and fails one day by bad
luck. Only ``tests/proofs/test_margins.py`` loads it.
"""

import inspect
from types import FunctionType

import pytest

from common.course.suites import kit

WAIT = "within"
"""The argument of the kit's functions that says how long is waited."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """How much is cut."""
    parser.addoption("--hurry", type=int, help="by what the default wait is divided")


def pytest_configure(config: pytest.Config) -> None:
    """Cut it, before the suite is imported: so its own default waits are the cut one, too."""
    kit.SOON //= config.getoption("--hurry")
    for function in vars(kit).values():
        if isinstance(function, FunctionType) and WAIT in inspect.signature(function).parameters:
            _cut(function)


def _cut(function: FunctionType) -> None:
    """Give a function the cut wait, which is the last of its defaults, or one by name alone."""
    named = function.__kwdefaults__ or {}
    if WAIT in named:
        function.__kwdefaults__ = {**named, WAIT: kit.SOON}
    else:
        function.__defaults__ = (*(function.__defaults__ or ())[:-1], kit.SOON)
    assert inspect.signature(function).parameters[WAIT].default == kit.SOON, function.__name__
