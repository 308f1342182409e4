"""``lab start`` and ``lab reset``: a workspace with holes, and the holes back."""

from pathlib import Path

import click
from rich.markup import escape

from common.course.base import takes
from common.course.base.course import Course
from common.course.base.lab import Lab, Part
from common.course.base.output import Output
from common.course.student import handing_out
from common.course.student.editor import write_guide
from common.course.student.finding import open_workspace
from common.course.student.handing_out import Started
from common.course.student.passing import ALL, has_passed, next_part
from common.course.student.workspace import Workspace, hole_named
from common.values.errors import BadInput


@takes.lab
@takes.part
@click.option(ALL, "whole", is_flag=True, help="All parts at once, nothing supplied.")
@takes.dir
@takes.json
def start(lab: str, part: str, whole: bool, dir: Path | None, json: bool) -> None:
    """Open a lab's next part, with holes to fill. What you wrote is never overwritten.

    That is the first part that has not passed yet; the course supplies those that are not open.
    """
    if whole and part:
        raise BadInput(f"--part opens one part, {ALL} all of them: give one of them")
    course, output = Course(), Output(json)
    found = course.lab(lab)
    workspace = open_workspace(course, dir, output)
    chosen = None if whole else found.part(part) if part else _due(found, workspace)
    part = chosen.id if chosen else ""
    if not workspace.root.exists():
        elsewhere = f"lab --dir DIR start {found.id}"
        output.line(f"a new workspace: {workspace.root.absolute()} (elsewhere: {elsewhere})\n")
    done = handing_out.start(workspace, found, part or None)
    write_guide(workspace)
    output.say(f"[bold]{escape(found.title)}[/]", escape(found.concept), sep="\n")
    if chosen:
        hours = "1 hour" if chosen.hours == 1 else f"{chosen.hours:g} hours"
        after = f", after {', '.join(chosen.needs)}" if chosen.needs else ""
        about = f"{escape(chosen.title)} [dim](about {hours}{after})[/]"
        output.say(f"\npart [bold]{part}[/]: {about}")
    output.say("")
    folders: dict[Path, list[str]] = {}
    for path in done.written:
        folders.setdefault(path.parent, []).append(path.name)
    for folder, names in folders.items():
        listed = names[0] if len(names) == 1 else f"{len(names)} files"
        output.say(f"  [green]made[/]  {folder}: {listed}")
    for path in done.kept:
        output.say(f"  [yellow]yours[/] {path} [dim]is kept[/]")
    _tell_holes(found, done, part, output)
    _tell_next(found, chosen, workspace, output)
    output.result(
        lab=found.id, workspace=str(workspace.root), part=part,
        written=[str(path) for path in done.written], kept=[str(path) for path in done.kept],
        holes=done.opened, supplied=done.supplied,
    )  # fmt: skip


def _due(lab: Lab, workspace: Workspace) -> Part | None:
    """The part to open where none is named; None for all of them.

    A lab that was begun as a whole stays whole. A part that has not passed stays open.
    """
    known = workspace.state.read().lab(lab.id)
    if len(lab.parts) == 1 or (workspace.has(lab) and not known.part):
        return None
    if known.part and not has_passed(lab, lab.part(known.part), known):
        return lab.part(known.part)
    return next_part(lab, known)


def _tell_holes(lab: Lab, done: Started, part: str, output: Output) -> None:
    what = f"of part {part}" if part else "to fill"
    output.say(f"\n{len(done.opened)} holes {what}; each docstring says what belongs there:")
    for symbol in done.opened:
        output.say(f"  [cyan]{symbol}[/] [dim]{hole_named(lab, symbol).file}[/]")
    if done.supplied:
        output.say(f"[dim]{len(done.supplied)} holes of other parts are supplied[/]")
    if done.others:
        output.say(
            f"[dim]{len(done.others)} holes of other parts are open too: this copy has none "
            f"to supply; if tests of this part need them, lab start {lab.id} {ALL}[/]"
        )
    if lab.needs:
        output.say(f"[dim]what it stands on is supplied: {', '.join(lab.needs)}[/]")


def _tell_next(lab: Lab, part: Part | None, workspace: Workspace, output: Output) -> None:
    holes = part.holes if part else lab.holes
    files = list(dict.fromkeys(str(workspace.path(lab, hole.file)) for hole in holes))
    first = files[0] if len(files) == 1 else f"{files[0]}[/] first, then [bold]{files[1]}"
    more = f" [dim]and {len(files) - 2} more[/]" if len(files) > 2 else ""
    output.say(
        f"\nread  [bold]{lab.page}[/]",
        f"open  [bold]{first}[/]{more}",
        f"then  [bold]lab watch {lab.id}[/] or [bold]lab test {lab.id}[/]; stuck: "
        "[bold]lab hint[/]; failed: [bold]lab why[/]",
        sep="\n",
    )
    if part is None:
        output.say(f"in VS Code: code {workspace.root}")
        return
    later = lab.parts[lab.parts.index(part) + 1 :]
    going = f"on    [bold]lab start {lab.id} --part {later[0].id}[/]; " if later else "on    "
    output.say(f"{going}all parts at once: [bold]lab start {lab.id} {ALL}[/]")


@takes.lab
@click.argument(
    "symbol", default="", shell_complete=takes.symbols,
    help="Only this function: Election.campaign.",
)  # fmt: skip
@takes.part
@takes.dir
@takes.json
def reset(lab: str, symbol: str, part: str, dir: Path | None, json: bool) -> None:
    """Put the holes back; what you wrote is kept in a backup, and the command says where."""
    course, output = Course(), Output(json)
    found = course.lab(lab)
    workspace = open_workspace(course, dir, output)
    if not workspace.has(found):
        raise BadInput(f"there is nothing to reset: lab start {found.id} makes the workspace")
    wanted = hole_named(found, symbol).name if symbol else ""
    part = part or workspace.state.read().lab(found.id).part
    backup = handing_out.reset(workspace, found, part or None, wanted)
    what = wanted or (f"part {part} of lab {found.id}" if part else f"lab {found.id}")
    output.say(f"{what} is as it was handed out; yours is kept in [cyan]{backup}[/]")
    output.result(lab=found.id, backup=str(backup))
