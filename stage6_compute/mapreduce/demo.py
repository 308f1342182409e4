"""The demonstration of the lab ``mapreduce``: a worker dies, another one stands still.

Then the coordinator dies in the middle of the same job.
"""

from collections import Counter
from collections.abc import Sequence
from random import Random

from common.contract import NodeId
from common.values.faults import Crash, Fault, Pause, Restart, Resume, Schedule
from common.values.report import Report
from common.values.units import MS, show_time
from common.worlds import Scene, Size
from stage6_compute.mapreduce.checks import some_text
from stage6_compute.mapreduce.client import JobClient
from stage6_compute.mapreduce.front.timeline import timeline
from stage6_compute.mapreduce.messages import Compute, Job, Span, Split
from stage6_compute.mapreduce.worlds import WORLDS

WORKERS = ("n2", "n3", "n4")
SIZE = Size(
    members=("n1", *WORKERS),
    clients=1,
    config={
        "ping_every": 20 * MS,
        "most_missed": 4,
        "locality_wait": 20 * MS,
        "backup_after": 80 * MS,
        "work_time": 20 * MS,
    },
)
MAPS, REDUCES = 9, 2
DIES, STANDS, GOES_ON, AWAY = 75 * MS, 100 * MS, 400 * MS, 150 * MS
"""When one is killed, when n4 stands still, when it goes on; how long the coordinator is away."""

COLUMN = 8 * MS
"""How long a sign of the picture lasts."""


def demo(seed: int) -> Report:
    """Two runs of one job."""
    report = Report("MapReduce: work that finishes, no matter which process dies")
    report.say(
        f"Three workers count the words of {MAPS} splits; each split is on the disks of two of "
        f"them. At {show_time(DIES)} n3 is killed, and what its maps have made is lost with it. At "
        f"{show_time(STANDS)} n4 stands still: it lives, and nobody can tell."
    )
    scene = _scene(seed, Crash(DIES, "n3"), Pause(STANDS, "n4"), Resume(GOES_ON, "n4"))
    asked = scene.ask("c1", Compute(_job(seed)))
    spans = _timeline(scene)
    report.table(
        "1 to 9 are maps, A and B reduces; dots are work that came to nothing",
        ("worker", f"each sign is {show_time(COLUMN)}"),
        [(worker, _lane(spans, worker)) for worker in WORKERS],
    )
    picture = timeline(spans, "Who did what: a worker is killed, another stands still")
    report.chart("mapreduce-timeline", "each attempt, by worker and time", picture)
    hows = Counter(span.how for span in spans)
    report.say(
        f"{len(spans)} attempts on {MAPS + REDUCES} tasks: "
        + ", ".join(f"{count} {how}" for how, count in sorted(hows.items()))
        + f". The job took {show_time((asked.returned_at or 0) - asked.invoked_at)}."
    )
    scene.check(report, "as one process would", "the output is that of one process")
    scene.trace(report, "mapreduce-worker-dies", "a worker dies, another stands still")
    scene = _scene(seed, Crash(DIES, "n1"), Restart(DIES + AWAY, "n1"))
    asked = scene.ask("c1", Compute(_job(seed)))
    report.say(
        f"The same job; the coordinator is killed, and back {show_time(AWAY)} later. Its journal "
        "says which tasks are completed; the workers say what they have under way. It took "
        f"{show_time((asked.returned_at or 0) - asked.invoked_at)}."
    )
    scene.check(report, "as one process would", "the output is that of one process again")
    scene.trace(report, "mapreduce-coordinator-dies", "the coordinator dies, and comes back")
    return report


def _scene(seed: int, *faults: Fault) -> Scene:
    return WORLDS.scene(size=SIZE, seed=seed, schedule=Schedule(faults))


def _job(seed: int) -> Job:
    random = Random(f"demo/{seed}")
    texts = [some_text(random, 5) for _ in range(MAPS)]
    splits = tuple(
        Split(text, (WORKERS[map % 3], WORKERS[(map + 1) % 3])) for map, text in enumerate(texts)
    )
    return Job("word-count", "words", splits, REDUCES)


def _timeline(scene: Scene) -> tuple[Span, ...]:
    client = scene.nodes["c1"]
    assert isinstance(client, JobClient), "that is what the declaration says"
    return client.timeline


def _lane(spans: Sequence[Span], worker: NodeId) -> str:
    """A line of signs: what a worker was doing when."""
    begun = min(span.begun for span in spans)
    lane = [" "] * ((max(span.ended for span in spans) - begun) // COLUMN + 1)
    for span in spans:
        if span.worker == worker:
            name = "123456789" if span.task.phase == "map" else "AB"
            sign = name[span.task.index] if span.how == "done" else "."
            for column in range((span.begun - begun) // COLUMN, (span.ended - begun) // COLUMN):
                lane[column] = sign
    return "".join(lane).rstrip()
