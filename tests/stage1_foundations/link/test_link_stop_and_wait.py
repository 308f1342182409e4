"""Graded suite of the lab ``link``, third part: stop and wait."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from common.contract import CancelTimer, Fire, Invoke, Receive, Return, Send, SetTimer, Start
from common.contract.events import Event, NodeId
from common.contract.observer import Observer
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import effects_of
from common.sim import LinkModel
from common.values import faults
from common.values.faults import Schedule
from common.values.history import Ok
from common.values.units import MS, SECOND
from tests.stage1_foundations.link.ends import (
    ROUGH,
    ROUGH_UNTIL,
    STEADY,
    Conversation,
    numbered,
    rough_times,
    times_sent,
)
from tests.stage1_foundations.link.lab import LinkLab

LAB = "link"


def conversation(lab: LinkLab, *, seed: int = 1, count: int = 20, **options: Any) -> Conversation:
    options.setdefault("transfers", [numbered(count)])
    return Conversation(lab, lab.StopAndWaitSender, lab.StopAndWaitReceiver, seed=seed, **options)


def started(node: Any) -> Any:
    node.step(Start(0, {}))
    return node


class OneAtATime(Observer):
    """Checks that no frame leaves before the one before it is acknowledged."""

    def __init__(self, lab: LinkLab) -> None:
        self.lab = lab
        self.acknowledged: set[int] = set()

    def stepped(
        self, at: int, node: NodeId, event: Event, number: int | None, status: Mapping[str, object]
    ) -> None:
        """Learn from an acknowledgement."""
        if isinstance(event, Receive) and isinstance(event.message, self.lab.Ack):
            self.acknowledged.add(event.message.number)

    def sent(self, at: int, node: NodeId, to: NodeId, message: object, number: int) -> None:
        """Check a frame."""
        if isinstance(message, self.lab.Frame) and message.number > 0:
            assert message.number - 1 in self.acknowledged, (
                f"{node} sent frame {message.number} before it had the acknowledgement of "
                f"frame {message.number - 1}"
            )


@graded(points=2, title="A perfect link", requirement="one frame and one acknowledgement per item")
def test_a_perfect_link_carries_each_item_with_one_frame_and_one_acknowledgement(
    lab: LinkLab,
) -> None:
    talk = conversation(lab)
    talk.run_to_the_end(1 * SECOND)
    talk.run(5 * SECOND)
    assert len(talk.wire.of(lab.Frame)) == 20
    assert len(talk.wire.of(lab.Ack)) == 20


@graded(
    points=1, title="Progress", requirement="the next frame follows the acknowledgement at once"
)
def test_the_next_frame_leaves_as_soon_as_the_last_one_is_acknowledged(lab: LinkLab) -> None:
    talk = conversation(lab)
    talk.run_to_the_end(20 * 20 * MS)


@graded(points=3, title="One at a time", requirement="no frame before the last is acknowledged")
def test_no_frame_leaves_before_the_one_before_it_is_acknowledged(
    lab: LinkLab, sweep: Sweep
) -> None:
    for seed in sweep(15):
        talk = conversation(
            lab,
            seed=seed,
            link=ROUGH,
            schedule=rough_times(seed),
            transfers=[numbered(5, str(number)) for number in range(4)],
            observers=[OneAtATime(lab)],
        )
        talk.run_to_the_end(ROUGH_UNTIL + 20 * SECOND)


@graded(points=5, title="In order, each once", requirement="the promise of a reliable link")
def test_stop_and_wait_delivers_everything_once_and_in_order_whatever_the_network_does(
    lab: LinkLab, sweep: Sweep
) -> None:
    for seed in sweep(40):
        transfers = [numbered(12, "x"), numbered(1, "y"), [], ["same"] * 6, numbered(6, "z")]
        schedule = rough_times(seed)
        talk = conversation(lab, seed=seed, link=ROUGH, schedule=schedule, transfers=transfers)
        talk.run(ROUGH_UNTIL)
        talk.run_to_the_end(ROUGH_UNTIL + 20 * SECOND)


@graded(points=2, title="Ok means arrived", requirement="a transfer ends when all is acknowledged")
def test_a_transfer_is_not_ok_while_no_acknowledgement_gets_through(lab: LinkLab) -> None:
    talk = conversation(lab, schedule=Schedule([faults.Block(0, "b", "a")]))
    talk.run(10 * SECOND)
    assert talk.taken == ["item 0"], "the frames get through, so the first item arrives"
    assert talk.transfers[0].returned_at is None
    talk.simulation.inject(faults.Heal(talk.simulation.now))
    talk.run_to_the_end(20 * SECOND)


@graded(points=1, title="Each transfer by itself", requirement="a transfer ends with its last item")
def test_a_transfer_ends_before_later_ones_are_through(lab: LinkLab) -> None:
    talk = conversation(lab, transfers=[numbered(3, "x"), [], numbered(10, "y")])
    talk.run_to_the_end(2 * SECOND)
    ends = [transfer.returned_at or 0 for transfer in talk.transfers]
    assert ends == [60 * MS, 100 * MS, 400 * MS]


@graded(points=2, title="A lost frame", requirement="RFC 6298: wait for what a round trip takes")
def test_a_lost_frame_is_sent_again_after_little_more_than_a_round_trip(lab: LinkLab) -> None:
    cut = (faults.Block(111 * MS, "a", "b"), faults.Heal(125 * MS))
    talk = conversation(lab, schedule=Schedule(cut))
    talk.run_to_the_end(1 * SECOND)
    first, second = times_sent(talk.wire, lab.Frame(6, "item 6"))
    assert 20 * MS < second - first < 60 * MS, (
        f"a round trip takes 20 ms, and the lost frame was sent again after {second - first} µs"
    )


@graded(points=2, title="Patience", requirement="RFC 6298, section 5.5")
def test_a_frame_that_nobody_acknowledges_is_sent_less_and_less_often_but_for_ever(
    lab: LinkLab,
) -> None:
    talk = conversation(lab, schedule=Schedule([faults.Partition(0, (("a",), ("b",)))]))
    talk.run(20 * SECOND)
    times = times_sent(talk.wire, lab.Frame(0, "item 0"))
    waits = [later - earlier for earlier, later in pairwise(times)]
    initial, greatest = lab.INITIAL_US, lab.GREATEST_US
    assert waits[:4] == [min(greatest, initial << doublings) for doublings in range(4)]
    assert len(waits) > 8
    assert set(waits[5:]) == {greatest}, "it never gives up, and never asks more often again"


@graded(points=2, title="A slower network", requirement="Karn and Partridge 1987")
def test_a_sender_of_frames_learns_that_the_network_has_become_slower(lab: LinkLab) -> None:
    slower = faults.Link(200 * MS, latency=(150 * MS, 150 * MS))
    talk = conversation(lab, count=40, schedule=Schedule([slower]))
    talk.run_to_the_end(30 * SECOND)
    frames = talk.wire.of(lab.Frame)
    assert len(frames) - 40 < 12, f"{len(frames) - 40} frames were sent again, and none was lost"


@graded(points=3, title="Karn's rule", requirement="RFC 6298, section 3")
def test_the_acknowledgement_of_a_repeated_frame_tells_no_round_trip_time(lab: LinkLab) -> None:
    sender = started(lab.StopAndWaitSender("a", ("b",)))
    (timer,) = effects_of(SetTimer, sender.step(Invoke(0, 1, lab.Transfer(("one", "two")))))
    at = timer.after
    (again,) = effects_of(SetTimer, sender.step(Fire(at, timer.id, timer.timer)))
    assert again.after == 2 * timer.after
    following = sender.step(Receive(at + 1 * MS, "b", lab.Ack(0)))
    assert effects_of(Send, following) == [Send("b", lab.Frame(1, "two"))]
    (next_timer,) = effects_of(SetTimer, following)
    assert next_timer.after == again.after, (
        "nobody knows which of the two frames was acknowledged: the timeout stays as it is"
    )
    settled = sender.step(Receive(at + 31 * MS, "b", lab.Ack(1)))
    assert effects_of(Return, settled) == [Return(1, Ok())]
    (timer,) = effects_of(SetTimer, sender.step(Invoke(at, 2, lab.Transfer(("three",)))))
    assert timer.after == 90 * MS, "30 ms and four times half of that: a sample ends the backoff"


@graded(points=2, title="A late acknowledgement", requirement="it says nothing about later frames")
def test_a_copy_of_an_old_acknowledgement_does_not_acknowledge_the_present_frame(
    lab: LinkLab,
) -> None:
    sender = started(lab.StopAndWaitSender("a", ("b",)))
    sender.step(Invoke(0, 1, lab.Transfer(("one", "two", "three"))))
    settled = sender.step(Receive(10 * MS, "b", lab.Ack(0)))
    assert effects_of(CancelTimer, settled), "the timer of a frame ends with its acknowledgement"
    for _ in range(3):
        late = sender.step(Receive(11 * MS, "b", lab.Ack(0)))
        assert not effects_of(Send, late), "two is under way still"
        assert not effects_of(CancelTimer, late), "two still needs its timer"
    going_on = sender.step(Receive(20 * MS, "b", lab.Ack(1)))
    assert effects_of(Send, going_on) == [Send("b", lab.Frame(2, "three"))]


@graded(points=2, title="A copy", requirement="a copy is acknowledged, and not delivered")
def test_a_copy_of_a_frame_is_acknowledged_again_and_not_delivered_again(lab: LinkLab) -> None:
    receiver = started(lab.StopAndWaitReceiver("b", ("a",)))
    for call in (1, 2, 3):
        receiver.step(Invoke(0, call, lab.Take()))
    first = receiver.step(Receive(1, "a", lab.Frame(0, "one")))
    assert effects_of(Return, first) == [Return(1, Ok("one"))]
    copy = receiver.step(Receive(2, "a", lab.Frame(0, "one")))
    assert copy == [Send("a", lab.Ack(0))]
    second = receiver.step(Receive(3, "a", lab.Frame(1, "two")))
    assert effects_of(Return, second) == [Return(2, Ok("two"))]
    other = started(lab.StopAndWaitReceiver("b", ("z", "a")))
    other.step(Invoke(0, 1, lab.Take()))
    assert other.step(Receive(1, "a", lab.Frame(1, "two"))) == [], "frame 0 is due"
    empty = other.step(Receive(2, "a", lab.Frame(0, "")))
    assert effects_of(Return, empty) == [Return(1, Ok(""))], "an empty item is one like any other"
    assert effects_of(Send, empty) == [Send("a", lab.Ack(0))], "the sender is told, and nobody else"


@graded(points=2, title="One bit is not enough", requirement="Lynch 1996, section 22.3")
def test_a_late_copy_is_not_taken_for_a_later_frame(lab: LinkLab) -> None:
    receiver = started(lab.StopAndWaitReceiver("b", ("a",)))
    for call in range(8):
        receiver.step(Invoke(0, call, lab.Take()))
    for number in range(7):
        receiver.step(Receive(1, "a", lab.Frame(number, f"item {number}")))
        for old in range(number):
            late = receiver.step(Receive(2, "a", lab.Frame(old, f"item {old}")))
            assert late == [Send("a", lab.Ack(old))], f"frame {old} overtaken by frame {number}"


@graded(points=2, title="A full receiver", requirement="bounded: what does not fit is not accepted")
def test_a_receiver_of_frames_that_nobody_reads_accepts_no_more_than_it_can_keep(
    lab: LinkLab,
) -> None:
    def small(id: str, peers: tuple[str, ...]) -> Any:
        return lab.StopAndWaitReceiver(id, peers, capacity=4)

    items = numbered(12)
    for link in (STEADY, LinkModel(loss=0.1, duplicate=0.1)):
        talk = Conversation(
            lab, lab.StopAndWaitSender, small, seed=3, transfers=[items], takes=0, link=link
        )
        talk.run(8 * SECOND)
        assert max(ack.number for ack in talk.wire.of(lab.Ack)) == 3, "it has room for four items"
        for _ in items:
            talk.take()
        talk.run_to_the_end(40 * SECOND)


@graded(points=1, title="The same again", requirement="a run is decided by its seed")
def test_the_same_seed_gives_the_same_frames_at_the_same_times(lab: LinkLab) -> None:
    runs = []
    for _ in range(2):
        talk = conversation(lab, seed=5, link=ROUGH, schedule=rough_times(5))
        talk.run(ROUGH_UNTIL)
        runs.append(talk.wire.sent_messages)
    assert runs[0] == runs[1]
    assert runs[0], "nothing at all was sent"
