"""What a command about keys becomes: commands for the node, and a way to tell their results."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from common.runtime.resp.replies import RespError, Simple, Value
from stage3_partitioning.kv.commands import WRONG_KIND, Problem
from stage3_partitioning.kv.front_commands import Fronted

OK = Simple("OK")

Words: TypeAlias = list[bytes]

Tell: TypeAlias = Callable[[Sequence[Any]], Value]
"""What to reply, given the results of a plan's commands."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a command about keys asks of the node."""

    commands: tuple[Fronted, ...]
    tell: Tell


def told(result: Any) -> Value:
    """A result as it is; truth is told as 1 or 0, a problem as an error."""
    if isinstance(result, Problem):
        return RespError(f"{'WRONGTYPE' if result == WRONG_KIND else 'ERR'} {result.text}")
    return int(result) if isinstance(result, bool) else result


def tell_first(results: Sequence[Any]) -> Value:
    """The result of the first command."""
    return told(results[0])


def tell_last(results: Sequence[Any]) -> Value:
    """The result of the last command; the others only ask whether their keys are here, too."""
    return told(results[-1])


def tell_ok(results: Sequence[Any]) -> Value:
    """OK, or the first problem."""
    problem = next((each for each in results if isinstance(each, Problem)), None)
    return OK if problem is None else told(problem)
