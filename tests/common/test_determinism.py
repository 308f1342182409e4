"""The same bytes everywhere: on every Python at hand, and in Pyodide."""

import json
from pathlib import Path

import pytest

from tests.support.portable import AT_HAND, said_by, said_in_pyodide
from tests.support.trace_hash import digest, trace


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
    said = said_by(python, "-m", "tests.support.trace_hash", hash_seed=hash_seed)
    assert said.strip() == digest()


@pytest.mark.slow
@pytest.mark.needs("node", "npm")
def test_pyodide_records_the_same_bytes(tmp_path: Path) -> None:
    code = "from tests.support.trace_hash import digest; print(digest())"
    assert said_in_pyodide(code, tmp_path).split()[-1] == digest()
