"""Group commit: many steps, one flush of the disk, then what those steps asked for.

The rule of the contract is kept here: nothing of a step can be seen outside the node before all
that the step saved is durable; and the effects of steps come out in the order of the steps. A flush
takes the disk the same time for one step as for a hundred, so all steps that end while a flush is
under way share the next one (Gray and Reuter 1992, section 9.4.6, "group commit").

A slow disk is waited for in a thread of its own, so that the node goes on meanwhile. But two
changes of thread cost more than many a disk needs. So after a flush that was fast the next one
happens in the loop's thread, at the end of the turn; the first slow one ends that. A flush of many
bytes never does: while it goes on, a leader has to be heard and votes have to be given.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter, sleep
from typing import Protocol

from common.contract.effects import Effect, Forget, Save
from common.values.errors import LabError
from common.values.units import SECOND

FAST_SECONDS = 0.005
"""A flush below this is not worth a thread: the node waits for it."""

Changes = Sequence[Save | Forget]


class Storage(Protocol):
    """What a group commit needs of a storage; see :mod:`common.runtime.storage`."""

    def append(self, changes: Changes) -> None:
        """Take the changes of one step, which become durable together or not at all."""

    def sync(self) -> None:
        """Return when all that was appended before is durable. Called in another thread."""

    def is_much(self) -> bool:
        """Whether the next sync has so much to write that no disk does it in no time."""


class GroupCommit:
    """Holds effects back until what was saved before them is durable.

    Args:
        storage: appended to in the loop's thread, synced in another.
        release: carries out the effects of one step, with the changes that became durable.
        failed: told when the disk fails; nothing is released after that.

    Attributes:
        busy: whether steps wait for the disk, so that the effects of later ones have to queue.
        flushes: how often the disk was flushed.
        latency: a fault: how many microseconds longer each flush takes.
    """

    def __init__(
        self,
        storage: Storage,
        release: Callable[[list[Effect], Changes], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self.flushes = 0
        self.latency = 0
        self._storage = storage
        self._release = release
        self._failed = failed
        self._loop = asyncio.get_running_loop()
        self._thread = ThreadPoolExecutor(1, "disk")
        self._took = FAST_SECONDS
        self._forming: list[tuple[Changes, list[Effect]]] = []
        self._flushing: list[tuple[Changes, list[Effect]]] = []
        self.busy = False

    @property
    def waiting(self) -> int:
        """How many steps wait for the disk."""
        return len(self._forming) + len(self._flushing)

    def write(self, changes: Changes, effects: list[Effect]) -> None:
        """Make the changes of a step durable, and then release its effects.

        Raises:
            ContractError: something in the changes cannot be stored.
        """
        self._storage.append(changes)
        self._forming.append((changes, effects))
        if not self.busy:
            self.busy = True
            self._loop.call_soon(self._flush)  # the other steps of this turn come along

    def behind(self, effects: list[Effect]) -> bool:
        """Queue the effects of a step without saves behind those that wait; False if none do."""
        if not self.busy:
            return False
        queue = self._forming if self._forming or not self._flushing else self._flushing
        queue.append(((), effects))
        return True

    def _flush(self) -> None:
        if not self._forming:  # closed meanwhile
            return
        self._flushing, self._forming = self._forming, []
        if self._took < FAST_SECONDS and not self._storage.is_much():
            self._flush_here()
            return
        done = self._loop.run_in_executor(self._thread, self._make_durable)
        done.add_done_callback(self._flushed)

    def _flush_here(self) -> None:
        """Flush without a thread. All that came in this turn of the loop comes along."""
        try:
            self._make_durable()
        except (LabError, OSError) as error:
            self._failed(error)
        else:
            self._release_flushed()

    def _make_durable(self) -> None:
        begun = perf_counter()
        self._storage.sync()
        if self.latency:
            sleep(self.latency / SECOND)
        self._took = perf_counter() - begun

    def _flushed(self, done: asyncio.Future[None]) -> None:
        if done.cancelled():
            return
        if error := done.exception():
            assert isinstance(error, Exception), "the disk's thread raises ordinary errors only"
            self._failed(error)
        else:
            self._release_flushed()

    def _release_flushed(self) -> None:
        self.flushes += 1
        released, self._flushing = self._flushing, []
        for changes, effects in released:
            self._release(effects, changes)
        if self._forming:
            self._loop.call_soon(self._flush)  # with what else comes in this turn
        else:
            self.busy = False

    def close(self) -> None:
        """Wait for the flush that is under way; what waits behind it is lost, as in a crash."""
        self._forming.clear()
        self._thread.shutdown(wait=True)
