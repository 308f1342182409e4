"""What commands measured, with date and machine: ``docs/data/*.json``, from which tables are made.

    python -m docs.making.measuring named [LAB ...]        lab mutants
    python -m docs.making.measuring generated [LAB ...]    lab mutants --generated
    python -m docs.making.measuring benchmarks             what make bench has written

Each of them takes minutes or longer. A lab that was measured before keeps what it has, with its
date, until it is measured again.
"""

import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from common.course.base.course import ROOT, Course
from docs.making.staging import DOCS

DATA = DOCS / "data"
COMMANDS = {"named": ("mutants",), "generated": ("mutants", "--generated")}


def measured(kind: str, data: Path = DATA) -> dict[str, Any]:
    """What was measured last, by lab or by benchmark: each has a date and a machine."""
    path = data / f"{kind}.json"
    found: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return found


def when() -> dict[str, str]:
    """Date and machine of what is measured now."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    machine = f"{os.cpu_count()} cores, {platform.system()}, {python}"
    return {"date": f"{datetime.now(UTC):%Y-%m-%d}", "machine": machine}


def main(arguments: list[str]) -> int:
    """Measure, and write it down; returns the exit code."""
    match arguments:
        case ["benchmarks"]:
            written = json.loads((ROOT / "out" / "benchmarks.json").read_text("utf-8"))
            write("benchmarks", {each["name"]: {**when(), **each} for each in written})
        case [kind, *labs] if kind in COMMANDS:
            for lab in labs or Course().ids:
                write(kind, {lab: {**when(), **_run(*COMMANDS[kind], lab)}})
        case _:
            print(__doc__, file=sys.stderr)
            return 3
    return 0


def _run(*words: str) -> dict[str, Any]:
    """The object that a command prints on its last line."""
    command = [sys.executable, "-m", "common.course.command", *words, "--json"]
    done = subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.PIPE, text=True)
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said


def write(kind: str, more: dict[str, Any]) -> None:
    """Add to what was measured, or replace it."""
    DATA.mkdir(exist_ok=True)
    text = json.dumps({**measured(kind), **more}, indent=1, sort_keys=True, ensure_ascii=False)
    (DATA / f"{kind}.json").write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
