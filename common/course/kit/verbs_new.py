"""``lab new``: a lab to begin with, for those who build the course."""

import os

import click

from common.course.base import takes
from common.course.base.course import Course
from common.course.base.output import Output
from common.course.kit.new_lab import new_lab, stage_named


@click.argument("stage", help="Its number, + for the bonus, or its folder.")
@click.argument("id", help="The new lab's name: small letters, digits and _.")
@takes.json
def new(stage: str, id: str, json: bool) -> None:
    """Make a lab that runs and passes all checks, to be edited."""
    course, output = Course(), Output(json)
    written = new_lab(course, stage_named(course, stage), id)
    for path in written:
        output.line(f"  {os.path.relpath(path)}")
    output.say(
        f"\nnext: [bold]lab show {id}[/], [bold]lab demo {id}[/], [bold]lab test {id}[/]; "
        "[bold]make check[/] says what is amiss"
    )
    output.result(lab=id, written=[str(path) for path in written])
