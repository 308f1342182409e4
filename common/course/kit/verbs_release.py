"""``lab release``: the handout."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from common.course.kit.course_file import NAME, read_course_file
from common.course.kit.release import Release
from common.course.listing import Json
from common.course.manifest import Course
from common.course.output import Output


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("release", epilog="Example: lab release handout/ --labs echo,link,cap")(release)


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
