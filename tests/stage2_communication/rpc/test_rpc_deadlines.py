"""Graded suite of the lab ``rpc``, third part: a queue, deadlines that travel, a retry budget."""

from typing import Any

from common.contract.effects import Send
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import Wire, effects_of, must_hold
from common.values.history import Failed, Ok
from common.values.units import MS, SECOND
from stage1_foundations.failures.account import Deposit, Done, Refused
from stage1_foundations.failures.checks import check_honesty
from tests.stage2_communication.rpc.hand import CALLER, SERVER, Hand, account, request
from tests.stage2_communication.rpc.lab import RpcLab

LAB = "rpc"


def refusal(messages: list[Any]) -> str:
    """Why the only message refuses a call."""
    (reply,) = messages
    assert isinstance(reply.result, Refused), reply
    return reply.result.reason


def work_one(lab: RpcLab, callee: Hand) -> list[Any]:
    """Let the call at work take its time; returns what is sent then."""
    (timer,) = callee.timers_set(lab.Worked)
    return callee.fires(timer)


@graded(points=2, title="A queue", requirement="calls take time, one after the other")
def test_calls_wait_their_turn_and_a_repetition_does_not_wait_twice(lab: RpcLab) -> None:
    callee = Hand(lab.BusyCallee("n1", (), work=20 * MS))
    assert callee.get(request(lab, 1, 5)) == [], "it takes its time"
    (timer,) = callee.timers_set(lab.Worked)
    assert timer.after == 20 * MS
    for number, amount in ((2, 6), (1, 5), (2, 6)):
        assert callee.get(request(lab, number, amount)) == []
        assert not callee.timers_set(lab.Worked), "one at a time"
    assert callee.get(request(lab, 1, 9), "c2") == [], "another caller's call 1 is another call"
    assert callee.fires(timer) == [lab.Reply(1, 1, Done(5))]
    assert work_one(lab, callee) == [lab.Reply(1, 2, Done(11))]
    assert work_one(lab, callee) == [lab.Reply(1, 1, Done(20))]
    assert not callee.timers_set(lab.Worked), "nothing waits"
    assert callee.get(request(lab, 3, 1)) == []
    assert work_one(lab, callee) == [lab.Reply(1, 3, Done(21))], "and it begins again"


@graded(points=3, title="Nobody waits any more", requirement="deadlines travel with calls")
def test_a_call_whose_time_is_over_is_not_begun_and_never_will_be(lab: RpcLab) -> None:
    callee = Hand(lab.BusyCallee("n1", (), work=20 * MS))
    callee.get(request(lab, 1, 5))
    (timer,) = callee.timers_set(lab.Worked)
    callee.get(request(lab, 2, 6, patience=19 * MS))
    callee.get(request(lab, 3, 7, patience=20 * MS))
    callee.get(request(lab, 4, 8, patience=21 * MS))
    sent = callee.fires(timer)
    assert sent[0] == lab.Reply(1, 1, Done(5))
    assert [each.number for each in sent[1:]] == [2, 3]
    assert all(isinstance(each.result, Refused) for each in sent[1:])
    assert work_one(lab, callee) == [lab.Reply(1, 4, Done(13))], "this one was begun in time"
    late = callee.get(request(lab, 2, 6))
    assert refusal(late), "a copy that comes later finds the refusal"
    assert callee.get(request(lab, 5, 1, patience=0))[0].number == 5, "over before it came"
    again = Hand(lab.BusyCallee("n1", (), work=20 * MS), callee.disk)
    assert refusal(again.get(request(lab, 3, 7))), "after a crash, too"
    copied = Hand(lab.BusyCallee("n1", (), work=20 * MS))
    copied.get(request(lab, 1, 5))
    (timer,) = copied.timers_set(lab.Worked)
    copied.get(request(lab, 2, 6, patience=15 * MS))
    copied.get(request(lab, 2, 6, patience=15 * MS), after=10 * MS)
    assert refusal(copied.fires(timer, at=20 * MS)[1:]), "a late copy makes nobody wait longer"


@graded(points=2, title="A full queue", requirement="refused at once is better than late")
def test_a_call_too_many_is_refused_and_the_others_are_not(lab: RpcLab) -> None:
    callee = Hand(lab.BusyCallee("n1", (), work=20 * MS))
    for number in range(1, 65):
        assert callee.get(request(lab, 1, number), f"c{number}") == []
    assert "full" in refusal(callee.get(request(lab, 1, 1), "late"))
    assert "full" in refusal(callee.get(request(lab, 1, 1), "late")), "and it stays refused"
    assert callee.node.status()["waiting"] == 64
    assert callee.get(request(lab, 1, 7), "c7") == [], "this call waits: it is none too many"
    for _ in range(64):
        callee.wait(20 * MS)
    assert callee.node.status()["waiting"] == 0
    assert "full" in refusal(callee.get(request(lab, 1, 1), "late")), "though there is room by now"


@graded(points=3, title="Cancelling", requirement="what was not begun does not happen")
def test_a_cancelled_call_does_not_happen_unless_it_was_begun(lab: RpcLab) -> None:
    callee = Hand(lab.BusyCallee("n1", (), work=20 * MS))
    callee.get(request(lab, 1, 5))
    (timer,) = callee.timers_set(lab.Worked)
    callee.get(request(lab, 2, 6))
    callee.get(request(lab, 3, 7))
    assert callee.get(lab.Cancel(1, 1, 1)) == [], "it is at work: its result will tell"
    assert "cancelled" in refusal(callee.get(lab.Cancel(1, 2, 1)))
    assert not callee.timers_set(lab.Worked), "1 is at work, and nothing else is begun"
    assert "cancelled" in refusal(callee.get(lab.Cancel(1, 4, 1))), "its request may come later"
    assert "cancelled" in refusal(callee.get(request(lab, 4, 8)))
    assert callee.fires(timer) == [lab.Reply(1, 1, Done(5))]
    assert work_one(lab, callee) == [lab.Reply(1, 3, Done(12))], "2 is not in the queue"
    assert callee.get(lab.Cancel(1, 3, 1)) == [lab.Reply(1, 3, Done(12))], "too late"
    assert [each.to for each in effects_of(Send, callee.effects)] == [CALLER]
    assert callee.get(lab.Cancel(1, 3, 4)) == [], "the caller has this one's end"
    idle = Hand(lab.BusyCallee("n1", (), work=20 * MS), callee.disk)
    assert "cancelled" in refusal(idle.get(request(lab, 4, 8)))
    assert callee.node.status()["entries"] == 2
    working = Hand(lab.BusyCallee("n1", (), work=20 * MS))
    working.get(request(lab, 1, 5))
    (timer,) = working.timers_set(lab.Worked)
    working.get(lab.Cancel(1, 1, 1))
    assert working.get(request(lab, 1, 5)) == [], "it is at work still: nothing is decided"
    assert working.fires(timer) == [lab.Reply(1, 1, Done(5))]
    several = Hand(lab.BusyCallee("n1", (), work=20 * MS))
    assert "cancelled" in refusal(several.get(lab.Cancel(1, 9, 1))), "nothing has come so far"
    assert "cancelled" in refusal(several.get(request(lab, 9, 1))), "and it stays refused"
    several.get(request(lab, 1, 5))
    (timer,) = several.timers_set(lab.Worked)
    for caller, amount in ((CALLER, 6), ("c2", 7)):
        several.get(request(lab, 2, amount), caller)
    assert "cancelled" in refusal(several.get(lab.Cancel(1, 2, 1), "c2"))
    several.fires(timer)
    assert work_one(lab, several) == [lab.Reply(1, 2, Done(11))], "call 2 of the other caller"


@graded(points=1, title="Orphans in the queue", requirement="incarnations, once more")
def test_a_call_of_an_earlier_life_is_dropped_from_the_queue(lab: RpcLab) -> None:
    callee = Hand(lab.BusyCallee("n1", (), work=20 * MS))
    callee.get(request(lab, 1, 5))
    (timer,) = callee.timers_set(lab.Worked)
    callee.get(request(lab, 2, 6))
    callee.get(request(lab, 1, 7, incarnation=2))
    assert callee.fires(timer) == [], "its caller has started again meanwhile"
    assert work_one(lab, callee) == [lab.Reply(2, 1, Done(7))]
    assert callee.node.status()["entries"] == 1
    crashed = Hand(lab.BusyCallee("n1", (), work=20 * MS))
    crashed.get(request(lab, 1, 5))
    assert work_one(lab, crashed) == [lab.Reply(1, 1, Done(5))]
    crashed.get(request(lab, 1, 1), "c2")
    (timer,) = crashed.timers_set(lab.Worked)
    crashed.get(request(lab, 1, 7, incarnation=2))
    assert crashed.fires(timer) == [lab.Reply(1, 1, Done(6))]
    again = Hand(lab.BusyCallee("n1", (), work=20 * MS), crashed.disk)
    again.get(request(lab, 1, 5))
    assert not again.timers_set(lab.Worked), "that c1 has started again is on disk by now"


@graded(points=2, title="A cancelling caller", requirement="the callee's word decides")
def test_a_caller_cancels_its_oldest_call_and_tells_what_the_callee_says(lab: RpcLab) -> None:
    caller = Hand(lab.ThriftyCaller("c1", ("n1",)))
    first, second = caller.ask(Deposit(1)), caller.ask(Deposit(2))
    (again,) = caller.timers_set(lab.PutAgain)
    cancelling = caller.ask(lab.CancelOldest())
    assert caller.sent() == [lab.Cancel(1, 1, 1)]
    assert caller.has_ended() == {cancelling: Ok(1)}, "and the call itself has no end so far"
    assert caller.ask(lab.CancelOldest())
    assert caller.sent() == [lab.Cancel(1, 2, 1)], "the oldest that is not cancelled"
    assert caller.fires(again) == [lab.Cancel(1, 2, 1)], "a retry of it, and no request"
    assert caller.timers_set(lab.PutAgain), "until there is an answer"
    nothing = caller.ask(lab.CancelOldest())
    assert isinstance(caller.has_ended()[nothing], Failed)
    caller.get(lab.Reply(1, 1, Refused("it was cancelled")), SERVER)
    assert caller.has_ended() == {first: Failed("it was cancelled")}
    caller.get(lab.Reply(1, 2, Done(2)), SERVER)
    assert caller.has_ended() == {second: Ok(2)}, "it was too late"
    retried = caller.ask(Deposit(3))
    (again,) = caller.timers_set(lab.PutAgain)
    assert len(caller.fires(again)) == 1
    cancelling = caller.ask(lab.CancelOldest())
    assert caller.has_ended() == {cancelling: Ok(3)}, "the callee may have it by now"
    caller.get(lab.Reply(1, 3, Done(5)), SERVER)
    assert caller.has_ended() == {retried: Ok(5)}
    poor = Hand(lab.ThriftyCaller("c1", ("n1",), deadline=600 * SECOND, retry_percent=0))
    poor.ask(Deposit(1))
    (again,) = poor.timers_set(lab.PutAgain)
    poor.ask(lab.CancelOldest())
    sent = []
    for _ in range(15):
        sent += poor.fires(again)
        (again,) = poor.timers_set(lab.PutAgain)
    assert sent == [lab.Cancel(1, 1, 1)] * 10, "a retry that cancels is paid for like any other"


@graded(points=2, title="The budget", requirement="gRPC A6: retry throttling")
def test_a_budget_pays_in_a_part_and_takes_out_a_whole(lab: RpcLab) -> None:
    budget = lab.Budget(percent=30, most=2)
    assert [budget.take_out() for _ in range(3)] == [True, True, False], "so many at first"
    for _ in range(3):
        budget.pay_in()
        assert not budget.take_out(), "90 hundredths are no retry"
    budget.pay_in()
    assert [budget.take_out(), budget.take_out()] == [True, False]
    budget.pay_in()
    budget.pay_in()
    budget.pay_in()
    assert budget.take_out(), "20 hundredths were left"
    for _ in range(50):
        budget.pay_in()
    assert budget.hundredths == 200, "more is not saved up"


@graded(points=3, title="No storm", requirement="amplification is at most 1 + r")
def test_while_nobody_answers_retries_stay_within_the_budget(lab: RpcLab, sweep: Sweep) -> None:
    for seed in sweep(3):
        node = lab.ThriftyCaller("c1", ("n1",), deadline=60 * SECOND, retry_percent=20)
        caller = Hand(node, seed=f"storm/{seed}")
        timers, sent = [], 0
        for number in range(1, 51):
            caller.ask(Deposit(number))
            sent += len(caller.sent())
            timers += caller.timers_set(lab.PutAgain)
        assert sent == 50, "the first attempt of each call is always sent"
        for _ in range(200):
            again = caller.fires(timers.pop(0), at=caller.now + MS)
            assert all(isinstance(each, lab.Request) for each in again), "nothing was cancelled"
            sent += len(again)
            timers += caller.timers_set(lab.PutAgain)
        assert sent == 60, "ten were saved up, and what calls paid in was over the bound"
        assert len(timers) == 50, "all go on waiting"
        for number in range(1, 11):
            caller.get(lab.Reply(1, number, Done(1)), SERVER)
        for number in range(51, 61):
            caller.ask(Deposit(number))
            assert len(caller.sent()) == 1
        more = sum(len(caller.fires(timer, at=caller.now + MS)) for timer in timers[10:40])
        assert more == 2, "10 calls more, 2 retries more"
    must_wait_longer_without_a_budget(lab)


def must_wait_longer_without_a_budget(lab: RpcLab) -> None:
    """A budget that is used up: half a retry for each call, and waits that double all the same."""
    options = {"deadline": 60 * SECOND, "retry_percent": 50}
    caller = Hand(lab.ThriftyCaller("c1", ("n1", "n2"), server="n2", **options))
    caller.ask(Deposit(1))
    assert [each.to for each in effects_of(Send, caller.effects)] == ["n2"], "the server named"
    for _ in range(11):
        (again,) = caller.timers_set(lab.PutAgain)
        sent = caller.fires(again)
    assert not sent, "ten retries were saved up"
    caller.ask(Deposit(2))
    for wait in (60, 120, 240, 480, 500):
        (again,) = caller.timers_set(lab.PutAgain)
        assert wait * MS <= again.after <= wait * MS * 5 // 4, "as after any attempt"
        assert not caller.fires(again), "one call pays for half a retry"
    caller.ask(Deposit(3))
    (again,) = caller.timers_set(lab.PutAgain)
    assert len(caller.fires(again)) == 1, "two calls pay for one"


@graded(points=2, title="Under load", requirement="all of it together")
def test_a_server_that_is_too_slow_tells_the_truth_and_works_for_those_who_wait(
    lab: RpcLab, sweep: Sweep
) -> None:
    for seed in sweep(4):
        wire = Wire()
        simulation, _ = account(
            lab,
            lambda id, peers: lab.BusyCallee(id, peers, work=30 * MS),
            lambda id, peers: lab.ThriftyCaller(id, peers, deadline=300 * MS),
            seed,
            callers=8,
            observers=[wire],
        )
        simulation.run(20 * SECOND)
        must_hold(check_honesty(simulation.history))
        calls = len(simulation.history)
        assert calls == 80
        assert sum(isinstance(each.outcome, Ok) for each in simulation.history) >= 10
        assert len(wire.of(lab.Request)) <= calls * 1.2 + 8 * 10, "retries stay within the budget"
