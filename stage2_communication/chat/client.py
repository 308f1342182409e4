"""A person who is not at a member's own keyboard: a client that asks one member over the network.

It numbers its requests and repeats the one under way until an answer comes. The member carries out
each that says something once. Complete; the graded suite of the lab does without it.
"""

from collections.abc import Mapping
from dataclasses import replace

from common.contract import CallId, Node, NodeId, TimerId, message, on, record, timer
from common.values.history import Failed, Ok, Outcome, Unknown
from common.values.units import MS
from stage2_communication.chat.messages import Join, Leave, Line, Operation, Read, Remove, Say

REQUESTS_OF_A_LIFE = 2**32
"""How many requests a client may send between two crashes."""


@message
class Request:
    """Please carry this out. ``number`` names it among its client's requests and only grows."""

    number: int
    operation: Operation


@message
class Done:
    """It was done; ``lines`` is the answer to a :class:`Read`."""

    number: int
    lines: tuple[Line, ...] | None


@message
class Refused:
    """It was not done and never will be."""

    number: int
    reason: str


@message
class Unsure:
    """Nobody at that member can tell."""

    number: int
    reason: str


@timer
class AskAgain:
    """It is time to repeat the request, or to give it up."""

    number: int


@record
class Waiting:
    """The operation under way: whom to tell, what was asked, how often, and the next attempt."""

    call: CallId
    request: Request
    asked: int = 0
    timer: TimerId = 0


class ChatClient(Node):
    """Puts each operation to one member and repeats it until an answer comes.

    Args:
        id: the name of this node, such as ``c2``.
        peers: the members.
        member: whom to ask; the one with the same number (``n2``) unless named.
        ask_again_after: how long to wait for an answer before asking again, in microseconds.
        attempts: how often a request is sent at most, the first time included.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        member: NodeId = "",
        ask_again_after: int = 200 * MS,
        attempts: int = 50,
    ) -> None:
        super().__init__(id, peers)
        digits = "".join(sign for sign in id if sign.isdecimal())
        self.member = member or self.peers[(int(digits or 1) - 1) % len(self.peers)]
        self.ask_again_after = ask_again_after
        self.attempts = attempts
        self.last_number = 0
        """The number of the latest request. It only grows, over crashes too."""
        self.under_way: Waiting | None = None

    def status(self) -> Mapping[str, object]:
        """Whom it asks, and for what it is waiting."""
        waiting = self.under_way
        return {"asks": "" if waiting is None else type(waiting.request.operation).__name__}

    def on_start(self) -> None:
        """Begin a life whose numbers no earlier life has used."""
        life: int = self.saved.get("life", 0)
        self.save("life", life + 1)
        self.last_number = life * REQUESTS_OF_A_LIFE

    @on(Say, Read, Join, Leave, Remove)
    def asked(self, operation: Operation, call: CallId) -> None:
        """Put it to the member. What was asked before and has no answer yet is given up."""
        self._end(self.last_number, Unknown("this client went on to something else"))
        self.last_number += 1
        self._put(Waiting(call, Request(self.last_number, operation)))

    @on(Done)
    def done(self, done: Done, sender: NodeId) -> None:
        """It was done."""
        self._end(done.number, Ok(done.lines))

    @on(Refused)
    def refused(self, refused: Refused, sender: NodeId) -> None:
        """It certainly was not done."""
        self._end(refused.number, Failed(refused.reason))

    @on(Unsure)
    def unsure(self, unsure: Unsure, sender: NodeId) -> None:
        """Nobody can tell."""
        self._end(unsure.number, Unknown(unsure.reason))

    @on(AskAgain)
    def ask_again(self, timer: AskAgain) -> None:
        """Ask once more, or say that there was no answer."""
        waiting = self.under_way
        assert waiting is not None, "the timer is cancelled when the operation ends"
        if waiting.asked < self.attempts:
            self._put(waiting)
        else:
            self._end(timer.number, Unknown(f"no answer from {self.member}"))

    def _put(self, waiting: Waiting) -> None:
        self.send(self.member, waiting.request)
        timer = self.set_timer(self.ask_again_after, AskAgain(waiting.request.number))
        self.under_way = replace(waiting, asked=waiting.asked + 1, timer=timer)

    def _end(self, number: int, outcome: Outcome) -> None:
        """End the operation under way, if it is this one."""
        waiting = self.under_way
        if waiting is not None and waiting.request.number == number:
            self.under_way = None
            self.cancel_timer(waiting.timer)
            self.finish(waiting.call, outcome)
