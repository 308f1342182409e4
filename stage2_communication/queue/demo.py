"""The demonstration of the lab ``queue``: a consumer that dies, and a broker that does."""

from dataclasses import replace
from random import Random

from common.values.faults import Crash, Restart, Schedule
from common.values.history import Failed, Ok
from common.values.report import Report
from common.values.units import MS, SECOND, show_time
from common.worlds import Scene, Size, Work
from stage2_communication.queue.checks import deliveries, keys_are_in_order
from stage2_communication.queue.client import Finish, GiveBack, Post, Take
from stage2_communication.queue.dead import DEAD
from stage2_communication.queue.worlds import WORLDS

BROKER, PRODUCER, CONSUMERS = "n1", "c1", ("c2", "c3", "c4", "c5")
SIZE = Size(members=1, clients=5)
SMALL = Size(members=1, clients=3)
DIES_AT = 1200 * MS
VISIBILITIES = (100 * MS, 200 * MS, 400 * MS, 4 * SECOND)
SLOWEST = 300 * MS
"""A consumer works for so long at most, and drawn by chance."""


def demo(seed: int) -> Report:
    """What a visibility time costs, what an early acknowledgement costs, and a dead letter."""
    report = Report("A message queue: at least once, in order, and on disk")
    rows = [(show_time(visibility), *_worked(seed, visibility)) for visibility in VISIBILITIES]
    report.table(
        f"40 jobs of up to {show_time(SLOWEST)}; a consumer of four dies at {show_time(DIES_AT)}",
        ("visibility time", "deliveries", "too late to count", "all done at"),
        rows,
    )
    report.say(
        "Too short a visibility time, and others do the same work again, while the first one is "
        "slow. Too long, and nobody does the work of a consumer that has died."
    )
    _show_sync(report, seed)
    _show_dead(report, seed)
    scene = _died(seed)
    scene.check(report, "done is done")
    scene.trace(report, "queue-redelivered", "a consumer dies, and its message is delivered again")
    _show_lost(report, seed)
    return report


def _worked(seed: int, visibility: int) -> tuple[int, int, str]:
    """Deliveries, acknowledgements that came too late, and when all was done."""
    durable = WORLDS.variant("durable")
    settings = {"visibility": visibility}
    variant = replace(durable, config=settings, client_config={**settings, "most": 1})
    crash = Schedule([Crash(DIES_AT, "c5"), Restart(20 * SECOND, "c5")])
    scene = WORLDS.scene(variant, SIZE, seed=seed, recorded=False, schedule=crash)
    jobs = Work(lambda random, name, number: Post("jobs", "", f"job {number}"), 40, (0, 1 * MS))
    scene.begin(jobs, (PRODUCER,))
    taking = Work(_take_or_finish, 400, (10 * MS, SLOWEST))
    scene.begin(taking, CONSUMERS)
    scene.run_until(lambda: len(_finished(scene)) == 40, 18 * SECOND)
    ends = (each.outcome for each in scene.history if each.function == "finish")
    refused = sum(isinstance(end, Failed) and "somebody else" in end.reason for end in ends)
    done = show_time(scene.now) if len(_finished(scene)) == 40 else "never"
    return sum(1 for _ in deliveries(scene.history)), refused, done


def _take_or_finish(_: Random, __: str, number: int) -> Take | Finish:
    return Finish() if number % 2 else Take("jobs")


def _finished(scene: Scene) -> set[int]:
    """The messages that were acknowledged."""
    told = (each.outcome for each in scene.history if each.function == "finish")
    return {
        told.value[0] for told in told if isinstance(told, Ok) and isinstance(told.value, tuple)
    }


def _show_sync(report: Report, seed: int) -> None:
    """What is lost when the power of the broker fails, by when it brings things to disk."""
    rows = []
    for name, interval in (("durable", 0), ("lazy", 200 * MS), ("lazy", 1 * SECOND)):
        variant = WORLDS.variant(name)
        if interval:
            variant = replace(variant, config={"sync_interval": interval})
        crash = Schedule([Crash(1900 * MS, BROKER), Restart(2 * SECOND, BROKER)])
        scene = WORLDS.scene(variant, SIZE, seed=seed, recorded=False, schedule=crash)
        posting = Work(lambda random, name, number: Post("jobs", "", f"{name}.{number}"), 60)
        scene.begin(posting, ("c1", "c2"))
        scene.work(1899 * MS)
        posted = [each for each in scene.history if isinstance(each.outcome, Ok)]
        scene.run(1950 * MS)
        left = sum(key[0] == "message" for key in scene.on_disk(BROKER) if isinstance(key, tuple))
        rows.append((show_time(interval) if interval else "before each answer", len(posted), left))
    report.table(
        "The power of the broker fails", ("to disk every", "acknowledged", "still there"), rows
    )


def _show_dead(report: Report, seed: int) -> None:
    """Three messages of a key, of which nobody can handle the first."""
    scene = WORLDS.scene("dead", SMALL, seed=seed)
    for text in ("poison", "second", "third"):
        scene.ask(PRODUCER, Post("orders", "k", text))
    done = []
    for _ in range(5):
        taken = scene.ask("c2", Take("orders"))
        assert isinstance(taken.outcome, Ok), "a broker that is up answers"
        assert isinstance(taken.outcome.value, tuple), "and there is a message each time"
        poison = taken.outcome.value[3] == "poison"
        done += [] if poison else [str(taken.outcome.value[3])]
        scene.ask("c2", GiveBack() if poison else Finish())
    letter = scene.ask("c3", Take("orders" + DEAD)).outcome
    assert isinstance(letter, Ok), "it is there after three attempts"
    report.say(
        f"Nobody can handle 'poison'. After three deliveries it is in orders{DEAD}: "
        f"{letter.value}. Done of its key: {', '.join(done)}."
    )
    scene.judged("keys are in order", keys_are_in_order(scene.history))
    scene.trace(report, "queue-dead", "after three deliveries, a dead letter")


def _show_lost(report: Report, seed: int) -> None:
    """The published bug: the power fails between the acknowledgement and the sync."""
    crash = Schedule([Crash(100 * MS, BROKER), Restart(200 * MS, BROKER)])
    scene = WORLDS.scene("lazy", SMALL, seed=seed, schedule=crash)
    scene.ask(PRODUCER, Post("accounts", "ann", "create"))
    scene.run(300 * MS)
    scene.ask(PRODUCER, Post("accounts", "ann", "close"))
    scene.ask("c2", Take("accounts"))
    scene.check(report, "nothing acknowledged is lost", "broken on purpose: nothing is lost")
    scene.trace(report, "queue-lazy", "broken on purpose: acknowledged before it is on disk")


def _died(seed: int) -> Scene:
    """A consumer dies with a message in hand, and the next one of its key waits."""
    crash = Schedule([Crash(100 * MS, "c2"), Restart(900 * MS, "c2")])
    scene = WORLDS.scene("durable", SMALL, seed=seed, schedule=crash)
    for text in ("create", "close"):
        scene.ask(PRODUCER, Post("accounts", "ann", text))
    scene.ask("c2", Take("accounts"))
    scene.run(200 * MS)
    scene.ask("c3", Take("accounts"))
    for at in (480 * MS, 560 * MS):
        scene.run(at)
        scene.ask("c3", Take("accounts"))
        scene.ask("c3", Finish())
    return scene
