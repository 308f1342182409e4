"""Goodput of the two protocols on one line: as the simulator measures it, and by the formulas."""

from collections.abc import Callable
from dataclasses import dataclass

from common.contract.sizes import wire_size
from common.sim import LinkModel, Simulation
from common.values.history import Ok, Operation
from common.values.units import MS, SECOND
from stage1_foundations.link import theory as link_theory
from stage1_foundations.link.ends import Take, Transfer
from stage1_foundations.link.retransmission_timeout import (
    GRANULARITY_US,
    GREATEST_US,
    LEAST_US,
)
from stage1_foundations.link.sliding_window import (
    Acknowledgement,
    Segment,
    SlidingWindowReceiver,
    SlidingWindowSender,
)
from stage1_foundations.link.stop_and_wait import StopAndWaitReceiver, StopAndWaitSender

ITEM = "x" * 971
"""One item; with the headers that the simulator counts it is a packet of 1,000 bytes."""

WINDOWS_KEPT = 16
"""The receiver's capacity in windows: so many that a lost segment seldom stops the sender."""

TAKES_AHEAD = 100
MARGIN = 5
"""One part in so many is not measured, at the start of a run (until the timeout has adapted) and at
its end (where nothing follows that would show a loss)."""


@dataclass(frozen=True, slots=True)
class Line:
    """A link between two ends, the same both ways.

    Attributes:
        loss: probability that a packet is lost, each way.
        latency_us: one-way propagation delay.
        bytes_a_second: bandwidth.
    """

    loss: float = 0.0
    latency_us: int = 20 * MS
    bytes_a_second: int = 1_000_000

    @property
    def segment_us(self) -> int:
        """How long one data packet occupies the line."""
        return link_theory.transmission_us(wire_size(Segment(1000, ITEM)), self.bytes_a_second)

    @property
    def round_trip_us(self) -> int:
        """From sending a packet until its acknowledgement is there, on an idle line."""
        size = wire_size(Acknowledgement(1000, ()))
        answer_us = link_theory.transmission_us(size, self.bytes_a_second)
        return self.segment_us + answer_us + 2 * self.latency_us


def measure_stop_and_wait(line: Line, seed: int, items: int) -> float:
    """Items a second that stop-and-wait carries over ``line``."""
    simulation = _simulation(line, seed, StopAndWaitSender, StopAndWaitReceiver)
    return _goodput(simulation, items)


def measure_sliding_window(line: Line, window: int, seed: int, items: int) -> float:
    """Items a second that a sliding window carries over ``line``."""

    def sender(id: str, peers: tuple[str, ...]) -> SlidingWindowSender:
        return SlidingWindowSender(id, peers, window=window, capacity=WINDOWS_KEPT * window)

    def receiver(id: str, peers: tuple[str, ...]) -> SlidingWindowReceiver:
        return SlidingWindowReceiver(id, peers, capacity=WINDOWS_KEPT * window)

    return _goodput(_simulation(line, seed, sender, receiver), items)


def _simulation(
    line: Line,
    seed: int,
    sender: Callable[[str, tuple[str, ...]], StopAndWaitSender | SlidingWindowSender],
    receiver: Callable[[str, tuple[str, ...]], StopAndWaitReceiver | SlidingWindowReceiver],
) -> Simulation:
    latency = (line.latency_us, line.latency_us)
    link = LinkModel(latency=latency, loss=line.loss, bandwidth=line.bytes_a_second)
    return Simulation({"a": sender, "b": receiver}, seed=seed, link=link)


def _goodput(simulation: Simulation, items: int) -> float:
    """Count what is taken at b while a transfers; neither the start nor the end is measured."""
    taken_at: list[int] = []

    def returned(node: str, operation: Operation) -> None:
        if operation.function == "take" and isinstance(operation.outcome, Ok):
            taken_at.append(simulation.now)
            simulation.call(node, Take())

    simulation.on_return.append(returned)
    for _ in range(TAKES_AHEAD):
        simulation.call("b", Take())
    simulation.call("a", Transfer((ITEM,) * (items + items // MARGIN)))
    done = simulation.run_until(lambda: len(taken_at) >= items, limit=24 * 3600 * SECOND)
    assert done, f"only {len(taken_at)} of {items} items came through in a day"
    first = items // MARGIN
    return (items - 1 - first) * SECOND / (taken_at[-1] - taken_at[first])


# Theory for the same line.


def expect_stop_and_wait(line: Line) -> float:
    """The textbook's line: a fixed timeout that is as short as it may be."""
    return link_theory.stop_and_wait_goodput(line.loss, line.round_trip_us, _timeout_us(line))


def expect_stop_and_wait_with_backoff(line: Line) -> float:
    """The same with the doubling of RFC 6298 and Karn's rule."""
    return link_theory.stop_and_wait_goodput_with_backoff(
        line.loss, line.round_trip_us, _timeout_us(line), GREATEST_US
    )


def expect_sliding_window(line: Line, window: int) -> float:
    """The textbook's line, an upper bound."""
    return link_theory.sliding_window_goodput(
        line.loss, line.round_trip_us, line.segment_us, window
    )


def _timeout_us(line: Line) -> int:
    """What the timeout settles at where round trips never vary."""
    return max(LEAST_US, line.round_trip_us + GRANULARITY_US)
