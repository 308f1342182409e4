"""``lab view``, ``lab export``, ``lab check-history``: look at what was recorded."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from common.check.command import MODELS, check_history
from common.course.base.output import MARKS, Output, write
from common.course.base.parameters import Json
from common.trace.export import to_otlp, to_perfetto, to_shiviz
from common.trace.reader import read
from common.trace.viewer.page import build_page
from common.values.errors import BadInput

TraceFile = Annotated[Path, typer.Argument(metavar="TRACE", help="A trace, JSON Lines.")]
TornOk = Annotated[bool, typer.Option("--torn-ok", help="Accept a last line that was cut off.")]


class Target(StrEnum):
    """The programs for which traces can be written."""

    SHIVIZ = "shiviz"
    OTLP = "otlp"
    PERFETTO = "perfetto"


WRITERS = {Target.SHIVIZ: to_shiviz, Target.OTLP: to_otlp, Target.PERFETTO: to_perfetto}
ENDINGS = {Target.SHIVIZ: ".log", Target.OTLP: ".otlp.json", Target.PERFETTO: ".perfetto.json"}


def view(
    trace: TraceFile,
    out: Annotated[
        Path | None, typer.Option(help="The page; beside the trace if not given.")
    ] = None,
    torn_ok: TornOk = False,
    json: Json = False,
) -> None:
    """Draw a trace as one self-contained HTML page."""
    output = Output(json)
    recorded = read(trace, torn_ok=torn_ok)
    page = write(out or trace.with_suffix(".html"), build_page(recorded.lines(), trace.stem))
    output.say(f"picture: [link=file://{page.resolve()}]{page}[/]")
    output.result(page=str(page), events=len(recorded.events))


def export(
    trace: TraceFile,
    to: Annotated[Target, typer.Option(help="For which program.")],
    out: Annotated[
        Path | None, typer.Option(help="The file; beside the trace if not given.")
    ] = None,
    torn_ok: TornOk = False,
    json: Json = False,
) -> None:
    """Write a trace for ShiViz, for OpenTelemetry (OTLP JSON), or for Perfetto."""
    output = Output(json)
    recorded = read(trace, torn_ok=torn_ok)
    path = write(out or trace.with_suffix(ENDINGS[to]), WRITERS[to](recorded))
    output.say(f"written: {path}")
    output.result(file=str(path), to=to.value)


def check(
    history: Annotated[Path, typer.Argument(help="JSON Lines, Jepsen's log lines, or EDN maps.")],
    model: Annotated[str, typer.Option(help=f"One of: {', '.join(MODELS)}.")],
    steps: Annotated[int | None, typer.Option(help="How much work before giving up.")] = None,
    json: Json = False,
) -> None:
    """Decide whether a recorded history keeps its promise: exit 0 yes, 1 no, 2 unknown."""
    output = Output(json)
    if model not in MODELS:
        raise BadInput(f"there is no model {model!r}: there are {', '.join(MODELS)}")
    try:
        text = history.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"the history {history} cannot be read: {error}") from None
    verdict = check_history(text, str(history), model, steps=steps)
    output.say(f"{MARKS[verdict.answer.value]}  {escape(verdict.sentence)}")
    for operation in verdict.window:
        output.say(f"    {escape(str(operation))}")
    window = [str(operation) for operation in verdict.window]
    output.result(
        answer=verdict.answer.value, sentence=verdict.sentence, anomaly=verdict.anomaly,
        window=window, steps=verdict.steps,
    )  # fmt: skip
    raise typer.Exit(verdict.exit_code)
