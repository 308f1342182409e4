"""Graded suite of the lab ``failures``, second part: the account and its honest client."""

from collections import Counter
from itertools import pairwise

from common.check.verdict import Answer
from common.contract.effects import CancelTimer, Return, Save, Send, SetTimer
from common.contract.events import Fire, Invoke, Receive, Start
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import (
    Wire,
    ask,
    ask_ok,
    crash_and_restart,
    effects_of,
)
from common.sim.network import LinkModel
from common.values.faults import (
    Block,
    Crash,
    Disk,
    Fault,
    Heal,
    Link,
    Partition,
    Pause,
    Restart,
    Resume,
)
from common.values.history import Failed, Ok, Unknown
from common.values.units import MS, SECOND, show_time
from stage1_foundations.failures.checks import check_honesty
from stage1_foundations.failures.hasty import HastyClient
from tests.stage1_foundations.failures.bank import (
    CLIENTS,
    GIVEN_UP,
    KINDS,
    SERVER,
    THREE_MS,
    bank,
    ends,
    entries,
    must_be_honest,
    must_number_each_life_anew,
    must_tell_what_the_server_says,
    must_wait_by_chance_each_time,
    trouble,
    work,
)
from tests.stage1_foundations.failures.lab import FailuresLab

LAB = "failures"

ALONE = Partition(0, ((SERVER,), CLIENTS))
"""Nobody reaches the server."""


@graded(points=2, title="A calm day", requirement="one request and one answer per operation")
def test_without_faults_every_operation_ends_ok_or_refused_with_one_request(
    lab: FailuresLab,
) -> None:
    wire = Wire()
    simulation = bank(lab, 1, observers=[wire], link=THREE_MS)
    assert entries(lab, simulation) == ()
    assert ask_ok(simulation, "c1", lab.Deposit(5)) == 5
    assert ask_ok(simulation, "c2", lab.Deposit(7)) == 12
    assert ask_ok(simulation, "c1", lab.Withdraw(2)) == 10
    for operation in (lab.Withdraw(11), lab.Deposit(0), lab.Withdraw(-4)):
        asked = ask(simulation, "c3", operation)
        assert isinstance(asked.outcome, Failed), f"10 are there, and {asked}"
    assert entries(lab, simulation, "c2") == (5, 7, -2)
    simulation.run(10 * SECOND)
    assert len(wire.times_of(lab.Request)) == len(wire.times_of(lab.Reply)) == 8
    must_tell_what_the_server_says(lab)


@graded(points=3, title="Silence is no proof", requirement="no answer: unknown, never failed")
def test_an_operation_without_an_answer_ends_unknown_and_not_failed(lab: FailuresLab) -> None:
    silences: dict[str, list[Fault]] = {
        "cut off": [ALONE],
        "requests are lost": [Block(0, "c1", SERVER)],
        "answers are lost": [Block(0, SERVER, "c1")],
        "the server is down": [Crash(0, SERVER)],
        "the server stands still": [Pause(0, SERVER)],
    }
    for what, faults in silences.items():
        for wanted in (lab.Deposit(5), lab.Statement()):
            asked = ask(bank(lab, 1, faults), "c1", wanted, within=GIVEN_UP)
            assert isinstance(asked.outcome, Unknown), f"{what}: {asked}"


@graded(points=2, title="Patience pays", requirement="a retry ends with what the server says")
def test_an_operation_ends_ok_if_the_trouble_is_over_before_the_last_attempt(
    lab: FailuresLab,
) -> None:
    end = 600 * MS
    troubles: dict[str, list[Fault]] = {
        "cut off": [ALONE, Heal(end)],
        "requests are lost": [Block(0, "c1", SERVER), Heal(end)],
        "answers are lost": [Block(0, SERVER, "c1"), Heal(end)],
        "the server is down": [Crash(0, SERVER), Restart(end, SERVER)],
        "the server stands still": [Pause(0, SERVER), Resume(end, SERVER)],
    }
    for what, faults in troubles.items():
        simulation = bank(lab, 1, faults)
        asked = ask(simulation, "c1", lab.Deposit(5))
        assert asked.outcome == Ok(5), f"{what} for {show_time(end)}, and then {asked}"
        simulation.run(5 * SECOND)
        assert entries(lab, simulation) == (5,), what


@graded(points=3, title="Exactly once", requirement="a repetition has the number of the first")
def test_ok_means_once_when_messages_are_lost_doubled_and_overtaken(
    lab: FailuresLab, sweep: Sweep
) -> None:
    bad = LinkModel(latency=(1 * MS, 20 * MS), loss=0.2, duplicate=0.3, reorder=0.3)
    for seed in sweep(15):
        good = [Link(4 * SECOND, latency=(1 * MS, 5 * MS), loss=0.0, duplicate=0.0, reorder=0.0)]
        simulation = bank(lab, seed, good, link=bad)
        work(lab, simulation)
        simulation.run(8 * SECOND)
        must_be_honest(lab, simulation)
        told = ends(simulation.history)
        assert told["ok"] > told.total() // 2, f"a fifth is lost, five attempts are made: {told}"


@graded(points=3, title="A crash at any instant", requirement="disk before answer, in one write")
def test_a_deposit_happens_once_whenever_the_server_crashes(lab: FailuresLab) -> None:
    """The server crashes at each quarter of a millisecond of a deposit, with a slow disk."""
    for quarter in range(4 * 24):
        at = quarter * MS // 4
        faults: list[Fault] = [
            Disk(0, SERVER, 8 * MS),
            Crash(at, SERVER),
            Restart(at + 20 * MS, SERVER),
        ]
        simulation = bank(lab, quarter, faults, link=THREE_MS, clients=("c1",))
        asked = ask(simulation, "c1", lab.Deposit(5))
        where = f"a crash after {show_time(at)}: {asked}"
        assert asked.outcome == Ok(5), where
        crash_and_restart(simulation, SERVER)
        assert entries(lab, simulation) == (5,), f"{where}, and then the statement differs"


@graded(points=3, title="Numbers of a life", requirement="no number is used again after a crash")
def test_a_client_that_crashed_is_not_taken_for_its_former_self(
    lab: FailuresLab, sweep: Sweep
) -> None:
    for seed in sweep(10):
        faults: list[Fault] = []
        for at in range(20 * MS, 500 * MS, 80 * MS):
            down = at + seed % 50 * MS
            faults += [Crash(down, "c1"), Restart(down + 10 * MS, "c1")]
        simulation = bank(lab, seed, faults)
        work(lab, simulation, count=30, think=(0, 10 * MS), clients=("c1", "c2"))
        simulation.run(6 * SECOND)
        must_be_honest(lab, simulation)
        amount = 1000
        assert ask_ok(simulation, "c1", lab.Deposit(amount)) >= amount
        assert amount in entries(lab, simulation, "c2"), "a new deposit was taken for an old one"
    must_number_each_life_anew(lab)


@graded(points=2, title="A late answer", requirement="an answer ends its own operation only")
def test_an_answer_to_an_earlier_operation_does_not_end_the_present_one(lab: FailuresLab) -> None:
    """Answers to the first life of c1 take 300 ms, and arrive in the second."""
    late = Link(0, SERVER, "c1", latency=(300 * MS, 300 * MS))
    for crash in (False, True):
        simulation = bank(lab, 1, [late], link=THREE_MS)
        first = simulation.call("c1", lab.Deposit(5))
        simulation.run(100 * MS)
        if crash:
            crash_and_restart(simulation, "c1")
        else:
            simulation.run(350 * MS)
            assert first.outcome == Ok(5), f"the answer took 303 ms: {first}"
        second = ask(simulation, "c1", lab.Withdraw(6))
        assert isinstance(second.outcome, Failed), f"5 is there: {second} after {first}"
        third = ask(simulation, "c1", lab.Statement())
        assert third.outcome == Ok((5,)), f"{third} after {second}"


@graded(points=3, title="Refused for good", requirement="failed: did not happen and never will")
def test_a_refused_withdrawal_stays_refused_when_its_copy_comes_after_a_deposit(
    lab: FailuresLab, sweep: Sweep
) -> None:
    """c1 is refused; c2 deposits; then a late copy of the request comes, also after a crash.

    The crash is before the deposit, so that no later write has saved the refusal as well.
    """
    late = Link(0, "c1", SERVER, latency=(1 * MS, 400 * MS), duplicate=1.0)
    for seed in sweep(10):
        for crash in (False, True):
            simulation = bank(lab, seed, [late])
            refused = ask(simulation, "c1", lab.Withdraw(3))
            assert isinstance(refused.outcome, Failed), f"there is nothing to withdraw: {refused}"
            if crash:
                crash_and_restart(simulation, SERVER)
            ask_ok(simulation, "c2", lab.Deposit(10))
            simulation.run(simulation.now + 1 * SECOND)
            found = entries(lab, simulation, "c2")
            assert found == (10,), f"{refused}, and yet the statement is {found}"


@graded(points=2, title="Late copies", requirement="what is below the latest number is ignored")
def test_a_late_copy_of_an_earlier_command_is_not_carried_out_again(lab: FailuresLab) -> None:
    server = lab.AccountServer(SERVER, ())
    server.step(Start(0, {}))
    requests = [lab.Request(number, lab.Deposit(2)) for number in (1, 2, 3)]
    for request in requests:
        effects = server.step(Receive(0, "c1", request))
        assert [type(effect) for effect in effects] == [Save, Send], "disk, then answer"
    for old in requests[:2]:
        assert not server.step(Receive(0, "c1", old)), f"{old} is late, and nobody waits"
    asked_of_c1 = server.step(Receive(0, "c1", requests[2]))
    assert Send("c1", lab.Reply(3, lab.Done(6))) in asked_of_c1, "its answer may have been lost"
    assert effects_of(Save, asked_of_c1), "the write of the first answer may be under way still"
    asked = server.step(Receive(0, "c2", lab.Request(1, lab.Statement())))
    assert asked == [Send("c2", lab.Reply(1, lab.Entries((2, 2, 2))))]
    refused = server.step(Receive(0, "c3", lab.Request(1, lab.Withdraw(50))))
    assert [type(effect) for effect in refused] == [Save, Send], "a refusal is remembered, too"
    whole = server.step(Receive(0, "c4", lab.Request(1, lab.Withdraw(6))))
    assert Send("c4", lab.Reply(1, lab.Done(0))) in whole, "all that is there may be withdrawn"
    (saved,) = effects_of(Save, whole)
    again = lab.AccountServer(SERVER, ())
    again.step(Start(0, {saved.key: saved.value}))
    again.step(Receive(0, "c2", lab.Request(2, lab.Deposit(90))))
    for client, number, first in (("c1", 3, asked_of_c1), ("c3", 1, refused), ("c4", 1, whole)):
        (answer,) = effects_of(Send, first)
        told = again.step(Receive(0, client, lab.Request(number, lab.Withdraw(6))))
        assert answer in told, f"the table has all clients; {client} was told {told}"
    assert not again.step(Receive(0, "c1", old)), "as late as before the crash"
    full = lab.AccountServer(SERVER, ())
    full.step(Start(0, {"service": ((1,) * 9_999, ())}))
    for number, expected in ((1, lab.Done), (2, lab.Refused)):
        (answer,) = effects_of(Send, full.step(Receive(0, "c1", lab.Request(number, old.asked))))
        assert isinstance(answer.message.result, expected), "a statement has 10,000 entries at most"


@graded(points=2, title="The first result", requirement="a repetition gets the first result")
def test_a_repetition_is_answered_with_the_first_result_whatever_happened_since(
    lab: FailuresLab,
) -> None:
    """The answer to c1's deposit is lost; c2 deposits; c1 asks again: what is it told?"""
    faults: list[Fault] = [Block(0, SERVER, "c1"), Heal(40 * MS)]
    simulation = bank(lab, 1, faults, link=THREE_MS)
    first = simulation.call("c1", lab.Deposit(5))
    simulation.run(20 * MS)
    assert ask_ok(simulation, "c2", lab.Deposit(7)) == 12
    simulation.run_until(lambda: first.returned_at is not None, 1 * SECOND)
    assert first.outcome == Ok(5), f"{first}, but it came before deposit(7), which gave 12"


@graded(points=2, title="Each client its numbers", requirement="the table is by client")
def test_clients_that_use_the_same_numbers_are_told_apart(lab: FailuresLab) -> None:
    simulation = bank(lab, 1)
    for round in range(1, 4):
        for client in CLIENTS:
            ask_ok(simulation, client, lab.Deposit(10 * round + int(client[1:])))
    assert sorted(entries(lab, simulation)) == [11, 12, 13, 21, 22, 23, 31, 32, 33]


@graded(points=2, title="Never sent", requirement="failed: it never left the client")
def test_what_a_busy_client_calls_failed_was_never_sent(lab: FailuresLab) -> None:
    wire = Wire()
    simulation = bank(lab, 1, [Block(0, SERVER, "c1"), Heal(500 * MS)], observers=[wire])
    first = simulation.call("c1", lab.Deposit(5))
    simulation.run(10 * MS)
    second = ask(simulation, "c1", lab.Deposit(6), within=0)
    assert isinstance(second.outcome, Failed), f"one operation at a time: {second}"
    simulation.run_until(lambda: first.returned_at is not None, 5 * SECOND)
    assert first.outcome == Ok(5), f"the second operation must not disturb the first: {first}"
    assert entries(lab, simulation) == (5,), f"it was called failed, and yet it happened: {second}"
    asked = [request.asked for request in wire.of(lab.Request)]
    assert lab.Deposit(6) not in asked, "it was called failed, and sent all the same"


@graded(
    points=1, title="An end is an end", requirement="an answered request leaves no timer behind"
)
def test_the_timer_of_a_request_ends_with_its_answer(lab: FailuresLab) -> None:
    client = lab.AccountClient("c1", (SERVER,))
    client.step(Start(0, {}))
    effects = client.step(Invoke(0, 1, lab.Deposit(5)))
    (asked,), (timer,) = effects_of(Send, effects), effects_of(SetTimer, effects)
    ended = client.step(Receive(1, SERVER, lab.Reply(asked.message.number, lab.Done(5))))
    assert effects_of(CancelTimer, ended) == [CancelTimer(timer.id)], "it would wake for nothing"
    effects = client.step(Invoke(2, 2, lab.Deposit(6)))
    (asked,), (timer,) = effects_of(Send, effects), effects_of(SetTimer, effects)
    (second,) = effects_of(SetTimer, client.step(Fire(timer.after, timer.id, timer.timer)))
    late = Receive(timer.after, SERVER, lab.Reply(asked.message.number, lab.Done(11)))
    cancelled = effects_of(CancelTimer, client.step(late))
    assert cancelled == [CancelTimer(second.id)], "the second attempt has a timer of its own"


@graded(points=2, title="No hammering", requirement="attempts are few, and ever farther apart")
def test_a_long_partition_costs_few_messages_ever_farther_apart(
    lab: FailuresLab, sweep: Sweep
) -> None:
    for seed in sweep(5):
        wire = Wire()
        simulation = bank(lab, seed, [ALONE], observers=[wire])
        asked = ask(simulation, "c1", lab.Deposit(5), within=GIVEN_UP)
        assert isinstance(asked.outcome, Unknown), f"nothing gets through: {asked}"
        simulation.run(60 * SECOND)
        times = wire.times_of(lab.Request)
        assert 3 <= len(times) <= 6, f"{len(times)} requests for one operation in a minute"
        ask(simulation, "c1", lab.Deposit(6), within=GIVEN_UP)
        more = len(wire.times_of(lab.Request)) - len(times)
        assert more == len(times), f"the second operation was asked {more} times"
        waits = [later - earlier for earlier, later in pairwise(times)]
        for shorter, longer in pairwise(waits):
            assert longer > 1.5 * shorter, f"the waits do not grow: {waits} µs"
    must_wait_by_chance_each_time(lab)


@graded(points=1, title="Not all at once", requirement="clients do not come back in step")
def test_clients_that_lost_the_server_together_come_back_apart(lab: FailuresLab) -> None:
    wire = Wire()
    clients = tuple(f"c{number}" for number in range(1, 11))
    simulation = bank(lab, 1, [Crash(0, SERVER)], clients=clients, observers=[wire])
    for client in clients:
        simulation.call(client, lab.Deposit(int(client[1:])))
    simulation.run(GIVEN_UP)
    last = Counter(wire.times_of(lab.Request)[-len(clients) :])
    assert max(last.values()) <= 2, f"a server that has just come back is met by a crowd: {last}"


@graded(points=3, title="Slow", requirement="late is not never")
def test_a_server_that_stands_still_does_what_was_called_unknown_at_most_once(
    lab: FailuresLab, sweep: Sweep
) -> None:
    """Everything waits for the server and reaches it at once, when clients have gone on already."""
    for seed in sweep(10):
        faults: list[Fault] = [Pause(100 * MS, SERVER), Resume(4 * SECOND, SERVER)]
        simulation = bank(lab, seed, faults)
        work(lab, simulation, count=8, kinds=("Deposit",))
        simulation.run(12 * SECOND)
        must_be_honest(lab, simulation)
        found = entries(lab, simulation)
        unknown = [asked for asked in simulation.history if isinstance(asked.outcome, Unknown)]
        assert any(asked.argument in found for asked in unknown), (
            "nothing that was called unknown ever happened: then who was paused?"
        )


@graded(points=4, title="Everything at once", requirement="honest always, and alive in the calm")
def test_it_never_lies_under_all_faults_at_once_and_goes_on_afterwards(
    lab: FailuresLab, sweep: Sweep
) -> None:
    for seed in sweep(25):
        faults = trouble(seed, *KINDS, troubles=9, hit=(SERVER, *CLIENTS))
        simulation = bank(lab, seed, faults)
        workload = work(lab, simulation)
        simulation.run(60 * SECOND)
        assert workload.done, "all is calm since long, and some client has not ended its work"
        must_be_honest(lab, simulation)
        for client in CLIENTS:
            ask_ok(simulation, client, lab.Deposit(1000 + int(client[1:])))


def test_the_checks_of_this_suite_find_out_a_client_that_calls_silence_a_failure(
    lab: FailuresLab,
) -> None:
    """Not graded: it tests the tests."""
    caught = 0
    for seed in range(5):
        simulation = bank(lab, seed, client=HastyClient, link=LinkModel(loss=0.2, duplicate=0.2))
        work(lab, simulation)
        simulation.run(8 * SECOND)
        caught += check_honesty(simulation.history).answer is Answer.NO
    assert caught == 5


def test_a_busy_client_answers_at_once(lab: FailuresLab) -> None:
    """Not graded: the shape of the effects."""
    client = lab.AccountClient("c1", (SERVER,))
    client.step(Start(0, {}))
    client.step(Invoke(0, 1, lab.Deposit(5)))
    (ended,) = client.step(Invoke(0, 2, lab.Deposit(6)))
    assert isinstance(ended, Return)
