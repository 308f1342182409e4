"""How commands speak: to people through rich, to programs as one JSON object on the last line."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table as RichTable

from common.trace.viewer.page import build_page
from common.values.errors import BadInput
from common.values.report import Chart, Judged, Report, Table, Text, Trace

MARKS = {"yes": "[green]✓ yes[/]", "no": "[red]✗ no[/]", "unknown": "[yellow]? unknown[/]"}
"""How the three answers of a checker look."""


MANY_COLUMNS = 7
"""From so many columns on each is as wide as its longest word: 80 columns cut no word then."""


@dataclass(slots=True)
class Output:
    """Where a command's words go.

    Attributes:
        json: whether a program reads: then only the object is printed.
        console: the terminal.
    """

    json: bool = False
    console: Console = field(default_factory=Console)

    def say(self, *parts: RenderableType, sep: str = " ") -> None:
        """Show something to people."""
        if not self.json:
            self.console.print(*parts, sep=sep)

    def line(self, words: str) -> None:
        """Show a line that must not be broken, such as a path."""
        if not self.json:
            self.console.print(words, soft_wrap=True, highlight=False)

    def command(self, label: str, command: str) -> None:
        """Show a command in a line of its own that can be copied, however long it is."""
        if not self.json:
            words = f"              [dim]{label}:[/] [bold]{escape(command)}[/]"
            self.console.print(words, soft_wrap=True, highlight=False)

    def result(self, **values: object) -> None:
        """Print the object that programs read."""
        if self.json:
            print(json.dumps(values, default=str))


def folder(path: Path) -> Path:
    """Make a folder for output and return it.

    Raises:
        BadInput: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"the folder {path} cannot be made: {error.strerror}") from None
    return path


def write(path: Path, text: str) -> Path:
    """Write a file and return its path.

    Raises:
        BadInput: it cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}") from None
    return path


def write_trace(out: Path, name: str, title: str, lines: str, event: int = 0) -> tuple[Path, Path]:
    """Write a trace as JSON Lines, and as a page that opens at ``event``; returns both paths."""
    data = write(out / f"{name}.jsonl", lines)
    return data, write(out / f"{name}.html", build_page(lines.splitlines(), title, event))


def show_report(report: Report, output: Output, out: Path) -> dict[str, object]:
    """Show a demo's report, write its traces and charts below ``out``, and sum it up for programs.

    Returns:
        ``verdicts`` (about -> result) and ``files`` (paths that were written).
    """
    files: list[str] = []
    pictures: list[tuple[Path, str]] = []
    verdicts: dict[str, str] = {}
    output.say(Panel(f"[bold]{escape(report.title)}[/]", expand=False))
    for part in report.parts:
        match part:
            case Text(text):
                output.say(escape(text), "")
            case Table():
                output.say(_rich_table(part), "")
            case Judged(about, result, sentence):
                verdicts[about] = result
                output.say(f"{MARKS[result]}  [bold]{escape(about)}[/]: {escape(sentence)}")
            case Trace(name, title, lines, event):
                paths = write_trace(folder(out), name, title, lines, event)
                files += [str(path) for path in paths]
                pictures.append((paths[1], title))
            case Chart(name, caption, svg):
                path = write(folder(out) / f"{name}.svg", svg)
                files.append(str(path))
                pictures.append((path, caption))
    if pictures:
        output.say(f"\nPictures, in {out}:", _list_of_files(pictures))
    return {"verdicts": verdicts, "files": files}


def _list_of_files(pictures: list[tuple[Path, str]]) -> RichTable:
    listed = RichTable(show_header=False, box=None, padding=(0, 1, 0, 2))
    listed.add_column(no_wrap=True, min_width=max(len(path.name) for path, _ in pictures))
    listed.add_column(style="dim", no_wrap=True, overflow="ellipsis")
    for path, title in pictures:
        listed.add_row(f"[link=file://{path.resolve()}]{path.name}[/]", escape(title))
    return listed


def _rich_table(table: Table) -> RichTable:
    padding = (0, 1) if len(table.headers) < MANY_COLUMNS else (0, 0)
    drawn = RichTable(title=escape(table.title), title_justify="left", padding=padding)
    for number, header in enumerate(table.headers):
        words = " ".join([header, *(row[number] for row in table.rows)]).split()
        longest = max(map(len, words), default=1)
        exact = longest if len(table.headers) >= MANY_COLUMNS else None
        drawn.add_column(escape(header), width=exact)
    for row in table.rows:
        drawn.add_row(*(escape(cell) for cell in row))
    return drawn
