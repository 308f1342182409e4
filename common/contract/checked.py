"""Effects that are checked as they are asked for, so that an error names the very line.

A world that checks gives its nodes a :class:`Checker`. Else a wrong value would be found only after
the step, when nothing tells any more which line of the handler had asked for it.
"""

from collections.abc import Callable

from common.contract.effects import Effect


class Checker:
    """What a world asks of each effect, at once.

    Args:
        check: called with each effect; raises a ContractError if it cannot be.
    """

    __slots__ = ("check",)

    def __init__(self, check: Callable[[Effect], None]) -> None:
        self.check = check

    def __deepcopy__(self, _: object) -> "Checker":
        return self  # it belongs to the world, which is not copied with a node


class CheckedEffects(list[Effect]):
    """The effects of one step, each checked before it is taken in.

    Args:
        checker: what checks them.
    """

    def __init__(self, checker: Checker) -> None:
        super().__init__()
        self._check = checker.check

    def append(self, effect: Effect) -> None:
        """Take in an effect. Raises: ContractError, if it cannot be."""
        self._check(effect)
        super().append(effect)
