"""Runs the ``lab`` command as a person does: a process of its own, in a folder of its own."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIMIT_SECONDS = 120


def lab(
    folder: Path,
    *arguments: str,
    stdin: str | None = None,
    root: Path = ROOT,
    limit: float = LIMIT_SECONDS,
    columns: int = 1000,
) -> subprocess.CompletedProcess[str]:
    """Run ``lab`` of the course at ``root`` in ``folder``; the terminal is wide unless asked
    otherwise, so that sentences are not broken."""
    return subprocess.run(
        [sys.executable, "-m", "common.course.command", *arguments],
        cwd=folder,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=limit,
        env={**os.environ, "COLUMNS": str(columns), "PYTHONPATH": str(root)},
    )
