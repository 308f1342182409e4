"""Graded suite of the lab ``rpc``, second part: many attempts, one call."""

from functools import partial
from typing import Any

from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import linked, must_hold, trouble
from common.sim.network import LinkModel
from common.values.history import Ok, Unknown
from common.values.units import MS, SECOND
from stage1_foundations.failures.account import Deposit, Done, Refused
from stage1_foundations.failures.checks import check_account, check_honesty
from tests.stage2_communication.rpc.hand import SERVER, Hand, account, request
from tests.stage2_communication.rpc.lab import RpcLab

LAB = "rpc"

KINDS = ("crash", "partition", "link", "pause")
CALLERS = ("c1", "c2", "c3")


@graded(points=3, title="At most once", requirement="Birrell, Nelson 1984, 3.2")
def test_no_call_happens_twice_whatever_is_lost_doubled_and_crashes(
    lab: RpcLab, sweep: Sweep
) -> None:
    for seed in sweep(12):
        faults = trouble(seed, KINDS, hit=(SERVER,), others=CALLERS, until=3 * SECOND)
        simulation, _ = account(lab, lab.OnceCallee, lab.RetryingCaller, seed, tuple(faults))
        simulation.run(9 * SECOND)
        must_hold(check_honesty(simulation.history))
        must_hold(check_account(simulation.history))
    callee = Hand(lab.OnceCallee("n1", ()))
    assert callee.get(request(lab, 1, 5)) == [lab.Reply(1, 1, Done(5))], "once is not never"


@graded(points=2, title="Every call", requirement="retries until there is an answer")
def test_every_call_has_an_answer_although_messages_are_lost(lab: RpcLab, sweep: Sweep) -> None:
    """Losses end after 3 s, long before any deadline, and before anybody's patience ends."""
    caller = partial(lab.RetryingCaller, deadline=60 * SECOND)
    for seed in sweep(5):
        calm = linked(3 * SECOND, LinkModel())
        simulation, _ = account(lab, lab.OnceCallee, caller, seed, (calm,), patience=60 * SECOND)
        simulation.run(12 * SECOND)
        told = [each.outcome for each in simulation.history]
        assert len(told) == 30
        unknown = sum(isinstance(outcome, Unknown) for outcome in told)
        assert not unknown, f"{unknown} of 30 calls have no answer"


@graded(points=3, title="The first result", requirement="a repetition gets it, word for word")
def test_a_repetition_is_answered_with_the_first_result(lab: RpcLab) -> None:
    callee = Hand(lab.OnceCallee("n1", ()))
    assert callee.get(request(lab, 1, 5)) == [lab.Reply(1, 1, Done(5))]
    assert callee.get(request(lab, 2, 7)) == [lab.Reply(1, 2, Done(12))]
    assert callee.get(request(lab, 1, 5)) == [lab.Reply(1, 1, Done(5))], "not the balance of now"
    refused = callee.get(request(lab, 3, 50, procedure="withdraw"))
    assert isinstance(refused[0].result, Refused)
    callee.get(request(lab, 4, 100))
    assert callee.get(request(lab, 3, 50, procedure="withdraw")) == refused, "refused is refused"
    assert callee.node.status()["entries"] == 3
    poor = Hand(lab.OnceCallee("n1", ()))
    refused = poor.get(request(lab, 1, 50, procedure="withdraw"))
    again = Hand(lab.OnceCallee("n1", ()), poor.disk)
    again.get(request(lab, 2, 100))
    late = again.get(request(lab, 1, 50, procedure="withdraw"))
    assert late == refused, "it stays refused after a crash, too, though it is covered by now"


@graded(points=2, title="Before the answer", requirement="account and table are one write")
def test_account_and_table_are_saved_together_before_the_answer_leaves(lab: RpcLab) -> None:
    callee = Hand(lab.OnceCallee("n1", ()))
    callee.get(request(lab, 1, 5))
    kinds = [type(effect).__name__ for effect in callee.effects]
    assert kinds == ["Save", "Send"], "one write, then the answer"
    again = Hand(lab.OnceCallee("n1", ()), callee.disk)
    assert again.node.status()["entries"] == 1
    assert again.get(request(lab, 1, 5)) == [lab.Reply(1, 1, Done(5))], "known after a crash, too"
    assert again.get(request(lab, 2, 6)) == [lab.Reply(1, 2, Done(11))]


@graded(points=3, title="Incarnations", requirement="a table keyed without them is wrong")
def test_a_caller_that_has_started_again_is_not_taken_for_its_earlier_life(lab: RpcLab) -> None:
    callee = Hand(lab.OnceCallee("n1", ()))
    callee.get(request(lab, 1, 5))
    assert callee.get(request(lab, 1, 6, incarnation=2)) == [lab.Reply(2, 1, Done(11))]
    assert callee.get(request(lab, 1, 5)) == [], "an orphan is not answered"
    assert callee.get(request(lab, 2, 9)) == [], "nor does one happen"
    assert callee.get(request(lab, 1, 6, incarnation=2)) == [lab.Reply(2, 1, Done(11))]
    again = Hand(lab.OnceCallee("n1", ()), callee.disk)
    assert again.get(request(lab, 2, 9)) == [], "not after a crash either"
    assert again.get(request(lab, 1, 7), "c2") == [lab.Reply(1, 1, Done(18))], "another caller"
    later = Hand(lab.OnceCallee("n1", ()))
    later.get(request(lab, 30, 5, oldest=30))
    first = [lab.Reply(2, 1, Done(11))]
    assert later.get(request(lab, 1, 6, incarnation=2)) == first, "numbers begin again at 1"
    other = [lab.Reply(2, 30, Done(18))]
    assert later.get(request(lab, 30, 7, incarnation=2)) == other, "the row is empty again"
    assert later.get(request(lab, 31, 9, oldest=31)) == [], "an orphan that comes late"
    assert later.get(request(lab, 1, 6, incarnation=2)) == first, "it says nothing of this life"
    for number, balance in ((2, 19), (1, 20)):
        overtaken = later.get(request(lab, number, 1, incarnation=3))
        assert overtaken == [lab.Reply(3, number, Done(balance))], "call 2 has overtaken call 1"


@graded(points=3, title="What may be forgotten", requirement="what the caller says has its end")
def test_a_result_is_kept_as_long_as_somebody_may_ask_for_it(lab: RpcLab) -> None:
    callee = Hand(lab.OnceCallee("n1", ()))
    for number in range(1, 41):
        callee.get(request(lab, number, 1))
    assert callee.get(request(lab, 1, 1)) == [lab.Reply(1, 1, Done(1))], "1 is still the oldest"
    callee.get(request(lab, 41, 1, oldest=40))
    saved: Any = callee.disk["service"]
    kept = [number for row in saved[1] for number, _ in row[3]]
    assert kept == [40, 41], "the others have their end at the caller"
    assert callee.get(request(lab, 39, 1)) == [], "a late copy of what has its end"
    assert callee.get(request(lab, 40, 1, oldest=2)) == [lab.Reply(1, 40, Done(40))]
    assert callee.get(request(lab, 39, 1, oldest=2)) == [], "what was told once stays told"
    assert callee.get(request(lab, 104, 1, oldest=40)) == [], "no caller is so far ahead"
    assert callee.get(request(lab, 103, 1, oldest=40)) != []
    again = Hand(lab.OnceCallee("n1", ()), callee.disk)
    assert again.get(request(lab, 39, 1, oldest=2)) == [], "it has its end after a crash, too"
    assert again.get(request(lab, 40, 1, oldest=2)) == [lab.Reply(1, 40, Done(40))]


@graded(points=1, title="Callers too many", requirement="everything is bounded")
def test_a_caller_too_many_is_not_served_and_the_others_are(lab: RpcLab) -> None:
    rows = tuple((f"x{number}", 1, 1, ()) for number in range(10_000))
    callee = Hand(lab.OnceCallee("n1", ()), {"service": ((), rows)})
    assert callee.get(request(lab, 1, 5), "new") == []
    assert callee.get(request(lab, 1, 5), "x7") == [lab.Reply(1, 1, Done(5))]
    started = callee.get(request(lab, 1, 5, incarnation=2), "x7")
    assert started == [lab.Reply(2, 1, Done(10))], "it has a row, and that begins again"


@graded(points=2, title="Waits", requirement="doubled up to a bound, and longer by chance")
def test_each_wait_is_about_twice_the_one_before_up_to_a_bound(lab: RpcLab, sweep: Sweep) -> None:
    first: set[int] = set()
    for seed in sweep(6):
        node = lab.RetryingCaller("c1", ("n1",), deadline=60 * SECOND)
        caller = Hand(node, seed=f"waits/{seed}")
        caller.ask(Deposit(5))
        for wait in (60, 120, 240, 480, 500, 500):
            (timer,) = caller.timers_set(lab.PutAgain)
            assert wait * MS <= timer.after <= wait * MS * 5 // 4
            first.add(timer.after)
            caller.fires(timer)
            (again,) = caller.sent()
            assert (again.number, again.arguments) == (1, (5,)), "the very same call"
            assert again.patience == 60 * SECOND - caller.now, "what is left of it"
        (timer,) = caller.timers_set(lab.PutAgain)
        (again,) = caller.fires(timer, at=59 * SECOND)
        assert again.patience == 1 * SECOND, "next to nothing is left"
        caller.get(lab.Reply(1, 1, Done(5)), SERVER)
        cancelled = [each for each in caller.effects if type(each).__name__ == "CancelTimer"]
        assert len(cancelled) == 2, "neither the deadline nor another attempt is to come"
    assert sweep.partial or len(first) > 12, "no two callers wait alike"
    two = Hand(lab.RetryingCaller("c1", ("n1",)))
    two.ask(Deposit(5))
    two.ask(Deposit(6))
    (timer,) = two.timers_set(lab.PutAgain)
    two.get(lab.Reply(1, 1, Done(5)), SERVER)
    (again,) = two.fires(timer)
    assert (again.number, again.oldest) == (2, 2), "call 1 has its end by now"


@graded(points=1, title="Callers restart too", requirement="both sides crash")
def test_calls_stay_once_while_callers_start_again(lab: RpcLab, sweep: Sweep) -> None:
    ok = 0
    for seed in sweep(6):
        hit = ("c1", "c2", SERVER)
        faults = trouble(seed, ("crash",), hit=hit, until=2 * SECOND, troubles=8)
        simulation, _ = account(lab, lab.OnceCallee, lab.RetryingCaller, seed, tuple(faults))
        simulation.run(9 * SECOND)
        must_hold(check_honesty(simulation.history))
        ok += sum(isinstance(each.outcome, Ok) for each in simulation.history)
    assert sweep.partial or ok >= 10, f"{ok} calls ended ok: the test shows nothing"
