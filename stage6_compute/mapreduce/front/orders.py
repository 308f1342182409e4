"""What a worker's front tells a task process, and what that says: JSON, a line each."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from stage6_compute.mapreduce.front.job import Program
from stage6_compute.mapreduce.front.shuffle import Piece
from stage6_compute.mapreduce.front.splits import Range


class Plan(NamedTuple):
    """What all tasks of a job have in common; the protocol carries it as a text.

    Attributes:
        program: the job's file.
        memory: how many bytes pairs may take in a task process.
        seconds: how long a function of the job may take for a block, or for some keys.
        most_skipped: how many bad records a split may have.
    """

    program: Program
    memory: int
    seconds: float
    most_skipped: int = 0

    def to_text(self) -> str:
        """As text."""
        return json.dumps([self.program, *self[1:]])

    @classmethod
    def from_text(cls, text: str) -> "Plan":
        """The plan that was made a text."""
        program, *rest = json.loads(text)
        return cls(Program(*program), *rest)


class Order(NamedTuple):
    """An attempt, for a task process.

    Attributes:
        job, phase, number, attempt: which one; the number is of the split, or of the part.
        plan: the job's, as text.
        output: the directory of the output.
        partitions: how many there are.
        split: what a map reads.
        pieces: what a reduce reads.
        skip: the numbers of the records that a map leaves out.
        me: the worker.
        directory: where the worker keeps pieces.
        token: what is asked of those who fetch pieces.
    """

    job: int
    phase: str
    number: int
    attempt: int
    plan: str
    output: str
    partitions: int
    split: list[Range]
    pieces: list[Piece]
    skip: list[int]
    me: str
    directory: str
    token: str

    def to_line(self) -> bytes:
        """As a line."""
        return json.dumps(self).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> "Order":
        """The order that was made a line."""
        order = cls(*json.loads(line))
        split = [Range(*each) for each in order.split]
        return order._replace(split=split, pieces=[Piece(*each) for each in order.pieces])


def split_to_text(split: list[Range]) -> str:
    """A split, as the protocol carries it."""
    return json.dumps(split)


def split_from_text(text: str) -> list[Range]:
    """The split that was made a text; nothing for ""."""
    return [Range(*each) for each in json.loads(text)] if text else []


def report_line(kind: str, **fields: Any) -> bytes:
    """What a task process says: ``progress``, ``done``, ``failed`` or ``lost``, with fields."""
    return json.dumps({"kind": kind, **fields}).encode() + b"\n"


def read_report(line: bytes) -> Mapping[str, Any]:
    """What a task process has said."""
    report: dict[str, Any] = json.loads(line)
    return report
