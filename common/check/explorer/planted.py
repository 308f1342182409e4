"""What the explorer plants in the nodes that it explores: timer names and random numbers.

Both would otherwise differ from step to step for ever, and no state would ever be seen twice.
"""

from collections.abc import Callable
from random import Random


class TimerName(int):
    """A timer's id that can be told from other numbers, wherever a node keeps it.

    Timer ids count up for as long as a node lives. Left alone they would make every state new; the
    explorer numbers them afresh after each step, and for that it has to find them. Adding one to a
    name gives a name, so a node that counts from a name hands out names.
    """

    __slots__ = ()

    def __add__(self, other: int) -> "TimerName":
        return TimerName(int(self) + other)


class SharedRandom(Random):
    """Random numbers that are a function of the step in which they are drawn.

    Carrying a generator's 624 words along in each state would make every state new. Instead the
    explorer names the step (state and event) before each step, and the generator seeds itself from
    that name when the node first draws. So an equal step draws equal numbers, and of all numbers
    that the node might have drawn there, one is explored.

    Attributes:
        drawn: whether any node has drawn so far.
    """

    def __init__(self) -> None:
        self.drawn = False
        self._step: Callable[[], str] | None = None
        super().__init__(0)

    def name_step(self, step: Callable[[], str]) -> None:
        """Say which step comes; ``step()`` is asked for its name when something is drawn."""
        self._step = step

    def random(self) -> float:
        """The next number from 0 up to but not including 1."""
        self._begin()
        return super().random()

    def getrandbits(self, k: int, /) -> int:
        """The next ``k`` random bits."""
        self._begin()
        return super().getrandbits(k)

    def _begin(self) -> None:
        if self._step is not None:
            self.drawn = True
            name, self._step = self._step(), None
            self.seed(name)
