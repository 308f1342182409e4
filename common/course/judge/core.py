"""One core for a judge and its nodes.

They take turns: the judge waits while a node takes its step. On one core a change of turn costs a
switch; across two it costs waking the other one up, which takes twice as long on a machine with
nothing else to do, and far longer on a busy one. Other judges have the other cores.
"""

import os
import socket
import sys

_held: list[socket.socket] = []


def take_one() -> int | None:
    """Keep this process, and what it starts, to a core that no other judge has.

    Returns:
        The core; None where the system has no such thing, or other judges have all of them.
    """
    if not sys.platform.startswith("linux") or _held:
        return None
    for core in sorted(os.sched_getaffinity(0)):
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            claim.bind(f"\0lab-judge-on-core-{core}")  # the name is free again when we end
        except OSError:
            claim.close()
            continue
        _held.append(claim)
        os.sched_setaffinity(0, {core})
        return core
    return None


def give_back(cores: set[int]) -> None:
    """Run on all of ``cores`` again."""
    while _held:
        _held.pop().close()
        os.sched_setaffinity(0, cores)
