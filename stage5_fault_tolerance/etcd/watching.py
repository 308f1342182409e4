"""What has changed? The question behind every watch, answered from the history of this server.

Nothing is pushed and nothing is kept for a watcher: it asks from a revision on, and is answered as
soon as there is anything. So it misses nothing and gets nothing twice, whichever server it asks
next, whoever leads, and whatever crashed meanwhile; unless the history is compacted.
"""

from typing import Any

from common.contract import CallId, NodeId, on
from common.values.history import Ok
from stage5_fault_tolerance.etcd.commands import Changes
from stage5_fault_tolerance.etcd.expiry import Expiry


class Watching(Expiry):
    """Questions that wait for the future."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...], **config: Any) -> None:
        super().__init__(id, peers, **config)
        self.watching: list[tuple[CallId, Changes]] = []
        """Questions about revisions that are not there yet."""

    @on(Changes)
    def changes_asked(self, request: Changes, call: CallId) -> None:
        """Answer now if there is anything, else once there is."""
        self.watching.append((call, request))
        self._serve_watching()

    def after_applying(self) -> None:
        """There may be something new."""
        super().after_applying()
        self._serve_watching()

    def _serve_watching(self) -> None:
        revision = self.store.history.revision
        if any(request.revision <= revision for _, request in self.watching):
            waiting, self.watching = self.watching, []
            for call, request in waiting:
                if request.revision <= revision:
                    self.finish(call, Ok(self.store.query(request)))
                else:
                    self.watching.append((call, request))
