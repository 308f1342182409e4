"""Graded suite of the lab ``election``, fourth part: the resource refuses an old leader."""

from collections.abc import Sequence
from random import Random
from typing import Any

from common.contract.effects import Effect, Return, Save
from common.contract.wrapped import unwrapped
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import Wire, ask_ok, effects_of, must_hold, names, trouble
from common.sim import Simulation
from common.sim.workload import Workload
from common.values.faults import Pause, Resume, Schedule
from common.values.history import Failed, Ok, Unknown
from common.values.units import MS, SECOND
from stage2_communication.election.checks import (
    one_writer_a_term,
    tokens_never_fall,
    what_was_taken_stays,
)
from tests.stage2_communication.election.lab import ElectionLab
from tests.stage2_communication.election.room import Within, must_be_done, sent, waits

LAB = "election"

FOUR = names(4)
WRITERS = FOUR[1:]
ALL = ("crash", "partition", "block", "pause", "link", "clock", "disk")


def four(lab: ElectionLab, seed: int | str, **options: Any) -> Simulation:
    """The resource on n1, and three writers."""
    return lab.simulation(dict.fromkeys(FOUR, lab.Machine), seed=seed, **options)


def can_write(lab: ElectionLab, simulation: Simulation, but: str = "") -> str:
    """Who can write, beside one; that must be soon."""
    for _ in range(100):
        for id in WRITERS:
            if id != but:
                asked = simulation.call(id, lab.Write("who can?"))
                simulation.run(simulation.now + 20 * MS)
                if isinstance(asked.outcome, Ok):
                    return id
    raise AssertionError("nobody could write for 4 s")


def work(lab: ElectionLab, simulation: Simulation, think: tuple[int, int], count: int) -> Workload:
    """The resource is read, and all others are to write: no text comes twice."""

    def choose(random: Random, machine: str, number: int) -> object:
        return lab.Read() if machine == "n1" else lab.Write(f"{machine}.{number}")

    return Workload(simulation, choose, clients=FOUR, count=count, think=think)


def writer(lab: ElectionLab, saved: dict[Any, object] | None = None, **options: int) -> Within:
    """n2 leads a term with a lease, of three that write to n1; term 1 in its first life."""
    process = without_lease(lab, saved, **options)
    term = process.asked(lab.WhoLeads()).value[0]
    process.gets("n3", lab.Heard(term, 1))
    return process


def without_lease(
    lab: ElectionLab, saved: dict[Any, object] | None = None, **options: int
) -> Within:
    """The same, but nobody has heard it so far."""
    process = Within(lab.Machine("n2", ("n1", "n3", "n4"), **options), saved)
    process.fires(lab.PromiseOver())
    term = sent(process.fires(lab.ElectionTimeout()))[0][1].term
    process.gets("n3", lab.Vote(term))
    return process


@graded(points=3, title="Fenced", requirement="Burrows 2006, 2.4: sequencers")
def test_no_write_of_an_older_leader_is_taken_after_one_of_a_newer_leader(
    lab: ElectionLab, sweep: Sweep
) -> None:
    for seed in sweep(6):
        faults = trouble(seed, ALL, hit=FOUR, until=1 * SECOND, troubles=8)
        simulation = four(lab, seed, schedule=Schedule(faults))
        must_be_done(simulation, work(lab, simulation, (10 * MS, 40 * MS), 60))
        can_write(lab, simulation)
        ask_ok(simulation, "n1", lab.Read())
        must_hold(tokens_never_fall(simulation.history))
        must_hold(one_writer_a_term(simulation.history))
        must_hold(what_was_taken_stays(simulation.history))


@graded(points=2, title="Writes are taken", requirement="progress after the faults")
def test_when_the_faults_are_over_the_leader_writes_and_nobody_else(
    lab: ElectionLab, sweep: Sweep
) -> None:
    for seed in sweep(4):
        faults = trouble(seed, ALL, hit=FOUR, until=1 * SECOND, troubles=8)
        simulation = four(lab, seed, schedule=Schedule(faults))
        simulation.run(2 * SECOND)
        leader = can_write(lab, simulation)
        token = ask_ok(simulation, leader, lab.Write("at last"))
        assert (token, "at last") in ask_ok(simulation, "n1", lab.Read())
        assert ask_ok(simulation, leader, lab.WhoLeads()) == (token, leader)
        for other in FOUR:
            asked = simulation.call(other, lab.Write("me too"))
            simulation.run(simulation.now + 50 * MS)
            assert isinstance(asked.outcome, Ok if other == leader else Failed), f"{asked}"


@graded(points=2, title="One lease at a time", requirement="clocks that differ by a tenth")
def test_no_older_leader_sends_a_write_after_a_newer_one_while_clocks_run_a_tenth_wrong(
    lab: ElectionLab, sweep: Sweep
) -> None:
    """Nobody stands still here, so what is sent shows who believed in a lease, and when."""
    kinds = ("partition", "block", "crash", "clock", "link")
    for seed in sweep(3):
        wire = Wire()
        faults = trouble(seed, kinds, hit=WRITERS, until=1500 * MS, troubles=10)
        simulation = four(lab, seed, schedule=Schedule(faults), observers=[wire])
        work(lab, simulation, (4 * MS, 12 * MS), 120)
        simulation.run(2 * SECOND)
        can_write(lab, simulation)  # in the calm somebody can, whatever was before
        stores = [unwrapped(each.message)[1] for each in wire.sent_messages]
        tokens = [each.token for each in stores if isinstance(each, lab.Store)]
        assert tokens == sorted(tokens), "two had a lease at one time"


@graded(points=3, title="It stood still", requirement="Burrows 2006, 2.4: a delayed request")
def test_a_leader_that_stood_still_writes_with_an_old_token_and_is_refused(
    lab: ElectionLab, sweep: Sweep
) -> None:
    """It is asked to write while it stands still, and finds its lease good: no timer has told it
    anything else as yet."""
    for seed in sweep(3):
        simulation = four(lab, seed)
        simulation.run(500 * MS)
        old = can_write(lab, simulation)
        first = ask_ok(simulation, old, lab.Write("the first"))
        simulation.inject(Pause(simulation.now, old))
        late = simulation.call(old, lab.Write("too late"))
        simulation.run(simulation.now + 600 * MS)
        newer = can_write(lab, simulation, but=old)
        second = ask_ok(simulation, newer, lab.Write("the second"))
        assert second > first
        simulation.inject(Resume(simulation.now, old))
        simulation.run(simulation.now + 300 * MS)
        assert isinstance(late.outcome, Failed), f"the old leader was told {late}"
        lines = [text for _, text in ask_ok(simulation, "n1", lab.Read())]
        assert [text for text in lines if text != "who can?"] == ["the first", "the second"]


@graded(points=2, title="The fence", requirement="a token never falls, not even by a crash")
def test_the_resource_takes_equal_and_greater_tokens_and_refuses_lesser_ones(
    lab: ElectionLab,
) -> None:
    resource = Within(lab.Machine("n1", ("n2", "n3")))
    assert sent(resource.gets("n2", lab.Store(1, 3, "a"))) == [("n2", lab.Stored(1))]
    assert sent(resource.gets("n2", lab.Store(2, 3, "b"))) == [("n2", lab.Stored(2))]
    crashed = Within(lab.Machine("n1", ("n2", "n3")), resource.disk)
    assert crashed.asked(lab.Read()) == Ok(((3, "a"), (3, "b"))), "each line is on disk"
    taken = resource.gets("n3", lab.Store(1, 5, "c"))
    assert sent(taken) == [("n3", lab.Stored(1))]
    for number, old in ((3, 4), (4, 2)):
        refused = sent(resource.gets("n2", lab.Store(number, old, "d")))
        assert refused == [("n2", lab.Refused(number, 5))], "it is told the greatest one"
    saved = {each.key: each.value for each in effects_of(Save, taken)}
    again = Within(lab.Machine("n1", ("n2", "n3")), saved)
    assert sent(again.gets("n2", lab.Store(4, 4, "e"))) == [("n2", lab.Refused(4, 5))]
    assert sent(again.gets("n3", lab.Store(2, 5, "f"))) == [("n3", lab.Stored(2))]
    assert again.asked(lab.Read()) == Ok(((3, "a"), (3, "b"), (5, "c"), (5, "f")))
    assert sent(again.gets("n3", lab.Store(3, 5, ""))) == [("n3", lab.Stored(3))]
    third = Within(lab.Machine("n1", ("n2", "n3")), again.disk)
    assert third.asked(lab.Read()).value[-1] == (5, ""), "an empty line is one like any other"


@graded(points=2, title="The end is true", requirement="ok, failed or unknown")
def test_a_person_is_told_ok_failed_or_unknown_and_it_is_so(lab: ElectionLab) -> None:
    early = without_lease(lab)
    assert early.asked(lab.WhoLeads()) == Ok((1, "n2"))
    assert isinstance(early.asked(lab.Write("a")), Failed), "it leads, and has no lease so far"
    process = writer(lab)

    def told(effects: Sequence[Effect]) -> list[Any]:
        return [(each.call, each.outcome) for each in effects_of(Return, effects)]

    first = process.does(lab.Write("a"))
    call_of_a = process.calls
    number = sent(first)[0][1].number
    assert sent(first) == [("n1", lab.Store(number, 1, "a"))]
    assert waits(first) == {lab.NotStored(number): 100 * MS}
    quick = waits(writer(lab, stored_within=7).does(lab.Write("a")))
    assert [*quick.values()] == [7], "it waits as long as it was told"
    assert sent(process.does(lab.Write("b"))) == [("n1", lab.Store(number + 1, 1, "b"))]
    assert told(process.gets("n1", lab.Stored(number))) == [(call_of_a, Ok(1))]
    assert told(process.fires(lab.NotStored(number))) == [], "it has ended"
    third = sent(process.does(lab.Write("c")))[0][1]
    process.does(lab.Write("d"))
    [(call, outcome)] = told(process.fires(lab.NotStored(number + 1)))
    assert call == call_of_a + 1
    assert isinstance(outcome, Unknown), f"nobody knows whether b is taken; told was {outcome}"
    refused = process.gets("n1", lab.Refused(third.number, 6))
    [(call, outcome)] = told(refused)
    assert call == call_of_a + 2
    assert isinstance(outcome, Failed), f"the resource will never take it; told was {outcome}"
    assert lab.ElectionTimeout() in waits(refused)
    assert process.asked(lab.WhoLeads()) == Ok((6, None))
    assert isinstance(process.asked(lab.Write("e")), Failed), "it leads no longer"
    assert told(process.gets("n1", lab.Stored(third.number))) == []
    late = process.gets("n1", lab.Refused(third.number, 6))
    assert told(late) == []
    assert waits(late) == {}, "it knows of that term already"
    assert process.asked(lab.WhoLeads()) == Ok((6, None))
    assert sent(process.gets("n3", lab.RequestVote(6))) == [("n3", lab.Vote(6))], (
        "of term 6 it has only heard: its vote is free"
    )
    older = writer(lab)
    [(_, store)] = sent(older.does(lab.Write("a")))
    [(_, lost)] = sent(older.does(lab.Write("b")))
    older.fires(lab.NotStored(lost.number))
    [(_, third_store)] = sent(older.does(lab.Write("c")))
    assert third_store.number > lost.number, "a number is used once, also when its write has ended"
    older.gets("n3", lab.Outdated(4))
    assert told(older.gets("n1", lab.Stored(store.number))) == [(older.calls - 2, Ok(1))], (
        "it was written in term 1"
    )
    assert told(older.gets("n1", lab.Refused(lost.number, 9))) == [], "it has ended"
    assert older.asked(lab.WhoLeads()) == Ok((9, None)), "and yet that tells of term 9"
    older.gets("n1", lab.Refused(third_store.number, 4))
    assert older.asked(lab.WhoLeads()) == Ok((9, None)), "nobody goes back to an earlier term"


@graded(points=1, title="After a crash", requirement="numbers of writes are used once")
def test_a_writer_that_crashed_takes_no_late_answer_for_that_of_a_new_write(
    lab: ElectionLab,
) -> None:
    process = writer(lab)
    saved = dict(process.disk)
    number = sent(process.does(lab.Write("a")))[0][1].number
    again = writer(lab, saved)
    assert sent(again.does(lab.Write("b")))[0][1].number > number
