"""No chance but ours: what a stranger's process could toss as a coin gives the same each time.

The seal refuses the system's random numbers, but Python takes the clock for a seed where it gets
none, and copies of its generators are made without a seed. So all that has no seed gets one here.
"""

import _random
import ctypes
import os
import random
from typing import Any

SEED = 0
RANDOM_BYTES, LENGTH = 25, 16
"""``AT_RANDOM`` of getauxval(3): where the kernel has put random bytes for a new program."""


def _new(kind: type[_random.Random], *_: object, **__: object) -> _random.Random:
    """A generator that has a seed at once; what it is given is for its ``__init__``."""
    return _generator.__new__(kind, SEED)  # type: ignore[call-arg]


def _seed(self: random.Random, a: Any = None, version: int = 2) -> None:
    """Begin again, and never with a seed of the system's."""
    _reseed(self, SEED if a is None else a, version)


_generator, _reseed = _random.Random, random.Random.seed


class Seeded(_random.Random):
    """Python's generator below :class:`random.Random`, with a seed of ours where none is given."""

    def __new__(cls, *args: object) -> "Seeded":
        """With the seed that is given, or with ours."""
        return super().__new__(cls, *(args or (SEED,)))

    def __init__(self, *args: object) -> None:
        super().__init__(*(args or (SEED,)))

    def seed(self, a: Any = None, /) -> None:
        """Begin again."""
        super().seed(SEED if a is None else a)


def begin_again() -> None:
    """Seed the generator that all share who make none of their own."""
    random.seed(SEED)


def take_away() -> None:
    """Call it once, before a process is forked that shall have no chance of its own."""
    _random.Random = Seeded  # type: ignore[misc]
    random.Random.__new__ = _new  # type: ignore[method-assign, assignment]
    random.Random.seed = _seed  # type: ignore[method-assign]
    begin_again()
    os.register_at_fork(after_in_child=begin_again)  # after Python's own, which asks the system
    libc = ctypes.CDLL(None)
    libc.getauxval.restype = ctypes.c_void_p
    if place := libc.getauxval(ctypes.c_ulong(RANDOM_BYTES)):
        ctypes.memset(place, 0, LENGTH)
