"""``lab demo``: see a lab at work before writing it."""

from pathlib import Path

from common.course.base import takes
from common.course.base.course import Course
from common.course.base.lab import Lab
from common.course.base.naming import find
from common.course.base.output import Output, show_report


@takes.lab
@takes.seed
@takes.out
@takes.json
def demo(lab: str, seed: int, out: Path, json: bool) -> None:
    """Run a lab's demonstration in the simulator: a story, verdicts, and a picture."""
    course, output = Course(), Output(json)
    found = course.lab(lab)
    shown = show_demo(found, seed, out, output)
    if not json:
        output.say(f"\nnext: [bold]lab test {found.id}[/], and read [bold]{found.page}[/]")
    output.result(lab=found.id, seed=seed, **shown)


def show_demo(lab: Lab, seed: int, out: Path, output: Output) -> dict[str, object]:
    """Run a lab's demo and show what it reports; returns verdicts and files."""
    make_report = find(lab.demo, f"lab {lab.id}: demo")
    return show_report(make_report(seed), output, out / "demo" / lab.id)
