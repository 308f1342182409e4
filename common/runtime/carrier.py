"""What carries messages to a node's peers in another way than as frames over TCP."""

from collections.abc import Mapping
from typing import Protocol

from common.contract.events import NodeId

Address = tuple[str, int]


class Carrier(Protocol):
    """Another way to some peers; a host asks it first.

    Faults on links are done by the host, between :meth:`pack` and :meth:`send`. So they are the
    same whatever carries the messages.
    """

    @property
    def counters(self) -> dict[str, int]:
        """What was counted since the start, by name."""

    def reaches(self, to: NodeId) -> bool:
        """Whether messages to this peer go this way."""

    def pack(self, to: NodeId, message: object, number: int) -> bytes:
        """The bytes that travel.

        Raises:
            ContractError: the message cannot travel, for instance because it is too large.
        """

    def send(self, to: NodeId, packed: bytes, number: int) -> None:
        """Send what :meth:`pack` made; never blocks, never raises. What is lost is lost."""

    def know(self, book: Mapping[NodeId, Address]) -> None:
        """Learn where peers listen, or have moved to."""

    def release(self) -> None:
        """The node has begun: take what arrives."""

    def end(self) -> None:
        """Send and take nothing any more."""
