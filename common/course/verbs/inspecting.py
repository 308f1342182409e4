"""``lab view``, ``lab export``, ``lab check-history``: look at what was recorded."""

from pathlib import Path

import click
from click.exceptions import Exit
from rich.markup import escape

from common.check.command import MODELS, check_history
from common.course.base import takes
from common.course.base.output import MARKS, Output, write
from common.trace.export import to_otlp, to_perfetto, to_shiviz
from common.trace.reader import read
from common.trace.viewer.page import build_page
from common.values.errors import BadInput

WRITERS = {
    "shiviz": (to_shiviz, ".log"),
    "otlp": (to_otlp, ".otlp.json"),
    "perfetto": (to_perfetto, ".perfetto.json"),
}
"""By program, what writes a trace for it, and the ending of the file."""

_trace = click.argument("trace", type=takes.PATH, help="A trace, JSON Lines.")
_torn_ok = click.option("--torn-ok", is_flag=True, help="Accept a last line that was cut off.")


@_trace
@click.option(
    "--out", metavar="FILE", type=takes.PATH, help="The page; beside the trace if not given."
)
@_torn_ok
@takes.json
def view(trace: Path, out: Path | None, torn_ok: bool, json: bool) -> None:
    """Draw a trace as one self-contained HTML page."""
    output = Output(json)
    recorded = read(trace, torn_ok=torn_ok)
    page = write(out or trace.with_suffix(".html"), build_page(recorded.lines(), trace.stem))
    output.say(f"picture: [link=file://{page.resolve()}]{page}[/]")
    output.result(page=str(page), events=len(recorded.events))


@_trace
@click.option("--to", type=click.Choice(list(WRITERS)), required=True, help="For which program.")
@click.option(
    "--out", metavar="FILE", type=takes.PATH, help="The file; beside the trace if not given."
)
@_torn_ok
@takes.json
def export(trace: Path, to: str, out: Path | None, torn_ok: bool, json: bool) -> None:
    """Write a trace for ShiViz, for OpenTelemetry (OTLP JSON), or for Perfetto."""
    output = Output(json)
    recorded = read(trace, torn_ok=torn_ok)
    writer, ending = WRITERS[to]
    path = write(out or trace.with_suffix(ending), writer(recorded))
    output.say(f"written: {path}")
    output.result(file=str(path), to=to)


@click.argument("history", type=takes.PATH, help="JSON Lines, Jepsen's log lines, or EDN maps.")
@click.option("--model", required=True, help=f"One of: {', '.join(MODELS)}.")
@click.option("--steps", type=int, help="How much work before giving up.")
@takes.json
def check(history: Path, model: str, steps: int | None, json: bool) -> None:
    """Decide whether a recorded history keeps its promise: exit 0 yes, 1 no, 2 unknown.

    Unknown is also what is said of a history in which no operation ended ok: it shows nothing.
    """
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
    raise Exit(verdict.exit_code)
