"""What commands measured, with date and machine: ``docs/results/*.json``, which tables show.

    python -m docs.making.measuring    writes down what ``make bench`` has measured

``docs.making.exhibiting`` writes down what the tests say of the museum's bugs; ``mutants.json`` has
the figures of ``lab mutants --generated``.
"""

import json
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from common.course.base.course import ROOT
from docs.making.staging import DOCS

RESULTS = DOCS / "results"
MEASURED = ROOT / "out" / "benchmarks.json"


def measured(kind: str, folder: Path = RESULTS) -> dict[str, Any]:
    """What was measured last; nothing if nothing was."""
    path = folder / f"{kind}.json"
    found: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return found


def when() -> dict[str, str]:
    """Date and machine of what is measured now."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    machine = f"{os.cpu_count()} cores, {platform.system()}, {python}"
    return {"date": f"{datetime.now(UTC):%Y-%m-%d}", "machine": machine}


def write(kind: str, more: dict[str, Any], folder: Path = RESULTS) -> None:
    """Add to what was measured, or replace it."""
    text = json.dumps({**measured(kind, folder), **more}, indent=1, sort_keys=True)
    (folder / f"{kind}.json").write_text(f"{text}\n", encoding="utf-8")


def main() -> int:
    """Write down what ``make bench`` has measured; returns the exit code."""
    if not MEASURED.is_file():
        print(f"error: there is no {MEASURED.relative_to(ROOT)}: run make bench", file=sys.stderr)
        return 3
    found = json.loads(MEASURED.read_text("utf-8"))
    write("benchmarks", {each["name"]: {**when(), **each} for each in found})
    return 0


if __name__ == "__main__":
    sys.exit(main())
