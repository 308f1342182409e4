"""The engine's program within Spark's environment; see ``spark.py``.

A map task yields ``((key, split, number), values)``: the values of a key in a stretch of a split.
Spark brings those to the partition that the job says, sorted, so that the keys are in order, and
the values of each in the order of the input, as with the other engines.
"""

import json
import os
import re
import sys
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain, groupby
from pathlib import Path
from typing import Any, TypeAlias

from pyspark import AccumulatorParam, SparkConf, SparkContext, TaskContext

from stage6_compute.mapreduce.front.counters import take_counters
from stage6_compute.mapreduce.front.job import Job, Program, load_job
from stage6_compute.mapreduce.front.mapping import mapped
from stage6_compute.mapreduce.front.problems import TaskFailed
from stage6_compute.mapreduce.front.reducing import reduced, write_part
from stage6_compute.mapreduce.front.request import Request
from stage6_compute.mapreduce.front.spark import ROOT, read_request
from stage6_compute.mapreduce.front.splits import Range
from stage6_compute.mapreduce.front.tables import Combined
from stage6_compute.mapreduce.front.task import attempt_path, part_name

Place: TypeAlias = tuple[Any, int, int]
"""A key, the number of a split, and that of a stretch of it."""

SENT = ("common/__init__.py", "common/values/*.py", "stage6_compute/__init__.py",
        "stage6_compute/mapreduce/__init__.py", "stage6_compute/mapreduce/front/*.py")  # fmt: skip
"""What the machines of a cluster need of this repository."""
PAIRS_AT_ONCE = 200_000
"""A stretch of a split has so many pairs at least, if the split has."""
SENTENCE = re.compile(r"TaskFailed: <<(.*?)>>", re.DOTALL)


class _Sums(AccumulatorParam):  # type: ignore[misc]
    """Counters, added up."""

    def zero(self, value: dict[str, int]) -> dict[str, int]:
        """Nothing."""
        return {}

    def addInPlace(  # noqa: N802
        self, some: dict[str, int], more: dict[str, int]
    ) -> dict[str, int]:
        """Both together."""
        for name, by in more.items():
            some[name] = some.get(name, 0) + by
        return some


@lru_cache(maxsize=1)
def _job(path: str, source: str, settings: tuple[tuple[str, str], ...]) -> Job:
    return load_job(Program(path, source, dict(settings)))


class Work:
    """A job's work, as it is sent to the machines of a cluster."""

    def __init__(self, request: Request, counters: Any) -> None:
        program = request.program
        self._program = (program.path, program.source, tuple(program.settings.items()))
        self._output = str(request.output)
        self._partitions = request.partitions
        self._most_skipped = request.most_skipped
        self._counters = counters

    def partition(self, place: Place) -> int:
        """Where a key belongs."""
        return _job(*self._program).partition(place[0], self._partitions)

    def map(self, splits: Iterable[tuple[int, list[Range]]]) -> Iterator[tuple[Place, list[Any]]]:
        """Map splits."""
        job = _job(*self._program)
        for index, ranges in splits:
            try:
                skip = self._bad(job, ranges)
                take_counters()
                yield from _stretches(job, index, ranges, skip)
            except TaskFailed as failed:
                raise TaskFailed(f"<<{failed}>>") from None
            self._counters.add(take_counters())

    def _bad(self, job: Job, ranges: list[Range]) -> frozenset[int]:
        """The records that are left out, if they are to be."""
        bad: set[int] = set()
        while self._most_skipped:
            try:
                for _ in mapped(job, ranges, frozenset(bad), lambda size: None):
                    pass
                break
            except TaskFailed as failed:
                if failed.record is None or len(bad) == self._most_skipped:
                    raise
                bad.add(failed.record)
        return frozenset(bad)

    def reduce(
        self, index: int, sorted_pairs: Iterator[tuple[Place, list[Any]]]
    ) -> Iterator[tuple[int, int]]:
        """Reduce a partition, and leave its file; yields the number of the attempt."""
        job = _job(*self._program)
        attempt = int(TaskContext.get().taskAttemptId())
        take_counters()
        grouped = groupby(sorted_pairs, key=lambda pair: pair[0][0])
        groups = ((key, chain.from_iterable(lists for _, lists in group)) for key, group in grouped)
        try:
            path = attempt_path(self._output, index, attempt)
            write_part(path, reduced(job, groups, lambda size: None))
        except TaskFailed as failed:
            raise TaskFailed(f"<<{failed}>>") from None
        self._counters.add(take_counters())
        yield index, attempt


def _stretches(
    job: Job, index: int, ranges: list[Range], skip: frozenset[int]
) -> Iterator[tuple[Place, list[Any]]]:
    number = 0
    combined = None if job.combine is None else Combined(job)
    lists: dict[Any, list[Any]] = defaultdict(list)
    held = 0
    for pairs in mapped(job, ranges, skip, lambda size: None):
        if combined is not None:
            combined.add(pairs)
            continue
        for key, value in pairs.items() if isinstance(pairs, dict) else pairs:
            lists[key].append(value)
            held += 1
        if held >= PAIRS_AT_ONCE:
            for key, values in lists.items():
                yield (key, index, number), values
            number, held = number + 1, 0
            lists.clear()
    if combined is not None:
        for key, value in combined.table.items():
            yield (key, index, number), [value]
    for key, values in lists.items():
        yield (key, index, number), values


def _zip(folder: Path) -> str:
    path = folder / "mapreduce.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for pattern in SENT:
            for file in ROOT.glob(pattern):
                archive.write(file, file.relative_to(ROOT))
    return str(path)


def compute(request: Request, master: str) -> dict[str, int]:
    """Compute a request on Spark."""
    conf = SparkConf().setMaster(master).setAppName(Path(request.program.path).stem)
    conf.set("spark.ui.enabled", "false").set("spark.log.level", "OFF")
    with tempfile.TemporaryDirectory() as folder, SparkContext(conf=conf) as context:
        context.addPyFile(_zip(Path(folder)))
        counters = context.accumulator({}, _Sums())
        work = Work(request, counters)
        splits = context.parallelize(list(enumerate(request.splits)), len(request.splits))
        pairs = splits.mapPartitions(work.map)
        arranged = pairs.repartitionAndSortWithinPartitions(request.partitions, work.partition)
        for index, attempt in arranged.mapPartitionsWithIndex(work.reduce).collect():
            source = attempt_path(str(request.output), index, attempt)
            os.replace(source, request.output / part_name(index))
        return dict(sorted(counters.value.items()))


def main() -> None:
    """Read a request from stdin, and say as JSON what has become of it.

    This module is never ``__main__``, of which Spark's processes have another one.
    """
    os.environ.pop("PYTHONPATH", None)  # so that Spark's processes run what is sent to them
    answer: dict[str, Any]
    try:
        answer = {"counters": compute(*read_request(sys.stdin.read()))}
    except Exception as error:  # whatever Spark may raise: pages of Java, as a rule
        text = str(error)
        found = SENTENCE.search(text)
        first = next((line for line in text.splitlines() if line.strip()), repr(error))
        answer = {"error": found.group(1) if found else f"Spark has failed: {first}"}
    print(json.dumps(answer), flush=True)
