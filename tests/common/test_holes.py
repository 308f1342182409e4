"""Holes: what is taken out of a reference, and what stays."""

import pytest

from common.course.base.holes import fill, strip
from common.course.base.symbols import definition, missing, unwritten
from common.values.errors import BadInput

SOURCE = '''"""A file."""

from math import floor  # only a body uses it


class Clock:
    """Counts."""

    # What it shows.

    @property  # a decorator
    def now(self) -> int:
        """The time.

        In whole units.
        """
        # why it is so
        return floor(self.exact)
        # at the end

    # Waiting.

    async def wait(self, until: int) -> None:
        while self.now < until:
            await self.tick()

    def reset(self): self.exact = 0


def later(clock: Clock) -> int:
    """One more."""

    def inner() -> int:
        return clock.now

    return inner() + 1
'''

STRIPPED = '''"""A file."""

from math import floor  # only a body uses it


class Clock:
    """Counts."""

    # What it shows.

    @property  # a decorator
    def now(self) -> int:
        """The time.

        In whole units.
        """
        raise NotImplementedError

    # Waiting.

    async def wait(self, until: int) -> None:
        raise NotImplementedError

    def reset(self):
        raise NotImplementedError


def later(clock: Clock) -> int:
    """One more."""
    raise NotImplementedError
'''

SYMBOLS = ["Clock.now", "Clock.wait", "Clock.reset", "later"]


def test_bodies_go_and_signatures_docstrings_decorators_and_comments_stay() -> None:
    assert strip(SOURCE, SYMBOLS) == STRIPPED


def test_what_is_not_named_stays_as_it_is() -> None:
    assert strip(SOURCE, []) == SOURCE
    assert strip(SOURCE, ["later"]).startswith(SOURCE.partition("def later")[0])


def test_stripping_twice_changes_nothing() -> None:
    assert strip(STRIPPED, SYMBOLS) == STRIPPED


def test_holes_are_known_and_filled_again() -> None:
    assert unwritten(SOURCE, SYMBOLS) == []
    assert unwritten(STRIPPED, SYMBOLS) == SYMBOLS
    half = fill(STRIPPED, SOURCE, ["later"])
    assert unwritten(half, SYMBOLS) == SYMBOLS[:-1]
    assert fill(half, SOURCE, SYMBOLS) == SOURCE.replace(": self.exact = 0", ": self.exact = 0")


def test_an_error_with_words_is_a_hole_too_and_a_guard_is_none() -> None:
    assert unwritten("def f():\n    raise NotImplementedError('soon')\n", ["f"]) == ["f"]
    guarded = "def f(x):\n    if x:\n        raise NotImplementedError\n    return 1\n"
    assert unwritten(guarded, ["f"]) == []


def test_one_definition_is_shown_as_it_is_written() -> None:
    shown = definition(SOURCE, "Clock.now")
    assert shown.startswith("@property  # a decorator\ndef now(self) -> int:\n")
    assert "    # why it is so\n    return floor(self.exact)\n" in shown


def test_a_renamed_function_and_a_file_that_is_not_python_are_one_sentence() -> None:
    assert missing(SOURCE, ["Clock.now", "Clock.then"]) == ["Clock.then"]
    with pytest.raises(BadInput, match=r"no function or method Clock\.then: was it renamed"):
        strip(SOURCE, ["Clock.then"])
    with pytest.raises(BadInput, match="line 2: this is not Python"):
        strip("x = 1\ndef f(:\n", ["f"])
