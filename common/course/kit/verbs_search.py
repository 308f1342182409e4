"""``lab sweep`` and ``lab bounty``: searches for what no suite has found yet."""

import dataclasses
from collections.abc import Callable, Iterable
from pathlib import Path

import click
import yaml
from click.exceptions import Exit
from rich.markup import escape

from common.check.verdict import EXIT_CODES, Answer
from common.course.base import takes
from common.course.base.course import Course
from common.course.base.implementation import check_workspace
from common.course.base.lab import Lab
from common.course.base.output import MARKS, Output, folder, write
from common.course.kit import bounties
from common.course.kit.batches import Batch, Failure, Tried, check_cluster, try_batch
from common.course.kit.farm import Done, Farm
from common.course.kit.logbook import Logbook
from common.course.kit.marking import suites_digest
from common.course.kit.progress import steps
from common.sim.chaos import KINDS
from common.values.errors import BadInput

BATCH = 50
"""Seeds of a batch: a few seconds, so that little is lost when a search is interrupted."""

MOST_SHOWN = 5


@takes.lab
@click.option(
    "--seeds",
    metavar="N",
    type=click.IntRange(min=1),
    default=1000,
    show_default=True,
    help="How many schedules to try.",
)
@click.option("--first", metavar="N", type=click.IntRange(min=0), default=1, help="The first seed.")
@click.option("--impl", metavar="DIR", type=takes.PATH, help="A workspace; else the reference.")
@takes.variant
@click.option(
    "--kinds",
    default="",
    help=f"What may go wrong, all that the lab bears if none: {','.join(KINDS)}.",
)
@takes.out
@takes.scheduler
@takes.workers
@takes.unsafe
@takes.json
def sweep(
    lab: str,
    seeds: int,
    first: int,
    impl: Path | None,
    variant: str,
    kinds: str,
    out: Path,
    scheduler: str | None,
    processes: int | None,
    unsafe: bool,
    json: bool,
) -> None:
    """Search schedules for one that breaks a lab, and shrink what is found. Exits with 1 then.

    A search that was interrupted goes on where it stopped. One in which no operation ended ok
    shows nothing, and exits with 2.
    """
    course, output = Course(), Output(json)
    found = course.lab(lab)
    check_cluster(found)
    batch = Batch(
        lab=found.id, variant=variant, first=first, count=BATCH, kinds=_kinds(kinds),
        files=_files(course, found, impl), suites=suites_digest(course), unsafe=unsafe,
    )  # fmt: skip
    logbook = Logbook(out / "sweep", batch)
    wanted = list(_batches(batch, first, seeds))
    todo = {str(each.first): each for each in wanted if not logbook.has(each)}
    if len(todo) < len(wanted):
        output.say(f"{len(wanted) - len(todo)} of {len(wanted)} batches were done before")
    with steps(output, f"schedules of {found.id}", seeds) as bar:
        bar.step(sum(each.count for each in wanted if str(each.first) not in todo))
        if todo:
            with Farm(scheduler, processes) as farm:
                _search(farm, todo, logbook, lambda tried: bar.step(tried.count))
    done = [logbook.tried[each.first] for each in wanted]
    failures = [failure for tried in done for failure in tried.failures]
    files = _write(out / "sweep", found.id, failures)
    _tell(output, seeds, done, files)
    output.result(
        lab=found.id,
        seeds=seeds,
        ok_operations=sum(tried.ok for tried in done),
        failures=[dataclasses.asdict(failure) for failure in failures],
        files=[str(path) for path in files.values()],
    )
    if failures:
        raise Exit(1)
    if not any(tried.ok for tried in done):
        raise Exit(EXIT_CODES[Answer.UNKNOWN])


@click.argument("file", type=takes.PATH, help="The counter-example, as YAML.")
@takes.unsafe
@takes.json
def bounty(file: Path, unsafe: bool, json: bool) -> None:
    """Check a student's counter-example; if it is one, print it as a mutant, ready to be added.

    It is a wrong variant that passes the suite, with something that shows that it is wrong (a
    test and a seed, or a schedule), or a schedule that breaks the reference. Exits with 1 if it
    is none.
    """
    course, output = Course(), Output(json)
    claim = bounties.read_claim(file, course)
    judged = bounties.judge(claim, course, unsafe)
    mark = "[green]✓[/]" if judged.holds else "[red]✗[/]"
    output.say(f"{mark} {escape(judged.why)}")
    if judged.holds and not json:
        print(judged.entry, end="")
    output.result(holds=judged.holds, why=judged.why, entry=judged.entry)
    if not judged.holds:
        raise Exit(1)


def _kinds(text: str) -> tuple[str, ...]:
    chosen = tuple(kind.strip() for kind in text.split(",") if kind.strip())
    unknown = [kind for kind in chosen if kind not in KINDS]
    if unknown:
        raise BadInput(f"{unknown[0]!r} is no kind of trouble; there are: {', '.join(KINDS)}")
    return chosen


def _files(course: Course, lab: Lab, impl: Path | None) -> dict[str, bytes]:
    """The files of labs in a workspace: the lab's own, and those that it stands on."""
    if impl is None:
        return {}
    check_workspace(impl, lab)
    return {
        path.relative_to(impl).as_posix(): path.read_bytes()
        for package in course.packages
        for path in sorted((impl / package).rglob("*.py"))
        if path.is_file() and not path.is_symlink()
    }


def _batches(batch: Batch, first: int, seeds: int) -> Iterable[Batch]:
    for start in range(first, first + seeds, BATCH):
        count = min(BATCH, first + seeds - start)
        yield dataclasses.replace(batch, first=start, count=count)


def _search(
    farm: Farm, todo: dict[str, Batch], logbook: Logbook, on_end: Callable[[Tried], None]
) -> None:
    for event in farm.run(_work, todo):
        match event:
            case Done(_, result, None) if result is not None:
                logbook.add(result)
                on_end(result)
            case Done(_, _, error) if error is not None:
                raise error


def _work(batch: Batch, tell: Callable[[object], None]) -> Tried:
    """What a worker does."""
    del tell
    return try_batch(batch)


def _write(out: Path, lab: str, failures: list[Failure]) -> dict[int, Path]:
    files = {}
    for failure in failures:
        text = yaml.safe_dump(failure.schedule, sort_keys=False)
        told = f"# {failure.sentence}\n# lab {lab}, seed {failure.seed}\n"
        files[failure.seed] = write(folder(out) / f"{lab}-{failure.seed}.yaml", told + text)
    return files


def _tell(output: Output, seeds: int, done: list[Tried], files: dict[int, Path]) -> None:
    failures = [failure for tried in done for failure in tried.failures]
    ok = sum(tried.ok for tried in done)
    output.say(f"{seeds:,} schedules, {ok:,} operations ended ok, {len(failures)} failures")
    if not ok and not failures:
        output.say(f"{MARKS['unknown']}  This shows nothing: no operation ended ok.")
    for failure in failures[:MOST_SHOWN]:
        output.say(f"[red]✗[/] seed {failure.seed}: {escape(failure.sentence)}")
        faults = len(failure.schedule)
        output.say(f"    {faults} faults are left of its schedule: {files[failure.seed]}")
    if len(failures) > MOST_SHOWN:
        output.say(f"[dim]and {len(failures) - MOST_SHOWN} more[/]")
