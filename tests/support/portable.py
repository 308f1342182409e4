"""Asks for hashes of traces in other worlds: on another Python, and in Pyodide under Node."""

import os
import subprocess
import zipfile
from pathlib import Path

from common.course.base.course import ROOT, Course
from tests.support.machine import find_python

AT_HAND = [found for minor in (11, 12, 13, 14) if (found := find_python(minor))]
"""Every Python that the course supports and this machine has."""

PYODIDE = "pyodide@314.0.7"
LIMIT_SECONDS = 300
SCRIPT = """
import { loadPyodide } from "./package/pyodide.mjs";
import { readFileSync } from "node:fs";
const python = await loadPyodide();
python.unpackArchive(new Uint8Array(readFileSync("course.zip")), "zip", { extractDir: "/course" });
python.runPython("import sys; sys.path.insert(0, '/course')");
python.runPython(readFileSync("code.py", "utf-8"));
"""


def said_by(python: str, *arguments: str, hash_seed: str) -> str:
    """What a Python prints, with the hashes of text seeded by ``hash_seed``."""
    asked = subprocess.run(
        [python, *arguments], cwd=ROOT, capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONHASHSEED": hash_seed}, timeout=LIMIT_SECONDS,
    )  # fmt: skip
    return asked.stdout


def said_in_pyodide(code: str, scratch: Path) -> str:
    """What Python code prints in Pyodide, which has the whole course and no other package."""
    npm = ["npm", "pack", PYODIDE, "--silent", "--pack-destination", str(scratch)]
    subprocess.run(npm, check=True, capture_output=True, timeout=LIMIT_SECONDS, cwd=scratch)
    package = next(scratch.glob("*.tgz"))
    subprocess.run(["tar", "xzf", package.name], check=True, cwd=scratch)
    folders = [
        ROOT / "common",
        ROOT / "tests/support",
        *(ROOT / package for package in Course().packages),
    ]
    with zipfile.ZipFile(scratch / "course.zip", "w") as archive:
        for folder in folders:
            for path in sorted(folder.rglob("*.py")):
                archive.write(path, path.relative_to(ROOT))
    (scratch / "code.py").write_text(code, encoding="utf-8")
    (scratch / "run.mjs").write_text(SCRIPT, encoding="utf-8")
    ran = subprocess.run(
        ["node", "run.mjs"],
        cwd=scratch, capture_output=True, text=True, check=True, timeout=LIMIT_SECONDS,
    )  # fmt: skip
    return ran.stdout
