"""One member by hand: the test is the world around it, and sees what it sends."""

from collections.abc import Iterable
from typing import Any

from common.contract.events import NodeId
from common.course.suites.kit import ByHand, Sent, names
from common.values.history import Ok
from tests.stage5_fault_tolerance.swim.lab import SwimLab

Belief = dict[str, tuple[str, int]]
"""By member, in which state it is believed to be, and in which incarnation."""


class Alone(ByHand):
    """A member n1 and its timers.

    Args:
        lab: the lab.
        kind: the class of the member.
        members: how many members it knows, itself included.
        options: keyword arguments of the class.
    """

    def __init__(self, lab: SwimLab, kind: Any, members: int = 8, **options: Any) -> None:
        self.lab = lab
        self.peers = names(members)[1:]
        super().__init__(kind("n1", self.peers, **options), seed="alone")

    def hear(self, sender: NodeId, message: object) -> list[Sent]:
        """Let a message arrive; what is sent then."""
        return self.receive(sender, message)

    def next_ping(self) -> Sent:
        """Let time pass up to the next period in which somebody is pinged; that ping."""
        for _ in range(100):
            for sent in self.fire(min(self.timers.items(), key=_due)[0]):
                if isinstance(sent.message, self.lab.Ping):
                    return sent
        raise AssertionError("nobody is pinged, for many periods")

    def next_acked_ping(self) -> Sent:
        """The same, and it is answered."""
        ping = self.next_ping()
        self.hear(ping.to, self.lab.Ack(ping.message.number, ()))
        return ping

    def until_period(self) -> int:
        """How long it takes until the next period begins, in microseconds."""
        return self.timers[self.period_timer()][0] - self.now

    def period_timer(self) -> int:
        """The timer with which the next period begins."""
        found = [
            id for id, (_, timer) in self.timers.items() if isinstance(timer, self.lab.PeriodBegins)
        ]
        assert len(found) == 1, f"{len(found)} timers wait for the next period, instead of one"
        return found[0]

    def believes(self) -> Belief:
        """What the member says when it is asked."""
        self.invoke(self.lab.Members())
        outcome = self.ended[-1]
        assert isinstance(outcome, Ok), outcome
        assert isinstance(outcome.value, tuple), outcome
        return {name: (state, incarnation) for name, state, incarnation in outcome.value}


def of_kind(kind: Any, sent: Iterable[Sent]) -> list[Sent]:
    """What is sent of one class of messages."""
    return [each for each in sent if isinstance(each.message, kind)]


def told(sent: Iterable[Sent]) -> list[Any]:
    """All updates on these messages, in order."""
    return [update for each in sent for update in getattr(each.message, "updates", ())]


def _due(item: tuple[int, tuple[int, Any]]) -> tuple[int, int]:
    return item[1][0], item[0]
