"""The sharded store in the browser's world: the same bytes on every Python at hand, in Pyodide."""

from pathlib import Path

import pytest

from tests.support.kv_hash import digest
from tests.support.portable import AT_HAND, digest_in_pyodide, digest_on


@pytest.mark.parametrize("python", AT_HAND)
@pytest.mark.parametrize("hash_seed", ["0", "12345"])
def test_kv_leaves_the_same_trace_on_every_python_at_hand(python: str, hash_seed: str) -> None:
    assert digest_on(python, "tests.support.kv_hash", hash_seed) == digest()


@pytest.mark.slow
@pytest.mark.needs("node", "npm")
def test_kv_leaves_the_same_trace_in_pyodide(tmp_path: Path) -> None:
    folders = ("common", "stage3_partitioning", "tests/support")
    assert digest_in_pyodide("tests.support.kv_hash", folders, tmp_path) == digest()
