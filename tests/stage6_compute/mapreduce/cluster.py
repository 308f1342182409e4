"""Clusters in virtual time, jobs for them, and what these must come to by the suite's own count."""

from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any
from zlib import crc32

from common.contract.events import NodeId
from common.contract.observer import Observer
from common.contract.wrapped import Inner
from common.course.suites.kit import must_end, names, trouble
from common.sim.simulation import Simulation
from common.sim.workload import Workload
from common.values.faults import Fault, Schedule
from common.values.history import Ok
from common.values.units import MS, SECOND
from tests.stage6_compute.mapreduce.lab import MapreduceLab

MEMBERS = names(4)
WORKERS = MEMBERS[1:]
CLIENTS = ("c1", "c2")

CALM = 1 * SECOND
"""When all faults of a sweep are over."""

LIMIT = CALM + 9 * SECOND
"""When everybody must have got through."""

WORDS = ("a", "b", "c", "and", "then", "some", "more", "Words", "words")


class Assigned(Observer):
    """Watches who is told to do what.

    Attributes:
        given: task, attempt and worker of each new attempt, in order.
    """

    def __init__(self) -> None:
        self.given: list[tuple[Any, int, NodeId]] = []

    def sent(self, at: int, node: NodeId, to: NodeId, message: Any, number: int) -> None:
        """Something is said."""
        inner: Any = message.message if isinstance(message, Inner) else message
        if type(inner).__name__ == "Assign":
            each = (inner.work.task, inner.work.attempt, to)
            self.given += [each] if each not in self.given else []

    def has_given(self, count: int) -> bool:
        """Whether there were so many attempts."""
        return len(self.given) >= count

    def again(self, phase: str) -> int:
        """How many attempts there were on tasks of this phase that had one before."""
        tasks = [task for task, _, _ in self.given if task.phase == phase]
        return len(tasks) - len(set(tasks))


def cluster(
    lab: MapreduceLab,
    seed: int | str,
    faults: Sequence[Fault] = (),
    config: dict[str, Any] | None = None,
    **options: Any,
) -> Simulation:
    """A coordinator, three workers and two clients."""
    settings = {
        "ping_every": 25 * MS,
        "most_missed": 4,
        "locality_wait": 30 * MS,
        "backup_after": 50 * MS,
        **(config or {}),
    }
    return lab.simulation(
        dict.fromkeys(MEMBERS, lambda id, peers: lab.Machine(id, peers, **settings)),
        dict.fromkeys(CLIENTS, lambda id, peers: lab.JobClient(id, peers, ask_again_after=50 * MS)),
        seed=seed,
        schedule=Schedule(faults),
        **options,
    )


def some_texts(random: Random, count: int) -> list[str]:
    """Splits of a few lines of a few words."""
    return [
        "\n".join(
            " ".join(random.choices(WORDS, k=random.randrange(5)))
            for _ in range(random.randrange(1, 5))
        )
        for _ in range(count)
    ]


def some_job(
    lab: MapreduceLab, random: Random, output: str, maps: int = 0, *, placed: bool = True
) -> Any:
    """A job that counts words; its splits are at certain workers, or anywhere."""
    texts = some_texts(random, maps or random.randrange(1, 5))
    hosts = [tuple(random.sample(WORKERS, 1)) if placed else () for _ in texts]
    splits = tuple(map(lab.Split, texts, hosts))
    return lab.Job("word-count", output, splits, random.randrange(1, 4))


def must_be_right(job: Any, result: Any) -> None:
    """Check a result by counting words another way: parts, their order, and the counters."""
    texts = [split.source for split in job.splits]
    counts = Counter(word.lower() for text in texts for word in text.split())
    parts: list[list[str]] = [[] for _ in range(job.partitions)]
    for key in sorted(counts):
        parts[crc32(key.encode()) % job.partitions].append(f"{key}\t{counts[key]}")
    assert [list(part) for part in result.parts] == parts, f"the output of {job.output} is wrong"
    counted = dict(result.counters)
    assert counted["keys"] == len(counts), "each key is counted once"
    lines = sum(len(text.splitlines()) for text in texts)
    assert counted["records"] == lines, f"{lines} records were read, each by one map that counts"


def sweep_once(
    lab: MapreduceLab,
    seed: int,
    kinds: tuple[str, ...],
    hit: Sequence[NodeId],
    *,
    placed: bool = True,
    also: Sequence[Fault] = (),
    **options: Any,
) -> Assigned:
    """Clients want jobs while things go wrong; in the calm all jobs are done, and all are right.

    Args:
        lab: what is tested.
        seed: of everything that is drawn.
        kinds: what goes wrong.
        hit: with whom.
        placed: whether splits are at certain workers.
        also: what goes wrong beside what is drawn.
        options: as of :func:`cluster`.

    Returns:
        Who was told to do what.
    """
    seen = Assigned()
    faults = trouble(seed, kinds, hit=hit, others=(*MEMBERS, *CLIENTS), until=CALM)
    simulation = cluster(lab, seed, [*faults, *also], observers=[seen], **options)

    def choose(random: Random, client: NodeId, number: int) -> Any:
        return lab.Compute(some_job(lab, random, f"{client}/{number}", placed=placed))

    workload = Workload(simulation, choose, count=6, think=(0, 100 * MS), patience=LIMIT)
    must_end(simulation, workload, limit=LIMIT, fine=1.0)
    for each in simulation.history:
        assert isinstance(each.outcome, Ok)
        job: Any = each.argument
        must_be_right(job, each.outcome.value)
    return seen
