"""What verbs take: the arguments and options that more than one of them has.

They are decorators of a verb's function, ``@takes.lab``; the function's parameters have the same
names. What only one verb takes stands there as ``@click.option``.
"""

from pathlib import Path

import click

OUT = Path("out")
"""Where traces, pages and charts go unless the command line says otherwise."""

PATH = click.Path(path_type=Path)
"""The type of an option that names a file or a folder."""


def _ids(_: click.Context, __: click.Parameter, begun: str) -> list[str]:
    """The ids of labs that complete what was typed."""
    from common.course.base.course import Course

    return [id for id in Course().ids if id.startswith(begun)]


json = click.option("--json", is_flag=True, help="Print one JSON object for programs.")
lab = click.argument("lab", shell_complete=_ids, help="A lab's id, as `lab list` shows it.")
lab_or_none = click.argument(
    "lab", default="", shell_complete=_ids, help="A lab's id; the one you work at if not given."
)
part = click.option("--part", metavar="PART", default="", help="Only this part of the lab.")
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
