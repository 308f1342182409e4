"""Runs batches of a search, each in a process of its own; a stranger's code in the sandbox."""

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.course.base.course import ROOT, Course
from common.course.base.lab import Lab
from common.course.base.scratch import Scratch
from common.course.judge.interpreter import libraries_of, needed
from common.course.judge.limits import MEBIBYTE, Limits
from common.course.judge.sandbox import PYTHON, start
from common.course.kit.marking import OtherVersion, suites_digest
from common.values.errors import BadInput

INSIDE = "course/kit/search_inside.py"
COMPILED = ("msgspec", "yaml", "hypothesis")
"""The packages of the search that are compiled; what they are linked with has to be shown too."""

SEED_SECONDS = 60
"""A seed may take so long, shrinking included."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Some seeds of a search.

    Attributes:
        lab: the lab's id.
        variant: of the lab's ``WORLDS``; "" for the first.
        first: the first seed.
        count: how many.
        kinds: the kinds of trouble; () for all that the lab bears.
        files: the files that are tested, by path relative to the repository; none for the
            references.
        suites: SHA-256 of the course's code.
        unsafe: whether to run the files without a sandbox where there is none.
        schedule: the only schedule to try, as plain values; None for random ones.
    """

    lab: str
    variant: str
    first: int
    count: int
    kinds: Sequence[str]
    files: Mapping[str, bytes]
    suites: str
    unsafe: bool = False
    schedule: list[dict[str, Any]] | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """A schedule that breaks a lab.

    Attributes:
        seed: of the run.
        sentence: what went wrong.
        schedule: plain values; that of a batch's first failure is shrunk.
    """

    seed: int
    sentence: str
    schedule: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Tried:
    """What a batch has come to.

    Attributes:
        first: its first seed.
        count: how many seeds it had.
        ok: how many operations ended ok.
        failures: what was found.
    """

    first: int
    count: int
    ok: int
    failures: tuple[Failure, ...]


def try_batch(batch: Batch) -> Tried:
    """Run a batch.

    Raises:
        OtherVersion: the batch was made by another version of the course.
        BadInput: the lab is no cluster, or the code cannot be run at all.
        MissingTool: there is no sandbox for the given files.
    """
    course = Course(ROOT)
    if suites_digest(course) != batch.suites:
        raise OtherVersion("a worker has another version of the course than you have")
    lab = course.lab(batch.lab)
    check_cluster(lab)
    wanted = {
        "worlds": lab.worlds, "variant": batch.variant, "first": batch.first,
        "count": batch.count, "kinds": list(batch.kinds),
    }  # fmt: skip
    if batch.schedule is not None:
        wanted["schedule"] = batch.schedule
    with Scratch("search") as scratch:
        workspace = _workspace(batch, scratch)
        if workspace is None:
            said, why = _outside(course, wanted)
        else:
            said, why = _inside(course, workspace, wanted, batch)
    return _read(batch, said, why)


def check_cluster(lab: Lab) -> None:
    """See that there are schedules to search.

    Raises:
        BadInput: the lab is no cluster.
    """
    if not lab.worlds:
        raise BadInput(
            f"lab {lab.id} is no cluster, so there are no schedules to search: lab test {lab.id} "
            "--seeds 1000 tries many seeds of its suite"
        )


def _workspace(batch: Batch, scratch: Path) -> Path | None:
    if not batch.files:
        return None
    workspace = scratch / "work"
    for name, raw in batch.files.items():
        path = workspace / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
    for path in [scratch, *workspace.rglob("*"), workspace]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return workspace


def _outside(course: Course, wanted: Mapping[str, object]) -> tuple[str, str]:
    """The references need no sandbox."""
    common = course.root / "common"
    command = [sys.executable, str(common / INSIDE), str(common), _packages(), ""]
    ran = subprocess.run(
        command, input=json.dumps(wanted), capture_output=True, text=True, check=False
    )
    return ran.stdout, ran.stderr


def _inside(
    course: Course, workspace: Path, wanted: Mapping[str, Any], batch: Batch
) -> tuple[str, str]:
    files = {"/course/common": course.root / "common", "/packages": Path(_packages())}
    files |= {f"/course/{name}": course.root / name for name in course.packages}
    files |= {"/work": workspace}
    packages = Path(_packages())
    extensions = [path for name in COMPILED for path in (packages / name).rglob("*.so")]
    shown = set(needed())
    files |= {str(path): path for path in libraries_of(extensions) if path not in shown}
    command = [PYTHON, "-I", f"/course/common/{INSIDE}", "/course/common", "/packages", "/work"]
    limits = Limits(
        processor_seconds=SEED_SECONDS * batch.count,
        wall_seconds=SEED_SECONDS * batch.count * 4,
        memory_bytes=2048 * MEBIBYTE,
    )
    with _started(command, files, limits, batch.unsafe) as confined:
        confined.stdin.write(json.dumps(wanted).encode())
        confined.stdin.close()
        said = b"".join(iter(lambda: confined.stdout.read(1 << 16), b""))
        confined.wait()
        return said.decode(errors="replace"), confined.ended or confined.stderr_tail()


@contextmanager
def _started(
    command: Sequence[str], files: Mapping[str, Path], limits: Limits, unsafe: bool
) -> Iterator[Any]:
    confined = start(command, files=files, limits=limits, unsafe=unsafe)
    try:
        yield confined
    finally:
        confined.close()


def _packages() -> str:
    return os.fspath(Path(sysconfig.get_path("purelib")).resolve())


def _read(batch: Batch, said: str, why: str) -> Tried:
    """What the lines say; bytes from a stranger's process are read by their shape alone."""
    failures, ok, count = [], 0, 0
    for line in said.splitlines():
        try:
            told = json.loads(line)
            seed, sentence = int(told["seed"]), str(told["failure"])
            schedule = told["schedule"] or batch.schedule or []
            ok += int(told["ok"])
        except (ValueError, LookupError, TypeError):
            break
        count += 1
        if sentence:
            failures.append(Failure(seed, sentence, schedule))
    if count != batch.count:
        last = (why.strip().splitlines() or ["it did not say why"])[-1]
        raise BadInput(f"the search ended at seed {batch.first + count}: {last}")
    return Tried(batch.first, batch.count, ok, tuple(failures))
