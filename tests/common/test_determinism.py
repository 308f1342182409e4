"""The same bytes on every Python at hand; in Pyodide too (``tests/e2e/test_every_lab.py``)."""

import json

import pytest

from tests.support.portable import AT_HAND, said_by
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
