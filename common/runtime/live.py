"""What ``lab run`` needs to know to run a lab as real processes, as data beside the lab.

A side file of the lab (``stage1_foundations/cap/live.py``) declares one :class:`LiveLab`; the
manifest names it. The same node and client classes run as in the simulator.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TypeAlias

from common.check.verdict import Verdict
from common.runtime.facade import Front
from common.values.faults import Crash, Restart, Schedule
from common.values.history import History

Choose: TypeAlias = Callable[[Random, str, int], object]
"""Makes a client's next operation: ``(random, client, number) -> operation``."""


Trouble: TypeAlias = Callable[[Sequence[str], int], Schedule]
"""Makes the schedule of a run that was given none: ``(members, duration_us) -> schedule``."""


def kill_and_restart(members: Sequence[str], duration: int) -> Schedule:
    """The default trouble: the first member is killed, and comes back."""
    first = members[0]
    return Schedule([Crash(duration * 3 // 10, first), Restart(duration * 6 // 10, first)])


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to run the lab.

    Attributes:
        title: one line.
        node: the class of the members, as ``module:Class``.
        client: the class of the clients, as ``module:Class``.
        choose: the clients' workload.
        checks: what to check of the recorded history, by the name of the property.
        node_config: keyword arguments for each member, JSON values only.
        client_config: keyword arguments for each client, JSON values only.
        front: the facades that unmodified clients of some real protocol reach; None for none.
    """

    title: str
    node: str
    client: str
    choose: Choose
    checks: Mapping[str, Callable[[History], Verdict]]
    node_config: Mapping[str, object] = field(default_factory=dict)
    client_config: Mapping[str, object] = field(default_factory=dict)
    front: Front | None = None


@dataclass(frozen=True, slots=True)
class Seat:
    """Where a person sits who takes part in a lab at a terminal of their own.

    Attributes:
        name: under which to join what somebody else has opened; "" to open it.
        variant: which of the lab's variants; "" for the first, or for what was opened.
        directory: where those who belong together find each other, and keep their data; None for
            where they usually do.
    """

    name: str
    variant: str
    directory: Path | None


@dataclass(frozen=True, slots=True)
class LiveLab:
    """How to run a lab as a cluster.

    Attributes:
        lab: the lab's id.
        members: how many nodes unless told otherwise; they are named n1, n2 ...
        clients: how many clients unless told otherwise; they are named c1, c2 ...
        columns: which fields of a node's ``status()`` the dashboard shows, in order.
        variants: the ways to run it; the first is the default.
        trouble: what goes wrong when the person names no schedule.
        people: for a lab that people run together, each at a terminal: takes part until the person
            leaves. None for a lab with a dashboard.
    """

    lab: str
    members: int
    clients: int
    columns: tuple[str, ...]
    variants: Mapping[str, Variant]
    trouble: Trouble = kill_and_restart
    people: Callable[[Seat], None] | None = None
