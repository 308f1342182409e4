"""What everybody writes first: a retry is as good as a first call.

* :class:`CarelessServer` runs whatever comes. That is right as long as nothing is sent twice.
* :class:`CachingServer` knows repetitions, by a cache in memory whose key is the caller's name and
  the number. It forgets all when it crashes, and it takes the first call of a caller that has
  started again for a repetition of an old one.
"""

from common.contract import NodeId, on
from stage1_foundations.failures.account import Result
from stage2_communication.rpc.calls import Callee, Reply, Request


class CarelessServer(Callee):
    """Runs each request that comes, and keeps the account on disk."""

    def on_start(self) -> None:
        """Take up the account."""
        saved = self.saved.get("account")
        if saved is not None:
            self.account.restore(saved)

    @on(Request)
    def request_received(self, request: Request, sender: NodeId) -> None:
        """Run it."""
        super().request_received(request, sender)
        self.save("account", self.account.snapshot())


class CachingServer(CarelessServer):
    """Keeps results in memory, by caller and number."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        super().__init__(id, peers)
        self.cache: dict[tuple[NodeId, int], Result] = {}
        """The results, by caller and number: a crash forgets them."""

    @on(Request)
    def request_received(self, request: Request, sender: NodeId) -> None:
        """Answer from the cache what is there."""
        key = (sender, request.number)
        if key not in self.cache:
            self.cache[key] = self.run(request.procedure, request.arguments)
            self.save("account", self.account.snapshot())
        self.send(sender, Reply(request.incarnation, request.number, self.cache[key]))
