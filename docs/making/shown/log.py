"""Who is in sync is decided wrongly: records are lost, or nobody may lead."""

from typing import Any

from common.check.verdict import Verdict
from common.sim import LinkModel
from common.values.faults import Block, Crash, Heal, Link, Restart
from common.values.history import Ok
from common.values.units import MS, SECOND
from common.worlds import Scene
from docs.making.shown import told
from stage8_real_systems.log.alone import (
    Append,
    Contents,
    FenceBroker,
    LoneController,
    LoneReplica,
)

STEADY = LinkModel(latency=(5 * MS, 5 * MS))
SOON = 60 * MS
"""After that what the controller has decided is known."""
LATE = 400 * MS
"""How long the wish is on its way that nobody needs any more."""


def late_wish() -> tuple[Scene, Verdict]:
    """n1's wish to take n3 in is late: n3 is gone by then, and a record was acknowledged."""
    scene = _three()
    scene.ask("n1", Append("a"))
    scene.inject(Crash(scene.now, "n3"))
    scene.ask("ctl", FenceBroker("n3"))
    scene.run(scene.now + SOON)
    scene.inject(Link(scene.now, "n1", "ctl", latency=(LATE, LATE)))
    scene.inject(Restart(scene.now, "n3"))
    scene.run(scene.now + 2 * SOON)  # n3 has caught up, so n1 wishes for it
    scene.inject(Link(scene.now, "n1", "ctl", latency=(5 * MS, 5 * MS)))
    scene.inject(Crash(scene.now, "n3"))
    scene.ask("ctl", FenceBroker("n2"))
    scene.inject(Crash(scene.now, "n2"))
    scene.run(scene.now + SOON)
    asked = scene.ask("n1", Append("b"))
    scene.run(scene.now + LATE)  # the wish arrives
    scene.inject(Crash(scene.now, "n1"))
    scene.ask("ctl", FenceBroker("n1"))
    scene.inject(Restart(scene.now, "n3"))
    scene.run(scene.now + 2 * SOON)
    scene.ask("n3", Append("c"), SECOND)
    scene.inject(Restart(scene.now, "n1"))
    scene.run(scene.now + 4 * SOON)
    logs = [_texts(scene, id) for id in ("n1", "n3")]
    known = isinstance(asked.outcome, Ok)
    sentence = (
        f"a and b were acknowledged. In the end n1's log is {logs[0]}, and that of n3 is {logs[1]}."
    )
    assert known, f"b is acknowledged by n1 alone, not {asked.outcome}"
    return told(scene, "what was acknowledged stays", "b" in logs[0], sentence, asked)


def fenced() -> tuple[Scene, Verdict]:
    """n3 does not reach the controller and is fenced, but fetches from n1 as before."""
    scene = _three()
    scene.ask("n1", Append("a"))
    for source, target in (("n3", "ctl"), ("ctl", "n3")):
        scene.inject(Block(scene.now, source, target))
    scene.ask("ctl", FenceBroker("n3"))
    scene.run(scene.now + 2 * SOON)
    for id in ("n3", "n1", "n2"):
        scene.inject(Crash(scene.now, id))
        if id != "n3":
            scene.ask("ctl", FenceBroker(id))
    scene.inject(Heal(scene.now))
    for id in ("n1", "n2"):
        scene.inject(Restart(scene.now, id))
    scene.run(scene.now + 4 * SOON)
    asked = [scene.ask(id, Append("b"), SECOND) for id in ("n1", "n2")]
    led = [each.process for each in asked if isinstance(each.outcome, Ok)]
    leads = f"{led[0]} leads" if led else "nobody leads, and no record can be appended"
    sentence = (
        "n3 was fenced, and then it died. The others crashed, and came back with everything that "
        f"was acknowledged. Now {leads}."
    )
    return told(scene, "one in-sync replica is enough to lead", bool(led), sentence, *asked)


def burst() -> tuple[Scene, Verdict]:
    """Records come one after the other, and followers fetch all the time: they keep up."""
    scene = _three(lag_time=100 * MS)
    calls = []
    for number in range(100):
        calls.append(scene.call("n1", Append(f"{number}", 1)))
        scene.run(scene.now + 3 * MS)
    assert all(isinstance(each.outcome, Ok) for each in calls), "the leader alone is enough"
    leader: Any = scene.nodes["n1"]
    left = ", ".join(leader.state.isr)
    sentence = (
        f"n1 took {len(calls)} records in {len(calls) * 3} ms. Both followers fetched them all the "
        f"time, a few milliseconds behind. In sync are now: {left}."
    )
    return told(scene, "who keeps up is in sync", left == "n1, n2, n3", sentence, *calls[-1:])


def _three(lag_time: int = 100 * SECOND) -> Scene:
    def replica(id: str, peers: tuple[str, ...]) -> LoneReplica:
        return LoneReplica(id, peers, lag_time=lag_time, min_isr=1)

    nodes = dict.fromkeys(("n1", "n2", "n3"), replica)
    scene = Scene("log", nodes, {"ctl": LoneController}, seed=1, link=STEADY)
    scene.run(100 * MS)
    return scene


def _texts(scene: Scene, id: str) -> str:
    outcome = scene.ask(id, Contents(), SECOND).outcome
    assert isinstance(outcome, Ok), f"{id} is there, and its contents are {outcome}"
    found: Any = outcome.value
    return " ".join(text for _, text in found)
