"""The same bytes everywhere: on every Python at hand, and in Pyodide."""

import json
import os
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.support.machine import find_python
from tests.support.trace_hash import digest, trace

ROOT = Path(__file__).resolve().parents[2]
AT_HAND = [found for minor in (11, 12, 13, 14) if (found := find_python(minor))]
PYODIDE = "pyodide@314.0.7"


def test_the_canonical_run_has_everything_in_it() -> None:
    kinds = {
        json.loads(line).get("kind") for seed in range(10) for line in trace(seed).splitlines()
    }
    wanted = {
        "send",
        "recv",
        "drop",
        "timer",
        "save",
        "note",
        "crash",
        "restart",
        "pause",
        "resume",
    }
    assert wanted | {"partition", "block", "heal", "link", "clock", "disk"} <= kinds


@pytest.mark.parametrize("python", AT_HAND)
@pytest.mark.parametrize("hash_seed", ["0", "12345"])
def test_every_python_at_hand_records_the_same_bytes(python: str, hash_seed: str) -> None:
    asked = subprocess.run(
        [python, "-m", "tests.support.trace_hash"], cwd=ROOT, capture_output=True, text=True,
        check=True, env={**os.environ, "PYTHONHASHSEED": hash_seed}, timeout=120,
    )  # fmt: skip
    assert asked.stdout.strip() == digest()


@pytest.mark.slow
@pytest.mark.needs("node", "npm")
def test_pyodide_records_the_same_bytes(tmp_path: Path) -> None:
    npm = ["npm", "pack", PYODIDE, "--silent", "--pack-destination", str(tmp_path)]
    subprocess.run(npm, check=True, capture_output=True, timeout=300, cwd=tmp_path)
    package = next(tmp_path.glob("*.tgz"))
    subprocess.run(["tar", "xzf", package.name], check=True, cwd=tmp_path)
    with zipfile.ZipFile(tmp_path / "course.zip", "w") as archive:
        for path in sorted([*ROOT.glob("common/**/*.py"), ROOT / "tests/support/trace_hash.py"]):
            archive.write(path, path.relative_to(ROOT))
    script = tmp_path / "run.mjs"
    script.write_text(
        'import { loadPyodide } from "./package/pyodide.mjs";\n'
        'import { readFileSync } from "node:fs";\n'
        "const python = await loadPyodide();\n"
        'const course = new Uint8Array(readFileSync("course.zip"));\n'
        'python.unpackArchive(course, "zip", { extractDir: "/course" });\n'
        "python.runPython(\"import sys; sys.path.insert(0, '/course')\");\n"
        'console.log(python.pyimport("tests.support.trace_hash").digest());\n',
        encoding="utf-8",
    )
    ran = subprocess.run(
        ["node", "run.mjs"], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=300
    )
    assert ran.stdout.split()[-1] == digest()
