"""What verbs are given: the arguments and options that more than one of them takes."""

from pathlib import Path
from typing import Annotated

import typer

OUT = Path("out")
"""Where traces, pages and charts go unless the command line says otherwise."""

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object for programs.")]
LabId = Annotated[str, typer.Argument(metavar="LAB", help="A lab's id, as `lab list` shows it.")]
LabOrNone = Annotated[
    str, typer.Argument(metavar="[LAB]", help="A lab's id; the one you work at if not given.")
]
PartId = Annotated[str, typer.Option("--part", metavar="PART", help="Only this part of the lab.")]
Dir = Annotated[
    Path | None,
    typer.Option(
        "--dir", "--impl", metavar="DIR", help="The workspace; the one called work if not given."
    ),
]
Reference = Annotated[
    bool, typer.Option("--reference", help="The course's own code, not your workspace's.")
]
Seed = Annotated[int, typer.Option(help="Decides everything that is drawn by chance.")]
Out = Annotated[Path, typer.Option(help="Where traces, pages and charts are written.")]
