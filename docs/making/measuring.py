"""What commands measured, with date and machine: ``docs/results/*.json``, which tables show.

    python -m docs.making.measuring [FILE ...]

writes down what ``make bench`` has measured. A named file is what it left (``out/benchmarks.json``)
or what one benchmark printed with ``--json``; other benchmarks' figures stay as they are.

``docs.making.exhibiting`` writes down what the tests say of the museum's bugs, ``attacked`` what
became of the attacks; ``mutants.json`` has the figures of ``lab mutants --generated``.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from common.course.base.course import ROOT
from common.course.base.machine import machine
from common.values.errors import BadInput
from docs.making.staging import DOCS

RESULTS = DOCS / "results"
MEASURED = ROOT / "out" / "benchmarks.json"


class Result(msgspec.Struct, frozen=True):
    """What a benchmark says (``tests/benchmarks/_bench.py``).

    Attributes:
        name: of the benchmark.
        machine: one line about where the figures come from.
        figures: what was measured.
        ratios: ours beside a peer's; above 1 ours is better.
        date: the day, in UTC; where there is none, the file's.
    """

    name: str
    machine: str
    figures: dict[str, float]
    ratios: dict[str, float]
    date: str = ""


def measured(kind: str, folder: Path = RESULTS) -> dict[str, Any]:
    """What was measured last; nothing if nothing was."""
    path = folder / f"{kind}.json"
    found: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return found


def when() -> dict[str, str]:
    """Date and machine of what is measured now."""
    return {"date": f"{datetime.now(UTC):%Y-%m-%d}", "machine": machine()}


def write(kind: str, more: dict[str, Any], folder: Path = RESULTS) -> None:
    """Add to what was measured, or replace it."""
    text = json.dumps({**measured(kind, folder), **more}, indent=1, sort_keys=True)
    (folder / f"{kind}.json").write_text(f"{text}\n", encoding="utf-8")


def results(path: Path) -> list[Result]:
    """The results in a file: a list of them, or one object, alone or on the last line.

    Raises:
        BadInput: there is no such file, or no result in it.
    """
    try:
        text = path.read_text(encoding="utf-8").strip()
        day = f"{datetime.fromtimestamp(path.stat().st_mtime, UTC):%Y-%m-%d}"
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror}): run make bench first") from None
    try:
        found = msgspec.json.decode(text, type=list[Result])
    except msgspec.DecodeError:
        try:
            found = [msgspec.json.decode(text.rpartition("\n")[2], type=Result)]
        except msgspec.DecodeError as error:
            raise BadInput(f"{path} has no results of a benchmark: {error}") from None
    return [msgspec.structs.replace(each, date=each.date or day) for each in found]


def main(arguments: Sequence[str], folder: Path = RESULTS) -> int:
    """Write down what was measured; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m docs.making.measuring",
        description="Write down what was measured, for the docs' table of benchmarks.",
        epilog="example: python -m docs.making.measuring out/queue.json out/lsm.json",
    )
    about = f"what a benchmark printed with --json, or {MEASURED.name} of make bench if none"
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help=about)
    try:
        paths: list[Path] = parser.parse_args(arguments).files or [MEASURED]
        found = [each for path in paths for each in results(path)]
    except BadInput as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    write("benchmarks", {each.name: msgspec.to_builtins(each) for each in found}, folder)
    names = ", ".join(each.name for each in found)
    print(f"written down: {names} ({folder / 'benchmarks.json'}); make docs shows them")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
