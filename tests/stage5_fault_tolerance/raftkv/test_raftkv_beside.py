"""What stands beside the lab ``raftkv``: the demo tells what the page says."""

import pytest

from common.values.report import Judged, Table
from stage5_fault_tolerance.raftkv_demo import demo


@pytest.mark.parametrize("seed", [1, 2, 3, 7])
def test_the_demo_shows_that_sessions_are_needed(seed: int) -> None:
    parts = demo(seed).parts
    assert [part.result for part in parts if isinstance(part, Judged)] == ["yes", "no"]
    right, wrong = (part for part in parts if isinstance(part, Table))
    assert {row[-1] for row in right.rows} == {"the same"}
    assert "not the same" in {row[-1] for row in wrong.rows}
