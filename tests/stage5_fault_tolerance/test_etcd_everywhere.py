"""The lab ``etcd`` in the world of browsers: the same bytes on every Python, and in Pyodide."""

from pathlib import Path

import pytest

from tests.support.etcd_hash import digest
from tests.support.portable import AT_HAND, digest_in_pyodide, digest_on

MODULE = "tests.support.etcd_hash"


@pytest.mark.parametrize("python", AT_HAND)
def test_etcd_leaves_the_same_trace_on_every_python_at_hand(python: str) -> None:
    assert digest_on(python, MODULE, hash_seed="12345") == digest()


@pytest.mark.slow
@pytest.mark.needs("node", "npm")
def test_etcd_leaves_the_same_trace_in_pyodide(tmp_path: Path) -> None:
    folders = ("common", "stage4_consensus", "stage5_fault_tolerance", "tests/support")
    assert digest_in_pyodide(MODULE, folders, tmp_path) == digest()
