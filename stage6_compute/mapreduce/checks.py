"""What clients of the lab ``mapreduce`` want, and what must hold of what they were told."""

from random import Random

from common.check.verdict import Answer, Verdict
from common.values.history import History, Ok, Operation
from stage6_compute.mapreduce.messages import Compute, Job, JobResult, Split
from stage6_compute.mapreduce.words import sequential

WORDS = ("the", "map", "has", "no", "end", "and", "The", "reduce", "few", "keys")
WORKERS = ("n2", "n3", "n4", "n5")
"""Those that may have a copy of a split, in every world."""


def some_text(random: Random, lines: int) -> str:
    """A few lines of a few words."""
    return "\n".join(
        " ".join(random.choice(WORDS) for _ in range(random.randrange(1, 6))) for _ in range(lines)
    )


def some_job(random: Random, client: str, number: int) -> Compute:
    """Count the words of a few splits; now and then into an output that others want as well."""
    del client  # all of them want the same kind of thing
    splits = tuple(
        Split(some_text(random, 3), tuple(random.sample(WORKERS, 2)))
        for _ in range(random.randrange(1, 4))
    )
    output = "" if random.random() < 0.9 else f"shared.{number}"
    return Compute(Job("word-count", output, splits, partitions=random.randrange(1, 3)))


def expected(job: Job) -> tuple[tuple[str, ...], ...]:
    """What one process makes of a job, whose splits are texts."""
    texts = [split.source for split in job.splits]
    return sequential(job.program, texts, job.partitions)


def counted(job: Job) -> dict[str, int]:
    """What the counters of a job must say: each record once, and each key."""
    return {
        "records": sum(len(split.source.splitlines()) for split in job.splits),
        "skipped": 0,
        "keys": sum(len(part) for part in expected(job)),
    }


def done(history: History) -> list[tuple[Operation, Job, JobResult]]:
    """The jobs that were done, with their results."""
    found = []
    for each in history:
        if isinstance(each.outcome, Ok):
            assert isinstance(each.argument, Job), "clients ask for jobs"
            assert isinstance(each.outcome.value, JobResult), "a job ends with its result"
            found.append((each, each.argument, each.outcome.value))
    return found


def as_one_process_would(history: History) -> Verdict:
    """Each job that was done has the output that one process makes of it, and counts once."""
    jobs = done(history)
    for each, job, result in jobs:
        if result.parts != expected(job):
            sentence = f"job {job.output} came to {result.parts}, and alone to {expected(job)}"
            return Verdict(Answer.NO, sentence, (each,), len(jobs), "wrong output")
        if dict(result.counters) != counted(job):
            sentence = f"job {job.output} counted {dict(result.counters)}, not {counted(job)}"
            return Verdict(Answer.NO, sentence, (each,), len(jobs), "wrong counters")
    sentence = f"Jobs that came to what one process makes of them: {len(jobs)}."
    return Verdict(Answer.YES, sentence, rests_on=len(jobs))


def one_writer(history: History) -> Verdict:
    """No two jobs were done that write to the same output."""
    writers: dict[str, Operation] = {}
    jobs = done(history)
    for each, job, _ in jobs:
        if not job.output:
            continue  # one of its own
        other = writers.setdefault(job.output, each)
        if other is not each:
            sentence = f"two jobs wrote to {job.output}"
            return Verdict(Answer.NO, sentence, (other, each), len(writers), "two writers")
    sentence = f"Outputs that several jobs wanted, and one wrote: {len(writers)}."
    return Verdict(Answer.YES, sentence, rests_on=len(jobs))
