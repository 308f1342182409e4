"""What code leaves behind costs the test in which it was left, never another one, never the run.

Python finds an unclosed socket when it collects garbage. That happens at any moment: in a later
test, while pytest writes a report, at the end of the program. The same holds for an error in a
destructor, for a coroutine that nobody awaited, and for an error in a thread. So garbage is
collected at the end of each graded test, and what comes to light then belongs to that test.
"""

import gc
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import process_time

from common.values.errors import LabError

_PYTHON_KEEPS = ("last_exc", "last_type", "last_value", "last_traceback")
"""Where Python keeps the last error for a debugger, and with it all variables of its frames."""


_MUCH_SECONDS = 0.005
"""A collection that takes longer than this has looked at much that nobody will ever leave."""


def _collect() -> None:
    """Collect garbage. What survives is not looked at again if it is much: it is a library that
    some test has loaded, and each later test would pay for it."""
    began = process_time()
    gc.collect()
    if process_time() - began > _MUCH_SECONDS:
        gc.freeze()


@contextmanager
def nothing_collected() -> Iterator[None]:
    """No garbage is collected within.

    A report of a failure parses source text. What is collected meanwhile may log a traceback, which
    parses too; then Python 3.11.2 raises a SystemError, and the run ends (CPython issue 106905).
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class LeftBehind(LabError):
    """A test has passed, but the code under test left something behind."""

    exit_code = 1


class JudgesOwn(LeftBehind):
    """It was the judge that left something behind, so nobody can tell what the code deserves."""

    verdict = "unknown"


class Strays:
    """Hears of errors that have no caller to go to.

    Args:
        judged: whether the code under test is in processes of its own, so that what is left behind
            in this one is the judge's: then the test's verdict is unknown.
    """

    def __init__(self, judged: bool) -> None:
        self._judged = judged
        self._passed = False
        self._found: list[str] = []

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear of them within; what is left at the end belongs to a test that is over."""
        before = (sys.unraisablehook, threading.excepthook)
        sys.unraisablehook = self._in_destructor
        threading.excepthook = self._in_thread
        try:
            yield
            if not self._passed:
                for name in _PYTHON_KEEPS:
                    if hasattr(sys, name):
                        delattr(sys, name)
                _collect()
        finally:
            sys.unraisablehook, threading.excepthook = before

    def begin(self) -> None:
        """A test begins: what was heard before is not its own."""
        self._found.clear()

    def end(self) -> None:
        """A test has passed.

        Raises:
            LeftBehind: it left something behind; the text names the first, and how many there are.
        """
        _collect()
        if not self._found:
            self._passed = True
            return
        more = f" (and {len(self._found) - 1} more)" if len(self._found) > 1 else ""
        if self._judged:
            raise JudgesOwn(f"unknown: the judge left something behind: {self._found[0]}{more}")
        raise LeftBehind(
            f"every check holds, but something was left behind: {self._found[0]}{more}. "
            "Close what you open, await what you start, and let no thread end with an error"
        )

    def _in_destructor(self, stray: "sys.UnraisableHookArgs") -> None:
        self._found.append(f"{stray.exc_type.__name__}: {stray.exc_value}")

    def _in_thread(self, stray: "threading.ExceptHookArgs") -> None:
        self._found.append(f"{stray.exc_type.__name__} in a thread: {stray.exc_value}")
