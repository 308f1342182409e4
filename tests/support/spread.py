"""How the tests are spread over processes: singly, but for files whose tests share something.

A pytest plugin, for pytest-xdist. A file that makes a fixture once for its module stays in one
process: else each process would make it. The tests of all other files go where there is time, so
that no process is left alone with a long file in the end.

A test that ends its process has failed, and is not tried again: what else the process was to do is
done by another one.
"""

from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

SHARED = 'scope="module"'


class Spread(LoadScopeScheduling):  # type: ignore[misc]  # xdist says no types
    """Gives out tests one by one, and files with a fixture of their own whole."""

    def _split_scope(self, nodeid: str) -> str:
        return stays_with(Path(self.config.rootpath), nodeid)

    def remove_node(self, node: WorkerController) -> str | None:
        """A process has ended; returns the test that it was at, or None if it was at none."""
        units: dict[str, dict[str, bool]] = self.assigned_work.pop(node)
        to_do = [
            (unit, test) for unit in units.values() for test, ended in unit.items() if not ended
        ]
        if not to_do:
            return None
        unit, crashed = to_do[0]
        unit[crashed] = True
        left = {scope: unit for scope, unit in units.items() if not all(unit.values())}
        self.workqueue.update(left)
        for other in self.assigned_work:
            self._reschedule(other)
        return crashed

    def _assign_work_unit(self, node: WorkerController) -> None:
        with suppress(OSError):  # it has just died as well; the next turn takes back what it had
            super()._assign_work_unit(node)

    def _reschedule(self, node: WorkerController) -> None:
        if node not in self.registered_collections:  # it is new, and says first what it has
            return
        super()._reschedule(node)
        if self.workqueue and self._pending_of(self.assigned_work[node]) == 1:
            super()._reschedule(node)  # a process begins a test when it knows the next one


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
