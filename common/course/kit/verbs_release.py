"""``lab release`` and ``lab gradescope``: what leaves the instructor's machine."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from common.course.base.manifest import Course
from common.course.base.output import Output
from common.course.base.parameters import Json, LabId
from common.course.kit.course_file import NAME, read_course_file
from common.course.kit.gradescope import Settings, build_zip
from common.course.kit.keys import read_or_make_secret
from common.course.kit.release import Release
from common.values.errors import BadInput


def release(
    out: Annotated[Path, typer.Argument(help="A new folder.")],
    labs: Annotated[str, typer.Option(help="The exercises: cap,link. All labs if none.")] = "",
    course: Annotated[
        Path | None, typer.Option(metavar="FILE", help=f"{NAME}: hidden tests, hint costs.")
    ] = None,
    json: Json = False,
) -> None:
    """Build the handout repository, and prove that no solution is in it.

    Labs that the exercises import and that are no exercises themselves are supplied with their
    references, readable: do not supply what is to be an exercise later.
    """
    known, output = Course(), Output(json)
    rules = read_course_file(course, known) if course else None
    names = [name.strip() for name in labs.split(",") if name.strip()]
    if not names:
        names = [lab.id for lab in (rules.labs if rules else known.labs)]
    handout = Release(known, [known.lab(name) for name in names], rules)
    released = handout.build(out)
    output.say(
        f"[green]✓[/] {escape(str(out))}: {released.files} files, {released.holes} holes in "
        f"{', '.join(released.exercises)}; nothing of their solutions was found in it"
    )
    if released.supplied:
        output.say(f"supplied with their references: {', '.join(released.supplied)}")
    if released.hidden:
        output.say(f"{released.hidden} tests are kept back")
    if released.too_small:
        listed = ", ".join(released.too_small)
        output.say(f"[dim]too small to be told from other code: {escape(listed)}[/]")
    output.result(
        out=str(out),
        exercises=released.exercises,
        supplied=released.supplied,
        holes=released.holes,
        files=released.files,
        hidden=released.hidden,
        too_small=released.too_small,
        clean=True,
    )


def gradescope(
    lab: LabId,
    out: Annotated[Path, typer.Argument(help="The zip to upload.")],
    course: Annotated[
        Path | None, typer.Option(metavar="FILE", help=f"{NAME}: weights, hidden tests.")
    ] = None,
    key: Annotated[Path | None, typer.Option(metavar="FILE", help="The course's secret.")] = None,
    seeds: Annotated[int | None, typer.Option(min=1, help="Seeds of each sweep.")] = None,
    unsafe: Annotated[
        bool, typer.Option("--unsafe", help="Grade also where there is no sandbox.")
    ] = False,
    json: Json = False,
) -> None:
    """Build a Gradescope autograder for one lab: configure it there by uploading the zip."""
    known, output = Course(), Output(json)
    found = known.lab(lab)
    rules = read_course_file(course, known) if course else None
    if rules is not None and found.id not in rules.by_id:
        raise BadInput(f"{course} says nothing about lab {found.id}: add it there")
    secret, made = read_or_make_secret(key)
    if made:
        output.say(f"[bold]made the course's secret: {made}[/]. Keep it, and keep it from students")
    text = course.read_text(encoding="utf-8") if course else ""
    settings = Settings(found.id, secret.for_autograder(found.id), unsafe, text, seeds)
    size = build_zip(known, settings, out)
    output.say(f"[green]✓[/] {escape(str(out))}: {size / 1e6:.1f} MB, grades lab {found.id}")
    output.say("[dim]it holds the references and a secret: it is for Gradescope alone[/]")
    output.result(out=str(out), lab=found.id, bytes=size, unsafe=unsafe)
