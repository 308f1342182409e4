"""The fault layer, on a clock made by hand."""

import heapq
from collections.abc import Callable
from random import Random

import pytest

from common.runtime import links as limits
from common.runtime.links import Links
from common.values import faults
from common.values.units import MS, SECOND

FRAME = b"x" * 100


class ManualClock:
    """A clock that a test advances; callbacks happen when their time comes."""

    def __init__(self) -> None:
        self.now = 0.0
        self._calls: list[tuple[float, int, Callable[..., object], tuple[object, ...]]] = []

    def time(self) -> float:
        """Seconds."""
        return self.now

    def call_later(self, delay: float, callback: Callable[..., object], *args: object) -> None:
        """Call back later."""
        heapq.heappush(self._calls, (self.now + delay, len(self._calls), callback, args))

    def run(self) -> None:
        """Let everything happen."""
        while self._calls:
            self.now, _, callback, args = heapq.heappop(self._calls)
            callback(*args)


class Bench:
    """The links of n1, with what came through and what did not."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.arrived: list[tuple[str, int, float]] = []
        self.dropped: list[tuple[str, int, str]] = []
        self.links = Links("n1", Random(1), self.clock, self._arrive, self._drop)

    def _arrive(self, to: str, frame: bytes, number: int) -> None:
        self.arrived.append((to, number, self.clock.now))

    def _drop(self, to: str, number: int, why: str) -> None:
        self.dropped.append((to, number, why))

    def send(self, count: int, to: str = "n2") -> None:
        """Send so many frames at once, and let everything happen."""
        for number in range(count):
            self.links.send(to, FRAME, number)
        self.clock.run()


@pytest.fixture
def bench() -> Bench:
    """Clean links."""
    return Bench()


def test_clean_links_are_not_active_and_faults_that_end_leave_none_active(bench: Bench) -> None:
    active = []
    for fault in (
        faults.Link(0, "n1", "n2", loss=0.5),
        faults.Link(0, "n1", "n2", loss=0.0),
        faults.Link(0, "n2", "n1", loss=0.5),  # a link of somebody else
        faults.Partition(0, (("n1",), ("n2",))),
        faults.Heal(0),
        faults.Block(0, "n1", "n2"),
        faults.Heal(0),
        faults.Link(0, latency=(MS, MS)),
        faults.Link(0, latency=(0, 0)),
    ):
        bench.links.apply(fault)
        active.append(bench.links.active)
    assert active == [True, False, False, True, False, True, False, True, False]


def test_loss_is_as_frequent_as_asked(bench: Bench) -> None:
    bench.links.apply(faults.Link(0, loss=0.3))
    bench.send(10_000)
    assert 2_800 < len(bench.dropped) < 3_200
    assert len(bench.arrived) + len(bench.dropped) == 10_000
    assert {why for _, _, why in bench.dropped} == {"loss"}


def test_duplicates_are_as_frequent_as_asked(bench: Bench) -> None:
    bench.links.apply(faults.Link(0, duplicate=0.25))
    bench.send(10_000)
    assert 12_300 < len(bench.arrived) < 12_700
    assert {number for _, number, _ in bench.arrived} == set(range(10_000))


def test_latency_is_drawn_from_its_range(bench: Bench) -> None:
    bench.links.apply(faults.Link(0, latency=(10 * MS, 20 * MS)))
    bench.send(1_000)
    times = [at for _, _, at in bench.arrived]
    assert 0.010 <= min(times) < 0.011
    assert 0.019 < max(times) <= 0.020


def test_reordering_lets_later_frames_overtake_and_without_it_none_do(bench: Bench) -> None:
    bench.send(100)
    assert [number for _, number, _ in bench.arrived] == list(range(100))
    bench.arrived.clear()
    bench.links.apply(faults.Link(0, reorder=0.5))
    bench.send(100)
    order = [number for _, number, _ in bench.arrived]
    assert order != sorted(order)
    assert sorted(order) == list(range(100))


def test_bandwidth_spaces_frames_and_drops_what_would_wait_too_long(bench: Bench) -> None:
    bench.links.apply(faults.Link(0, bandwidth=10_000))  # 100 frames a second
    bench.send(150)
    assert [number for _, number, _ in bench.arrived] == list(range(100))
    assert bench.arrived[-1][2] == pytest.approx(1.0)
    assert bench.dropped == [("n2", number, "queue full") for number in range(100, 150)]


def test_a_partition_cuts_groups_apart_and_who_is_in_none_is_alone(bench: Bench) -> None:
    bench.links.apply(faults.Partition(0, (("n1", "n2"), ("n3",))))
    for to in ("n2", "n3", "c1"):
        bench.send(1, to)
    assert [to for to, _, _ in bench.arrived] == ["n2"]
    assert bench.dropped == [("n3", 0, "partition"), ("c1", 0, "partition")]


def test_a_block_is_one_way_and_heal_ends_it_but_not_loss(bench: Bench) -> None:
    bench.links.apply(faults.Block(0, "n1", "n2"))
    bench.links.apply(faults.Block(0, "n3", "n1"))
    bench.links.apply(faults.Link(0, "n1", "n3", loss=1.0))
    bench.send(1, "n2")
    bench.links.apply(faults.Heal(0))
    bench.send(1, "n2")
    bench.send(1, "n3")
    assert [to for to, _, _ in bench.arrived] == ["n2"]
    assert bench.dropped == [("n2", 0, "blocked"), ("n3", 0, "loss")]


def test_a_partition_takes_what_is_under_way(bench: Bench) -> None:
    bench.links.apply(faults.Link(0, latency=(SECOND, SECOND)))
    bench.links.send("n2", FRAME, 1)
    bench.links.apply(faults.Partition(0, (("n1",),)))
    bench.clock.run()
    assert not bench.arrived
    assert bench.dropped == [("n2", 1, "partition")]


def test_a_fault_for_everyone_holds_for_links_not_yet_used_and_for_used_ones(bench: Bench) -> None:
    bench.links.apply(faults.Link(0, "n1", "n2", duplicate=1.0))
    bench.links.apply(faults.Link(0, loss=1.0))
    bench.send(1, "n2")
    bench.send(1, "n3")
    bench.links.apply(faults.Link(0, "n1", "n2", loss=0.0))
    bench.send(1, "n2")
    assert bench.dropped == [("n2", 0, "loss"), ("n3", 0, "loss")]
    assert [to for to, _, _ in bench.arrived] == ["n2", "n2"]


def test_frames_under_way_are_bounded(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_DELAYED_FRAMES", 10)
    bench.links.apply(faults.Link(0, latency=(MS, MS)))
    bench.send(15)
    assert len(bench.arrived) == 10
    assert [why for _, _, why in bench.dropped] == ["queue full"] * 5
