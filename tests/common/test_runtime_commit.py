"""Group commit: nothing is seen before it is durable, order is kept, and one flush serves many."""

import threading
from collections.abc import Sequence
from time import sleep

from common.contract.effects import Effect, Forget, Note, Save
from common.runtime.commit import FAST_SECONDS, GroupCommit
from common.values.units import SECOND
from tests.support.live import eventually, live


class SlowDisk:
    """A storage whose flushes end when the test lets them."""

    def __init__(self) -> None:
        self.appended: list[object] = []
        self.durable: list[object] = []
        self.flushes_begun = 0
        self.error: Exception | None = None
        self.may_end = threading.Semaphore(0)

    def append(self, changes: Sequence[Save | Forget]) -> None:
        """Take changes."""
        self.appended += [change.key for change in changes]

    def is_much(self) -> bool:
        """It never is."""
        return False

    def sync(self) -> None:
        """Wait for the test, then all that was appended at the start is durable."""
        taken = list(self.appended)
        self.flushes_begun += 1
        assert self.may_end.acquire(timeout=10)
        sleep(FAST_SECONDS)  # else the next flush is made on the loop, where the test cannot end it
        if self.error is not None:
            raise self.error
        self.durable = taken


class Bench:
    """A group commit with what it released."""

    def __init__(self) -> None:
        self.disk = SlowDisk()
        self.released: list[str] = []
        self.errors: list[Exception] = []
        self.commits = GroupCommit(self.disk, self._release, self.errors.append)

    def _release(self, effects: list[Effect], changes: Sequence[Save | Forget]) -> None:
        assert all(change.key in self.disk.durable for change in changes)
        self.released += [effect.text for effect in effects if isinstance(effect, Note)]

    def step(self, name: str, *, saves: bool) -> bool:
        """A step that leaves a note, perhaps with a save; says whether it has to wait."""
        effects: list[Effect] = [Note(name, {})]
        if saves:
            self.commits.write([Save(name, 1)], effects)
            return True
        return self.commits.behind(effects)

    async def begun(self, flushes: int) -> None:
        """Wait until so many flushes have begun."""
        await eventually(lambda: self.disk.flushes_begun == flushes)


@live
async def test_steps_wait_for_their_own_saves_and_many_share_one_flush() -> None:
    bench = Bench()
    bench.step("1", saves=True)
    await bench.begun(1)
    for number in range(2, 101):
        bench.step(str(number), saves=True)
    assert bench.released == []
    assert bench.commits.waiting == 100
    bench.disk.may_end.release()
    await bench.begun(2)
    assert bench.released == ["1"]
    bench.disk.may_end.release()
    await eventually(lambda: bench.commits.waiting == 0)
    assert bench.released == [str(number) for number in range(1, 101)]
    assert bench.commits.flushes == 2
    bench.commits.close()


@live
async def test_a_step_without_saves_goes_straight_through_only_if_nothing_waits() -> None:
    bench = Bench()
    assert not bench.step("first", saves=False)
    bench.step("saves", saves=True)
    assert bench.step("behind", saves=False)
    await bench.begun(1)
    assert bench.step("behind too", saves=False)
    bench.disk.may_end.release()
    await eventually(lambda: len(bench.released) == 3)
    assert bench.released == ["saves", "behind", "behind too"]
    assert not bench.step("last", saves=False)
    bench.commits.close()


@live
async def test_order_is_kept_across_flushes_for_steps_of_both_kinds() -> None:
    bench = Bench()
    names = [f"{number}{'s' if number % 3 else ''}" for number in range(60)]
    for number, name in enumerate(names):
        waits = bench.step(name, saves=name.endswith("s"))
        assert waits or number == 0
        if number % 10 == 9:
            await bench.begun(1 + number // 20)
            if number % 20 == 19:
                bench.disk.may_end.release()
    bench.disk.may_end.release()
    bench.disk.may_end.release()
    await eventually(lambda: bench.commits.waiting == 0)
    assert bench.released == names[1:]
    bench.commits.close()


@live
async def test_when_the_disk_fails_nothing_is_released_any_more() -> None:
    bench = Bench()
    bench.disk.error = OSError("disk on fire")
    bench.step("1", saves=True)
    bench.disk.may_end.release()
    await eventually(lambda: bool(bench.errors))
    bench.step("2", saves=True)
    assert bench.step("3", saves=False)
    assert bench.released == []
    bench.commits.close()


class WhichThread:
    """A storage that remembers which thread flushed it."""

    def __init__(self) -> None:
        self.threads: list[str] = []
        self.much = False

    def append(self, changes: Sequence[Save | Forget]) -> None:
        """Take changes."""

    def is_much(self) -> bool:
        """As the test says."""
        return self.much

    def sync(self) -> None:
        """Remember the thread."""
        self.threads.append(threading.current_thread().name)


@live
async def test_a_fast_disk_is_waited_for_in_the_loop_and_a_slow_one_in_a_thread() -> None:
    disk = WhichThread()
    failures: list[Exception] = []
    commits = GroupCommit(disk, lambda effects, changes: None, failures.append)
    here = threading.current_thread().name
    for slow in (False, False, True, True, False, False):
        commits.latency = 2 * int(FAST_SECONDS * SECOND) if slow else 0
        commits.write([Save("key", 1)], [])
        await eventually(lambda: not commits.busy)
    in_loop = [thread == here for thread in disk.threads]
    assert in_loop[0] is False, "nothing is known of the disk yet"
    assert in_loop[3:5] == [False, False], "the flush before was slow"
    assert in_loop[2] is True or in_loop[5] is True, "the flush before was fast"
    commits.close()
    assert not failures


@live
async def test_many_bytes_are_never_written_in_the_loop_however_fast_the_disk_was() -> None:
    disk = WhichThread()
    failures: list[Exception] = []
    commits = GroupCommit(disk, lambda effects, changes: None, failures.append)
    here = threading.current_thread().name
    for turn in range(40):
        disk.much = turn % 2 == 1
        commits.write([Save("key", 1)], [])
        await eventually(lambda: not commits.busy)
    in_loop = [thread == here for thread in disk.threads]
    assert not any(in_loop[1::2]), "a flush of many bytes would keep the node from everything else"
    assert any(in_loop[2::2]), "one of few bytes on a fast disk need not leave the loop"
    commits.close()
