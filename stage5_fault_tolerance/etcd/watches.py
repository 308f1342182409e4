"""What has changed? The question behind every watch, answered from the history of this server.

Nothing is pushed and nothing is kept for a watcher: it asks from a revision on, and is answered as
soon as there is anything. So it misses nothing and gets nothing twice, unless the history is
compacted. It may ask any server next, the leader may change, and servers may crash meanwhile. Pure:
it sends nothing.
"""

from common.contract import CallId
from stage5_fault_tolerance.etcd.commands import Changes


class Watches:
    """Questions about revisions that are not there yet."""

    def __init__(self) -> None:
        self._waiting: list[tuple[CallId, Changes]] = []

    def add(self, call: CallId, request: Changes) -> None:
        """Let a question wait."""
        self._waiting.append((call, request))

    def take_ready(self, revision: int) -> list[tuple[CallId, Changes]]:
        """The questions about revisions up to this one; the others go on waiting."""
        ready = [each for each in self._waiting if each[1].revision <= revision]
        self._waiting = [each for each in self._waiting if each[1].revision > revision]
        return ready
