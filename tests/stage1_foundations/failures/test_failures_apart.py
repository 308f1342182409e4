"""Graded suite of the lab ``failures``, third part: what can be told from outside.

The tests run the world twice, with two different things going wrong, and show first that the
observer's whole view of both runs is the same, byte for byte. Then whatever it says, it must say in
both; and what is said must be true in both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from common.course.suites.grading import Sweep, graded
from common.sim.simulation import Simulation
from common.values.faults import Block, Crash, Fault, Heal, Partition, Pause, Resume
from common.values.history import Operation, Unknown
from common.values.units import MS, SECOND
from tests.stage1_foundations.failures.bank import (
    CLIENTS,
    GIVEN_UP,
    SERVER,
    THREE_MS,
    Told,
    bank,
    entries,
    trouble,
)
from tests.stage1_foundations.failures.lab import FailuresLab

LAB = "failures"

CALM = 5 * SECOND
"""Long after the client has given up, what can end ends."""


@dataclass
class Run:
    """One world: c1 deposited 5 at time 0, and something went wrong.

    Attributes:
        simulation: the world, at the time at which the client has been told something.
        wire: what was seen in it.
        asked: the deposit.
    """

    simulation: Simulation
    wire: Told
    asked: Operation

    @property
    def view(self) -> str:
        """Everything that ever happened to c1: all that it can know."""
        return "\n".join(self.wire.told["c1"])

    def seen(self, lab: FailuresLab) -> list[Any]:
        """What c1 sent and received, as the lab's functions want it."""
        seen: list[tuple[int, Any]] = [
            (at, lab.Sent(at, message.number))
            for at, sender, _, message in self.wire.sent_messages
            if sender == "c1"
        ]
        seen += [
            (at, lab.Received(at, message.number))
            for at, node, message in self.wire.received
            if node == "c1"
        ]
        return [event for _, event in sorted(seen, key=lambda pair: pair[0])]


def run(lab: FailuresLab, faults: Sequence[Fault]) -> Run:
    """Run until c1 has been told how its deposit ended, or has given up."""
    wire = Told()
    simulation = bank(lab, 1, faults, clients=("c1", "c2"), observers=[wire], link=THREE_MS)
    asked = simulation.call("c1", lab.Deposit(5))
    simulation.run(GIVEN_UP)
    return Run(simulation, wire, asked)


def happened(lab: FailuresLab, run: Run) -> bool:
    """Whether the deposit is in the statement once the world is calm; c2 looks."""
    run.simulation.inject(Heal(run.simulation.now))
    run.simulation.run(CALM)
    return 5 in entries(lab, run.simulation, "c2")


LOST_REQUEST = (Block(0, "c1", SERVER),)
LOST_ANSWER = (Block(0, SERVER, "c1"),)
DEAD = (Crash(0, SERVER),)
SLOW = (Pause(0, SERVER), Resume(4 * SECOND, SERVER))
CUT = (Partition(0, ((SERVER,), ("c1", "c2"))),)


@graded(points=3, title="Lost request, lost answer", requirement="the same view: the same answer")
def test_a_lost_request_and_a_lost_answer_look_the_same_so_the_outcome_is_unknown(
    lab: FailuresLab,
) -> None:
    one, other = run(lab, LOST_REQUEST), run(lab, LOST_ANSWER)
    assert one.view == other.view, "c1 found a difference where there is none to be seen"
    assert one.asked.outcome == other.asked.outcome
    number = one.wire.sent_messages[0].message.number
    known = [lab.took_effect(each.seen(lab), number) for each in (one, other)]
    assert (happened(lab, one), happened(lab, other)) == (False, True), "the two worlds differ"
    assert isinstance(one.asked.outcome, Unknown), f"{one.asked} is a lie in one of two worlds"
    assert known == [lab.Known.UNKNOWN] * 2, f"{known[0]} is false in one of two worlds"


@graded(points=3, title="Slow or dead?", requirement="Fischer, Lynch and Paterson 1985")
def test_slow_and_dead_and_cut_off_look_the_same_until_an_answer_comes(lab: FailuresLab) -> None:
    runs = {"slow": run(lab, SLOW), "dead": run(lab, DEAD), "cut off": run(lab, CUT)}
    assert len({each.view for each in runs.values()}) == 1
    for what, each in runs.items():
        assert isinstance(each.asked.outcome, Unknown), f"{what}: {each.asked}"
        seen, now = each.seen(lab), each.simulation.now
        known = lab.has_crashed(seen, now)
        assert known is lab.Known.UNKNOWN, f"{what}, and {known} is false in one of three worlds"
        assert lab.lived_until(seen) is None, "it gave no sign of life at all"
    slow = runs["slow"]
    assert happened(lab, slow), "the paused server does what it was asked when it goes on"
    number = slow.wire.sent_messages[0].message.number
    assert lab.took_effect(slow.seen(lab), number) is lab.Known.YES, "the answer came, if late"


@graded(points=2, title="An answer", requirement="it tells of the past, and of nothing else")
def test_an_answer_proves_that_it_happened_and_not_that_its_sender_still_lives(
    lab: FailuresLab,
) -> None:
    """The server answers and dies in the same instant, or lives on: c1 sees the same."""
    lives = run(lab, ())
    answered = lives.wire.times_of(lab.Reply)[0]
    dies = run(lab, (Crash(answered + 1, SERVER),))
    assert lives.view == dies.view
    for each in (lives, dies):
        seen = each.seen(lab)
        number = each.wire.sent_messages[0].message.number
        assert lab.took_effect(seen, number) is lab.Known.YES
        assert lab.took_effect(seen, number + 1) is lab.Known.NO, "that was never sent"
        later = [lab.Sent(0, number - 1), *seen]
        assert lab.took_effect(later, number - 1) is lab.Known.UNKNOWN, "that was not answered"
        assert lab.has_crashed(seen, each.simulation.now) is lab.Known.UNKNOWN
        assert lab.has_crashed(seen, each.simulation.now, 10 * MS) is lab.Known.UNKNOWN, (
            "everything was answered, so no bound is broken; but nobody asked since"
        )
        sent = each.wire.times_of(lab.Request)[0]
        assert lab.lived_until(seen) == sent, "it lived after that, and nobody knows how long"
    crossed = (lab.Sent(0, 1), lab.Received(5, 1), lab.Sent(5, 1))
    assert lab.took_effect(crossed, 1) is lab.Known.YES, "a repetition takes no answer back"
    assert lab.took_effect((), 1) is lab.Known.NO, "nothing at all was sent"


@graded(points=2, title="Signs of life", requirement="alive after the request, till who knows when")
def test_the_latest_sign_of_life_is_when_the_answered_request_was_first_sent(
    lab: FailuresLab,
) -> None:
    sent, received = lab.Sent, lab.Received
    cases: list[tuple[list[Any], int | None]] = [
        ([], None),
        ([sent(10, 1), sent(20, 2)], None),
        ([sent(10, 1), received(900, 1)], 10),
        ([sent(0, 1), received(900, 1)], 0),
        ([sent(10, 1), sent(500, 1), received(900, 1)], 10),
        ([sent(10, 1), received(20, 1), sent(30, 2)], 10),
        ([sent(10, 1), received(20, 1), sent(30, 1), received(40, 1)], 10),
        ([sent(10, 1), sent(30, 2), received(40, 2), received(900, 1)], 30),
        ([sent(10, 1), received(20, 1), sent(30, 2), received(40, 2), received(50, 2)], 30),
        ([sent(10, 5), sent(30, 2), received(40, 2), received(50, 5)], 30),
    ]
    for seen, expected in cases:
        assert lab.lived_until(seen) == expected, seen


@graded(points=2, title="With a bound", requirement="in a synchronous system silence is a proof")
def test_with_a_bound_on_all_delays_a_longer_silence_proves_a_crash(
    lab: FailuresLab, sweep: Sweep
) -> None:
    """Links take 3 ms each way and a flush half one: 10 ms is a bound that always holds here."""
    bound = 10 * MS
    for seed in sweep(10):
        at = Random(seed).randrange(40 * MS)
        wire = Told()
        faults = [Crash(at, SERVER)]
        simulation = bank(lab, seed, faults, clients=("c1",), observers=[wire], link=THREE_MS)
        known = None
        for now in range(0, 120 * MS, 1 * MS):
            if now % (7 * MS) == 0:
                asked = simulation.call("c1", lab.Deposit(now + 1))
            simulation.run(now)
            seen = Run(simulation, wire, asked).seen(lab)
            known = lab.has_crashed(seen, now, bound)
            assert known is not lab.Known.NO, "it may have crashed after its latest answer"
            assert known is not lab.Known.YES or now >= at, f"at {now} µs; it crashes at {at} µs"
            assert lab.has_crashed(seen, now) is lab.Known.UNKNOWN, "without a bound nobody knows"
        assert known is lab.Known.YES, f"it has been silent for more than {bound} µs"
    once = (lab.Sent(0, 1),)
    assert lab.has_crashed(once, bound, bound) is lab.Known.UNKNOWN, "the answer may come just now"
    assert lab.has_crashed(once, bound + 1, bound) is lab.Known.YES
    assert lab.has_crashed(once, 1, 0) is lab.Known.YES, "a bound of 0 is a bound"
    for more in (lab.Sent(bound, 1), lab.Sent(1, 2)):
        late = (*once, more, lab.Received(bound, 2))
        known = lab.has_crashed(late, bound + 1, bound)
        assert known is lab.Known.YES, f"request 1 was sent at 0, and never answered: {late}"


@graded(points=2, title="Whatever happens", requirement="what is known is true, in every world")
def test_what_is_said_to_be_known_is_never_false(lab: FailuresLab, sweep: Sweep) -> None:
    kinds = ("partition", "block", "crash", "pause", "link", "disk")
    for seed in sweep(15):
        wire = Told()
        faults = trouble(seed, *kinds, until=1 * SECOND)
        simulation = bank(lab, seed, faults, clients=CLIENTS, observers=[wire])
        done = []
        for amount in (1, 2, 3, 4):
            if amount == 4:
                simulation.run(CALM)
            asked = simulation.call("c1", lab.Deposit(amount))
            simulation.run(simulation.now + 1 * MS)
            answers: set[Any] = set()
            while not answers or asked.returned_at is None:
                simulation.run(simulation.now + 1 * MS)
                seen = Run(simulation, wire, asked).seen(lab)
                number = max(event.number for event in seen)
                known = lab.took_effect(seen, number)
                assert known is not lab.Known.NO, "it is under way, and may arrive yet"
                answers.add(known)
            assert lab.Known.UNKNOWN in answers, "no answer is that quick"
            done += [amount] if known is lab.Known.YES else []
            until = lab.lived_until(seen)
            assert until is None or until <= max(wire.times_of(lab.Reply)), "it spoke no later"
        found = entries(lab, simulation, "c2")
        assert set(done) <= set(found), f"{done} are said to have happened, and {found} have"
        assert 4 in done, "all is calm, and it was answered"
