"""The demonstration of the lab ``replication``: lag, what is lost, and how it is taken back."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from common.check.convergence import check_convergence
from common.check.verdict import Answer, Verdict
from common.contract import NodeId
from common.contract.events import Event
from common.contract.observer import Observer
from common.sim import LinkModel
from common.values.faults import Block, Crash, Fault, Heal, Link, Restart, Schedule
from common.values.history import Ok
from common.values.report import Report
from common.values.units import MS, SECOND
from common.worlds import Scene
from stage3_partitioning.replication.acknowledging import Mode
from stage3_partitioning.replication.broken import Believing, NoDisk
from stage3_partitioning.replication.checks import (
    consistent_prefix,
    monotonic_reads,
    read_your_writes,
)
from stage3_partitioning.replication.operator import Failover, Operator
from stage3_partitioning.replication.rejoin import Replica
from stage3_partitioning.replication.sessions import BOTH
from stage3_partitioning.replication.shipping import Get, Put

THREE = ("n1", "n2", "n3")
CLIENTS = ("c1", "c2", "op")
STEADY = LinkModel(latency=(5 * MS, 5 * MS))
CHECKS = {
    "read your writes": read_your_writes,
    "monotonic reads": monotonic_reads,
    "consistent prefix": consistent_prefix,
}
WRITES = 6
AWAY, BACK, END = 20 * MS, SECOND, 3 * SECOND


def demo(seed: int) -> Report:
    """Three short stories of a leader and two followers."""
    report = Report("Replication with one leader: lag, failover, and what is lost")
    _lag(report, seed)
    _failover(report, seed)
    _emptied(report, seed)
    return report


def _scene(
    seed: int,
    mode: Mode,
    faults: Sequence[Fault],
    node: type[Replica] = Replica,
    keeps: Sequence[str] = BOTH,
    observers: Sequence[Observer] = (),
) -> Scene:
    client = partial(Operator, servers=THREE, mode=mode, keeps=tuple(keeps))
    return Scene(
        "replication",
        dict.fromkeys(THREE, partial(node, mode=mode)),
        dict.fromkeys(CLIENTS, client),
        seed=seed,
        link=STEADY,
        schedule=Schedule(faults),
        checks=CHECKS,
        observers=observers,
    )


def _lag(report: Report, seed: int) -> None:
    """n3 gets everything 300 ms late; clients write, and read at any member."""
    report.say("What n1 ships to n3 is 300 ms under way. c1 and c2 write and read at any member.")
    rows = []
    late: list[Fault] = [Link(0, "n1", "n3", latency=(300 * MS, 300 * MS))]
    for name, keeps in (("no position", ()), ("with positions", BOTH)):
        watch = Watch()
        scene = _scene(seed, "async", late, keeps=keeps, observers=[watch])
        for number in range(WRITES):
            for client in ("c1", "c2"):
                scene.ask(client, Put("menu", f"{client}.{number}"))
                for _ in range(2):
                    scene.ask(client, Get("menu"))
        told = scene.verdicts()
        scene.judged("read your writes", told["read your writes"])
        rows.append((name, str(watch.behind), *(each.answer.value for each in told.values())))
        broken = "" if keeps else "broken on purpose: "
        scene.trace(report, f"replication-lag-{len(keeps)}", f"{broken}reads {name}")
    report.table("Are they kept?", ("reads", "n3 lacked up to", *CHECKS), rows)


def _failover(report: Report, seed: int) -> None:
    """n1 is cut off with c1, who goes on to write; the operator makes another member the leader."""
    report.say(
        "n1 is cut off, but not from c1, who goes on to write there. The operator makes another "
        "member the leader. Then n1 comes back."
    )
    others = ("n2", "n3", "c2", "op")
    cut: list[Fault] = [Heal(BACK)]
    for other in others:
        cut += [Block(AWAY, "n1", other), Block(AWAY, other, "n1")]
    rows = []
    modes: tuple[Mode, ...] = ("async", "semi-sync")
    for mode in modes:
        watch = Watch()
        scene = _scene(seed, mode, cut, observers=[watch])
        scene.ask("c1", Put("menu", "before"))
        scene.run(2 * AWAY)
        asked = [scene.call("c1", Put("menu", "cut off 0"))]
        for number in range(1, WRITES):
            scene.run(scene.now + 40 * MS)
            if asked[-1].returned_at is not None:
                asked.append(scene.call("c1", Put("menu", f"cut off {number}")))
        done = sum(isinstance(each.outcome, Ok) for each in asked)
        scene.ask("op", Failover())
        scene.ask("c2", Put("price", "10"))
        scene.run(END)
        same = check_convergence({id: _log(scene, id) for id in THREE})
        scene.judged("convergence", same)
        listed = sum(watch.each("lost"))
        rows.append((mode, str(done), str(listed), same.answer.value))
        scene.trace(report, f"replication-{mode}", f"a failover, {mode}")
    columns = ("mode", "done at the old leader", "taken back and listed", "all copies the same")
    report.table("What a failover costs", columns, rows)


def _emptied(report: Report, seed: int) -> None:
    """n1 has no disk, restarts, and leads again with nothing (redis#6434)."""
    report.say("n1 keeps nothing on disk. It restarts, and leads again, with an empty log.")
    rows = []
    for name, node in (("the leader is believed", Believing), ("no epoch goes back", NoDisk)):
        watch = Watch()
        restart: list[Fault] = [Crash(500 * MS, "n1"), Restart(600 * MS, "n1")]
        scene = _scene(seed, "async", restart, node, observers=[watch])
        for number in range(WRITES):
            scene.ask("c1", Put(f"dish {number}", "soup"))
        scene.run(BACK)
        scene.judged("followers keep what they have", _kept(watch))
        rows.append((name, *map(str, watch.each("keys"))))
        broken = "broken on purpose: " if node is Believing else ""
        scene.trace(report, f"replication-{node.__name__.lower()}", f"{broken}{name}")
    report.table(f"Which of {WRITES} keys are there after that", ("rule", *THREE), rows)


def _kept(watch: "Watch") -> Verdict:
    """Whether no follower has fewer keys than it had."""
    if watch.fell is None:
        return Verdict(Answer.YES, "Each follower still has what it had.")
    at, id = watch.fell
    return Verdict(Answer.NO, f"{id} has fewer keys than it had.", at=at, node=id)


class Watch(Observer):
    """Remembers what each member last showed of itself.

    Attributes:
        status: by member.
        fell: when a follower first had fewer keys than before, and which.
        behind: the most writes that the last member lacked.
    """

    def __init__(self) -> None:
        self.status: dict[NodeId, Mapping[str, Any]] = {}
        self.fell: tuple[int, NodeId] | None = None
        self.behind = 0

    def stepped(
        self, at: int, node: NodeId, event: Event, number: int | None, status: Mapping[str, Any]
    ) -> None:
        """A node has done something."""
        before = self.status.get(node, {}).get("keys", 0)
        if node in THREE[1:] and status["keys"] < before and self.fell is None:
            self.fell = (at, node)
        self.status[node] = status
        leader = self.status.get(THREE[0], {}).get("offset", 0)
        if node == THREE[-1]:
            self.behind = max(self.behind, leader - status["offset"])

    def each(self, field: str) -> list[int]:
        """What the members show under this name."""
        return [self.status[id][field] for id in THREE]


def _log(scene: Scene, id: NodeId) -> object:
    """The log that a member has on disk, place by place."""
    disk: Mapping[Any, Any] = scene.on_disk(id)
    return sorted((key[1], entry) for key, entry in disk.items() if key[0] == "entry")
