"""Graded suite of the lab ``failures``, fourth part: replicas that lie."""

from collections.abc import Sequence
from random import Random
from typing import Any

from common.contract.effects import CancelTimer, Return, Send
from common.contract.events import Invoke, NodeId, Receive, Start
from common.contract.lies import Behaviour, Liar
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import ByHand, Wire, ask, linked, wait_for
from common.sim.network import LinkModel
from common.sim.simulation import Simulation
from common.values.faults import Block, Corrupt, Crash, Fault, Restart, Schedule
from common.values.history import Failed, Ok, Unknown
from common.values.units import MS, SECOND
from tests.stage1_foundations.failures.bank import THREE_MS
from tests.stage1_foundations.failures.lab import FailuresLab

LAB = "failures"

TRUE = {"earth": "3rd", "mars": "4th", "venus": "2nd", "pluto": None}

LIE = "9th"

BAD = LinkModel(latency=(1 * MS, 40 * MS), loss=0.2, duplicate=0.3, reorder=0.3)


def behaviours(lab: FailuresLab) -> dict[str, Behaviour]:
    """Ways of lying. Liars that lie alike help each other; one that repeats itself wants weight."""
    said: list[Any] = []

    def replay(liar: Liar, to: NodeId, answer: Any) -> list[object]:
        """Old answers, under their own numbers and under the present one."""
        said.append(answer)
        old = liar.random.choice(said)
        return [old, lab.Answer(answer.number, old.entry)]

    return {
        "lies": lambda liar, to, answer: [lab.Answer(answer.number, LIE)],
        "equivocates": lambda liar, to, answer: [
            lab.Answer(answer.number, f"{liar.random.randrange(3)}th")
        ],
        "insists": lambda liar, to, answer: [lab.Answer(answer.number, LIE)] * 9,
        "changes": lambda liar, to, answer: [
            lab.Answer(answer.number, LIE),
            lab.Answer(answer.number, "8th"),
        ],
        "hurries": lambda liar, to, answer: [
            lab.Answer(number, LIE) for number in range(answer.number, answer.number + 3)
        ],
        "replays": replay,
        "silent": lambda liar, to, answer: [],
    }


def replicas(
    lab: FailuresLab, seed: int | str, faults: Sequence[Fault] = (), count: int = 3, **options: Any
) -> Simulation:
    """So many replicas and one client."""
    names = [f"n{number}" for number in range(1, count + 1)]
    made: Simulation = lab.simulation(
        dict.fromkeys(names, lab.CatalogueReplica),
        {"c1": lab.VotingClient},
        seed=seed,
        schedule=Schedule(faults),
        behaviours=behaviours(lab),
        **options,
    )
    return made


def corrupted(lab: FailuresLab, seed: int, count: int) -> list[Fault]:
    """As many liars as are borne, each with a way of its own, drawn by the seed."""
    random = Random(seed)
    ways = list(behaviours(lab))
    liars = random.sample(range(1, count + 1), (count - 1) // 2)
    same = random.choice(ways) if random.random() < 0.5 else ""
    return [Corrupt(0, f"n{liar}", same or random.choice(ways)) for liar in liars]


@graded(points=1, title="A calm day", requirement="one question to each replica")
def test_honest_replicas_are_believed_after_one_question_to_each(lab: FailuresLab) -> None:
    wire = Wire()
    simulation = replicas(lab, 1, observers=[wire], link=THREE_MS)
    for key, entry in TRUE.items():
        asked = ask(simulation, "c1", lab.Lookup(key), within=10 * MS)
        assert asked.outcome == Ok(entry), f"all say {entry!r}: {asked}"
    simulation.run(10 * SECOND)
    assert len(wire.times_of(lab.Question)) == 3 * len(TRUE)


@graded(points=1, title="The bound", requirement="n >= 2f + 1: Schneider 1990")
def test_so_many_liars_are_borne_by_so_many_replicas(lab: FailuresLab) -> None:
    assert [lab.most_faulty(count) for count in range(1, 10)] == [0, 0, 1, 1, 2, 2, 3, 3, 4]


@graded(points=3, title="Never deceived", requirement="f + 1 equal answers: one is honest")
def test_with_at_most_f_liars_the_answer_is_true_and_there_is_one(
    lab: FailuresLab, sweep: Sweep
) -> None:
    for seed in sweep(25):
        for count in (3, 5, 7):
            simulation = replicas(lab, seed, corrupted(lab, seed, count), count)
            for key, entry in TRUE.items():
                asked = ask(simulation, "c1", lab.Lookup(key), within=500 * MS)
                assert asked.outcome == Ok(entry), f"{count} replicas, {entry!r} is true: {asked}"


@graded(points=2, title="Liars and losses", requirement="silent ones are asked again")
def test_with_liars_and_losses_no_answer_is_false_and_all_come(
    lab: FailuresLab, sweep: Sweep
) -> None:
    """Of the five rounds of a lookup the first three are on bad links, and the others on good ones:
    so that it is no matter of luck whether enough replicas are heard."""
    for seed in sweep(15):
        faults = corrupted(lab, seed, 5)
        faults += [Crash(60 * MS, "c1"), Restart(70 * MS, "c1")]
        simulation = replicas(lab, seed, faults, 5, link=BAD)
        simulation.call("c1", lab.Lookup("mars"))
        simulation.run(80 * MS)
        for key, entry in TRUE.items():
            simulation.inject(linked(simulation.now, BAD))
            asked = simulation.call("c1", lab.Lookup(key))
            simulation.run(simulation.now + 120 * MS)
            simulation.inject(linked(simulation.now, LinkModel(latency=(1 * MS, 20 * MS))))
            wait_for(simulation, asked)
            assert asked.outcome == Ok(entry), f"{entry!r} is true: {asked}"


@graded(points=2, title="Not enough", requirement="fewer than f + 1 equal answers: unknown")
def test_a_client_that_hears_too_few_says_unknown_and_believes_none(lab: FailuresLab) -> None:
    lost: dict[str, tuple[tuple[int, int, int], list[Fault]]] = {
        "one is heard": ((5, 5, 1), [Block(0, "n1", "c1"), Block(0, "n2", "c1")]),
        "the liar alone is heard": (
            (5, 5, 1),
            [Corrupt(0, "n3", "insists"), Crash(0, "n1"), Crash(0, "n2")],
        ),
        "two contradict": ((5, 1, 1), [Corrupt(0, "n3", "lies"), Crash(0, "n1")]),
        "none is heard": ((5, 5, 5), [Crash(0, "n1"), Crash(0, "n2"), Crash(0, "n3")]),
    }
    for what, (rounds, faults) in lost.items():
        wire = Wire()
        simulation = replicas(lab, 1, faults, observers=[wire])
        for _ in range(2):
            asked = ask(simulation, "c1", lab.Lookup("mars"), within=5 * SECOND)
            assert isinstance(asked.outcome, Unknown), f"{what}: {asked}"
        simulation.run(60 * SECOND)
        asked_of = [
            each.to for each in wire.sent_messages if isinstance(each.message, lab.Question)
        ]
        times = tuple(asked_of.count(f"n{number}") for number in (1, 2, 3))
        assert times == tuple(2 * each for each in rounds), (
            f"{what}: who has answered is asked no more, others in five rounds of each lookup; "
            f"n1, n2 and n3 were asked {times} times in two lookups"
        )
    client = ByHand(lab.VotingClient("c1", ("n1", "n2", "n3"), ask_again_after=9, rounds=2))
    for lookup in range(2):
        first = client.invoke(lab.Lookup("mars"))
        assert [each.to for each in first] == ["n1", "n2", "n3"]
        assert not client.invoke(lab.Lookup("venus")), "one lookup at a time"
        assert [type(each) for each in client.ended[2 * lookup :]] == [Failed], "it was not sent"
        entry = "4th" if lookup else None
        client.receive("n2", lab.Answer(first[0].message.number, entry))
        for rest in (["n1", "n3"], []):
            assert not client.wait(8)
            assert [each.to for each in client.wait(1)] == rest, "two rounds, with 9 µs between"
        told = client.ended[2 * lookup + 1 :]
        assert [type(each) for each in told] == [Unknown], f"n2 alone said {entry}: {told}"


def asked_with(lab: FailuresLab, client: Any, key: str, call: int = 1) -> int:
    """Let a client begin a lookup; returns the number of its question."""
    effects = client.step(Invoke(0, call, lab.Lookup(key)))
    questions: list[Any] = [effect.message for effect in effects if isinstance(effect, Send)]
    (number,) = {question.number for question in questions}
    return int(number)


@graded(points=3, title="One replica, one vote", requirement="votes are counted by replica")
def test_a_liar_that_repeats_itself_has_one_vote(lab: FailuresLab) -> None:
    client = lab.VotingClient("c1", ("n1", "n2", "n3"))
    client.step(Start(0, {}))
    number = asked_with(lab, client, "mars")
    silent = lab.VotingClient("c1", ("n1", "n2", "n3"))
    silent.step(Start(0, {}))
    nothing = lab.Answer(asked_with(lab, silent, "mars"), None)
    assert not silent.step(Receive(1, "n3", nothing)), "who has not answered says nothing"
    for _ in range(5):
        assert not client.step(Receive(1, "n3", lab.Answer(number, LIE))), "one liar, one vote"
    assert not client.step(Receive(2, "n1", lab.Answer(number, "4th")))
    assert not client.step(Receive(2, "n3", lab.Answer(number, "4th"))), "it has voted already"
    assert not client.step(Receive(3, "n9", lab.Answer(number, "4th"))), "n9 is no replica"
    assert not client.step(Receive(3, "n2", lab.Answer(number + 1, "4th"))), "another question"
    effects = client.step(Receive(4, "n2", lab.Answer(number, "4th")))
    assert [effect for effect in effects if isinstance(effect, Return)] == [Return(1, Ok("4th"))]
    assert any(isinstance(effect, CancelTimer) for effect in effects), "there is no round to come"
    must_believe_no_majority_of_those_heard(lab)


def must_believe_no_majority_of_those_heard(lab: FailuresLab) -> None:
    """Five replicas, two liars: what two of the first three say may be their lie.

    And who has said that there is no entry has said something.
    """
    for first in (LIE, None):
        client = ByHand(lab.VotingClient("c1", ("n1", "n2", "n3", "n4", "n5")))
        (asked, *_) = client.invoke(lab.Lookup("mars"))
        for replica, entry in (
            *(("n1", first), ("n2", "4th"), ("n3", first)),
            *(("n3", "4th"), ("n1", "4th"), ("n4", "4th")),
        ):
            client.receive(replica, lab.Answer(asked.message.number, entry))
            assert not client.ended, f"{client.ended}, and no three said the same at first"
        client.receive("n5", lab.Answer(asked.message.number, "4th"))
        assert client.ended == [Ok("4th")], "three of five say so, and two may lie"
    too_many = ByHand(lab.VotingClient("c1", ("n1", "n2", "n3")))
    (asked, *_) = too_many.invoke(lab.Lookup("mars"))
    for replica, entry in (("n1", LIE), ("n2", "4th"), ("n3", None)):
        too_many.receive(replica, lab.Answer(asked.message.number, entry))
    too_many.wait(5 * SECOND)
    assert [type(each) for each in too_many.ended] == [Unknown], "all have answered, none alike"


@graded(points=2, title="Another question", requirement="a vote counts for its own question only")
def test_an_answer_to_an_earlier_question_is_no_vote_in_a_later_one(lab: FailuresLab) -> None:
    client = lab.VotingClient("c1", ("n1", "n2", "n3"))
    client.step(Start(0, {}))
    numbers: list[int] = []
    for call, key in enumerate(("earth", "mars"), 1):
        numbers += [asked_with(lab, client, key, call)]
        if call == 1:
            for replica in ("n1", "n2"):
                client.step(Receive(1, replica, lab.Answer(numbers[0], "3rd")))
    assert numbers[0] < numbers[1]
    for replica in ("n3", "n1", "n2"):
        late = client.step(Receive(2, replica, lab.Answer(numbers[0], "3rd")))
        assert not late, "that was the answer to another question"
    for life in (1, 2):
        again = lab.VotingClient("c1", ("n1", "n2", "n3"))
        again.step(Start(0, {"life": life}))
        number = asked_with(lab, again, "venus")
        assert number > numbers[1], "a number of an earlier life is used again"
