"""What a world tells those who watch it: recorders of traces, checkers of invariants, dashboards.

A world calls these as things happen; an observer never changes anything. ``at`` is the world's own
time in microseconds (virtual, or real since the cluster began), not a node's clock.
"""

from collections.abc import Mapping, Sequence

from common.contract.effects import Forget, Save
from common.contract.events import Event, NodeId
from common.values.faults import Fault
from common.values.history import Operation


class Observer:
    """Everything that can be seen in a world, in the order in which it happens.

    The methods here do nothing: an observer inherits from this, and writes those that it needs.
    """

    def stepped(
        self, at: int, node: NodeId, event: Event, number: int | None, status: Mapping[str, object]
    ) -> None:
        """A node took an event. ``number`` is that of the message, for a Receive."""

    def sent(self, at: int, node: NodeId, to: NodeId, message: object, number: int) -> None:
        """A message left its sender; ``number`` is unique in the run."""

    def dropped(self, at: int, node: NodeId, to: NodeId, number: int, why: str) -> None:
        """The message ``number`` of ``node`` to ``to`` will not arrive (again)."""

    def saved(self, at: int, node: NodeId, changes: Sequence[Save | Forget]) -> None:
        """The changes of a step of ``node`` have become durable."""

    def noted(self, at: int, node: NodeId, text: str, fields: Mapping[str, object]) -> None:
        """A node left an annotation."""

    def failed(self, at: int, fault: Fault) -> None:
        """A fault of the schedule happens now (see :mod:`common.values.faults`)."""

    def called(self, at: int, node: NodeId, operation: Operation) -> None:
        """A client's operation begins."""

    def returned(self, at: int, node: NodeId, operation: Operation) -> None:
        """A client's operation ended."""
