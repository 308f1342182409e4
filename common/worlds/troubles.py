"""Troubles by name: what goes wrong in a run to which nobody gave a schedule.

A trouble is a function of the members and of how long the run takes. It says what happens to whom
at which part of the run, so that the same trouble fits three members and five seconds, or seven
members and a minute. Each ends in a calm, in which a protocol has to make progress again.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from common.contract.events import NodeId
from common.values.faults import Block, Crash, Fault, Heal, Link, Pause, Restart, Resume, Schedule
from common.values.units import MS

Trouble: TypeAlias = Callable[[Sequence[NodeId], int], Schedule]
"""``(members, duration_us) -> schedule``."""

LEAST_TURN = 500 * MS
"""A process takes a while to come back: in a short run fewer are killed, so that each has this."""


def kill_first(members: Sequence[NodeId], duration: int) -> Schedule:
    """The first member is killed, and comes back."""
    return _kill(members[:1], duration * 3 // 10, duration * 6 // 10)


def kill_in_turn(members: Sequence[NodeId], duration: int) -> Schedule:
    """One member after the other is killed; each is back before the next one goes.

    Sooner or later that is the leader, wherever there is one.
    """
    chosen = members[: max(1, duration * 5 // 8 // LEAST_TURN)]
    begin, turn = duration // 8, duration * 5 // 8 // len(chosen)
    faults: list[Fault] = []
    for number, member in enumerate(chosen):
        at = begin + number * turn
        faults += [Crash(at, member), Restart(at + turn * 2 // 3, member)]
    return Schedule(faults)


def kill_all(members: Sequence[NodeId], duration: int) -> Schedule:
    """All members are killed at once, late in the run, and come back: only disks remember."""
    return _kill(members, duration * 75 // 100, duration * 80 // 100)


def cut_off_first(members: Sequence[NodeId], duration: int) -> Schedule:
    """The first member hears no other one, and none hears it; then the cut heals.

    Only links between members are cut, so each client goes on talking to its own member.
    """
    return _cut_off(members[0], members, duration)


def cut_off_last(members: Sequence[NodeId], duration: int) -> Schedule:
    """The last member, as a rule a follower, is cut off from the others; then the cut heals."""
    return _cut_off(members[-1], members, duration)


def stand_still(members: Sequence[NodeId], duration: int) -> Schedule:
    """The first member stands still for a while, as in a long collection of garbage."""
    begin, end = duration * 65 // 100, duration * 75 // 100
    return Schedule([Pause(begin, members[0]), Resume(end, members[0])])


def rough_then_calm(members: Sequence[NodeId], duration: int) -> Schedule:
    """All links lose, double and reorder; after four fifths of the run they are good again."""
    del members
    rough = Link(0, latency=(1 * MS, 10 * MS), loss=0.05, duplicate=0.05, reorder=0.1)
    calm = Link(duration * 8 // 10, latency=(0, 0), loss=0.0, duplicate=0.0, reorder=0.0)
    return Schedule([rough, calm])


def together(*troubles: Trouble) -> Trouble:
    """Several troubles in one run."""

    def trouble(members: Sequence[NodeId], duration: int) -> Schedule:
        return Schedule(fault for each in troubles for fault in each(members, duration))

    return trouble


kill_in_turn_then_all = together(kill_in_turn, kill_all)

TROUBLES: Mapping[str, Trouble] = {
    "kill_first": kill_first,
    "kill_in_turn": kill_in_turn,
    "kill_all": kill_all,
    "kill_in_turn_then_all": kill_in_turn_then_all,
    "cut_off_first": cut_off_first,
    "cut_off_last": cut_off_last,
    "stand_still": stand_still,
    "rough_then_calm": rough_then_calm,
}
"""By the name that a person gives: ``lab run raft --faults kill_all``."""


def _kill(chosen: Sequence[NodeId], at: int, back: int) -> Schedule:
    faults: list[Fault] = []
    for member in chosen:
        faults += [Crash(at, member), Restart(back, member)]
    return Schedule(faults)


def _cut_off(one: NodeId, members: Sequence[NodeId], duration: int) -> Schedule:
    begin, end = duration * 3 // 10, duration * 7 // 10
    cut: list[Fault] = []
    for other in members:
        if other != one:
            cut += [Block(begin, one, other), Block(begin, other, one)]
    return Schedule([*cut, Heal(end)])
