"""The demonstration of the lab ``shards``: even shards, a migration, a crash in one."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from common.contract.events import NodeId
from common.contract.observer import Observer
from common.sim import LinkModel
from common.sim.host import Factory
from common.values.faults import Crash, Restart
from common.values.history import Ok
from common.values.report import Report
from common.values.units import MS, SECOND, show_time
from common.worlds import Scene
from stage3_partitioning.shards.checks import linearizable
from stage3_partitioning.shards.chunks import Table, first_table
from stage3_partitioning.shards.messages import (
    Append,
    Commit,
    Get,
    MoveChunk,
    MoveTo,
    Put,
    StaleConfig,
    Taken,
    Written,
)
from stage3_partitioning.shards.router import Router
from stage3_partitioning.shards.server import QuietServer, Server

THREE = ("n1", "n2", "n3")
STEADY = LinkModel(latency=(5 * MS, 5 * MS))
KEYS = tuple(f"user{number:02}" for number in range(24))
TIMES = (0, 500 * MS, SECOND, 2 * SECOND, 10 * SECOND)


class Seen(NamedTuple):
    """A message that left."""

    at: int
    sender: NodeId
    to: NodeId
    message: object


class Watcher(Observer):
    """Remembers what left, in order."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []

    def sent(self, at: int, node: NodeId, to: NodeId, message: object, number: int) -> None:
        """A message leaves."""
        self.seen.append(Seen(at, node, to, message))


def demo(seed: int) -> Report:
    """Three short stories."""
    report = Report("Sharding as in MongoDB: chunks move while clients write")
    _even(report, seed)
    _written_meanwhile(report, seed)
    _crashed(report, seed)
    return report


def _scene(seed: int, node: Factory, observers: Sequence[Observer] = ()) -> Scene:
    nodes = dict.fromkeys(THREE, node)
    clients: dict[NodeId, Factory] = {"c1": Router, "c2": Router}
    return Scene("shards", nodes, clients, seed=seed, link=STEADY, observers=observers)


def table_of(scene: Scene) -> Table:
    """The table on the config server's disk."""
    table = scene.on_disk("n1").get("table")
    return table if isinstance(table, Table) else first_table(THREE)


def documents_at(scene: Scene, node: NodeId) -> int:
    """How many documents are on a node's disk."""
    return sum(isinstance(key, tuple) and key[0] == "document" for key in scene.on_disk(node))


def value_of(scene: Scene, client: NodeId, key: str) -> object:
    """What a client is shown."""
    outcome = scene.ask(client, Get(key)).outcome
    return outcome.value if isinstance(outcome, Ok) else "nothing"


def _even(report: Report, seed: int) -> None:
    """All documents are at one shard: split, and spread."""
    report.say(f"{len(KEYS)} documents, at most 4 in a chunk; at first all keys are n1's.")
    scene = _scene(seed, partial(Server, most_documents=4, batch=4))
    for key in KEYS:
        scene.ask("c1", Put(key, "x"))
    begun, rows = scene.now, []
    for time in TIMES:
        scene.run(begun + time)
        table = table_of(scene)
        shares = [f"{len(table.chunks_of(n))} ({documents_at(scene, n)})" for n in THREE]
        rows.append((show_time(time), "{}.{}".format(*table.version), *shares))
    report.table("Chunks (and documents on disk)", ("after", "version", *THREE), rows)


KINDS = (MoveChunk, Taken, Commit, StaleConfig)
"""What the second story counts, and looks at the times of."""


def _written_meanwhile(report: Report, seed: int) -> None:
    """A chunk moves; a router with the old table writes into it."""
    report.say("All keys go from n1 to n2. Meanwhile c2 appends, by a table that becomes old.")
    watcher = Watcher()
    scene = _scene(seed, partial(QuietServer, batch=8), [watcher])
    for key in KEYS:
        scene.ask("c1", Put(key, "x"))
    begun = scene.now
    watcher.seen.clear()
    move = scene.call("c1", MoveTo(KEYS[0], "n2"))
    for number in range(12):
        scene.run(begun + (8 + 11 * number) * MS)
        scene.call("c2", Append(KEYS[0], str(number % 10)))
    scene.run(begun + SECOND)
    assert isinstance(move.outcome, Ok), move
    value = value_of(scene, "c1", KEYS[0])
    at = {kind: [each.at for each in watcher.seen if type(each.message) is kind] for kind in KINDS}
    answers = [each for each in watcher.seen if type(each.message) is Written]
    rows = [
        ("n1 is told to give the chunk away", show_time(at[MoveChunk][0] - begun)),
        ("n2 has deleted what lay there, and n1 sends", show_time(at[Taken][0] - begun)),
        ("the last batch is on n2's disk", show_time(at[Taken][-1] - begun)),
        ("n1 asks for the commit", show_time(at[Commit][0] - begun)),
        ("appends answered by n1", str(sum(each.sender == "n1" for each in answers))),
        ("appends answered by n2", str(sum(each.sender == "n2" for each in answers))),
        ("refusals (StaleConfig)", str(len(at[StaleConfig]))),
        ("the document in the end", str(value)),
    ]
    report.table("A migration while c2 writes", ("what", ""), rows)
    verdict = scene.judged("linearizable", linearizable(scene.history))
    report.judged("linearizable", verdict.answer.value, verdict.sentence)
    scene.trace(report, "shards-migration", "a chunk moves, and a router finds it")


def _crashed(report: Report, seed: int) -> None:
    """The config server and the donor crash when the commit is on its way."""
    report.say("A donor crashes with its Commit under way, and comes back. c2 looks meanwhile.")
    watcher = Watcher()
    scene = _scene(seed, QuietServer, [watcher])
    scene.ask("c1", Put(KEYS[0], "x"))
    scene.ask("c1", MoveTo(KEYS[0], "n2"))
    scene.run(scene.now + SECOND)
    rows = []
    for arrives in (True, False):
        watcher.seen.clear()
        target = "n3" if arrives else "n2"
        donor = "n2" if arrives else "n3"
        scene.call("c1", MoveTo(KEYS[0], target))
        scene.run_until(
            lambda: any(type(each.message) is Commit for each in watcher.seen),
            scene.now + SECOND,
        )
        crashed = scene.now
        scene.inject(Crash(crashed, donor))
        if not arrives:
            scene.inject(Crash(crashed, "n1"))
        look = scene.call("c2", Get(KEYS[0]))
        scene.run(crashed + 100 * MS)
        shown = "answered" if isinstance(look.outcome, Ok) else "nobody answers"
        scene.inject(Restart(scene.now, donor))
        scene.run(crashed + 300 * MS)
        later = "answered" if isinstance(look.outcome, Ok) else "nobody answers"
        scene.inject(Restart(scene.now, "n1"))
        scene.run(crashed + 3 * SECOND)
        owner = table_of(scene).chunks[0].shard
        rows.append(("arrives" if arrives else "is lost with n1", shown, later, owner))
    columns = ("the Commit", "at once", "the donor is back", "owner in the end")
    report.table("A donor that crashes in the critical section", columns, rows)
    verdict = scene.judged("linearizable", linearizable(scene.history))
    report.judged("linearizable", verdict.answer.value, verdict.sentence)
