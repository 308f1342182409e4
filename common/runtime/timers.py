"""The timers of a node: a late one lets what has arrived happen first.

A process that was kept busy, by a long step or by other programs, finds two things when it goes on:
frames in its sockets, and timers that are due. If the timers went first, it would take a leader for
dead whose heartbeats lie unread, or give up a round whose answers are there. So a timer that is
late looks at the sockets first: once nothing more comes in, or after a bounded number of looks, it
fires. A step that cancels it meanwhile has cancelled it. A timer that is on time waits for nothing.
"""

import asyncio
from collections.abc import Callable
from time import monotonic

from common.contract.effects import SetTimer
from common.contract.events import TimerId

LATE_SECONDS = 0.005
"""A timer that fires so long after its time is late: the loop was busy with something else."""

QUIET_PASSES = 2
"""So many passes of the loop without news show that the sockets are empty. One is not enough: what
the loop finds in a socket it may handle after what was waiting for its turn already."""

MOST_PASSES = 64
"""No timer waits for more passes of the loop, though more and more comes in."""


class Timers:
    """The timers of one node.

    Args:
        loop: of the node.
        fire: lets a timer happen to the node.
        arrivals: how often something has come in, since the start.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        fire: Callable[[SetTimer], None],
        arrivals: Callable[[], int],
    ) -> None:
        self._loop = loop
        self._fire = fire
        self._arrivals = arrivals
        self._handles: dict[TimerId, asyncio.Handle] = {}

    def set(self, effect: SetTimer, after: float) -> None:
        """Let a timer fire ``after`` seconds from now; one of no time at all is never late."""
        due = monotonic() + after if after else None
        self._handles[effect.id] = self._loop.call_later(after, self._due, effect, due)

    def cancel(self, id: TimerId) -> None:
        """Forget a timer; nothing happens if it has fired."""
        handle = self._handles.pop(id, None)
        if handle is not None:
            handle.cancel()

    def clear(self) -> None:
        """Forget all of them."""
        for handle in self._handles.values():
            handle.cancel()
        self._handles.clear()

    def _due(self, effect: SetTimer, due: float | None) -> None:
        if due is None or monotonic() - due < LATE_SECONDS:
            self._end(effect)
        else:
            self._wait(effect, self._arrivals(), 0, MOST_PASSES)

    def _wait(self, effect: SetTimer, seen: int, quiet: int, left: int) -> None:
        """Let the loop look at its sockets once more."""
        args = (effect, seen, quiet, left)
        self._handles[effect.id] = self._loop.call_soon(self._look, *args)

    def _look(self, effect: SetTimer, seen: int, quiet: int, left: int) -> None:
        now = self._arrivals()
        quiet = 0 if now != seen else quiet + 1
        if quiet >= QUIET_PASSES or left <= 1:
            self._end(effect)
        else:
            self._wait(effect, now, quiet, left - 1)

    def _end(self, effect: SetTimer) -> None:
        self._handles.pop(effect.id, None)
        self._fire(effect)
