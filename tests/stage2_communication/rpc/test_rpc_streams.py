"""Graded suite of the lab ``rpc``, fourth part: an answer in many parts."""

from random import Random
from typing import Any

from common.contract.effects import CancelTimer
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import Wire, effects_of, must_hold, trouble
from common.values.history import Failed, Ok, Unknown
from common.values.units import MS, SECOND
from stage1_foundations.failures.account import Deposit
from stage2_communication.rpc.checks import at_most_once, streams_are_whole
from tests.stage2_communication.rpc.hand import SERVER, Hand, account, request
from tests.stage2_communication.rpc.lab import RpcLab

LAB = "rpc"


def filled(lab: RpcLab, count: int) -> Hand:
    """A callee with so many entries: 1, 2, 3 ..."""
    callee = Hand(lab.StreamingCallee("n1", ()))
    for number in range(1, count + 1):
        callee.get(request(lab, number, number, oldest=number))
        if callee.timers_set(lab.Worked):
            callee.fires(callee.timers_set(lab.Worked)[0])
    assert callee.node.status()["entries"] == count
    return callee


def listening(lab: RpcLab, **options: Any) -> tuple[Hand, int]:
    """A caller that has opened a stream, and the number of its operation."""
    caller = Hand(lab.StreamingCaller("c1", ("n1",), **options))
    call = caller.ask(lab.Listen())
    assert caller.sent() == [lab.Open(1, 1, 0, 8)], "from the first part on, eight of them"
    return caller, call


@graded(points=3, title="Credit", requirement="a callee sends what is wanted, and no more")
def test_a_callee_sends_the_parts_for_which_there_is_credit(lab: RpcLab) -> None:
    callee = filled(lab, 20)
    assert callee.get(lab.Open(3, 9, 2, 5)) == [
        lab.Item(3, 9, place, place + 1) for place in (2, 3, 4)
    ]
    assert [each.position for each in callee.get(lab.Open(1, 1, 0, 1000))][:8] == [*range(8)]
    assert len([each for each in callee.sent() if isinstance(each, lab.Item)]) == 8
    assert callee.get(lab.Open(1, 1, 12, 20)) == [lab.Item(1, 1, p, p + 1) for p in range(12, 20)]
    whole = [*(lab.Item(1, 1, p, p + 1) for p in range(15, 20)), lab.Last(1, 1, 20)]
    assert callee.get(lab.Open(1, 1, 15, 21)) == whole, "and the end, if it is in sight"
    assert callee.get(lab.Open(1, 1, 20, 28)) == [lab.Last(1, 1, 20)]
    assert callee.get(lab.Open(1, 1, 25, 30)) == [lab.Last(1, 1, 25)]
    assert callee.get(lab.Open(1, 1, -5, 1)) == [lab.Item(1, 1, 0, 1)]
    assert filled(lab, 0).get(lab.Open(1, 1, 0, 8)) == [lab.Last(1, 1, 0)], "no part at all"


@graded(points=3, title="In order and once", requirement="parts have positions")
def test_parts_are_taken_in_their_order_and_none_twice(lab: RpcLab, sweep: Sweep) -> None:
    for seed in sweep(10):
        random = Random(f"parts/{seed}")
        caller, call = listening(lab)
        parts: list[Any] = [lab.Item(1, 1, place, place + 1) for place in range(6)]
        parts += [*random.choices(parts, k=4), lab.Last(1, 1, 6)]
        random.shuffle(parts)
        ended: dict[int, Any] = {}
        for part in parts:
            assert not ended or part, "parts may come after the end"
            caller.get(part, SERVER)
            ended |= caller.has_ended()
        assert ended == {call: Ok((1, 2, 3, 4, 5, 6))}


@graded(points=2, title="More of it", requirement="credit is renewed when it is used up")
def test_when_the_credit_is_used_up_the_caller_asks_on(lab: RpcLab) -> None:
    caller, call = listening(lab)
    for place in (0, 1, 2, 3, 4, 5, 7):
        assert caller.get(lab.Item(1, 1, place, place + 1), SERVER) == []
    for place in (8, 9):
        assert caller.get(lab.Item(1, 1, place, 99), SERVER) == [], "nobody has asked for that"
    assert caller.get(lab.Item(1, 1, 6, 7), SERVER) == [lab.Open(1, 1, 8, 16)]
    assert effects_of(CancelTimer, caller.effects), "the wait before is over"
    caller.get(lab.Item(1, 1, 8, 9), SERVER)
    caller.get(lab.Last(1, 1, 10), SERVER)
    assert caller.has_ended() == {}, "a part is missing"
    caller.get(lab.Item(1, 1, 9, 10), SERVER)
    assert caller.has_ended() == {call: Ok(tuple(range(1, 11)))}
    nothing, call = listening(lab)
    nothing.get(lab.Last(1, 1, 0), SERVER)
    assert nothing.has_ended() == {call: Ok(())}, "an account without entries"


@graded(points=2, title="Where it has come to", requirement="what is lost is asked for again")
def test_a_stream_that_stalls_goes_on_from_the_first_part_that_is_missing(lab: RpcLab) -> None:
    caller, call = listening(lab)
    (timer,) = caller.timers_set(lab.Stalled)
    for place in (0, 1, 3):
        caller.get(lab.Item(1, 1, place, place + 1), SERVER)
    assert caller.fires(timer) == [lab.Open(1, 1, 2, 10)]
    (timer,) = caller.timers_set(lab.Stalled)
    caller.get(lab.Item(1, 1, 2, 3), SERVER)
    assert caller.fires(timer) == [lab.Open(1, 1, 4, 12)], "the third had come already"
    caller.get(lab.Last(1, 1, 4), SERVER)
    assert caller.has_ended() == {call: Ok((1, 2, 3, 4))}
    assert any(type(each).__name__ == "CancelTimer" for each in caller.effects)


@graded(points=2, title="Whose parts", requirement="incarnations, numbers, deadlines")
def test_parts_of_another_stream_or_life_are_passed_over(lab: RpcLab) -> None:
    caller, call = listening(lab, deadline=600 * MS)
    (timer,) = caller.timers_set(lab.Stalled)
    other = caller.ask(lab.Listen())
    assert caller.sent() == [lab.Open(1, 2, 0, 8)]
    for stray in (lab.Item(2, 1, 0, 7), lab.Item(1, 3, 0, 7), lab.Last(2, 1, 0), lab.Last(1, 9, 0)):
        assert caller.get(stray, SERVER) == []
        assert caller.has_ended() == {}
    caller.get(lab.Item(1, 2, 0, 5), SERVER)
    caller.get(lab.Last(1, 2, 1), SERVER)
    assert caller.has_ended() == {other: Ok((5,))}
    assert caller.get(lab.Item(1, 1, 0, 7), SERVER, after=300 * MS) == []
    caller.fires(timer, at=600 * MS)
    assert isinstance(caller.has_ended()[call], Unknown), "its deadline"
    for number in range(3, 19):
        caller.ask(lab.Listen())
        assert caller.sent() == [lab.Open(1, number, 0, 8)], "no number is used again in a life"
    refused = caller.ask(lab.Listen())
    assert isinstance(caller.has_ended()[refused], Failed), "everything is bounded"
    again = Hand(lab.StreamingCaller("c1", ("n1",)), caller.disk)
    call = again.ask(lab.Listen())
    assert again.sent() == [lab.Open(2, 1, 0, 8)]
    again.get(lab.Item(1, 1, 0, 7), SERVER)
    again.get(lab.Last(1, 1, 1), SERVER)
    again.get(lab.Last(2, 1, 0), SERVER)
    assert again.has_ended() == {call: Ok(())}, "what came before was of the first life"


@graded(points=3, title="Over crashes", requirement="a callee remembers nothing of a stream")
def test_streams_are_whole_whatever_is_lost_and_crashes(lab: RpcLab, sweep: Sweep) -> None:
    def choose(random: Random, client: str, number: int) -> object:
        amount = 100 * (number + 1) + int(client[1:])
        return Deposit(amount) if random.random() < 0.7 else lab.Listen()

    heard = 0
    for seed in sweep(8):
        wire = Wire()
        faults = trouble(seed, ("crash", "link"), hit=(SERVER,), until=3 * SECOND)
        simulation, _ = account(
            lab,
            lab.StreamingCallee,
            lab.StreamingCaller,
            seed,
            tuple(faults),
            choose=choose,
            count=15,
            observers=[wire],
        )
        simulation.run(12 * SECOND)
        must_hold(streams_are_whole(simulation.history))
        must_hold(at_most_once(simulation.history))
        streams = [each for each in simulation.history if each.function == "listen"]
        heard += sum(isinstance(each.outcome, Ok) for each in streams)
        items = sum(1 for each in wire.sent_messages if type(each.message).__name__ == "Item")
        opens = sum(1 for each in wire.sent_messages if type(each.message).__name__ == "Open")
        assert items <= 8 * opens * 2, "never more than there was credit for"
    assert sweep.partial or heard >= 10, (
        f"{heard} streams came to their end: the test shows nothing"
    )
