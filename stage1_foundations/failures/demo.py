"""The demonstration of the lab ``failures``: each kind of failure once, and what clients say of it.

One deposit of 5 is made in each world; a second client reads the statement when all is calm again.
"""

import json
from dataclasses import dataclass
from random import Random

from common.check.explorer import explore_instance
from common.check.verdict import Answer, Verdict
from common.contract.lies import Liar
from common.contract.node import Node
from common.sim import LinkModel
from common.sim.chaos import random_schedule
from common.values.faults import (
    Block,
    Corrupt,
    Crash,
    Fault,
    Heal,
    Link,
    Partition,
    Pause,
    Restart,
    Resume,
    Schedule,
)
from common.values.history import Failed, Ok, Operation, Outcome
from common.values.report import Report
from common.values.units import MS, SECOND, show_time
from common.worlds import Scene, Work
from common.worlds.examples import trace_of
from stage1_foundations.failures.account import AccountServer, Deposit, Statement
from stage1_foundations.failures.checks import check_honesty, some_command
from stage1_foundations.failures.client import AccountClient
from stage1_foundations.failures.detect import Classify, HeartbeatDetector
from stage1_foundations.failures.hasty import HastyClient
from stage1_foundations.failures.masking import Answer as Entry
from stage1_foundations.failures.masking import CatalogueReplica, Lookup, VotingClient
from stage1_foundations.failures.small import HASTY

SERVER, CLIENTS = "n1", ("c1", "c2")
AMOUNT = 5
OVER, CALM = 3 * SECOND, 6 * SECOND
"""When a long trouble is over, and when the second client looks."""

STEADY = LinkModel(latency=(3 * MS, 3 * MS))
BAD = LinkModel(latency=(1 * MS, 20 * MS), loss=0.1, duplicate=0.1)
SWEEP = 20
"""How many runs with three clients under all kinds of trouble each client has to stand."""

SEVERED = ((SERVER,), CLIENTS)

WORLDS: dict[str, tuple[str, tuple[Fault, ...]]] = {
    "none": ("nothing goes wrong", ()),
    "crash": (
        "crash: the server dies before it is asked, and comes back much later",
        (Crash(0, SERVER), Restart(OVER, SERVER)),
    ),
    "crash-after": (
        "crash: it does it, dies, its answer is lost; soon it is back",
        (Block(0, SERVER, "c1"), Crash(10 * MS, SERVER), Heal(40 * MS), Restart(40 * MS, SERVER)),
    ),
    "request-lost": ("omission: every request is lost", (Block(0, "c1", SERVER), Heal(OVER))),
    "answer-lost": ("omission: every answer is lost", (Block(0, SERVER, "c1"), Heal(OVER))),
    "one-answer-lost": ("omission: one answer is lost", (Block(0, SERVER, "c1"), Heal(30 * MS))),
    "partition": ("partition: for three seconds", (Partition(0, SEVERED), Heal(OVER))),
    "slow-link": ("slow: answers take 120 ms", (Link(0, SERVER, "c1", (120 * MS, 120 * MS)),)),
    "slow": (
        "slow: the server stands still for three seconds",
        (Pause(0, SERVER), Resume(OVER, SERVER)),
    ),
}
"""By name, what goes wrong, in words and as faults."""


@dataclass(frozen=True, slots=True)
class Run:
    """One world with one client.

    Attributes:
        asked: the deposit, and how it ended.
        times: how often the deposit is in the statement in the end.
        lines: the trace.
    """

    asked: Operation
    times: int
    lines: str

    @property
    def saw(self) -> str:
        """What the client sent and heard until it spoke."""
        sent = heard = 0
        for line in map(json.loads, self.lines.splitlines()):
            if line.get("node") == "c1":
                if line["kind"] == "return":
                    break
                sent += line["kind"] == "send"
                heard += line["kind"] == "recv"
        return f"sent {sent}, heard {heard}"

    @property
    def said(self) -> str:
        """What the client said."""
        return type(self.asked.outcome).__name__.lower()

    @property
    def is_true(self) -> bool:
        """Whether what the client said is so."""
        match self.asked.outcome:
            case Ok():
                return self.times == 1
            case Failed():
                return self.times == 0
        return self.times <= 1


def run(client: type[Node], world: str, seed: int) -> Run:
    """Let c1 deposit in a world; c2 reads the statement in the calm."""
    scene = Scene(
        "failures",
        {SERVER: AccountServer},
        {"c1": client, "c2": AccountClient},
        seed=seed,
        link=STEADY,
        schedule=Schedule(WORLDS[world][1]),
    )
    asked = scene.call("c1", Deposit(AMOUNT))
    scene.run(CALM)
    read = scene.call("c2", Statement())
    scene.run(CALM + 1 * SECOND)
    assert isinstance(read.outcome, Ok), "nothing is in the way any more"
    scene.judged("the client tells the truth", check_honesty(scene.history))
    entries = read.outcome.value
    assert isinstance(entries, tuple), "a statement is its entries"
    return Run(asked, entries.count(AMOUNT), scene.lines)


def demo(seed: int) -> Report:
    """Break a bank in nine ways under two clients; then slow or dead; then liars."""
    report = Report("Ok, failed or unknown: what a client may say")
    report.say(
        "First the client that most programs have: it waits 50 ms, tries once more, and then says "
        "that the deposit failed. In each world it makes one deposit; in the calm afterwards "
        "somebody else counts how often it is in the statement."
    )
    hasty = {world: run(HastyClient, world, seed) for world in WORLDS}
    _table(report, "The hasty client", hasty)
    _show_the_shortest_lie(report)
    report.say(
        "Now the honest one. It repeats the same request under the same number, and says failed "
        "only if the server refused. Look at the worlds in which it heard nothing: it sent the "
        "same and heard the same, and yet the deposit happened in some of them."
    )
    honest = {world: run(AccountClient, world, seed) for world in WORLDS}
    _table(report, "The honest client", honest)
    for name, client in (("hasty", HastyClient), ("honest", AccountClient)):
        _judge(report, name, client, seed)
    _show_slow_or_dead(report, seed)
    _show_liars(report, seed)
    report.trace(
        "hasty-slow",
        "broken on purpose, the hasty client: the server stands still",
        hasty["slow"].lines,
    )
    for world, made in honest.items():
        report.trace(f"honest-{world}", f"honest: {WORLDS[world][0]}", made.lines)
    return report


def _show_the_shortest_lie(report: Report) -> None:
    """Let the explorer find what the hasty client needs to do harm: next to nothing."""
    found = explore_instance(HASTY)
    assert found.counter_example is not None, "the hasty client does harm"
    checks = [check_honesty]
    _, lines = trace_of("failures", HASTY, found.counter_example, found.broken, None, checks)
    steps = len(found.counter_example)
    sentence = f"{steps} steps are enough: nothing is lost, nobody crashes, an answer is only late."
    report.judged("the hasty client does no harm on a calm day", "no", sentence)
    report.trace(
        "hasty-shortest",
        "broken on purpose, the hasty client: the shortest way to pay twice",
        lines,
    )


def _table(report: Report, title: str, runs: dict[str, Run]) -> None:
    headers = ("what happened", "the client saw", "it said", "it is done", "was that true?")
    rows = [
        (WORLDS[world][0], made.saw, made.said, _times(made.times), "yes" if made.is_true else "NO")
        for world, made in runs.items()
    ]
    report.table(title, headers, rows)


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "TWICE"}.get(count, f"{count} TIMES")


def _judge(report: Report, name: str, client: type[Node], seed: int) -> None:
    """Three clients under all kinds of trouble at once, again and again."""
    names = ("c1", "c2", "c3")
    dishonest, first, count = 0, "", 0
    for run_seed in range(seed, seed + SWEEP):
        random = Random(f"{run_seed}/demo")
        schedule = random_schedule(random, (SERVER,), 2 * SECOND, others=names)
        clients = dict.fromkeys(names, client)
        scene = Scene(
            "failures",
            {SERVER: AccountServer},
            clients,
            seed=run_seed,
            recorded=False,
            schedule=schedule,
            link=BAD,
        )
        scene.begin(Work(some_command, think=(0, 60 * MS), patience=20 * SECOND))
        scene.run(CALM)
        verdict = check_honesty(scene.history)
        count += len(scene.history)
        if verdict.answer is Answer.NO:
            dishonest += 1
            first = first or verdict.sentence
    about = f"the {name} client tells the truth"
    if dishonest:
        report.judged(about, "no", f"It lied in {dishonest} of {SWEEP} runs. For example: {first}")
    else:
        report.judged(about, "yes", f"No lie in {count} operations of {SWEEP} runs.")


def _show_slow_or_dead(report: Report, seed: int) -> None:
    """One node watches another, in three worlds that look the same until one of them ends."""
    at, over = 1030 * MS, 3 * SECOND
    worlds: dict[str, tuple[Fault, ...]] = {
        "dead": (Crash(at, "n2"),),
        "slow": (Pause(at, "n2"), Resume(over, "n2")),
        "cut off": (Partition(at, (("n1",), ("n2",))), Heal(over)),
    }
    looks = (1 * SECOND, 1100 * MS, 1500 * MS, 2900 * MS, 3500 * MS)
    rows = []
    scenes = {}
    for world, faults in worlds.items():
        scenes[world] = scene = Scene(
            "failures",
            dict.fromkeys(("n1", "n2"), HeartbeatDetector),
            seed=seed,
            link=STEADY,
            schedule=Schedule(faults),
        )
        row: list[object] = [world]
        for look in looks:
            scene.run(look)
            asked = scene.call("n1", Classify("n2"))
            scene.run(look)
            row.append(_value(asked.outcome))
        rows.append(row)
    report.say(
        f"Slow or dead? From {show_time(at)} on n2 is dead, slow, or cut off, until "
        f"{show_time(over)}. What n1 thinks of it at certain times:"
    )
    report.table("Slow or dead", ("n2 is", *map(show_time, looks)), rows)
    suspected = looks[2]
    wrong = "From 1.5 s to 3 s n1 suspected n2, which was only slow; nothing else could be told."
    scenes["slow"].judged(
        "who is suspected is dead", Verdict(Answer.NO, wrong, at=suspected, node="n1")
    )
    scenes["slow"].trace(report, "slow-or-dead", "n1 suspects n2, which is only slow")


def _show_liars(report: Report, seed: int) -> None:
    """Three replicas hold a catalogue; one lies, or two of them."""
    rows = []
    scenes = {}
    for liars in ((), ("n3",), ("n2", "n3")):
        scenes[len(liars)] = scene = Scene(
            "failures",
            dict.fromkeys(("n1", "n2", "n3"), CatalogueReplica),
            {"c1": VotingClient},
            seed=seed,
            schedule=Schedule(Corrupt(0, liar, "lies") for liar in liars),
            behaviours={"lies": _lies},
        )
        asked = scene.call("c1", Lookup("mars"))
        scene.run(1 * SECOND)
        answer = _value(asked.outcome)
        is_true = answer == "4th"
        rows.append((" and ".join(liars) or "nobody", answer, "yes" if is_true else "NO"))
        told = Verdict(Answer.YES if is_true else Answer.NO, f"c1 was told: the {answer}.")
        scene.judged("the client is told the truth", told)
    report.say(
        "Byzantine: some replicas of a catalogue say that mars is the 9th planet. A client that "
        "asks three and believes what two say bears one liar. Two that lie alike deceive it, and "
        "nothing that it could do would help: to it, the third is the liar."
    )
    report.table("Liars", ("who lies", "mars is the", "is that true?"), rows)
    scenes[1].trace(report, "one-liar", "two honest replicas outvote a liar")


def _lies(liar: Liar, to: str, message: object) -> list[object]:
    del liar, to
    assert isinstance(message, Entry), "replicas send answers and nothing else"
    return [Entry(message.number, "9th")]


def _value(outcome: Outcome) -> object:
    return outcome.value if isinstance(outcome, Ok) else type(outcome).__name__.lower()
