"""Faults as data: what goes wrong, when, and where.

A :class:`Schedule` is a plain value. The same schedule drives a simulation and a live cluster; it
is written as YAML or JSON by people and drawn by Hypothesis in fault sweeps::

    - {at: 2s,    fault: partition, groups: [[n1], [n2, n3]]}
    - {at: 2500ms, fault: crash, node: n2}
    - {at: 4s,    fault: restart, node: n2}
    - {at: 5s,    fault: heal}

A time is a number of microseconds, or text with a unit: ``250us``, ``10ms``, ``1.5s``.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Any, ClassVar, TypeAlias, get_type_hints

from common.values.errors import BadInput
from common.values.units import MS, SECOND


@dataclass(frozen=True, slots=True)
class Crash:
    """The node dies at once. What it made durable stays; everything else is gone."""

    at: int
    node: str


@dataclass(frozen=True, slots=True)
class Restart:
    """A crashed node is made anew and gets back what it saved. A running one is left alone."""

    at: int
    node: str


@dataclass(frozen=True, slots=True)
class Pause:
    """The node stops taking events but keeps its state (a long garbage collection, SIGSTOP)."""

    at: int
    node: str


@dataclass(frozen=True, slots=True)
class Resume:
    """A paused node goes on; everything that reached it meanwhile is handed to it now."""

    at: int
    node: str


@dataclass(frozen=True, slots=True)
class Partition:
    """Messages pass within a group only. A node that no group names is alone."""

    at: int
    groups: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Block:
    """Messages from ``source`` to ``target`` are lost; the other way is not touched."""

    at: int
    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Heal:
    """All partitions and blocks end. Links keep their latency and loss."""

    at: int


@dataclass(frozen=True, slots=True)
class Link:
    """From now on the links from ``source`` to ``target`` behave like this.

    ``*`` stands for every node. A part that is None keeps its value.

    Attributes:
        latency: least and greatest one-way delay, in microseconds, drawn evenly.
        loss: probability that a message is lost, 0 to 1.
        duplicate: probability that a message arrives twice.
        reorder: probability that a message is held back so that later ones overtake it.
        bandwidth: bytes a second, 0 for no limit.
    """

    at: int
    source: str = "*"
    target: str = "*"
    latency: tuple[int, int] | None = None
    loss: float | None = None
    duplicate: float | None = None
    reorder: float | None = None
    bandwidth: int | None = None


@dataclass(frozen=True, slots=True)
class Clock:
    """From now on the node's clock is ``skew`` microseconds ahead and runs ``drift`` ppm fast."""

    at: int
    node: str
    skew: int = 0
    drift: int = 0


@dataclass(frozen=True, slots=True)
class Disk:
    """From now on making a write durable takes the node ``latency`` microseconds."""

    at: int
    node: str
    latency: int


@dataclass(frozen=True, slots=True)
class Corrupt:
    """From now on the node is Byzantine: what it sends is rewritten by the named behaviour.

    Behaviours (:mod:`common.contract.lies`) are supplied by the test or the lab, by name;
    ``honest`` ends it.

    Attributes:
        to: the nodes that are lied to; everyone unless given. The others hear the truth.
    """

    at: int
    node: str
    behaviour: str
    to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Twin:
    """From now on the node runs twice under its one name, and each half sees its own nodes.

    Both halves follow the protocol, and yet together they say different things to different nodes:
    equivocation without attack code (Bano et al., "Twins: BFT systems made robust", OPODIS 2021).
    The second half starts with what the node has saved by then. Another Twin of the same node
    changes who sees whom; a :class:`Heal` does not.

    Attributes:
        halves: the nodes that the first and the second half hear and reach. A node may be in both;
            one that is in neither hears nothing of this node. In other faults the second half is
            named as :func:`twin_of` says, ``n1'``.
    """

    at: int
    node: str
    halves: tuple[tuple[str, ...], tuple[str, ...]]


Fault: TypeAlias = (
    Crash
    | Restart
    | Pause
    | Resume
    | Partition
    | Block
    | Heal
    | Link
    | Clock
    | Disk
    | Corrupt
    | Twin
)

KINDS: Mapping[str, type] = {
    kind.__name__.lower(): kind
    for kind in (
        Crash, Restart, Pause, Resume, Partition, Block, Heal, Link, Clock, Disk, Corrupt, Twin,
    )
}  # fmt: skip
"""The fault classes by the name that a schedule file gives them."""

HONEST = "honest"
"""The behaviour of :class:`Corrupt` that makes a node follow its protocol again."""

TWIN_MARK = "'"
"""What the name of a second half ends in."""

_TIME = re.compile(r"(\d+(?:\.\d+)?)\s*(us|µs|ms|s)")
_UNITS = {"us": 1, "µs": 1, "ms": MS, "s": SECOND}


def parse_time(value: object) -> int:
    """Read a time: a whole number of microseconds, or text such as ``10ms`` or ``1.5s``.

    Raises:
        BadInput: ``value`` is neither.
    """
    if type(value) is int and value >= 0:
        return value
    if isinstance(value, str) and (match := _TIME.fullmatch(value.strip())):
        return round(float(match[1]) * _UNITS[match[2]])
    raise BadInput(f"{value!r} is not a time: write 250us, 10ms, 1.5s, or whole microseconds")


def twin_of(node: str) -> str:
    """What the second half of a node is called in schedules and traces: ``n1'`` for ``n1``."""
    return f"{node}{TWIN_MARK}"


@dataclass(frozen=True, slots=True)
class Schedule:
    """Faults in the order of their times; faults of one time happen in the order given."""

    faults: tuple[Fault, ...] = ()

    everyone: ClassVar[str] = "*"

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        object.__setattr__(self, "faults", tuple(sorted(faults, key=lambda fault: fault.at)))

    def __iter__(self) -> Iterator[Fault]:
        return iter(self.faults)

    def __len__(self) -> int:
        return len(self.faults)

    @property
    def twins(self) -> tuple[str, ...]:
        """The second halves of the nodes that run twice, in the order in which they appear."""
        return tuple(
            dict.fromkeys(twin_of(fault.node) for fault in self.faults if isinstance(fault, Twin))
        )

    def halved(self, nodes: Iterable[str]) -> tuple[str, ...]:
        """These nodes, with the second half of each that runs twice after its first."""
        twins = self.twins
        halves = [(node, twin_of(node)) for node in nodes]
        return tuple(
            half for one, other in halves for half in (one, other) if half in (one, *twins)
        )

    @property
    def byzantine(self) -> tuple[str, ...]:
        """The nodes that lie at some time, or run twice, sorted."""
        return tuple(sorted({f.node for f in self.faults if isinstance(f, Corrupt | Twin)}))

    def nodes(self) -> tuple[str, ...]:
        """Every node that some fault names, sorted."""
        named: set[str] = set()
        for fault in self.faults:
            match fault:
                case Partition(_, groups) | Twin(_, _, groups):
                    named.update(node for group in groups for node in group)
                case Corrupt():
                    named.update(fault.to)
            for part in ("node", "source", "target"):
                named.add(getattr(fault, part, self.everyone))
        return tuple(sorted(named - {self.everyone}))

    def check_nodes(self, known: Sequence[str]) -> None:
        """Check that every node that the schedule names is one of ``known``, or its second half.

        What a schedule wants of a second half that is not there yet simply does not happen.

        Raises:
            BadInput: a fault names another; the text says which and when.
        """
        halves = [twin_of(node) for node in known]
        if again := [f.node for f in self.faults if isinstance(f, Twin) and f.node in halves]:
            raise BadInput(f"{again[0]!r} is a second half itself: run the first one twice")
        unknown = [node for node in self.nodes() if node not in known and node not in halves]
        if unknown:
            raise BadInput(
                f"the schedule names the node {unknown[0]!r}, which this cluster does not have; "
                f"its nodes are {', '.join(known)}"
            )

    def to_plain(self) -> list[dict[str, Any]]:
        """The schedule as lists and dictionaries for YAML or JSON, times in microseconds."""
        return [fault_to_plain(fault) for fault in self.faults]

    @classmethod
    def from_plain(cls, plain: object) -> "Schedule":
        """The schedule that a YAML or JSON file holds: a list of faults.

        Raises:
            BadInput: something in it is no fault; the text says which entry and why.
        """
        if not isinstance(plain, list):
            raise BadInput(f"a schedule is a list of faults, not {type(plain).__name__}")
        return cls(_fault_from_plain(number, entry) for number, entry in enumerate(plain, 1))


def fault_to_plain(fault: Fault) -> dict[str, Any]:
    """One fault as a dictionary, without the parts that have their default."""
    plain: dict[str, Any] = {"at": fault.at, "fault": type(fault).__name__.lower()}
    for field in fields(fault):
        value = getattr(fault, field.name)
        if field.name != "at" and value != field.default:
            plain[field.name] = _listed(value)
    return plain


def _listed(value: object) -> object:
    return [_listed(part) for part in value] if isinstance(value, tuple) else value


def _fault_from_plain(number: int, entry: object) -> Fault:
    where = f"fault {number} of the schedule"
    if not isinstance(entry, dict) or "fault" not in entry:
        raise BadInput(f"{where} is {entry!r}: write at, fault, and the parts of that fault")
    kind = KINDS.get(entry["fault"])
    if kind is None:
        raise BadInput(f"{where}: {entry['fault']!r} is no fault; there are {', '.join(KINDS)}")
    types = get_type_hints(kind)
    values: dict[str, Any] = {}
    for name, value in entry.items():
        if name == "fault":
            continue
        if name not in types:
            raise BadInput(f"{where}: {kind.__name__.lower()} has no {name!r}, only {list(types)}")
        try:
            values[name] = _read_part(name, types[name], value)
        except BadInput as error:
            raise BadInput(f"{where}: {name}: {error}") from None
    required = {field.name for field in fields(kind) if field.default is MISSING}
    if missing := sorted(required - set(values)):
        raise BadInput(f"{where}: {kind.__name__.lower()} needs {', '.join(missing)}")
    made: Fault = kind(**values)
    return made


def _read_part(name: str, wanted: Any, value: Any) -> Any:
    if name == "at":
        return parse_time(value)
    if name == "latency":
        if wanted is int:
            return parse_time(value)
        least, greatest = value if isinstance(value, list) and len(value) == 2 else (value, value)
        return _ordered(parse_time(least), parse_time(greatest))
    if name in ("groups", "halves"):
        if not (isinstance(value, list) and all(isinstance(group, list) for group in value)):
            raise BadInput("write a list of lists of nodes, such as [[n1], [n2, n3]]")
        if name == "halves" and len(value) != 2:
            raise BadInput(f"there are two halves, not {len(value)}: write [[n2], [n3, n4]]")
        return tuple(tuple(str(node) for node in group) for group in value)
    if name == "to":
        if not isinstance(value, list):
            raise BadInput("write a list of nodes, such as [n2, n3]")
        return tuple(str(node) for node in value)
    if name in ("loss", "duplicate", "reorder"):
        if type(value) not in (int, float) or not 0 <= value <= 1:
            raise BadInput(f"{value!r} is not a probability from 0 to 1")
        return float(value)
    if wanted is str:
        if not isinstance(value, str):
            raise BadInput(f"{value!r} is not a name")
        return value
    if name == "skew" and isinstance(value, str):
        return -parse_time(value[1:]) if value.startswith("-") else parse_time(value)
    if type(value) is not int or (name == "bandwidth" and value < 0):
        raise BadInput(f"{value!r} is not a whole number")
    return value


def _ordered(least: int, greatest: int) -> tuple[int, int]:
    if least > greatest:
        raise BadInput(f"the least latency {least} is above the greatest {greatest}")
    return (least, greatest)
