"""One node by hand: the test is the network around it, and sees what it sends."""

from typing import Any

from common.contract.events import NodeId
from common.course.suites.kit import ByHand, Sent
from tests.bonus_overlays.kademlia.keys import key
from tests.bonus_overlays.kademlia.lab import KademliaLab


class Alone(ByHand):
    """The node n0, its timers, and what came of operations.

    Args:
        lab: the lab.
        kind: the class of the node.
        options: keyword arguments of the class; its key is 0 unless they say another one.
    """

    def __init__(self, lab: KademliaLab, kind: Any, **options: Any) -> None:
        self.lab = lab
        super().__init__(kind("n0", (), **{"key": key(0), **options}), seed="alone")

    def hear(self, sender: NodeId, message: object) -> list[Sent]:
        """Let a message arrive; what is sent then."""
        return self.receive(sender, message)

    def ask(self, operation: object) -> list[Sent]:
        """Let a person ask; what is sent then."""
        return self.invoke(operation)

    def told(self) -> Any:
        """How the latest operation that has ended did end."""
        return self.ended[-1]

    def meet(self, *contacts: Any) -> list[Sent]:
        """Let these nodes ping; what is sent, without the answers to the pings."""
        sent: list[Sent] = []
        for contact in contacts:
            sent += self.hear(contact.node, self.lab.Ping(1, contact.key))
        return [each for each in sent if not isinstance(each.message, self.lab.Pong)]

    def pause(self, time: int) -> None:
        """Stop the node's process for so long: what is due meanwhile comes late."""
        self.now += time
