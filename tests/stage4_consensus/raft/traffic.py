"""Counts what servers send each other."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from common.contract.effects import Forget, Save
from common.contract.events import Event, NodeId
from common.contract.sizes import wire_size
from common.values.faults import Fault
from common.values.history import Operation


class Traffic:
    """An observer of messages between servers, and of whom each client asks."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin to count anew."""
        self.messages: Counter[str] = Counter()
        self.senders: Counter[tuple[str, str]] = Counter()
        self.asked: defaultdict[str, list[str]] = defaultdict(list)
        self.entries = 0
        self.bytes = 0

    def count(self, kind: str) -> int:
        """How many messages of the class with this name were sent."""
        return self.messages[kind]

    def of(self, sender: str, *kinds: str) -> int:
        """How many messages of these classes a server has sent."""
        return sum(self.senders[sender, kind] for kind in kinds)

    def total(self) -> int:
        """How many messages were sent."""
        return self.messages.total()

    def sent(self, at: int, node: NodeId, to: NodeId, message: object, number: int) -> None:
        """Count it."""
        if not node.startswith("n"):
            self.asked[node].append(to)
        elif to.startswith("n"):
            self.messages[type(message).__name__] += 1
            self.senders[node, type(message).__name__] += 1
            self.bytes += wire_size(message)
            carried: Any = getattr(message, "entries", ())
            self.entries += len(carried)

    def stepped(
        self, at: int, node: NodeId, event: Event, number: int | None, status: Mapping[str, object]
    ) -> None:
        """Not counted."""

    def dropped(self, at: int, node: NodeId, to: NodeId, number: int, why: str) -> None:
        """Not counted."""

    def saved(self, at: int, node: NodeId, changes: Sequence[Save | Forget]) -> None:
        """Not counted."""

    def noted(self, at: int, node: NodeId, text: str, fields: Mapping[str, object]) -> None:
        """Not counted."""

    def failed(self, at: int, fault: Fault) -> None:
        """Not counted."""

    def called(self, at: int, node: NodeId, operation: Operation) -> None:
        """Not counted."""

    def returned(self, at: int, node: NodeId, operation: Operation) -> None:
        """Not counted."""
