"""The two ends of a link as applications see them: one transfers items, the other takes them.

Every protocol of this lab offers this same service over a network that loses, doubles and
overtakes: *each item that is transferred is taken once, in order*. The operations are those of a
socket: :class:`Transfer` is ``sendall``, :class:`Take` is a ``recv`` that waits for something to
be there. They are all that an application, or a judge, can see.

The classes here are the same for each protocol, and complete. A sending end has accepted items that
it has not yet sent; a receiving end has delivered items that nobody has taken yet. Between the two
stands the protocol: ``fire_and_forget.py`` (which keeps no promise), ``stop_and_wait.py``,
``sliding_window.py``, and ``durable_receiver.py`` (which keeps it through crashes).
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping

from common.contract import CallId, Node, NodeId, on, operation
from common.values.history import Failed, Ok

CAPACITY = 128
"""How many items a receiving end keeps unless it is told otherwise."""

MAX_BACKLOG = 10_000
"""Items that a sending end accepts before the first of them is sent; one more is refused."""

MAX_TAKERS = 1_000
"""Takes that may wait at a receiving end at once; one more is refused."""


@operation
class Transfer:
    """An application hands over ``items``, in order.

    It ends Ok when the other end has acknowledged them all, and not before; Failed when the end is
    too busy to accept them. It has no time limit: an end retries until it is answered.
    """

    items: tuple[str, ...]


@operation
class Take:
    """An application wants the next item; it ends Ok(item) when there is one."""


class SendingEnd(Node, ABC):
    """What the sending ends of all protocols share: a backlog, and the transfers under way.

    The items of all transfers are one stream. An item's number is its place in it, from 0.

    Args:
        id: the name of this node.
        peers: the other members of the cluster.
        receiver: where to send; the first peer unless named.
    """

    def __init__(
        self, id: NodeId, peers: tuple[NodeId, ...], *, receiver: NodeId | None = None
    ) -> None:
        super().__init__(id, peers)
        self.receiver = receiver or self.peers[0]
        self.backlog: deque[str] = deque()
        """Accepted and never sent so far. The protocol takes from the left."""
        self.accepted = 0
        """How many items were ever accepted: the number of the next one."""
        self.transfers: deque[tuple[CallId, int]] = deque()
        """The calls under way, oldest first, each with the number after its last item."""

    @on(Transfer)
    def transfer(self, operation: Transfer, call: CallId) -> None:
        """Accept the items, or refuse them all when they would not fit in the backlog."""
        if len(self.backlog) + len(operation.items) > MAX_BACKLOG:
            self.finish(call, Failed(f"{len(self.backlog)} items wait here already"))
            return
        self.backlog.extend(operation.items)
        self.accepted += len(operation.items)
        self.transfers.append((call, self.accepted))
        self.send_more()

    def acknowledged_below(self, number: int) -> None:
        """End the transfers all of whose items have numbers below ``number``."""
        while self.transfers and self.transfers[0][1] <= number:
            call, _ = self.transfers.popleft()
            self.finish(call, Ok())

    @abstractmethod
    def send_more(self) -> None:
        """Send what the protocol allows to be sent now, and end transfers that are complete."""


class ReceivingEnd(Node):
    """What the receiving ends of all protocols share: delivered items wait here to be taken.

    Args:
        id: the name of this node.
        peers: the other members of the cluster.
        capacity: how many items this end keeps, whether delivered or out of order.
    """

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...], *, capacity: int = CAPACITY) -> None:
        super().__init__(id, peers)
        self.capacity = capacity
        self.delivered: deque[str] = deque()
        """In order, each once, not yet taken. At most ``capacity``."""
        self.takers: deque[CallId] = deque()
        """The calls that wait for an item. Only one of the two queues ever holds something."""

    def status(self) -> Mapping[str, object]:
        """How many items wait to be taken."""
        return {"delivered": len(self.delivered)}

    @property
    def room(self) -> int:
        """How many more items may be delivered before somebody takes one."""
        return self.capacity - len(self.delivered)

    @on(Take)
    def take(self, operation: Take, call: CallId) -> None:
        """Answer with the oldest delivered item, or wait for the next one."""
        if self.delivered:
            self.hand_over(call, self.delivered.popleft())
        elif len(self.takers) < MAX_TAKERS:
            self.takers.append(call)
        else:
            self.finish(call, Failed(f"{MAX_TAKERS} others wait here already"))

    def deliver(self, item: str) -> None:
        """Hand ``item`` up: to the application that waits longest, or into the queue."""
        if self.takers:
            self.hand_over(self.takers.popleft(), item)
        else:
            assert self.room > 0, "a protocol delivers only what there is room for"
            self.delivered.append(item)

    def hand_over(self, call: CallId, item: str) -> None:
        """Give ``item``, which is the oldest one, to the application that made ``call``."""
        self.finish(call, Ok(item))
