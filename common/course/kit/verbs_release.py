"""``lab release`` and ``lab gradescope``: what leaves the instructor's machine."""

from pathlib import Path

import click
from rich.markup import escape

from common.course.base import takes
from common.course.base.course import Course
from common.course.base.output import Output
from common.course.kit.course_file import NAME, read_course_file
from common.course.kit.gradescope import Settings, build_zip
from common.course.kit.keys import read_or_make_secret
from common.course.kit.release import Release
from common.values.errors import BadInput


@click.argument("out", type=takes.PATH, help="A new folder.")
@click.option("--labs", default="", help="The exercises: cap,link. All labs if none.")
@click.option(
    "--course", metavar="FILE", type=takes.PATH, help=f"{NAME}: hidden tests, hint costs."
)
@takes.json
def release(out: Path, labs: str, course: Path | None, json: bool) -> None:
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


@takes.lab
@click.argument("out", type=takes.PATH, help="The zip to upload.")
@click.option("--course", metavar="FILE", type=takes.PATH, help=f"{NAME}: weights, hidden tests.")
@takes.key
@takes.seeds
@takes.unsafe
@takes.json
def gradescope(
    lab: str,
    out: Path,
    course: Path | None,
    key: Path | None,
    seeds: int | None,
    unsafe: bool,
    json: bool,
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
