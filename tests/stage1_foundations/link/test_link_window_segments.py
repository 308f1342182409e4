"""Graded suite of the lab ``link``, fourth part: the sliding window's ends, one step at a time."""

from typing import Any

from common.contract import Fire, Invoke, Receive, Return, Send, SetTimer, Start
from common.course.suites.grading import graded
from common.course.suites.kit import effects_of
from common.values.history import Ok
from common.values.units import MS, SECOND
from tests.stage1_foundations.link.lab import LinkLab

LAB = "link"
ITEMS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def sending(lab: LinkLab, count: int) -> tuple[Any, Any]:
    """A sender that has sent its first ``count`` items at time 0, and its timer."""
    sender = lab.SlidingWindowSender("a", ("b",), window=count)
    sender.step(Start(0, {}))
    effects = sender.step(Invoke(0, 1, lab.Transfer(ITEMS[:count])))
    assert segments(effects) == list(range(count))
    (timer,) = effects_of(SetTimer, effects)
    return sender, timer


def receiving(lab: LinkLab, takers: int, capacity: int = 16) -> Any:
    """A receiver at which so many takes wait."""
    receiver = lab.SlidingWindowReceiver("b", ("a",), capacity=capacity)
    receiver.step(Start(0, {}))
    for call in range(takers):
        receiver.step(Invoke(0, call, lab.Take()))
    return receiver


def segments(effects: list[Any]) -> list[int]:
    """The numbers of the segments that are sent."""
    return [send.message.number for send in effects_of(Send, effects)]


def arrive(lab: LinkLab, receiver: Any, number: int) -> tuple[Any, list[object]]:
    """Let a segment arrive; returns the acknowledgement, and what was handed to takers."""
    effects = receiver.step(Receive(0, "a", lab.Segment(number, ITEMS[number])))
    (answer,) = effects_of(Send, effects)
    assert answer.to == "a"
    return answer.message, [ended.outcome.value for ended in effects_of(Return, effects)]


@graded(points=3, title="Fast retransmit", requirement="Jacobson 1988; RFC 6675, section 4")
def test_three_later_arrivals_make_a_segment_lost_and_it_is_sent_again_at_once(
    lab: LinkLab,
) -> None:
    sender, _ = sending(lab, 8)
    effects = sender.step(Receive(10 * MS, "b", lab.Acknowledgement(1, ((2, 5),))))
    assert segments(effects) == [1], "2, 3 and 4 were sent after it and have arrived"
    effects = sender.step(Receive(11 * MS, "b", lab.Acknowledgement(1, ((2, 8),))))
    assert segments(effects) == [], "5, 6 and 7 were sent before the second copy of 1"
    sender.step(Invoke(11 * MS, 2, lab.Transfer(("more",) * 4)))
    effects = sender.step(Receive(12 * MS, "b", lab.Acknowledgement(1, ((2, 10),))))
    assert segments(effects) == [], "8 and 9 alone were sent after the second copy of 1"
    effects = sender.step(Receive(13 * MS, "b", lab.Acknowledgement(1, ((2, 11),))))
    assert segments(effects) == [1], "with 10 they are three: that copy is lost, too"
    sender, timer = sending(lab, 8)
    effects = sender.step(Receive(10 * MS, "b", lab.Acknowledgement(0, ((3, 6),))))
    assert segments(effects) == [0, 1, 2], "each of them was overtaken by 3, 4 and 5"
    sender, timer = sending(lab, 8)
    assert segments(sender.step(Fire(timer.after, timer.id, timer.timer))) == [*range(8)]
    effects = sender.step(Receive(timer.after + 1, "b", lab.Acknowledgement(0, ((1, 8),))))
    assert segments(effects) == [], "first or second copies? They may have been sent before 0"


@graded(points=2, title="Not so fast", requirement="RFC 6675: the network also reorders")
def test_two_later_arrivals_may_be_mere_reordering(lab: LinkLab) -> None:
    sender, _ = sending(lab, 8)
    effects = sender.step(Receive(10 * MS, "b", lab.Acknowledgement(1, ((2, 4),))))
    assert segments(effects) == []
    for _ in range(5):
        again = sender.step(Receive(11 * MS, "b", lab.Acknowledgement(1, ((2, 4),))))
        assert segments(again) == [], "copies of an acknowledgement are no news"
    narrow = lab.SlidingWindowSender("a", ("b",), window=4)
    narrow.step(Start(0, {}))
    assert segments(narrow.step(Invoke(0, 1, lab.Transfer(ITEMS)))) == [0, 1, 2, 3]
    effects = narrow.step(Receive(10 * MS, "b", lab.Acknowledgement(0, ((1, 3),))))
    assert segments(effects) == [4, 5], "two are under way no more, though 0 is missing"


@graded(
    points=2, title="What a timeout repeats", requirement="RFC 6298, section 5.4, with RFC 2018"
)
def test_a_timeout_repeats_what_is_missing_and_nothing_that_has_arrived(lab: LinkLab) -> None:
    sender, timer = sending(lab, 5)
    sender.step(Receive(10 * MS, "b", lab.Acknowledgement(1, ((2, 3), (4, 5)))))
    effects = sender.step(Fire(timer.after, timer.id, timer.timer))
    assert segments(effects) == [1, 3]


@graded(points=2, title="Only what is overdue", requirement="selective repeat, not go-back-n")
def test_a_timeout_repeats_only_what_has_waited_long_enough(lab: LinkLab) -> None:
    sender = lab.SlidingWindowSender("a", ("b",))
    sender.step(Start(0, {}))
    (timer,) = effects_of(SetTimer, sender.step(Invoke(0, 1, lab.Transfer(("one", "two")))))
    late = timer.after - 1 * MS
    (timer,) = effects_of(SetTimer, sender.step(Invoke(late, 2, lab.Transfer(("three",)))))
    assert timer.after == 1 * MS, "the first one has waited all but a millisecond of its time"
    effects = sender.step(Fire(late + 1 * MS, timer.id, timer.timer))
    assert segments(effects) == [0, 1]
    (timer,) = effects_of(SetTimer, effects)
    assert timer.after == 2 * lab.INITIAL_US - 1 * MS, "doubled once, and 2 has waited for 1 ms"
    sender = lab.SlidingWindowSender("a", ("b",))
    sender.step(Start(SECOND, {}))
    (timer,) = effects_of(SetTimer, sender.step(Invoke(SECOND, 1, lab.Transfer(("one",)))))
    sender.step(Invoke(SECOND + 1 * MS, 2, lab.Transfer(("two",))))
    again = sender.step(Fire(1 * MS, timer.id, timer.timer))
    assert segments(again) == [0], "its timer fires: that the clock was set back says nothing"


@graded(points=3, title="Karn's rule", requirement="RFC 6298, section 3")
def test_the_acknowledgement_of_a_repeated_segment_tells_no_round_trip_time(lab: LinkLab) -> None:
    sender, timer = sending(lab, 1)
    at = timer.after
    (again,) = effects_of(SetTimer, sender.step(Fire(at, timer.id, timer.timer)))
    assert again.after == 2 * timer.after
    ended = sender.step(Receive(at + 1 * MS, "b", lab.Acknowledgement(1, ())))
    assert effects_of(Return, ended) == [Return(1, Ok())]
    (following,) = effects_of(SetTimer, sender.step(Invoke(at, 2, lab.Transfer(("next",)))))
    assert following.after == again.after, (
        "nobody knows which of the two segments was acknowledged: the timeout stays as it is"
    )


@graded(points=2, title="A round trip", requirement="RFC 6298, section 2.2: the first measurement")
def test_the_acknowledgement_of_a_new_segment_tells_the_round_trip_time(lab: LinkLab) -> None:
    sender, _ = sending(lab, 1)
    sender.step(Receive(700 * MS, "b", lab.Acknowledgement(1, ())))
    (timer,) = effects_of(SetTimer, sender.step(Invoke(900 * MS, 2, lab.Transfer(("next",)))))
    measured = lab.RetransmissionTimeout()
    measured.sample(700 * MS)
    assert timer.after == measured.timeout_us


@graded(points=2, title="An old acknowledgement", requirement="what it says stays true, no more")
def test_an_acknowledgement_that_was_overtaken_changes_nothing(lab: LinkLab) -> None:
    sender, _ = sending(lab, 4)
    sender.step(Receive(10 * MS, "b", lab.Acknowledgement(3, ())))
    assert sender.step(Receive(11 * MS, "b", lab.Acknowledgement(1, ()))) == []
    assert sender.step(Receive(11 * MS, "b", lab.Acknowledgement(2, ((2, 3),)))) == []
    ended = sender.step(Receive(12 * MS, "b", lab.Acknowledgement(4, ())))
    assert effects_of(Return, ended) == [Return(1, Ok())]


@graded(points=1, title="Each transfer by itself", requirement="a transfer ends with its last item")
def test_a_transfer_of_segments_ends_while_later_ones_wait(lab: LinkLab) -> None:
    sender = lab.SlidingWindowSender("a", ("b",), window=2)
    sender.step(Start(0, {}))
    sender.step(Invoke(0, 1, lab.Transfer(ITEMS[:2])))
    sender.step(Invoke(0, 2, lab.Transfer(ITEMS[2:])))
    effects = sender.step(Receive(10 * MS, "b", lab.Acknowledgement(2, ())))
    assert effects_of(Return, effects) == [Return(1, Ok())], "all of the first one has arrived"
    assert segments(effects) == [2, 3]


@graded(points=2, title="Selectively there is not delivered", requirement="RFC 2018, section 8")
def test_a_transfer_with_a_gap_is_not_ok(lab: LinkLab) -> None:
    sender, _ = sending(lab, 4)
    effects = sender.step(Receive(10 * MS, "b", lab.Acknowledgement(0, ((2, 4),))))
    assert effects_of(Return, effects) == []
    effects = sender.step(Receive(12 * MS, "b", lab.Acknowledgement(4, ())))
    assert effects_of(Return, effects) == [Return(1, Ok())]


@graded(points=3, title="A gap", requirement="delivered in order; kept until then")
def test_what_comes_early_waits_until_the_gap_before_it_is_filled(lab: LinkLab) -> None:
    receiver = receiving(lab, 6)
    assert arrive(lab, receiver, 2) == (lab.Acknowledgement(0, ((2, 3),)), [])
    assert arrive(lab, receiver, 1) == (lab.Acknowledgement(0, ((1, 3),)), [])
    assert arrive(lab, receiver, 4) == (lab.Acknowledgement(0, ((4, 5), (1, 3))), [])
    assert arrive(lab, receiver, 5) == (lab.Acknowledgement(0, ((4, 6), (1, 3))), [])
    delivered = (lab.Acknowledgement(3, ((4, 6),)), ["zero", "one", "two"])
    assert arrive(lab, receiver, 0) == delivered
    assert arrive(lab, receiver, 3) == (lab.Acknowledgement(6, ()), ["three", "four", "five"])
    receiver = receiving(lab, 2)
    for number, item in ((1, "one"), (0, "")):
        effects = receiver.step(Receive(0, "a", lab.Segment(number, item)))
    handed = [ended.outcome.value for ended in effects_of(Return, effects)]
    assert handed == ["", "one"], "an empty item is one like any other"
    receiver = lab.SlidingWindowReceiver("b", ("z", "a"))
    receiver.step(Start(0, {}))
    assert arrive(lab, receiver, 0) == (lab.Acknowledgement(1, ()), [])


@graded(points=2, title="Copies", requirement="a copy is acknowledged, and not delivered")
def test_copies_of_what_is_delivered_or_kept_are_acknowledged_again_only(lab: LinkLab) -> None:
    receiver = receiving(lab, 5)
    arrive(lab, receiver, 0)
    assert arrive(lab, receiver, 0) == (lab.Acknowledgement(1, ()), [])
    arrive(lab, receiver, 2)
    assert arrive(lab, receiver, 2) == (lab.Acknowledgement(1, ((2, 3),)), [])
    assert arrive(lab, receiver, 0) == (lab.Acknowledgement(1, ((2, 3),)), [])
    assert arrive(lab, receiver, 1) == (lab.Acknowledgement(3, ()), ["one", "two"])


@graded(points=1, title="Blocks", requirement="RFC 2018, sections 3 and 4")
def test_an_acknowledgement_holds_at_most_four_blocks_with_the_newest_first(lab: LinkLab) -> None:
    receiver = receiving(lab, 0)
    for number in (1, 3, 5, 7):
        arrive(lab, receiver, number)
    acknowledgement, _ = arrive(lab, receiver, 9)
    assert len(acknowledgement.blocks) == lab.MAX_BLOCKS
    assert acknowledgement.blocks[0] == (9, 10)
    acknowledgement, _ = arrive(lab, receiver, 3)
    assert acknowledgement.blocks[0] == (3, 4), "it says first what this segment has taught"


@graded(points=2, title="Too far ahead", requirement="bounded: what does not fit is not accepted")
def test_a_segment_for_which_there_may_be_no_room_is_not_kept(lab: LinkLab) -> None:
    receiver = receiving(lab, 0, capacity=4)
    assert arrive(lab, receiver, 4) == (lab.Acknowledgement(0, ()), [])
    assert arrive(lab, receiver, 3) == (lab.Acknowledgement(0, ((3, 4),)), [])
    for number in (0, 1, 2):
        arrive(lab, receiver, number)
    assert arrive(lab, receiver, 4) == (lab.Acknowledgement(4, ()), []), "all four places are full"
    receiver.step(Invoke(0, 1, lab.Take()))
    assert arrive(lab, receiver, 4) == (lab.Acknowledgement(5, ()), [])
    gap = receiving(lab, 0, capacity=4)
    for number in (1, 2, 3):
        acknowledgement, _ = arrive(lab, gap, number)
    assert acknowledgement == lab.Acknowledgement(0, ((1, 4),)), "all four fit, one is missing"
