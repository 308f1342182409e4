"""Asks for a digest of traces in other worlds: on another Python, and in Pyodide under Node."""

import os
import subprocess
import zipfile
from collections.abc import Sequence
from pathlib import Path

from tests.support.machine import find_python

ROOT = Path(__file__).resolve().parents[2]
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
console.log(python.pyimport("MODULE").digest());
"""


def digest_on(python: str, module: str, hash_seed: str) -> str:
    """What ``python -m module`` prints, with the hashes of text seeded by ``hash_seed``."""
    asked = subprocess.run(
        [python, "-m", module], cwd=ROOT, capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONHASHSEED": hash_seed}, timeout=LIMIT_SECONDS,
    )  # fmt: skip
    return asked.stdout.strip()


def digest_in_pyodide(module: str, folders: Sequence[str], scratch: Path) -> str:
    """What ``module.digest()`` returns in Pyodide, which has these folders of the course."""
    npm = ["npm", "pack", PYODIDE, "--silent", "--pack-destination", str(scratch)]
    subprocess.run(npm, check=True, capture_output=True, timeout=LIMIT_SECONDS, cwd=scratch)
    package = next(scratch.glob("*.tgz"))
    subprocess.run(["tar", "xzf", package.name], check=True, cwd=scratch)
    with zipfile.ZipFile(scratch / "course.zip", "w") as archive:
        for folder in folders:
            for path in sorted((ROOT / folder).rglob("*.py")):
                archive.write(path, path.relative_to(ROOT))
    (scratch / "run.mjs").write_text(SCRIPT.replace("MODULE", module), encoding="utf-8")
    node = ["node", "run.mjs"]
    ran = subprocess.run(
        node, cwd=scratch, capture_output=True, text=True, check=True, timeout=LIMIT_SECONDS
    )
    return ran.stdout.split()[-1]
