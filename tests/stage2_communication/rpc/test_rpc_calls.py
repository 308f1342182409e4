"""Graded suite of the lab ``rpc``, first part: an answer finds its call."""

from common.contract.effects import Send
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import ask_ok, effects_of, must_hold
from common.values.history import Failed, Ok, Unknown
from common.values.units import MS, SECOND
from stage1_foundations.failures.account import Deposit, Done, Entries, Refused, Statement, Withdraw
from stage1_foundations.failures.checks import check_account
from tests.stage2_communication.rpc.hand import SERVER, Hand, account
from tests.stage2_communication.rpc.lab import RpcLab

LAB = "rpc"


@graded(points=2, title="A call", requirement="Birrell, Nelson 1984, 2: as if it were local")
def test_a_call_runs_the_procedure_and_brings_its_result(lab: RpcLab) -> None:
    simulation = lab.simulation({SERVER: lab.Callee}, {"c1": lab.Caller}, seed=1)
    assert ask_ok(simulation, "c1", Deposit(5)) == 5
    assert ask_ok(simulation, "c1", Withdraw(2)) == 3
    assert ask_ok(simulation, "c1", Statement()) == (5, -2)
    refused = simulation.call("c1", Withdraw(50))
    simulation.run(simulation.now + SECOND)
    assert refused.outcome == Failed("the balance is 3"), "the callee's word, and it is definite"


@graded(points=2, title="The request", requirement="what travels with a call")
def test_a_request_says_who_calls_what_and_how_long_it_is_waited_for(lab: RpcLab) -> None:
    caller = Hand(lab.Caller("c1", ("n1", "n2"), deadline=500 * MS))
    caller.ask(Deposit(5), after=7)
    assert caller.sent() == [lab.Request(1, 1, 1, 500 * MS, "deposit", (5,))]
    caller.ask(Statement(), after=10 * MS)
    assert caller.sent() == [lab.Request(1, 2, 1, 500 * MS, "statement", ())], "1 is the oldest"
    caller.get(lab.Reply(1, 1, Done(5)), SERVER)
    caller.ask(Withdraw(3))
    assert caller.sent() == [lab.Request(1, 3, 2, 500 * MS, "withdraw", (3,))], "1 has its end"
    named = Hand(lab.Caller("c1", ("n1", "n2"), server="n2"))
    named.ask(Deposit(5))
    assert [each.to for each in effects_of(Send, named.effects)] == ["n2"], "the server named"


@graded(points=3, title="Its own answer", requirement="a late reply never answers another call")
def test_an_answer_ends_its_own_call_and_no_other(lab: RpcLab) -> None:
    caller = Hand(lab.Caller("c1", ("n1",)))
    first, second, third = (caller.ask(Deposit(amount)) for amount in (1, 2, 3))
    caller.get(lab.Reply(1, 2, Done(2)), SERVER)
    assert caller.has_ended() == {second: Ok(2)}, "in whatever order they come"
    caller.get(lab.Reply(1, 2, Done(9)), SERVER)
    assert caller.has_ended() == {}, "it has its end"
    caller.get(lab.Reply(1, 7, Done(9)), SERVER)
    assert caller.has_ended() == {}, "nobody has called that"
    caller.get(lab.Reply(1, 1, Entries((1,))), SERVER)
    assert caller.has_ended() == {first: Ok((1,))}
    caller.get(lab.Reply(1, 3, Done(6)), SERVER)
    assert caller.has_ended() == {third: Ok(6)}
    assert not caller.sent()


@graded(
    points=2, title="An earlier life", requirement="incarnations: numbers begin again, they do not"
)
def test_an_answer_to_a_call_of_an_earlier_life_ends_nothing(lab: RpcLab) -> None:
    before = Hand(lab.Caller("c1", ("n1",)))
    before.ask(Deposit(1))
    after = Hand(lab.Caller("c1", ("n1",)), before.disk)
    call = after.ask(Deposit(2))
    assert after.sent()[0].incarnation == 2
    after.get(lab.Reply(1, 1, Done(1)), SERVER)
    assert after.has_ended() == {}, "the answer to the deposit of 1, in the first life"
    after.get(lab.Reply(2, 1, Done(3)), SERVER)
    assert after.has_ended() == {call: Ok(3)}
    third = Hand(lab.Caller("c1", ("n1",)), after.disk)
    third.ask(Deposit(3))
    assert third.sent()[0].incarnation == 3


@graded(points=3, title="Deadlines", requirement="a deadline means unknown, never failed")
def test_a_call_without_an_answer_ends_at_its_deadline_as_unknown(lab: RpcLab) -> None:
    caller = Hand(lab.Caller("c1", ("n1",), deadline=300 * MS))
    call = caller.ask(Deposit(1))
    (deadline,) = caller.timers_set(lab.DeadlinePassed)
    assert deadline.after == 300 * MS
    caller.fires(deadline)
    assert isinstance(caller.has_ended()[call], Unknown)
    caller.get(lab.Reply(1, 1, Done(1)), SERVER)
    assert caller.has_ended() == {}, "it was told already"
    other = caller.ask(Deposit(2))
    caller.get(lab.Reply(1, 2, Refused("no")), SERVER)
    assert caller.has_ended() == {other: Failed("no")}


@graded(points=2, title="A bound", requirement="numbers under way are less than 64 apart")
def test_a_call_too_far_ahead_of_the_oldest_is_not_sent(lab: RpcLab) -> None:
    caller = Hand(lab.Caller("c1", ("n1",)))
    for number in range(1, 65):
        caller.ask(Deposit(number))
        assert len(caller.sent()) == 1
        if 1 < number < 64:
            caller.get(lab.Reply(1, number, Done(1)), SERVER)
    refused = caller.ask(Deposit(65))
    assert not caller.sent()
    assert isinstance(caller.has_ended()[refused], Failed), "it was not sent, and that is definite"
    caller.get(lab.Reply(1, 1, Done(1)), SERVER)
    caller.ask(Deposit(66))
    assert [each.number for each in caller.sent()] == [65]
    for number in (64, 65):
        caller.get(lab.Reply(1, number, Done(1)), SERVER)
    caller.ask(Deposit(67))
    assert [each.number for each in caller.sent()] == [66], "no other call is under way"


@graded(points=2, title="Procedures", requirement="by name; what there is not is refused")
def test_a_procedure_that_there_is_not_is_refused_in_a_sentence(lab: RpcLab) -> None:
    callee = Hand(lab.Callee("n1", ()))
    (reply,) = callee.get(lab.Request(3, 9, 1, 1, "deposit", (4,)))
    assert reply == lab.Reply(3, 9, Done(4))
    assert callee.get(lab.Request(3, 10, 1, 1, "withdraw", (1,)))[0].result == Done(3)
    assert callee.get(lab.Request(3, 11, 1, 1, "statement", ()))[0].result == Entries((4, -1))
    for name, arguments in (
        *(("robbery", ()), ("deposit", ()), ("statement", (1,)), ("", (1, 2))),
        *(("deposit", (1, 2)), ("withdraw", (1, 2)), ("withdraw", ())),
    ):
        (reply,) = callee.get(lab.Request(3, 12, 1, 1, name, arguments))
        assert isinstance(reply.result, Refused)
        assert "\n" not in reply.result.reason


@graded(points=2, title="One account", requirement="calls of several callers, linearizable")
def test_without_losses_calls_are_those_of_one_account(lab: RpcLab, sweep: Sweep) -> None:
    for seed in sweep(5):
        simulation, _ = account(lab, lab.Callee, lab.Caller, seed, link=None)
        simulation.run(5 * SECOND)
        assert sum(isinstance(each.outcome, Ok) for each in simulation.history) >= 12
        must_hold(check_account(simulation.history))
