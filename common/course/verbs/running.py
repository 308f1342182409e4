"""``lab run``: a lab as real processes on real sockets, with clients, faults, and a verdict."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import click
from click.exceptions import Exit
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from common.check.verdict import EXIT_CODES, Answer, worst
from common.codec.named import NAMES, CodecName
from common.contract.events import NodeId
from common.course.base import takes
from common.course.base.course import Course
from common.course.base.declared import worlds_of
from common.course.base.implementation import take_from
from common.course.base.lab import Lab
from common.course.base.naming import find
from common.course.base.output import MARKS, Output, show_report
from common.course.verbs.schedules import read_schedule
from common.course.verbs.session import MOST_TRACED, Session, SessionOptions
from common.runtime import loops
from common.runtime.lying import check_liars
from common.values.errors import BadInput
from common.values.faults import Schedule, fault_to_plain, parse_time
from common.values.units import SECOND
from common.worlds import Seat, Worlds
from common.worlds.troubles import TROUBLES

TICK = 0.2


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """What a run on sockets does.

    Attributes:
        duration: how long clients work, in microseconds; under the dashboard, which a person ends,
            over how long the faults are spread.
        faults: a schedule file or the name of a trouble, "" for the lab's own, ``none`` for none.
        out: where history, trace and picture are written.
        session: how to run.
    """

    duration: int
    faults: str
    out: Path
    session: SessionOptions


@takes.lab
@takes.variant
@click.option("--nodes", metavar="N", type=click.IntRange(0, 50), default=0, help="How many nodes.")
@click.option(
    "--clients", metavar="N", type=click.IntRange(0, 50), default=0, help="How many clients."
)
@click.option("--headless", is_flag=True, help="No dashboard: run, check, end.")
@click.option(
    "--duration",
    default="",
    help="How long from the first answer on, headless; 5s, or what the lab's checks need.",
)
@click.option("--faults", default="", help="A schedule file, the name of a trouble, or none.")
@click.option("--seed", type=int, default=7, help="Of what the clients ask for.")
@click.option(
    "--codec", type=click.Choice(NAMES), default="messagepack", help="How messages are written."
)
@click.option("--data", metavar="DIR", type=takes.PATH, help="Keep the nodes' data here.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where nodes listen.")
@click.option(
    "--port", metavar="N", type=click.IntRange(0, 65_000), default=0, help="The first node's port."
)
@click.option(
    "--join", metavar="NAME", default="", help="Join what another terminal opened, as NAME."
)
@click.option(
    "--impl",
    "--dir",
    "impl",
    metavar="DIR",
    type=takes.PATH,
    help="Run the code in this workspace.",
)
@takes.out
@takes.json
def run(
    lab: str,
    variant: str,
    nodes: int,
    clients: int,
    headless: bool,
    duration: str,
    faults: str,
    seed: int,
    codec: CodecName,
    data: Path | None,
    host: str,
    port: int,
    join: str,
    impl: Path | None,
    out: Path,
    json: bool,
) -> None:
    """Run a lab as a cluster of processes on real sockets, with a dashboard or headless.

    Exit 0: every check says yes. 1: one says no. 2: one cannot say, for example because nothing
    was done in that time, which shows nothing.
    """
    course, output = Course(), Output(json)
    found = course.lab(lab)
    if found.real and not found.worlds:
        if variant or nodes or clients or faults or data or port or impl:
            raise BadInput(
                f"lab {lab} is no cluster: it takes no --variant, --nodes, --clients, --faults, "
                "--data, --port or --impl"
            )
        result = run_real(found, seed, out / "run" / found.id, output)
        output.result(lab=found.id, **result)
        return
    files = {} if impl is None else take_from(impl, course, found)
    options = SessionOptions(variant, nodes, clients, seed, data, host, port, True, files, codec)
    worlds = worlds_of(found)
    if join and (not worlds.people or headless or json):
        raise BadInput(f"--join is for people at terminals, and not for lab {lab}, or not headless")
    cluster = bool(nodes or clients or faults or port or headless or json)
    if join and cluster:
        raise BadInput(
            "--join takes a seat among people: --nodes, --clients, --faults and --port are for a "
            "cluster with clients that act by themselves"
        )
    if worlds.people and (join or (output.console.is_terminal and not cluster)):
        sit_down = find(f"{worlds.package}.front.terminal:sit_down", f"lab {lab}: people")
        sit_down(Seat(join, variant, data))
        return
    lasts = parse_time(duration) if duration else worlds.lasts
    live = LiveOptions(lasts, faults, out / "run" / found.id, options)
    if headless or json or not output.console.is_terminal:
        result = run_live(worlds, live, output)
        output.result(lab=found.id, **result)
    else:
        result = _run_watched(worlds, live, output)
    raise Exit(EXIT_CODES[Answer(result["result"])])


def run_real(lab: Lab, seed: int, out: Path, output: Output) -> dict[str, object]:
    """Run a lab that is no cluster on real input, and show what it reports."""
    make_report = find(lab.real, f"lab {lab.id}: real")
    return show_report(make_report(seed), output, out)


def run_live(worlds: Worlds, options: LiveOptions, output: Output) -> dict[str, object]:
    """Run without a person, and sum up: verdicts, outcomes, files.

    Raises:
        BadInput: an option cannot be used.
        LabError: a node or a client broke the contract, or cannot start.
    """
    session = loops.run(_headless(worlds, options, output))
    return _conclude(session, options.out, output)


def _run_watched(worlds: Worlds, options: LiveOptions, output: Output) -> dict[str, object]:
    """Run with a person at the dashboard, and sum up when the person leaves."""
    from common.course.verbs.dashboard import show_dashboard  # textual is slow to import

    members = worlds.live.resized(options.session.members).member_names
    schedule = _schedule(options.faults, members, options.duration)
    session = show_dashboard(worlds, options.session, schedule)
    return _conclude(session, options.out, output)


async def _headless(worlds: Worlds, options: LiveOptions, output: Output) -> Session:
    duration = options.duration
    session = Session(worlds, options.session)
    try:
        schedule = _schedule(options.faults, session.members, duration)
        if schedule is None:
            schedule = worlds.trouble(session.members, duration)
        schedule.check_nodes((*session.members, *session.clients))
        check_liars(schedule, session.members, session.cluster.spec.worlds)
        await _work(session, schedule, duration, output)
    except BaseException:
        session.close()
        raise
    return session


async def _work(session: Session, schedule: Schedule, duration: int, output: Output) -> None:
    """Let the clients work for ``duration`` microseconds from the first answer on, under faults."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    async with session:
        counts = f"{len(session.members)} processes, {len(session.clients)} clients"
        names = f"{counts}, {duration / SECOND:g} s"
        output.say(
            f"[bold]{escape(session.worlds.lab)}[/]: {escape(session.variant.title)} ({names})"
        )
        for line in session.hint.splitlines():
            output.line(f"  {escape(line)}")
        with Progress(*columns, console=output.console, disable=output.json) as progress:
            task = progress.add_task("clients at work", total=duration / SECOND)
            await session.settle()
            troubles = asyncio.create_task(_trouble(session, schedule, output))
            loop = asyncio.get_running_loop()
            began = loop.time()
            while (passed := loop.time() - began) < duration / SECOND:
                progress.update(task, completed=passed)
                await asyncio.sleep(TICK)
                session.check_failures()
            progress.update(task, completed=duration / SECOND)
            troubles.cancel()
            with suppress(asyncio.CancelledError):
                await troubles
        await session.drain()


async def _trouble(session: Session, schedule: Schedule, output: Output) -> None:
    cluster = session.cluster
    begun = cluster.clock.world()
    for fault in schedule:
        await asyncio.sleep(max(0, begun + fault.at - cluster.clock.world()) / SECOND)
        await cluster.apply(fault)
        plain = fault_to_plain(fault)
        at, name = plain.pop("at") / SECOND, plain.pop("fault")
        told = ", ".join(f"{key} {value}" for key, value in plain.items())
        output.say(f"  [yellow]{at:.1f} s[/] {name} {escape(told)}")


def _schedule(faults: str, members: Sequence[NodeId], duration: int) -> Schedule | None:
    """The schedule that a person named, or None where the lab's own is wanted."""
    if not faults:
        return None
    if faults in TROUBLES:
        return TROUBLES[faults](members, duration)
    if faults != "none" and not Path(faults).exists():
        known = ", ".join(TROUBLES)
        raise BadInput(
            f"there is no schedule {faults}: name a file, none, or one of the troubles {known}"
        )
    return Schedule() if faults == "none" else read_schedule(Path(faults))


def _conclude(session: Session, out: Path, output: Output) -> dict[str, object]:
    """Check the history, write the files, tell the verdicts."""
    try:
        files = session.save(out)
    finally:
        session.close()
    tally = session.tally()
    counted = ", ".join(f"{number} {name}" for name, number in tally.items())
    output.say(f"{sum(tally.values())} operations: {counted}")
    verdicts = session.verdicts()
    for name, verdict in verdicts.items():
        output.say(f"{MARKS[verdict.answer.value]}  [bold]{name}[/]: {escape(verdict.sentence)}")
        if verdict.answer is Answer.NO:
            for line in session.stories.splitlines():
                output.line(escape(line))
    if page := files.get("page"):
        output.say(f"picture: [link=file://{Path(page).resolve()}]{page}[/]")
    else:
        output.say(
            f"No picture: the run traced more than {MOST_TRACED >> 20} MB, too much to join and to "
            "draw. Its history was checked, and is in " + escape(files["history"]) + ". For a "
            "picture let it run for a shorter time (--duration)."
        )
    if not tally["ok"]:
        output.say("Nothing was done in that time: let the clients work for longer (--duration).")
    told = {
        name: {"answer": verdict.answer.value, "sentence": verdict.sentence}
        for name, verdict in verdicts.items()
    }
    result = worst(verdict.answer for verdict in verdicts.values()).value
    return {"result": result, "verdicts": told, "outcomes": tally, "files": files}
