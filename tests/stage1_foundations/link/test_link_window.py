"""Graded suite of the lab ``link``, fourth part: the sliding window, two ends and a network."""

from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Any

from common.contract.events import Event, NodeId, Receive
from common.contract.lies import Liar
from common.contract.observer import Observer
from common.course.suites.grading import Sweep, graded
from common.sim import LinkModel
from common.values import faults
from common.values.faults import Schedule
from common.values.units import MS, SECOND
from tests.stage1_foundations.link.ends import (
    ROUGH,
    ROUGH_UNTIL,
    Conversation,
    numbered,
    rough_times,
)
from tests.stage1_foundations.link.lab import LinkLab

LAB = "link"
WINDOW = 8
CAPACITY = 24


def conversation(
    lab: LinkLab, *, seed: int = 1, count: int = 64, capacity: int = CAPACITY, **options: Any
) -> Conversation:
    def sender(id: str, peers: tuple[str, ...]) -> Any:
        return lab.SlidingWindowSender(id, peers, window=WINDOW, capacity=CAPACITY)

    def receiver(id: str, peers: tuple[str, ...]) -> Any:
        return lab.SlidingWindowReceiver(id, peers, capacity=capacity)

    options.setdefault("transfers", [numbered(count)])
    return Conversation(lab, sender, receiver, seed=seed, **options)


def losing(node: str, lost: Callable[[Any], bool]) -> dict[str, Any]:
    """Options of a simulation in which exactly those messages of ``node`` are lost."""

    def lose(liar: Liar, to: str, message: object) -> Iterable[object]:
        return () if lost(message) else (message,)

    return {
        "behaviours": {"losing": lose},
        "schedule": Schedule([faults.Corrupt(0, node, "losing")]),
    }


def first_copies(lab: LinkLab, numbers: set[int]) -> Callable[[Any], bool]:
    """Whether a message is the first segment with one of these numbers."""
    left = set(numbers)

    def lost(message: Any) -> bool:
        if isinstance(message, lab.Segment) and message.number in left:
            left.remove(message.number)
            return True
        return False

    return lost


def sent_twice(lab: LinkLab, talk: Conversation) -> list[int]:
    """The numbers of segments that were on the wire before, once for each time.

    What :func:`losing` takes from a node never gets to the wire.
    """
    seen: set[int] = set()
    again = []
    for segment in talk.wire.of(lab.Segment):
        if segment.number in seen:
            again.append(segment.number)
        seen.add(segment.number)
    return again


class Bounds(Observer):
    """Checks each segment that is sent against what its sender can know to have arrived."""

    def __init__(self, lab: LinkLab) -> None:
        self.lab = lab
        self.base = 0
        self.beyond: set[int] = set()
        self.sent_numbers: set[int] = set()

    def stepped(
        self, at: int, node: NodeId, event: Event, number: int | None, status: Mapping[str, object]
    ) -> None:
        """Learn from an acknowledgement."""
        if isinstance(event, Receive) and isinstance(event.message, self.lab.Acknowledgement):
            message = event.message
            self.base = max(self.base, message.expected)
            for first, end in message.blocks:
                self.beyond.update(range(first, end))
            while self.base in self.beyond:
                self.base += 1

    def sent(self, at: int, node: NodeId, to: NodeId, message: object, number: int) -> None:
        """Check a segment."""
        if isinstance(message, self.lab.Segment):
            self._check(node, message.number)

    def _check(self, node: NodeId, number: int) -> None:
        self.sent_numbers.add(number)
        under_way = [n for n in self.sent_numbers if n >= self.base and n not in self.beyond]
        assert len(under_way) <= WINDOW, (
            f"{node} sent segment {number}, and now {len(under_way)} are not acknowledged, "
            f"{sorted(under_way)}: the window is {WINDOW}"
        )
        assert number < self.base + CAPACITY, (
            f"{node} sent segment {number} while {self.base} is missing: "
            f"the receiver can keep {CAPACITY}"
        )


@graded(points=2, title="A perfect link", requirement="nothing is sent twice without need")
def test_a_perfect_link_carries_each_item_with_one_segment(lab: LinkLab) -> None:
    talk = conversation(lab)
    talk.run_to_the_end(1 * SECOND)
    talk.run(5 * SECOND)
    assert len(talk.wire.of(lab.Segment)) == 64
    assert len(talk.wire.of(lab.Acknowledgement)) <= 64


@graded(points=3, title="A full pipe", requirement="a window of items in each round trip")
def test_a_window_of_items_goes_through_in_each_round_trip(lab: LinkLab) -> None:
    talk = conversation(lab)
    talk.run_to_the_end(64 // WINDOW * 20 * MS)


@graded(points=2, title="A full link", requirement="the window covers bandwidth times delay")
def test_a_link_with_little_bandwidth_is_kept_busy(lab: LinkLab) -> None:
    slow = LinkModel(latency=(2 * MS, 2 * MS), bandwidth=20_000)
    talk = conversation(lab, link=slow)
    talk.run_to_the_end(3 * SECOND)
    assert not sent_twice(lab, talk), "a queue grows in front of the link, but nothing is lost"
    times = talk.wire.times_of(lab.Segment)
    gaps = [later - earlier for earlier, later in pairwise(times[20:])]
    assert max(gaps) - min(gaps) < 1 * MS, "in the long run one leaves whenever one has arrived"


@graded(points=3, title="The window", requirement="at most so many segments under way")
def test_no_segment_leaves_beyond_the_window_or_beyond_what_the_receiver_can_keep(
    lab: LinkLab, sweep: Sweep
) -> None:
    for seed in sweep(15):
        observers = [Bounds(lab)]
        schedule = rough_times(seed)
        talk = conversation(lab, seed=seed, link=ROUGH, schedule=schedule, observers=observers)
        talk.run_to_the_end(ROUGH_UNTIL + 20 * SECOND)


@graded(points=2, title="The whole window", requirement="a sender does not wait before it has to")
def test_without_any_acknowledgement_just_one_window_is_sent_again_and_again(lab: LinkLab) -> None:
    talk = conversation(lab, schedule=Schedule([faults.Block(0, "b", "a")]))
    talk.run(9 * SECOND)
    assert {segment.number for segment in talk.wire.of(lab.Segment)} == set(range(WINDOW))
    assert len(talk.wire.of(lab.Segment)) <= 8 * WINDOW, "each time it waits twice as long"
    assert talk.transfers[0].returned_at is None
    assert len(talk.taken) == WINDOW
    talk.simulation.inject(faults.Heal(talk.simulation.now))
    talk.run_to_the_end(12 * SECOND)


@graded(points=6, title="In order, each once", requirement="the promise of a reliable link")
def test_a_sliding_window_delivers_everything_once_and_in_order_whatever_the_network_does(
    lab: LinkLab, sweep: Sweep
) -> None:
    for seed in sweep(40):
        transfers = [numbered(40, "x"), numbered(1, "y"), [], ["same"] * 20, numbered(9, "z")]
        schedule = rough_times(seed)
        talk = conversation(lab, seed=seed, link=ROUGH, schedule=schedule, transfers=transfers)
        talk.run(ROUGH_UNTIL)
        talk.run_to_the_end(ROUGH_UNTIL + 20 * SECOND)


@graded(points=3, title="Only what was lost", requirement="RFC 2018: selective acknowledgement")
def test_only_the_lost_segments_are_sent_again(lab: LinkLab) -> None:
    lost = {3, 20, 22, 41, 63}
    talk = conversation(lab, **losing("a", first_copies(lab, lost)))
    talk.run_to_the_end(2 * SECOND)
    again = sent_twice(lab, talk)
    assert not again, f"only {sorted(lost)} were lost, and {again} were sent again too"


@graded(points=2, title="Lost acknowledgements", requirement="RFC 9293: acknowledgements cumulate")
def test_lost_acknowledgements_cost_nothing_when_a_later_one_arrives(lab: LinkLab) -> None:
    def lost(message: Any) -> bool:
        return isinstance(message, lab.Acknowledgement) and message.expected % 4 != 0

    talk = conversation(lab, **losing("b", lost))
    talk.run_to_the_end(2 * SECOND)
    assert not sent_twice(lab, talk)


@graded(points=2, title="The last one", requirement="RFC 6298: the end of a transfer needs a timer")
def test_a_lost_last_segment_is_sent_again_after_a_timeout(lab: LinkLab) -> None:
    talk = conversation(lab, **losing("a", first_copies(lab, {62, 63})))
    talk.run_to_the_end(400 * MS)
    assert not sent_twice(lab, talk)


@graded(points=2, title="A slower network", requirement="Karn and Partridge 1987")
def test_a_sender_of_segments_learns_that_the_network_has_become_slower(lab: LinkLab) -> None:
    slower = faults.Link(50 * MS, latency=(200 * MS, 200 * MS))
    talk = conversation(lab, count=120, schedule=Schedule([slower]))
    talk.run_to_the_end(30 * SECOND)
    again = sent_twice(lab, talk)
    assert len(again) < 10 * WINDOW, f"{len(again)} segments were sent again, and none was lost"


@graded(points=3, title="A full receiver", requirement="bounded: what does not fit is not accepted")
def test_a_receiver_of_segments_that_nobody_reads_accepts_no_more_than_it_can_keep(
    lab: LinkLab, sweep: Sweep
) -> None:
    for seed in sweep(6):
        shaky = LinkModel(loss=0.1, duplicate=0.1, reorder=0.2)
        talk = conversation(lab, seed=seed, count=40, capacity=6, takes=0, link=shaky)
        talk.run(10 * SECOND)
        for acknowledgement in talk.wire.of(lab.Acknowledgement):
            ends = [acknowledgement.expected, *(end for _, end in acknowledgement.blocks)]
            assert max(ends) <= 6, f"{acknowledgement} of a receiver that has room for six items"
        assert talk.wire.of(lab.Acknowledgement)[-1].expected == 6, "it accepts all that fits"
        for _ in talk.items:
            talk.take()
        talk.run_to_the_end(40 * SECOND)


@graded(points=1, title="The same again", requirement="a run is decided by its seed")
def test_the_same_seed_gives_the_same_segments_at_the_same_times(lab: LinkLab) -> None:
    runs = []
    for _ in range(2):
        talk = conversation(lab, seed=5, link=ROUGH, schedule=rough_times(5))
        talk.run(ROUGH_UNTIL)
        runs.append(talk.wire.sent_messages)
    assert runs[0] == runs[1]
    assert runs[0], "nothing at all was sent"
