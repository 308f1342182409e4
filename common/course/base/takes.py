"""What verbs take: the arguments and options that more than one of them has.

They are decorators of a verb's function, ``@takes.lab``; the function's parameters have the same
names. What only one verb takes stands there as ``@click.option``.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from common.course.base.lab import Lab

OUT = Path("out")
"""Where traces, pages and charts go unless the command line says otherwise."""

PATH = click.Path(path_type=Path)
"""The type of an option that names a file or a folder."""


def labs(_: click.Context, __: click.Parameter, begun: str) -> list[str]:
    """The ids of labs that complete what was typed."""
    from common.course.base.course import Course

    return [id for id in Course().ids if id.startswith(begun)]


def _named_labs(context: click.Context) -> list["Lab"]:
    """The lab that the command line names so far, or else all."""
    from common.course.base.course import Course

    course = Course()
    given = {context.params.get("lab"), *(context.params.get("words") or ())}
    return [course.lab(id) for id in course.ids if id in given] or list(course.labs)


def _parts(context: click.Context, _: click.Parameter, begun: str) -> list[str]:
    found = [part.id for lab in _named_labs(context) for part in lab.parts]
    return [id for id in dict.fromkeys(found) if id.startswith(begun)]


def tests(context: click.Context, _: click.Parameter, begun: str) -> list[str]:
    """The names of tests that complete what was typed."""
    names = [t.name.removeprefix("test_") for lab in _named_labs(context) for t in lab.tests]
    return [name for name in names if name.startswith(begun)]


def symbols(context: click.Context, _: click.Parameter, begun: str) -> list[str]:
    """The holes that complete what was typed."""
    names = [hole.name for lab in _named_labs(context) for hole in lab.holes]
    return [name for name in names if name.startswith(begun)]


def labs_and_symbols(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """Labs and holes that complete what was typed."""
    return [*labs(context, parameter, begun), *symbols(context, parameter, begun)]


json = click.option("--json", is_flag=True, help="Print one JSON object for programs.")
lab = click.argument("lab", shell_complete=labs, help="A lab's id, as `lab list` shows it.")
lab_or_none = click.argument(
    "lab", default="", shell_complete=labs, help="A lab's id; the one you work at if not given."
)
part = click.option(
    "--part", metavar="PART", default="", shell_complete=_parts, help="Only this part of the lab."
)
dir = click.option(
    "--dir", "--impl", "dir", metavar="DIR", type=PATH,
    help="The workspace; the one called work if not given.",
)  # fmt: skip
reference = click.option(
    "--reference", is_flag=True, help="The course's own code, not that of your workspace."
)
seed = click.option(
    "--seed", type=int, default=7, show_default=True,
    help="Decides everything that is drawn by chance.",
)  # fmt: skip
out = click.option(
    "--out", metavar="DIR", type=PATH, default=OUT, show_default=True,
    help="Where traces, pages and charts are written.",
)  # fmt: skip
unsafe = click.option("--unsafe", is_flag=True, help="Run the code without a sandbox.")
variant = click.option(
    "--variant", metavar="NAME", default="", help="One of the ways to run it; the first if none."
)
seeds = click.option(
    "--seeds", metavar="N", type=click.IntRange(min=1), help="How many seeds each sweep tries."
)
key = click.option("--key", metavar="FILE", type=PATH, help="The course's secret.")
scheduler = click.option(
    "--scheduler", metavar="tcp://HOST:PORT", help="A Dask cluster; else this machine."
)
workers = click.option(
    "--processes", metavar="N", type=click.IntRange(min=1), help="Processes of this machine."
)
