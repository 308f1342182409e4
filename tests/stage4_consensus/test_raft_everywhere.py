"""Raft in the browser's world: the same bytes on every Python at hand, and in Pyodide."""

from pathlib import Path

import pytest

from tests.support.portable import AT_HAND, digest_in_pyodide, digest_on
from tests.support.raft_hash import digest


@pytest.mark.parametrize("python", AT_HAND)
@pytest.mark.parametrize("hash_seed", ["0", "12345"])
def test_raft_leaves_the_same_trace_on_every_python_at_hand(python: str, hash_seed: str) -> None:
    assert digest_on(python, "tests.support.raft_hash", hash_seed) == digest()


@pytest.mark.slow
@pytest.mark.needs("node", "npm")
def test_raft_leaves_the_same_trace_in_pyodide(tmp_path: Path) -> None:
    folders = ("common", "stage4_consensus", "tests/support")
    assert digest_in_pyodide("tests.support.raft_hash", folders, tmp_path) == digest()
