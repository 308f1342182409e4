"""The engine that is simple on purpose: one process, record by record, everything in memory.

It uses ``map``, ``partition`` and ``reduce`` of a job and nothing else, so it says what is right.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from stage6_compute.mapreduce.front.counters import take_counters
from stage6_compute.mapreduce.front.job import load_job
from stage6_compute.mapreduce.front.problems import TaskFailed, raised, shown
from stage6_compute.mapreduce.front.reducing import line_of
from stage6_compute.mapreduce.front.request import JobFailed, Request, Told
from stage6_compute.mapreduce.front.task import part_name


class Sequential:
    """Computes in this process."""

    def compute(self, request: Request, told: Callable[[Told], None]) -> Mapping[str, int]:
        """As of :class:`~stage6_compute.mapreduce.front.request.Engine`."""
        take_counters()
        job = load_job(request.program)
        doing = ""
        try:
            parts: list[dict[Any, list[Any]]] = [
                defaultdict(list) for _ in range(request.partitions)
            ]
            for name, line in records(request):
                doing = f"map, of the line {shown(line)} of {name},"
                for key, value in job.map(name, line):
                    parts[job.partition(key, request.partitions)][key].append(value)
            for index, groups in enumerate(parts):
                with open(request.output / part_name(index), "w", encoding="utf-8") as file:
                    for key in sorted(groups):
                        doing = f"reduce, of the key {shown(key)},"
                        for value in job.reduce(key, groups[key]):
                            file.write(line_of(key, value) + "\n")
        except TaskFailed as failed:
            raise JobFailed(str(failed)) from None
        except UnicodeDecodeError as error:
            raise JobFailed(f"the input is not UTF-8: {error}: convert it") from None
        except Exception as error:  # whatever a job may raise
            raise JobFailed(raised(doing, error, job.path)) from None
        return take_counters()


def records(request: Request) -> Iterator[tuple[str, str]]:
    """All lines of the input, each with the name of its file."""
    paths = dict.fromkeys(range.path for split in request.splits for range in split)
    for path in paths:
        with open(path, encoding="utf-8", newline="\n") as file:
            for line in file:
                yield Path(path).name, line.removesuffix("\n").removesuffix("\r")
