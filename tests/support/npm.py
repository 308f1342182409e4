"""Programs and modules of npm that some tests need, installed below a folder of their own."""

import subprocess
from pathlib import Path

LIMIT_SECONDS = 300
QUIET = ("--silent", "--no-audit", "--no-fund", "--no-package-lock", "--omit=optional")


def installed(folder: Path, *packages: str) -> Path:
    """Install packages, each with its version; nothing of theirs is run. Returns the folder."""
    (folder / "package.json").write_text('{"private": true}')
    command = ["npm", "install", *QUIET, "--ignore-scripts", *packages]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=LIMIT_SECONDS)
    return folder
