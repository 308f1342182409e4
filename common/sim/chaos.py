"""Chaos: schedules drawn from a seed, for fault sweeps.

A sweep that only breaks things proves nothing about progress. So every schedule drawn here ends in
a calm: what is down comes back, what is cut heals, and the links are good again. After the calm a
protocol must get somewhere (the habit of TigerBeetle's VOPR).

Bugs that nobody thought of sit where something goes *there and back*, and where *one* node has
missed what all others know. So now and then a trouble comes twice, to the same nodes; and half of
the partitions cut off a single one.
"""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from common.values.faults import (
    Block,
    Clock,
    Corrupt,
    Crash,
    Disk,
    Fault,
    Heal,
    Link,
    Partition,
    Pause,
    Restart,
    Resume,
    Schedule,
    Twin,
)
from common.values.units import MS, SECOND

KINDS = ("partition", "block", "crash", "pause", "link", "clock", "disk")
"""The kinds of trouble that can be drawn."""

GOOD_LATENCY = (1 * MS, 5 * MS)
TWICE = 0.3
"""So often a trouble that is over comes back to the same nodes."""
ALONE = 0.5
"""So many partitions have a single node on one side; clients are with it, or are not."""
TWINS = 0.4
"""So often a Byzantine node runs twice, where it might lie as well."""
LIED_TO = 0.6
"""So often a liar lies to one node; where it would lie to nobody, it lies to all."""

MAX_DRIFT = 100_000
"""Clocks run up to this many parts per million (10 %) fast or slow: far worse than real ones."""


def calm(nodes: Sequence[str], at: int) -> list[Fault]:
    """The faults that end all faults at time ``at`` (microseconds), clocks excepted."""
    faults: list[Fault] = [Heal(at), Link(at, latency=GOOD_LATENCY, loss=0.0, duplicate=0.0,
                                          reorder=0.0, bandwidth=0)]  # fmt: skip
    for node in nodes:
        faults += [Resume(at, node), Restart(at, node), Disk(at, node, 0)]
    return faults


def random_schedule(
    random: Random,
    nodes: Sequence[str],
    until: int,
    *,
    kinds: Sequence[str] = KINDS,
    troubles: int = 6,
    others: Sequence[str] = (),
) -> Schedule:
    """Draw a schedule of trouble that is over at ``until``.

    Args:
        random: where to draw from.
        nodes: the nodes that trouble can hit.
        until: when the calm begins, in microseconds.
        kinds: the kinds of trouble to draw from, of :data:`KINDS`.
        troubles: how many to draw.
        others: nodes, such as clients, that take part in partitions but are not hit themselves.
    """
    drawn: list[Fault] = []
    for _ in range(troubles):
        start = random.randrange(until)
        end = min(until, start + random.randrange(until // 10 + 1, until // 2 + 2))
        kind = random.choice(list(kinds))
        if random.random() < TWICE:
            drawn += _twice(random, kind, nodes, others, start, end)
        else:
            drawn += _trouble(random, kind, nodes, others, start, end)
    return Schedule([*drawn, *calm(nodes, until)])


def random_liars(
    random: Random,
    nodes: Sequence[str],
    until: int,
    *,
    liars: int,
    behaviours: Sequence[str] = (),
    others: Sequence[str] = (),
) -> list[Fault]:
    """Draw who is Byzantine, and how: some lie, and others run twice.

    There is no calm for liars: a lab that bears f of them has to make progress beside them.

    Args:
        random: where to draw from.
        nodes: the members of the cluster.
        until: lies and halves change until then, in microseconds.
        liars: how many nodes are Byzantine.
        behaviours: the ways of lying, by name; without any all liars run twice.
        others: nodes, such as clients, that can be lied to, and are honest.
    """
    drawn: list[Fault] = []
    for liar in random.sample(list(nodes), liars):
        audience = [node for node in (*nodes, *others) if node != liar]
        twice = not behaviours or random.random() < TWINS
        times = [0, *sorted(random.randrange(until) for _ in range(random.randrange(3)))]
        for at in times:
            if twice:
                drawn.append(Twin(at, liar, _halves(random, audience)))
            else:
                told = tuple(node for node in audience if random.random() < LIED_TO)
                drawn.append(Corrupt(at, liar, random.choice(list(behaviours)), told))
    return drawn


def _halves(random: Random, nodes: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Each node to one of the halves, or to both."""
    sides = [random.randrange(5) for _ in nodes]
    one = tuple(node for node, side in zip(nodes, sides, strict=True) if side in (0, 1, 4))
    other = tuple(node for node, side in zip(nodes, sides, strict=True) if side in (2, 3, 4))
    return (one, other)


def _twice(
    random: Random, kind: str, nodes: Sequence[str], others: Sequence[str], start: int, end: int
) -> list[Fault]:
    """One trouble, a pause, and the very same trouble again; all from ``start`` to ``end``."""
    middle = start + (end - start) // 2
    pause = random.randrange((end - start) // 4 + 1)
    first = _trouble(random, kind, nodes, others, start, middle - pause)
    return [*first, *(replace(fault, at=fault.at + end - middle + pause) for fault in first)]


def _trouble(
    random: Random, kind: str, nodes: Sequence[str], others: Sequence[str], start: int, end: int
) -> list[Fault]:
    """One trouble of a kind, from ``start`` to ``end``."""
    node = random.choice(list(nodes))
    match kind:
        case "partition":
            return [Partition(start, _groups(random, nodes, others)), Heal(end)]
        case "block":
            target = random.choice([*nodes, *others])
            return [Block(start, node, target), Heal(end)] if target != node else []
        case "crash":
            return [Crash(start, node), Restart(end, node)]
        case "pause":
            return [Pause(start, node), Resume(end, node)]
        case "link":
            return _bad_links(random, start, end)
        case "clock":
            drift = random.randrange(-MAX_DRIFT, MAX_DRIFT + 1)
            return [Clock(start, node, skew=random.randrange(1 * SECOND), drift=drift)]
        case "disk":
            return [Disk(start, node, random.randrange(50 * MS)), Disk(end, node, 0)]
    raise AssertionError(f"{kind!r} is not one of {KINDS}")


def _groups(
    random: Random, nodes: Sequence[str], others: Sequence[str]
) -> tuple[tuple[str, ...], ...]:
    if random.random() < ALONE:
        alone = random.choice(list(nodes))
        near = [alone, *(other for other in others if random.random() < 1 / 2)]
        far = [node for node in (*nodes, *others) if node not in near]
        return (tuple(sorted(near)), tuple(sorted(far)))
    mixed = [*nodes, *others]
    random.shuffle(mixed)
    cut = random.randrange(1, max(2, len(mixed)))
    return (tuple(sorted(mixed[:cut])), tuple(sorted(mixed[cut:])))


def _bad_links(random: Random, start: int, end: int) -> list[Fault]:
    bad = Link(
        start,
        latency=(1 * MS, random.randrange(2, 60) * MS),
        loss=random.randrange(30) / 100,
        duplicate=random.randrange(20) / 100,
        reorder=random.randrange(30) / 100,
    )
    good = Link(end, latency=GOOD_LATENCY, loss=0.0, duplicate=0.0, reorder=0.0)
    return [bad, good]
