"""The store in the browser's world: the same bytes on every Python at hand, and in Pyodide."""

from pathlib import Path

import pytest

from tests.support.portable import AT_HAND, digest_in_pyodide, digest_on
from tests.support.raftkv_hash import digest

MODULE = "tests.support.raftkv_hash"


@pytest.mark.parametrize("python", AT_HAND)
def test_the_store_leaves_the_same_trace_on_every_python_at_hand(python: str) -> None:
    assert digest_on(python, MODULE, hash_seed="12345") == digest()


@pytest.mark.slow
@pytest.mark.needs("node", "npm")
def test_the_store_leaves_the_same_trace_in_pyodide(tmp_path: Path) -> None:
    folders = ("common", "stage4_consensus", "stage5_fault_tolerance", "tests/support")
    assert digest_in_pyodide(MODULE, folders, tmp_path) == digest()
