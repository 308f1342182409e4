"""Raft in the browser's world: the same bytes on every Python at hand, and in Pyodide."""

import os
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.support.machine import find_python
from tests.support.raft_hash import digest

ROOT = Path(__file__).resolve().parents[2]
AT_HAND = [found for minor in (11, 12, 13, 14) if (found := find_python(minor))]
PYODIDE = "pyodide@314.0.7"
SCRIPT = """
import { loadPyodide } from "./package/pyodide.mjs";
import { readFileSync } from "node:fs";
const python = await loadPyodide();
python.unpackArchive(new Uint8Array(readFileSync("course.zip")), "zip", { extractDir: "/course" });
python.runPython("import sys; sys.path.insert(0, '/course')");
console.log(python.pyimport("tests.support.raft_hash").digest());
"""


@pytest.mark.parametrize("python", AT_HAND)
@pytest.mark.parametrize("hash_seed", ["0", "12345"])
def test_raft_leaves_the_same_trace_on_every_python_at_hand(python: str, hash_seed: str) -> None:
    asked = subprocess.run(
        [python, "-m", "tests.support.raft_hash"], cwd=ROOT, capture_output=True, text=True,
        check=True, env={**os.environ, "PYTHONHASHSEED": hash_seed}, timeout=120,
    )  # fmt: skip
    assert asked.stdout.strip() == digest()


@pytest.mark.slow
@pytest.mark.needs("node", "npm")
def test_raft_leaves_the_same_trace_in_pyodide(tmp_path: Path) -> None:
    npm = ["npm", "pack", PYODIDE, "--silent", "--pack-destination", str(tmp_path)]
    subprocess.run(npm, check=True, capture_output=True, timeout=300, cwd=tmp_path)
    package = next(tmp_path.glob("*.tgz"))
    subprocess.run(["tar", "xzf", package.name], check=True, cwd=tmp_path)
    with zipfile.ZipFile(tmp_path / "course.zip", "w") as archive:
        for folder in ("common", "stage4_consensus", "tests/support"):
            for path in sorted(ROOT.glob(f"{folder}/**/*.py")):
                archive.write(path, path.relative_to(ROOT))
    (tmp_path / "run.mjs").write_text(SCRIPT, encoding="utf-8")
    ran = subprocess.run(
        ["node", "run.mjs"], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert ran.stdout.split()[-1] == digest()
