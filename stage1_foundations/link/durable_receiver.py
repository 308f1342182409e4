"""A receiver that crashes and goes on: stop and wait with a memory on disk.

An acknowledgement is a promise: the sender forgets what was acknowledged. A receiver that keeps its
promises only in memory breaks them when it crashes. So here, what an acknowledgement promises is on
disk before the acknowledgement leaves. The contract gives just that rule: all saves of a step are
durable before any other effect of the step can be seen.

Two things are saved: each item from when it is delivered until it is taken, and how many were
taken. What was delivered follows from these two.

**The gap that stays.** The note "taken" and the handing over are two things, and a crash may come
between them. The note goes first, so an item may be lost there, with its Take ending unknown, and
none is ever handed over twice: *at most once* at the very last step. The other way round it would
be *at least once*. To have neither, the application would have to make its own change in the same
write as the note. That is the end-to-end argument (Saltzer, Reed and Clark 1984, section 2); Lynch
1996, section 22.5, shows what can be had and what cannot when ends crash.

The sender is the one of ``stop_and_wait.py``, unchanged. It must not crash; see the lab's page.
"""

from common.contract import CallId, NodeId
from stage1_foundations.link.ends import CAPACITY
from stage1_foundations.link.stop_and_wait import StopAndWaitReceiver


class DurableReceiver(StopAndWaitReceiver):
    """Stop-and-wait's receiver, with every promise on disk before it is given.

    Saved under ``("item", number)``: an item that is delivered and not yet taken. Saved under
    ``"taken"``: how many items were taken, which is the number of the oldest that was not.
    """

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...], *, capacity: int = CAPACITY) -> None:
        super().__init__(id, peers, capacity=capacity)
        self.taken = 0
        """How many items were handed over, in all lives together."""

    def on_start(self) -> None:
        """Go on where the last life stopped: deliver again what was not taken, expect the next.

        The class says what is saved: ``"taken"`` and each ``("item", number)``.
        """
        self.taken = self.expected = self.saved.get("taken", 0)
        while ("item", self.expected) in self.saved:
            self.delivered.append(self.saved["item", self.expected])
            self.expected += 1

    def deliver(self, item: str) -> None:
        """Put the item on disk, in the same step as its acknowledgement, and deliver it.

        It is saved under ``("item", number)``.
        """
        self.save(("item", self.expected), item)
        super().deliver(item)

    def hand_over(self, call: CallId, item: str) -> None:
        """Note on disk that the item is taken, in the same step in which it is handed over.

        ``("item", number)`` is forgotten; how many are taken by now is saved under ``"taken"``.
        """
        self.forget(("item", self.taken))
        self.taken += 1
        self.save("taken", self.taken)
        super().hand_over(call, item)
