"""A pytest plugin under a judged suite: what a submission may write is half of what it is.

``-p tests.support.half``. What passes so is as far from the judge's bounds as it has to be.
"""

import pytest

from common.course.judge import channel
from common.course.judge.worker import lines

BOUNDS = {
    channel: (
        "MOST_BYTES",
        "MOST_VALUES",
        "MOST_TOGETHER_BYTES",
        "MOST_TOGETHER_VALUES",
        "MOST_ANSWERS",
        "MOST_CALLED_VALUES",
    ),
    lines: ("MAX_EFFECTS",),
}


def pytest_configure(config: pytest.Config) -> None:
    """Halve the bounds."""
    for module, bounds in BOUNDS.items():
        for bound in bounds:
            setattr(module, bound, getattr(module, bound) // 2)
