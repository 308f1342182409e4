"""One node by hand: the test is the network around it, and sees what it sends."""

from typing import Any

from common.contract.effects import CancelTimer, Effect, Return, Send, SetTimer
from common.contract.events import Fire, Invoke, NodeId, Receive, Start
from common.course.suites.kit import Sent
from tests.bonus_overlays.kademlia.keys import key
from tests.bonus_overlays.kademlia.lab import KademliaLab


class Alone:
    """The node n0, its timers, and what came of operations.

    Args:
        lab: the lab.
        kind: the class of the node.
        options: keyword arguments of the class; its key is 0 unless they say another one.
    """

    def __init__(self, lab: KademliaLab, kind: Any, **options: Any) -> None:
        self.lab = lab
        self.now = 0
        self.timers: dict[int, tuple[int, Any]] = {}
        self.ended: list[Any] = []
        self.calls = 0
        self.node = kind("n0", (), **{"key": key(0), **options})
        self.node.seed("alone")
        self.at_start = self.take(self.node.step(Start(0, {})))

    def hear(self, sender: NodeId, message: object) -> list[Sent]:
        """Let a message arrive; what is sent then."""
        return self.take(self.node.step(Receive(self.now, sender, message)))

    def ask(self, operation: object) -> list[Sent]:
        """Let a person ask; what is sent then."""
        self.calls += 1
        return self.take(self.node.step(Invoke(self.now, self.calls, operation)))

    def told(self) -> Any:
        """How the latest operation that has ended did end."""
        return self.ended[-1]

    def meet(self, *contacts: Any) -> list[Sent]:
        """Let these nodes ping; what is sent, without the answers to the pings."""
        sent: list[Sent] = []
        for contact in contacts:
            sent += self.hear(contact.node, self.lab.Ping(1, contact.key))
        return [each for each in sent if not isinstance(each.message, self.lab.Pong)]

    def wait(self, time: int) -> list[Sent]:
        """Let so much time pass, in microseconds; what is sent meanwhile."""
        until, sent = self.now + time, []
        while self.timers and (first := min(self.timers.items(), key=_due))[1][0] <= until:
            number, (due, timer) = first
            del self.timers[number]
            self.now = max(self.now, due)
            sent += self.take(self.node.step(Fire(self.now, number, timer)))
        self.now = until
        return sent

    def pause(self, time: int) -> None:
        """Stop the node's process for so long: what is due meanwhile comes late."""
        self.now += time

    def take(self, effects: list[Effect]) -> list[Sent]:
        """Carry out effects; the messages among them."""
        sent: list[Sent] = []
        for effect in effects:
            match effect:
                case Send(to, message):
                    sent.append(Sent(self.now, "n0", to, message))
                case SetTimer(number, after, timer):
                    self.timers[number] = (self.now + after, timer)
                case CancelTimer(number):
                    self.timers.pop(number, None)
                case Return(_, outcome):
                    self.ended.append(outcome)
        return sent


def _due(timer: tuple[int, tuple[int, Any]]) -> tuple[int, int]:
    return timer[1][0], timer[0]
