"""Traces for the viewer's tests, written with the real recorder from events made by hand."""

import random
from itertools import count
from typing import Any

from common.contract import message, operation, timer
from common.contract.effects import Save
from common.contract.events import Fire, Invoke, Receive, Start
from common.trace.format import Meta
from common.trace.recorder import Recorder
from common.values.faults import (
    Crash,
    Fault,
    Heal,
    Link,
    Partition,
    Pause,
    Restart,
    Resume,
    Schedule,
    Twin,
)
from common.values.history import Failed, Ok, Operation, Outcome, Unknown
from common.values.units import MS, SECOND
from common.worlds import Scene
from tests.common.twin_nodes import Chooser, Wish, Wisher


@message
class RequestVote:
    term: int
    last_index: int


@message
class Vote:
    term: int
    granted: bool


@message
class Append:
    term: int
    entry: str


@message
class Appended:
    index: int


@message
class Put:
    key: str
    value: int


@message
class Done:
    value: int | None = None


@timer
class ElectionTimeout:
    term: int


@operation
class Write:
    key: str
    value: int


class Script:
    """Says, in one line each, what happens in a run; keeps the lines of its trace."""

    def __init__(self, meta: Meta) -> None:
        self.lines: list[str] = []
        self.recorder = Recorder(self.lines.append, meta)
        self.now = 0
        self.numbers = count(1)
        self.status: dict[str, dict[str, object]] = {}

    def at(self, milliseconds: float) -> None:
        self.now = round(milliseconds * MS)

    def start(self, node: str, **status: object) -> None:
        self.status[node] = status
        self.recorder.stepped(self.now, node, Start(self.now, {}), None, status)

    def fire(self, node: str, timer: object, **changes: object) -> None:
        self.status[node] = self.status.get(node, {}) | changes
        self.recorder.stepped(self.now, node, Fire(self.now, 1, timer), None, self.status[node])

    def send(self, node: str, to: str, message: object, lost: str | None = None) -> int:
        number = next(self.numbers)
        self.recorder.sent(self.now, node, to, message, number)
        if lost:
            self.recorder.dropped(self.now, node, to, number, lost)
        return number

    def receive(
        self, node: str, sender: str, number: int, message: object, **changes: object
    ) -> None:
        self.status[node] = self.status.get(node, {}) | changes
        event = Receive(self.now, sender, message)
        self.recorder.stepped(self.now, node, event, number, self.status[node])

    def save(self, node: str, *keys: str) -> None:
        self.recorder.saved(self.now, node, [Save(key, 0) for key in keys])

    def note(self, node: str, text: str, **fields: object) -> None:
        self.recorder.noted(self.now, node, text, fields)

    def fault(self, fault: Fault) -> None:
        self.recorder.failed(self.now, fault)

    def call(self, node: str, function: str, key: Any, argument: object = None) -> Operation:
        operation = Operation(node, function, key, argument, self.now)
        self.recorder.called(self.now, node, operation)
        event = Invoke(self.now, 1, Write(key, 0))
        self.recorder.stepped(self.now, node, event, None, {})
        return operation

    def end(self, node: str, operation: Operation, outcome: Outcome) -> None:
        operation.outcome = outcome
        self.recorder.returned(self.now, node, operation)


def election() -> list[str]:
    """Everything that the picture can show, in one short run: an election, a partition, a crash."""
    s = Script(Meta("raft", ("n1", "n2", "n3"), ("c1",), 7))
    for node in ("n1", "n2", "n3"):
        s.start(node, role="follower", term=0, log=[])
    s.at(151)
    s.fire("n1", ElectionTimeout(0), role="candidate", term=1)
    s.save("n1", "term", "vote")
    asked = {to: s.send("n1", to, RequestVote(1, 0)) for to in ("n2", "n3")}
    s.at(158.2)
    s.receive("n2", "n1", asked["n2"], RequestVote(1, 0), term=1)
    s.save("n2", "term", "vote")
    vote = s.send("n2", "n1", Vote(1, True))
    s.at(163.5)
    s.receive("n3", "n1", asked["n3"], RequestVote(1, 0), term=1)
    s.save("n3", "term", "vote")
    late = s.send("n3", "n1", Vote(1, True), lost="loss")
    s.at(169)
    s.receive("n1", "n2", vote, Vote(1, True), role="leader")
    s.note("n1", "elected", term=1)
    assert late
    s.at(180)
    first = s.call("c1", "write", "x", 3)
    put = s.send("c1", "n1", Put("x", 3))
    s.at(187)
    s.receive("n1", "c1", put, Put("x", 3), log=["x=3"])
    s.save("n1", "log")
    copies = {to: s.send("n1", to, Append(1, "x=3")) for to in ("n2", "n3")}
    s.at(194)
    s.receive("n2", "n1", copies["n2"], Append(1, "x=3"), log=["x=3"])
    answer = s.send("n2", "n1", Appended(1))
    s.at(197.5)
    s.receive("n2", "n1", copies["n2"], Append(1, "x=3"))
    s.at(198)
    s.fault(Partition(s.now, (("n1", "c1"), ("n2", "n3"))))
    s.at(201)
    s.recorder.dropped(s.now, "n1", "n3", copies["n3"], "partition")
    s.at(204)
    s.receive("n1", "n2", answer, Appended(1), committed=1)
    done = s.send("n1", "c1", Done())
    s.at(211)
    s.receive("c1", "n1", done, Done())
    s.end("c1", first, Ok())
    _deposed(s)
    return s.lines


def _deposed(s: Script) -> None:
    s.at(230)
    second = s.call("c1", "write", "x", 4)
    put = s.send("c1", "n1", Put("x", 4))
    s.at(236)
    s.receive("n1", "c1", put, Put("x", 4), log=["x=3", "x=4"])
    for to in ("n2", "n3"):
        s.send("n1", to, Append(1, "x=4"), lost="partition")
    s.at(320)
    s.fire("n3", ElectionTimeout(1), role="candidate", term=2)
    ask = s.send("n3", "n2", RequestVote(2, 1))
    s.send("n3", "n1", RequestVote(2, 1), lost="partition")
    s.at(327)
    s.receive("n2", "n3", ask, RequestVote(2, 1), term=2)
    vote = s.send("n2", "n3", Vote(2, True))
    s.at(335)
    s.receive("n3", "n2", vote, Vote(2, True), role="leader")
    s.note("n3", "elected", term=2)
    s.at(340)
    s.fault(Crash(s.now, "n1"))
    s.at(341)
    s.fault(Pause(s.now, "n2"))
    s.at(380)
    s.end("c1", second, Unknown("timed out"))
    s.at(400)
    s.fault(Heal(s.now))
    s.fault(Link(s.now, latency=(5 * MS, 9 * MS), loss=0.1))
    s.at(410)
    s.fault(Resume(s.now, "n2"))
    s.fault(Restart(s.now, "n1"))
    s.start("n1", role="follower", term=1, log=["x=3", "x=4"])
    s.at(430)
    third = s.call("c1", "read", "x")
    get = s.send("c1", "n3", Put("x", 0))
    s.at(437)
    s.receive("n3", "c1", get, Put("x", 0))
    s.note("n3", "reads without a quorum")
    back = s.send("n3", "c1", Done(None))
    s.send("n3", "n1", Append(2, "x=5"))
    s.at(444)
    s.receive("c1", "n3", back, Done(None))
    s.end("c1", third, Failed("no value"))
    sentence = "read of x gave nothing after the write of 3 had been acknowledged"
    s.recorder.verdict(s.now, "c1", "linearizable", "no", sentence, calls=(3,))


def chatter(messages: int, nodes: int = 5, seed: int = 1) -> list[str]:
    """A long run of random messages, some lost, with a partition in the middle."""
    names = tuple(f"n{number}" for number in range(1, nodes + 1))
    s = Script(Meta("gossip", names, (), seed))
    draw = random.Random(seed)
    for name in names:
        s.start(name, heard=0)
    under_way: list[tuple[int, int, str, str]] = []
    heard = dict.fromkeys(names, 0)
    for number in range(messages):
        s.now += draw.randrange(200, 3_000)
        while under_way and under_way[0][0] <= s.now:
            arrival, message, sender, to = under_way.pop(0)
            now, s.now = s.now, arrival
            heard[to] += 1
            s.receive(to, sender, message, Append(number, "x"), heard=heard[to])
            s.now = now
        if number == messages // 2:
            s.fault(Partition(s.now, (names[:2], names[2:])))
        if number == messages * 3 // 4:
            s.fault(Heal(s.now))
        sender, to = draw.sample(names, 2)
        lost = "loss" if draw.random() < 0.08 else None
        sent = s.send(sender, to, Append(number, "x"), lost)
        if not lost:
            under_way.append((s.now + draw.randrange(1_000, 12_000), sent, sender, to))
            under_way.sort()
    return s.lines


def twins() -> list[str]:
    """A node that runs twice, and tells its two halves of the network different things."""
    halves = (("n2", "c1"), ("n3", "n4", "c2"))
    scene = Scene(
        "twins",
        dict.fromkeys(("n1", "n2", "n3", "n4"), Chooser),
        {"c1": Wisher, "c2": Wisher},
        schedule=Schedule([Twin(0, "n1", halves)]),
    )
    scene.call("c1", Wish("a"))
    scene.call("c2", Wish("b"))
    scene.run(SECOND)
    return scene.lines.splitlines()
