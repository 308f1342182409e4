"""How the tests are spread over processes: singly, but for files whose tests share something.

A pytest plugin, for pytest-xdist. A file that makes a fixture once for its module stays in one
process: else each process would make it. The tests of all other files go where there is time, so
that no process is left alone with a long file in the end.
"""

from functools import cache
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

SHARED = 'scope="module"'


class Spread(LoadScopeScheduling):  # type: ignore[misc]  # xdist says no types
    """Gives out tests one by one, and files with a fixture of their own whole."""

    def _split_scope(self, nodeid: str) -> str:
        return stays_with(Path(self.config.rootpath), nodeid)


def stays_with(root: Path, test: str) -> str:
    """What stays in one process with a test: its file, or itself alone."""
    file = test.partition("::")[0]
    return file if _shares(root / file) else test


@cache
def _shares(file: Path) -> bool:
    return SHARED in file.read_text(encoding="utf-8")


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Spread:
    """This one, whatever ``--dist`` says."""
    return Spread(config, log)
