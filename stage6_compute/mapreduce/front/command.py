"""The command line: ``python -m stage6_compute.mapreduce JOB INPUT... --output DIR``."""

import argparse
import json
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from common.values.errors import BadInput, LabError
from stage6_compute.mapreduce.front.job import (
    Job,
    Program,
    load_job,
    prepared,
    read_program,
    shipped_jobs,
)
from stage6_compute.mapreduce.front.problems import raised
from stage6_compute.mapreduce.front.request import (
    Engine,
    JobFailed,
    Request,
    Told,
    claim,
    complete,
    give_up,
    take_parts,
)
from stage6_compute.mapreduce.front.splits import cut, find_input, sample
from stage6_compute.mapreduce.front.task import part_name

EXAMPLE = """\
example:
  python -m stage6_compute.mapreduce word_count docs README.md --output out/words
  python -m stage6_compute.mapreduce grep docs --set pattern=quorum --output out/found --json

A job is a Python file that defines map(name, line) and reduce(key, values); these come with the
lab: {jobs}. What else it may define: pydoc stage6_compute.mapreduce.front.job
"""
UNITS = {"KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}
MOST_WORKERS, MOST_PARTITIONS, MOST_ROUNDS = 64, 1000, 1000
LEAST_MEMORY = 128 << 20
INTERRUPTED, TERMINATED = 130, 143
"""What a shell expects of a program that was ended by Ctrl-C, or by SIGTERM."""


class Computed(NamedTuple):
    """What came of a job."""

    rounds: int
    counters: Mapping[str, int]
    seconds: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: those after the program's name; the process's own by default.

    Returns:
        The exit code: 0 where the output is there, or that of the error whose sentence was printed.
    """
    given = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))  # so that it still cleans up
    try:
        return _run(given)
    except LabError as error:
        if given.json:
            print(json.dumps({"error": str(error)}))
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("error: interrupted: there is no output", file=sys.stderr)
        return INTERRUPTED


def _run(given: argparse.Namespace) -> int:
    program = read_program(given.job, dict(map(_setting, given.set)))
    job = load_job(program)
    _check(given)
    files = find_input(given.input)
    partitions = given.partitions or given.workers
    if job.prepare is not None:
        program = prepared(program, job, sample(files), partitions)
        job = load_job(program)
    output = Path(given.output).absolute()
    claim(output)
    try:
        with _engine(given) as engine, _progress(given) as told:
            request = Request(
                program,
                cut(files, size(given.split_size), given.workers),
                output,
                partitions,
                size(given.memory),
                given.task_timeout,
                given.skip_bad_records,
            )
            computed = compute_rounds(engine, request, job, told, given.workers)
            if given.timeline:
                _draw(engine, given, program)
            restarts = getattr(engine, "restarts", 0)
        complete(output, computed.counters)  # now that nobody writes any more
    except OSError as error:
        give_up(output)
        raise JobFailed(f"{error.filename or output} cannot be written: {error.strerror}") from None
    except BaseException:
        give_up(output)
        raise
    _show(given, request, computed, restarts)
    return 0


def compute_rounds(
    engine: Engine, request: Request, job: Job, told: Callable[[Told], None], workers: int
) -> Computed:
    """Have a job computed, in as many rounds as it wants; only the last one's output is kept."""
    begun = time.perf_counter()
    if job.again is None:
        counters = engine.compute(request, told)
        return Computed(1, counters, time.perf_counter() - begun)
    splits, round = request.splits, 0
    while True:
        round += 1
        there = request.output / f"_round-{round}"
        claim(there)
        counters = engine.compute(request._replace(splits=splits, output=there), told)
        if round > 1:
            shutil.rmtree(request.output / f"_round-{round - 1}", ignore_errors=True)
        made = [there / part_name(number) for number in range(request.partitions)]
        files = [(str(path), path.stat().st_size) for path in made]
        if round >= MOST_ROUNDS or not any(length for _, length in files):
            break
        try:
            if not job.again(round, counters):
                break
        except Exception as error:  # whatever somebody's function may raise
            raise JobFailed(raised("again", error, job.path)) from None
        largest = max(sum(range.end - range.start for range in split) for split in request.splits)
        splits = cut(files, largest, workers)
    take_parts(there, request.output, request.partitions)
    return Computed(round, counters, time.perf_counter() - begun)


@contextmanager
def _engine(given: argparse.Namespace) -> Iterator[Engine]:
    if given.engine == "local":
        from stage6_compute.mapreduce.front.local import Local

        scratch = None if given.scratch is None else Path(given.scratch)
        with Local(given.workers, scratch, [_kill(text) for text in given.kill]) as local:
            yield local
    elif given.engine == "spark":
        from stage6_compute.mapreduce.front.spark import Spark

        yield Spark(given.master or f"local[{given.workers}]")
    else:
        from stage6_compute.mapreduce.front.sequential import Sequential

        yield Sequential()


@contextmanager
def _progress(given: argparse.Namespace) -> Iterator[Callable[[Told], None]]:
    """A bar for each phase, for people."""
    if given.json or not sys.stderr.isatty():
        yield lambda told: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:8}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as progress:
        bars = [progress.add_task(name, total=None) for name in ("map", "reduce")]

        def show(told: Told) -> None:
            for bar, (done, total) in zip(bars, told, strict=True):
                progress.update(bar, completed=done, total=total)

        yield show


def _draw(engine: Engine, given: argparse.Namespace, program: Program) -> None:
    from stage6_compute.mapreduce.front.timeline import timeline

    title = f"{Path(program.path).name}: tasks of {given.workers} workers"
    drawn = timeline(getattr(engine, "timeline", ()), title)
    Path(given.timeline).write_text(drawn, encoding="utf-8")


def _show(given: argparse.Namespace, request: Request, computed: Computed, restarts: int) -> None:
    if given.json:
        result = {
            "job": request.program.path,
            "engine": given.engine,
            "output": str(request.output),
            "parts": [part_name(index) for index in range(request.partitions)],
            "rounds": computed.rounds,
            "seconds": round(computed.seconds, 3),
            "restarts": restarts,
            "counters": dict(computed.counters),
        }
        print(json.dumps(result))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("counter", "total", title="Counters", title_justify="left")
    table.columns[1].justify = "right"
    for name, total in sorted(computed.counters.items()):
        table.add_row(name, f"{total:,}")
    console = Console()
    console.print(table)
    rounds = f" in {computed.rounds} rounds" if computed.rounds > 1 else ""
    died = f"; {restarts} processes died and were started again" if restarts else ""
    console.print(
        f"{request.output}: {request.partitions} parts, {computed.seconds:.1f} s{rounds}{died}",
        highlight=False,
        soft_wrap=True,
    )


# What a person gives.


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise BadInput(f"--set {text}: write name=value")
    return name, value


def _kill(text: str) -> tuple[str, float]:
    who, _, seconds = text.partition("@")
    try:
        return who, float(seconds)
    except ValueError:
        raise BadInput(f"--kill {text}: write who and after how many seconds: w1@2") from None


def size(text: str) -> int:
    """A number of bytes from ``200MB``, ``64 KB`` or ``1GB``.

    Raises:
        BadInput: the text is none.
    """
    unit = text[-2:].upper()
    number = text[:-2].strip() if unit in UNITS else text
    if not number.isdecimal() or int(number) == 0:
        raise BadInput(f"{text!r} is no size: write 200MB, 64KB or 1GB")
    return int(number) * UNITS.get(unit, 1)


def _check(given: argparse.Namespace) -> None:
    if not 1 <= given.workers <= MOST_WORKERS:
        raise BadInput(f"--workers {given.workers}: write a number from 1 to {MOST_WORKERS}")
    if not 0 <= given.partitions <= MOST_PARTITIONS:
        raise BadInput(f"--partitions {given.partitions}: write a number up to {MOST_PARTITIONS}")
    if size(given.memory) < LEAST_MEMORY:
        raise BadInput(f"--memory {given.memory}: a worker needs 128MB at least")
    if given.skip_bad_records < 0:
        raise BadInput(f"--skip-bad-records {given.skip_bad_records}: write 0 or more")
    if given.skip_bad_records and given.engine == "sequential":
        raise BadInput("--skip-bad-records is not for --engine sequential, which skips nothing")
    if given.task_timeout <= 0:
        raise BadInput(f"--task-timeout {given.task_timeout}: write a number of seconds above 0")
    if given.engine != "local" and (given.timeline or given.kill):
        option = "--timeline" if given.timeline else "--kill"
        raise BadInput(f"{option} is for --engine local, which alone knows who does what when")
    if given.master and given.engine != "spark":
        raise BadInput("--master is for --engine spark")
    if given.timeline and not Path(given.timeline).absolute().parent.is_dir():
        raise BadInput(f"--timeline {given.timeline}: there is no such directory")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m stage6_compute.mapreduce",
        description="Compute a MapReduce job on files, on processes that may die.",
        epilog=EXAMPLE.format(jobs=", ".join(shipped_jobs())),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add: Any = parser.add_argument
    add("job", help="a Python file, or the name of a job that comes with the lab")
    add("input", nargs="+", help="files, or directories of files")
    add("--output", required=True, metavar="DIR", help="a directory, made here")
    add("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the job")
    add("--workers", type=int, default=2, help="how many (%(default)s)")
    add("--partitions", type=int, default=0, help="parts of the output (as many as workers)")
    add("--engine", choices=("local", "sequential", "spark"), default="local",
        help="local: the lab's own; sequential: one process, simple; spark: PySpark")  # fmt: skip
    add("--master", default="", help="of --engine spark: a cluster's address (this machine)")
    add("--split-size", default="48MB", help="of the input of a map task, at most (%(default)s)")
    add("--memory", default="200MB", help="of each worker, its two processes (%(default)s)")
    add("--task-timeout", type=float, default=60.0, metavar="SECONDS",
        help="a job's function may not take longer, for 2 MB of lines (%(default)s)")  # fmt: skip
    add("--skip-bad-records", type=int, default=0, metavar="N",
        help="leave out records on which map fails, up to N of a split (%(default)s)")  # fmt: skip
    add("--scratch", metavar="DIR", help="where workers keep what is between map and reduce")
    add("--kill", action="append", default=[], metavar="WHO@SECONDS",
        help="SIGKILL w1, say, or the coordinator, so long after the beginning")  # fmt: skip
    add("--timeline", metavar="FILE", help="draw who did which task when, as SVG")
    add("--json", action="store_true", help="print one object for programs")
    return parser
