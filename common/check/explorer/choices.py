"""What the explorer chose, as data: a counter-example is a list of these.

Messages are numbered 1, 2, 3 ... in the order in which they are sent on the way; the text beside
the number is for people, and a replay checks it, so that a counter-example of other code is
refused and not misread.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeAlias

from common.contract.events import NodeId
from common.values.errors import BadInput


@dataclass(frozen=True, slots=True)
class Deliver:
    """The message ``number`` arrives."""

    number: int
    source: NodeId
    target: NodeId
    message: str

    def __str__(self) -> str:
        return f"{self.target} receives {self.message} from {self.source} (message {self.number})"


@dataclass(frozen=True, slots=True)
class Lose:
    """The message ``number`` is lost (one copy of it, if there are more)."""

    number: int
    source: NodeId
    target: NodeId
    message: str

    def __str__(self) -> str:
        return f"{self.message} from {self.source} to {self.target} is lost (message {self.number})"


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The message ``number`` will arrive once more."""

    number: int
    source: NodeId
    target: NodeId
    message: str

    def __str__(self) -> str:
        doubled = f"{self.message} from {self.source} to {self.target}"
        return f"{doubled} is doubled (message {self.number})"


@dataclass(frozen=True, slots=True)
class Fire:
    """A pending timer of ``node`` fires."""

    node: NodeId
    timer: str

    def __str__(self) -> str:
        return f"the timer {self.timer} of {self.node} fires"


@dataclass(frozen=True, slots=True)
class Crash:
    """``node`` crashes."""

    node: NodeId

    def __str__(self) -> str:
        return f"{self.node} crashes"


@dataclass(frozen=True, slots=True)
class Restart:
    """``node`` is made anew and starts with what it saved."""

    node: NodeId

    def __str__(self) -> str:
        return f"{self.node} restarts"


@dataclass(frozen=True, slots=True)
class Call:
    """The client at ``node`` begins its next operation."""

    node: NodeId
    operation: str

    def __str__(self) -> str:
        return f"the client at {self.node} asks for {self.operation}"


Choice: TypeAlias = Deliver | Lose | Duplicate | Fire | Crash | Restart | Call

_KINDS: Mapping[str, type[Choice]] = {
    kind.__name__.lower(): kind for kind in (Deliver, Lose, Duplicate, Fire, Crash, Restart, Call)
}


def to_plain(choice: Choice) -> dict[str, Any]:
    """A choice as a dictionary for JSON."""
    return {"choice": type(choice).__name__.lower(), **asdict(choice)}


def from_plain(plain: object) -> tuple[Choice, ...]:
    """The choices that a list of dictionaries stands for.

    Raises:
        BadInput: something in it is no choice; the text says which entry and why.
    """
    if not isinstance(plain, Sequence) or isinstance(plain, str):
        raise BadInput(f"choices are a list, not {type(plain).__name__}")
    return tuple(_choice_from_plain(number, entry) for number, entry in enumerate(plain, 1))


def _choice_from_plain(number: int, entry: object) -> Choice:
    if not isinstance(entry, Mapping) or entry.get("choice") not in _KINDS:
        raise BadInput(f"choice {number} is {entry!r}: write choice as one of {', '.join(_KINDS)}")
    kind = _KINDS[entry["choice"]]
    given = {name: value for name, value in entry.items() if name != "choice"}
    wanted = {field.name: int if field.name == "number" else str for field in fields(kind)}
    if set(given) != set(wanted) or any(type(given[name]) is not wanted[name] for name in wanted):
        raise BadInput(
            f"choice {number}: {entry['choice']} has {', '.join(wanted)} "
            f"(number whole, the rest text), not {given}"
        )
    return kind(**given)
