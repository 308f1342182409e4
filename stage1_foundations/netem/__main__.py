"""The command line of the lab ``netem``.

::

    python -m stage1_foundations.netem measure --world docker --delay 50ms --jitter 10ms --loss 2%
    python -m stage1_foundations.netem part --world docker --side n1,n3 --side n2
    python -m stage1_foundations.netem clean
"""

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable

from common.values.errors import BadInput, LabError
from common.values.faults import parse_time
from common.values.report import Chart, Judged, Report, Table
from stage1_foundations.netem.containers import remove_leftovers
from stage1_foundations.netem.networks import NETWORKS, measure, part
from stage1_foundations.netem.plot import report, report_parts
from stage1_foundations.netem.shape import Shape

EXIT_CODES = {"yes": 0, "no": 1, "unknown": 2}
INTERRUPTED, TERMINATED = 130, 143
"""What a shell expects of a program that was ended by Ctrl-C, or by SIGTERM."""
MOST_ROUND_TRIPS = 1_000_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: those after the program's name; the process's own by default.

    Returns:
        The exit code: 0 where what was measured is what was configured, 1 where it is not, 2 where
        nobody can tell, or that of the error whose sentence was printed.
    """
    given = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))  # so that it still cleans up
    try:
        if given.command == "clean":
            print(f"removed {remove_leftovers()} containers and networks of this lab")
            return 0
        return _measure(given) if given.command == "measure" else _part(given)
    except LabError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED


def _measure(given: argparse.Namespace) -> int:
    if not 0 < given.count <= MOST_ROUND_TRIPS:
        raise BadInput(f"--count {given.count}: write a number from 1 to {MOST_ROUND_TRIPS}")
    shape = Shape(parse_time(given.delay), parse_time(given.jitter), parse_loss(given.loss))
    findings = measure(given.world, shape, given.count)
    return _show(report(findings, draw=bool(given.chart)), given, {"findings": findings})


def _part(given: argparse.Namespace) -> int:
    nodes = tuple(given.nodes.split(","))
    if len(nodes) < 2 or len(set(nodes)) < len(nodes):
        raise BadInput(f"--nodes {given.nodes}: write two different names at least, as in n1,n2,n3")
    groups = [side.split(",") for side in given.side or [nodes[0]]]
    answers = part(given.world, nodes, groups, by_tc=given.by == "tc")
    return _show(report_parts(given.world, answers), given, {"answers": answers})


def _show(made: Report, given: argparse.Namespace, result: dict[str, object]) -> int:
    """Show a report to people, or its result to programs; returns the exit code."""
    verdicts = {part.about: part.result for part in made.parts if isinstance(part, Judged)}
    console = Console(quiet=given.json)
    for part_of_report in made.parts:
        match part_of_report:
            case Table(title, headers, rows):
                drawn = RichTable(*headers, title=escape(title), title_justify="left")
                for row in rows:
                    drawn.add_row(*map(escape, row))
                console.print(drawn)
            case Judged(about, judged, sentence):
                console.print(f"[bold]{judged}[/]: {escape(about)}: {escape(sentence)}")
            case Chart(_, caption, svg):
                _write(Path(given.chart), svg)
                console.print(f"{escape(caption)}: {escape(given.chart)}")
    if given.json:
        print(msgspec.json.encode({**result, "verdicts": verdicts}).decode())
    return max(EXIT_CODES[verdict] for verdict in verdicts.values())


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}") from None


def parse_loss(text: str) -> float:
    """A probability from ``2%`` or ``0.02``.

    Raises:
        BadInput: the text is neither.
    """
    try:
        return float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        raise BadInput(f"{text!r} is no probability: write 2% or 0.02") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m stage1_foundations.netem")
    commands = parser.add_subparsers(dest="command", required=True)
    measuring = commands.add_parser("measure", help="time round trips, compare with what to expect")
    measuring.add_argument("--delay", default="50ms", help="of each way (%(default)s)")
    measuring.add_argument("--jitter", default="10ms", help="of each way (%(default)s)")
    measuring.add_argument("--loss", default="2%", help="of each way (2%%)")
    measuring.add_argument("--count", type=int, default=400, help="round trips (%(default)s)")
    measuring.add_argument("--chart", metavar="FILE", help="write a chart as SVG")
    parting = commands.add_parser("part", help="make a partition and heal it; who got an answer?")
    parting.add_argument("--nodes", default="n1,n2,n3", help="(%(default)s)")
    parting.add_argument("--side", action="append", metavar="NODES", help="as in n1,n3; many times")
    parting.add_argument("--by", choices=("unplugging", "tc"), default="unplugging")
    parting.set_defaults(chart=None)
    for command in (measuring, parting):
        worlds = "; ".join(f"{name}: {what}" for name, what in NETWORKS.items())
        command.add_argument("--world", choices=NETWORKS, default="docker", help=worlds)
        command.add_argument("--json", action="store_true", help="print one object for programs")
    commands.add_parser("clean", help="remove what killed runs left in Docker")
    return parser


if __name__ == "__main__":
    sys.exit(main())
