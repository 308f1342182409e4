"""The figures of each lab, as the docs publish them: ``docs/results/mutants.json``.

A run writes what it has found, with the day and the commit, and leaves the other labs' figures as
they are. Nobody writes them by hand.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from common.course.base.course import Course
from common.course.base.machine import machine
from common.course.kit.generated.reckoning import WANTED, Reckoning
from common.course.kit.slices import head
from common.values.errors import BadInput

FILE = "docs/results/mutants.json"


class Figures(msgspec.Struct, frozen=True):
    """What is published of one lab.

    Attributes:
        named: how many mutants have a name, and a test that has to catch each.
        generated: how many a machine makes.
        tried: how many of these the run has tried: all, or the same ones each time.
        caught: how many of those tried a graded test catches.
        explained: how many of the others are no bugs, with the reason.
        survivors: the names of the rest.
        date: the day of the run, in UTC.
        commit: the code that was tried.
        machine: on which it was done.
    """

    named: int
    generated: int
    tried: int
    caught: int
    explained: int
    survivors: list[str]
    date: str
    commit: str
    machine: str


def record(course: Course, reckonings: Sequence[tuple[Reckoning, int, int]]) -> Path:
    """Write the figures of these labs; returns the file.

    Args:
        course: the course.
        reckonings: what a lab's mutants have come to, how many there are, and how many have a name.

    Raises:
        BadInput: the file is there and cannot be read, or it cannot be written.
    """
    path = course.root / FILE
    figures = read(path)
    for reckoning, generated, named in reckonings:
        alive, survivors = len(reckoning.alive), reckoning.survivors
        figures[reckoning.lab.id] = Figures(
            named=named,
            generated=generated,
            tried=len(reckoning.tried),
            caught=len(reckoning.tried) - alive,
            explained=alive - len(survivors),
            survivors=[each.id for each in survivors],
            date=datetime.now(UTC).date().isoformat(),
            commit=head(course.root)[:12],
            machine=machine(),
        )
    order = [lab.id for lab in course.labs]
    labs = {id: msgspec.to_builtins(figures[id]) for id in order if id in figures}
    text = json.dumps({"wanted_percent": WANTED, "labs": labs}, indent=1, ensure_ascii=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}") from None
    return path


def read(path: Path) -> dict[str, Figures]:
    """The figures that are published, by lab. Raises: BadInput, where the file is none of them."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Published).labs
    except FileNotFoundError:
        return {}
    except (msgspec.MsgspecError, OSError) as error:
        raise BadInput(f"{path} cannot be read: {error}; delete it, and record again") from None


class _Published(msgspec.Struct, frozen=True):
    wanted_percent: int
    labs: dict[str, Figures]
