"""The demonstration of the lab ``log``: what leader epochs are for, and a broker that dies."""

from typing import Any

from common.check.verdict import Answer, Verdict
from common.values.faults import Block, Crash, Heal, Restart, Schedule
from common.values.history import Ok
from common.values.report import Report
from common.values.units import MS, SECOND
from common.worlds import Scene, Size, Work
from stage8_real_systems.log.alone import (
    Append,
    Contents,
    FenceBroker,
    LoneController,
    LoneReplica,
)
from stage8_real_systems.log.broken import CutsAtHighWatermark
from stage8_real_systems.log.checks import some_consuming
from stage8_real_systems.log.worlds import WORLDS

DIES, BACK = 700 * MS, 1300 * MS


def demo(seed: int) -> Report:
    """Two replicas with and without epochs; then a whole cluster with a group."""
    report = Report("log: what was acknowledged stays")
    report.say(
        "Two replicas; n1 leads. A producer is told that a and b are on both. Just then n2, which "
        "has not heard yet that b is committed, crashes and comes back; then n1 dies, and n2 leads."
    )
    rows = []
    kinds: tuple[tuple[str, type[LoneReplica]], ...] = (
        ("broken on purpose: n2 cuts its log at its high watermark", CutsAtHighWatermark),
        ("n2 keeps it, and asks the leader where its epoch ends", LoneReplica),
    )
    for title, kind in kinds:
        scene = _a_follower_restarts(seed, kind)
        asked = scene.ask("n2", Contents())
        contents: Any = asked.outcome
        left = [text for _, text in contents.value]
        lost = left[:2] != ["a", "b"]
        rows.append((title, " ".join(left), "a and b are lost" if lost else ""))
        found = f"n2's log is {' '.join(left)}, and a and b were acknowledged."
        acknowledged = [each for each in scene.history if each.function == "append"][:2]
        proof = (*acknowledged, asked) if lost else ()
        verdict = Verdict(Answer.NO if lost else Answer.YES, found, proof)
        scene.judged("what was acknowledged stays", verdict)
        name = "log-epochs" if kind is LoneReplica else "log-high-watermark"
        scene.trace(report, name, title)
    report.table("After n2 has taken c", ("what n2 does", "its log", ""), rows)
    report.say(
        "Three brokers, and a group of three members that share two partitions. The leader of a "
        f"partition is killed at {DIES // MS} ms, and back at {BACK // MS} ms."
    )
    scene = _a_broker_dies(seed)
    report.say(_told(scene))
    for name in ("one log", "one owner", "never back"):
        scene.check(report, name)
    scene.trace(report, "log-broker-killed", "a broker is killed while a group consumes")
    return report


def _a_follower_restarts(seed: int, kind: type[LoneReplica]) -> Scene:
    def replica(id: str, peers: tuple[str, ...]) -> LoneReplica:
        return kind(id, peers, lag_time=100 * SECOND)

    scene = Scene("log", dict.fromkeys(("n1", "n2"), replica), {"ctl": LoneController}, seed=seed)
    scene.run(100 * MS)
    for text in "ab":
        scene.ask("n1", Append(text))
    scene.inject(Crash(scene.now, "n2"))
    scene.inject(Block(scene.now, "n1", "n2"))
    scene.inject(Restart(scene.now, "n2"))
    scene.run(scene.now + 60 * MS)
    scene.inject(Crash(scene.now, "n1"))
    scene.ask("ctl", FenceBroker("n1"))
    scene.inject(Heal(scene.now))
    scene.run(scene.now + 40 * MS)
    scene.inject(Restart(scene.now, "n1"))
    scene.run(scene.now + 200 * MS)
    scene.ask("n2", Append("c"))
    return scene


def _a_broker_dies(seed: int) -> Scene:
    faults = Schedule((Crash(DIES, "n2"), Restart(BACK, "n2")))
    size = Size(members=3, clients=3)
    scene = WORLDS.scene("groups", size, seed=seed, schedule=faults)
    scene.begin(Work(some_consuming, count=20))
    scene.work()
    return scene


def _told(scene: Scene) -> str:
    sent = got = 0
    generations = set()
    for each in scene.history:
        if isinstance(each.outcome, Ok):
            value: Any = each.outcome.value
            sent += each.function == "send"
            if each.function == "consume":
                got += len(value.records)
                generations.add(value.generation)
    return f"{sent} records were acknowledged, {got} handed out, in {len(generations)} generations."
