"""The demonstration of the lab ``rpc``: one deposit whose answer is lost, and a server too slow."""

from functools import partial

from common.contract.events import NodeId
from common.contract.node import Node
from common.contract.observer import Observer
from common.sim import LinkModel
from common.values.faults import Block, Crash, Fault, Heal, Pause, Restart, Resume, Schedule
from common.values.history import Ok
from common.values.report import Report
from common.values.units import MS, SECOND
from common.worlds import Scene, Work
from stage1_foundations.failures.account import Deposit, Statement
from stage2_communication.rpc.broken import CachingServer, CarelessServer
from stage2_communication.rpc.calls import Callee, Caller, Request
from stage2_communication.rpc.checks import at_most_once, streams_are_whole
from stage2_communication.rpc.once import RetryingCaller
from stage2_communication.rpc.served import Server
from stage2_communication.rpc.streams import Listen, StreamingCaller

SERVER, CALLERS = "n1", ("c1", "c2")
STEADY = LinkModel(latency=(5 * MS, 5 * MS))

LOST_ANSWER: tuple[Fault, ...] = (Block(0, SERVER, "c1"), Heal(40 * MS))
CRASH_AFTER: tuple[Fault, ...] = (
    Block(0, SERVER, "c1"),
    Crash(20 * MS, SERVER),
    Heal(30 * MS),
    Restart(30 * MS, SERVER),
)
CALM, LATE = 6 * SECOND, 3 * SECOND

BAD_DAYS: dict[str, tuple[Fault, ...]] = {
    "nothing goes wrong": (),
    "the request is lost, once": (Block(0, "c1", SERVER), Heal(40 * MS)),
    "the answer is lost, once": LOST_ANSWER,
    "it does it, dies, and comes back": CRASH_AFTER,
    "every request is lost": (Block(0, "c1", SERVER), Heal(LATE)),
    "every answer is lost": (Block(0, SERVER, "c1"), Heal(LATE)),
    "the server stands still for 3 s": (Pause(0, SERVER), Resume(LATE, SERVER)),
}
"""By what goes wrong, in words, the faults."""

PAIRS: dict[str, tuple[type[Node], type[Node]]] = {
    "no retries": (Callee, Caller),
    "careless": (CarelessServer, RetryingCaller),
    "a cache": (CachingServer, RetryingCaller),
    "a table": (Server, StreamingCaller),
}
"""By how it is done, the classes of the server and of the callers."""

LOAD_CALLERS, LOAD_CALLS, LOAD_WORK, LOAD_DEADLINE = 24, 15, 30 * MS, 500 * MS


def one_deposit(pair: str, faults: tuple[Fault, ...], seed: int) -> tuple[Scene, str, int]:
    """A deposit of 5 on a bad day: the scene, how it ended, how often it happened."""
    server, caller = PAIRS[pair]
    nodes, clients = {SERVER: server}, dict.fromkeys(CALLERS, caller)
    scene = Scene("rpc", nodes, clients, seed=seed, link=STEADY, schedule=Schedule(faults))
    asked = scene.call("c1", Deposit(5))
    scene.run(CALM)
    read = scene.ask("c2", Statement())
    assert isinstance(read.outcome, Ok), "nothing is in the way any more"
    entries = read.outcome.value
    assert isinstance(entries, tuple), "a statement is its entries"
    scene.judged("at most once", at_most_once(scene.history))
    return scene, type(asked.outcome).__name__.lower(), entries.count(5)


def demo(seed: int) -> Report:
    """Bad days of one deposit in four ways; then a server that is too slow; then a stream."""
    report = Report("Remote calls: what happened, and what was the caller told?")
    rows = []
    for day, faults in BAD_DAYS.items():
        ends = (one_deposit(pair, faults, seed)[1:] for pair in PAIRS)
        rows.append((day, *(f"{said}, {_times(times)}" for said, times in ends)))
    report.table("One deposit: how it ended, and how often it happened", ("", *PAIRS), rows)
    report.say(
        "Without retries one lost message is enough for unknown. With retries and no table calls "
        "happen twice. A cache in memory helps until the server dies at the wrong moment. With the "
        "table on disk no call happens twice, and unknown is left where nobody can know."
    )
    loads = [(name, *load(percent, seed)) for name, percent in BUDGETS.items()]
    headers = ("retries", "calls", "requests", "ok", "refused", "unknown")
    report.table("A server that is too slow: 24 callers, 30 ms a call", headers, loads)
    _show_stream(report, seed)
    scene = one_deposit("a table", LOST_ANSWER, seed)[0]
    scene.trace(report, "rpc-retry", "a call whose answer is lost, and its retry")
    scene = one_deposit("a table", CRASH_AFTER, seed)[0]
    scene.trace(report, "rpc-crash", "the same, and the server dies in between")
    scene = one_deposit("careless", LOST_ANSWER, seed)[0]
    scene.trace(report, "rpc-careless", "broken on purpose: a retry is as good as a first call")
    return report


class Counted(Observer):
    """Counts the requests that leave."""

    def __init__(self) -> None:
        self.requests = 0

    def sent(self, at: int, node: NodeId, to: NodeId, message: object, number: int) -> None:
        """A message leaves."""
        self.requests += isinstance(message, Request)


BUDGETS = {"10 saved up": 0, "20 for 100 calls": 20, "as many as fit": 100_000}
"""By name, ``retry_percent``."""


def load(percent: int, seed: int) -> tuple[int, int, int, int, int]:
    """Callers that wait 500 ms at most, at a server that is too slow for them.

    Returns:
        How many calls, requests, and calls that ended ok, failed and unknown.
    """
    names = tuple(f"c{number}" for number in range(1, LOAD_CALLERS + 1))
    caller = partial(StreamingCaller, deadline=LOAD_DEADLINE, retry_percent=percent)
    server = partial(Server, work=LOAD_WORK)
    counted = Counted()
    scene = Scene(
        "rpc",
        {SERVER: server},
        dict.fromkeys(names, caller),
        seed=seed,
        recorded=False,
        observers=[counted],
        link=STEADY,
    )
    scene.begin(Work(lambda random, name, number: Deposit(number + 1), count=LOAD_CALLS))
    scene.work()
    ended = [type(each.outcome).__name__ for each in scene.history]
    ok, failed, unknown = (ended.count(name) for name in ("Ok", "Failed", "Unknown"))
    return len(ended), counted.requests, ok, failed, unknown


def _show_stream(report: Report, seed: int) -> None:
    """A stream over a network that loses a third, and over a crash of the server."""
    link = LinkModel(latency=(1 * MS, 30 * MS), loss=0.3, duplicate=0.2)
    faults = Schedule((Crash(2 * SECOND, SERVER), Restart(2200 * MS, SERVER)))
    clients = {"c1": partial(StreamingCaller, deadline=20 * SECOND)}
    scene = Scene("rpc", {SERVER: Server}, clients, seed=seed, link=link, schedule=faults)
    for amount in range(1, 31):
        scene.call("c1", Deposit(amount))
    scene.run(1900 * MS)
    heard = scene.ask("c1", Listen())
    verdict = scene.judged("streams are whole", streams_are_whole(scene.history))
    assert isinstance(heard.outcome, Ok), "a stream goes on until it is whole"
    assert isinstance(heard.outcome.value, tuple), "a stream is its entries"
    said = f"{len(heard.outcome.value)} entries over losses and a crash. {verdict.sentence}"
    report.judged("a stream is whole, in order, nothing twice", verdict.answer.value, said)
    scene.trace(report, "rpc-stream", "a stream over losses and a crash")


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "TWICE"}.get(count, f"{count} TIMES")
