"""The simulated disk: it loses what was not yet durable, and it may be slow.

The rule of the contract is kept here: the changes of one step become durable together. A crash in
the middle of writing loses the newest steps; how many of those under way survive is drawn, because
a real disk may have written any part of them, and the torn record after that part is cut off when
the log is read again (its checksum is wrong). So what comes back is always a prefix, as it is from
the log on a real disk in ``common/runtime/log.py``.
"""

from collections.abc import Mapping, Sequence
from random import Random

from common.contract.effects import Forget, Save
from common.contract.events import SavedKey

Changes = Sequence[Save | Forget]


class SimulatedDisk:
    """One node's disk.

    Args:
        latency: how long one flush takes, in microseconds. All that is written while a flush is
            under way shares the next one (group commit).
        contents: what is on it already; nothing unless given.
    """

    def __init__(self, latency: int, contents: Mapping[SavedKey, object] | None = None) -> None:
        self.latency = latency
        self._durable: dict[SavedKey, object] = dict(contents or {})
        self._pending: list[tuple[int, Changes]] = []
        self._flush_ends = 0
        self._next_flush_ends = 0

    def write(self, now: int, changes: Changes) -> int:
        """Begin to write the changes of one step at time ``now``; returns when they are durable."""
        self.settle(now)
        if now >= self._flush_ends:
            self._flush_ends = now + self.latency
            ends = self._flush_ends
        else:
            if self._next_flush_ends <= self._flush_ends:
                self._next_flush_ends = self._flush_ends + self.latency
            ends = self._next_flush_ends
        self._pending.append((ends, changes))
        return ends

    def settle(self, now: int) -> None:
        """Carry over to the durable state all that is durable at time ``now``."""
        done = 0
        for ends, changes in self._pending:
            if ends > now:
                break
            self._apply(changes)
            done += 1
        del self._pending[:done]
        if now >= self._flush_ends and self._next_flush_ends > self._flush_ends:
            self._flush_ends = self._next_flush_ends

    def crash(self, now: int, random: Random) -> None:
        """Power off at ``now``: of the writes under way a drawn number of the oldest survives."""
        self.settle(now)
        survive = random.randrange(len(self._pending) + 1)
        for _, changes in self._pending[:survive]:
            self._apply(changes)
        self._pending.clear()
        self._flush_ends = self._next_flush_ends = 0

    def contents(self) -> Mapping[SavedKey, object]:
        """What a node that starts now finds saved."""
        return dict(self._durable)

    def _apply(self, changes: Changes) -> None:
        for change in changes:
            if isinstance(change, Save):
                self._durable[change.key] = change.value
            else:
                self._durable.pop(change.key, None)
