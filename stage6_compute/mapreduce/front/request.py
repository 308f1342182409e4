"""What a person wants to have computed, whatever the engine; and the directory of its output."""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Protocol

from common.values.errors import BadInput, LabError
from stage6_compute.mapreduce.front.job import Program
from stage6_compute.mapreduce.front.splits import Range
from stage6_compute.mapreduce.front.task import ATTEMPTS, part_name

SUCCESS = "_SUCCESS"
"""The file by which one sees that an output is complete; it holds the counters."""


class JobFailed(LabError):
    """A job could not be computed; the text says why."""

    exit_code = 1


class Request(NamedTuple):
    """What is to be computed.

    Attributes:
        program: the job's file.
        splits: the input.
        output: a directory that is there, and empty.
        partitions: how many parts the output has.
        memory: how many bytes the processes of a worker may take together.
        seconds: how long a function of the job may take for a block, or for some keys.
        most_skipped: how many bad records a split may have.
    """

    program: Program
    splits: list[list[Range]]
    output: Path
    partitions: int
    memory: int
    seconds: float
    most_skipped: int


class Told(NamedTuple):
    """How far a job is: tasks done and tasks in all, of both phases."""

    maps: tuple[int, int]
    reduces: tuple[int, int]


class Engine(Protocol):
    """Computes requests, one after the other."""

    def compute(self, request: Request, told: Callable[[Told], None]) -> Mapping[str, int]:
        """Compute a request; the parts are in its output then. Returns the counters.

        Raises:
            JobFailed: it cannot be computed.
        """


def claim(output: Path) -> None:
    """Make the directory of an output, which nobody else may have made: so it has one writer.

    Raises:
        BadInput: it is there already, or cannot be made.
    """
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.mkdir()
        (output / ATTEMPTS).mkdir()
    except FileExistsError:
        if (output / SUCCESS).exists():
            what = "it holds the output of a job"
        elif (output / ATTEMPTS).exists():
            what = "another job is writing to it, or one that was killed has left it"
        else:
            what = "jobs never write over what is there"
        raise BadInput(
            f"the output directory {output} exists: {what}: name another one, or remove it"
        ) from None
    except OSError as error:
        raise BadInput(f"the output {output} cannot be made: {error.strerror}") from None


def complete(output: Path, counters: Mapping[str, int]) -> None:
    """Leave nothing but the parts in an output, and say that it is complete."""
    for path in output.glob("_*"):
        shutil.rmtree(path)
    beside = output / f"{SUCCESS}.new"
    beside.write_text(json.dumps({"counters": counters}) + "\n", encoding="utf-8")
    os.replace(beside, output / SUCCESS)


def give_up(output: Path) -> None:
    """Remove an output that will not be complete."""
    with suppress(OSError):
        shutil.rmtree(output)


def take_parts(source: Path, output: Path, partitions: int) -> None:
    """Move the parts of the last round of a job to where its output belongs."""
    for index in range(partitions):
        os.replace(source / part_name(index), output / part_name(index))
