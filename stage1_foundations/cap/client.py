"""The client of both registers: what it asks of a replica, and what it may honestly tell.

The register holds one value. :class:`RegisterClient` is attached to one replica and puts each
operation to it; what the replicas do among themselves is in ``consistent.py`` and in
``available.py``. The client is the same for both, so that whatever differs in the histories
comes from the replicas.

It numbers its requests and repeats the one under way until an answer comes, and it ends each
operation with what is certainly true:

* Ok: the replica says that it was done;
* Failed: the replica says that it was not done and never will be;
* Unknown: the replica cannot tell, or did not answer.

A client never turns to another replica with the same request. Each replica remembers which
requests it took, so that a repeated one is carried out once; no other replica knows of them, and
two replicas would write twice.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeAlias

from common.contract import (
    CallId,
    Node,
    NodeId,
    TimerId,
    begin_life,
    message,
    on,
    operation,
    record,
    timer,
)
from common.values.history import Failed, Ok, Unknown
from common.values.units import MS

Value: TypeAlias = int | str | None
"""What the register holds; None before the first write."""

# What a user asks.


@operation
class Read:
    """What does the register hold? Ends with Ok(value)."""


@operation
class Write:
    """Let the register hold ``value``. Ends with Ok()."""

    value: Value


# What goes from the client to its replica, and back.


@message
class ReadRequest:
    """Asks for the value. ``number`` names the request among its client's and only grows."""

    number: int


@message
class WriteRequest:
    """Asks to write ``value``. ``number`` names the request among its client's and only grows."""

    number: int
    value: Value


Request: TypeAlias = ReadRequest | WriteRequest


@message
class ReadReply:
    """The register held ``value``."""

    number: int
    value: Value


@message
class WriteReply:
    """The write was done."""

    number: int


@message
class Refusal:
    """The request had no effect and never will have one, even if it arrives again."""

    number: int
    reason: str


@message
class Doubt:
    """Some replicas took the write and a majority did not say so: it may yet be seen, or never."""

    number: int
    reason: str


@timer
class AskAgain:
    """It is time to repeat the request ``number``, or to give it up."""

    number: int


@record
class Waiting:
    """The operation under way.

    Attributes:
        call: what its end will be told to.
        request: what was asked of the replica.
        asked: how often.
        timer: what will bring the next attempt.
    """

    call: CallId
    request: Request
    asked: int = 0
    timer: TimerId = 0


class RegisterClient(Node):
    """Puts each operation to one replica and repeats it until an answer comes.

    Args:
        id: the name of this node.
        peers: the replicas.
        replica: the replica to ask. Nobody named means: by the number in the client's name, so
            that ``c1`` asks the first replica, ``c2`` the second, and so on, round and round.
        ask_again_after: how long to wait for an answer before asking again, in microseconds.
        attempts: how often a request is sent at most, the first time included.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        replica: NodeId = "",
        ask_again_after: int = 60 * MS,
        attempts: int = 10,
    ) -> None:
        super().__init__(id, peers)
        self.replica = replica or home_of(id, self.peers)
        self.ask_again_after = ask_again_after
        self.attempts = attempts
        self.last_number = 0
        """The number of the latest request. It only grows, over crashes too."""
        self.waiting: Waiting | None = None
        """The operation under way, or None. There is never more than one."""

    def status(self) -> Mapping[str, object]:
        """Which replica it asks, and what it is waiting for."""
        under_way = "" if self.waiting is None else type(self.waiting.request).__name__
        return {"replica": self.replica, "waiting": under_way}

    def on_start(self) -> None:
        """Begin a life whose numbers no earlier life has used.

        The replica takes a number that it knows for a repetition of what it has done already.
        """
        self.last_number = begin_life(self)

    @on(Read)
    def read(self, operation: Read, call: CallId) -> None:
        """Ask the replica for the value."""
        del operation
        self._begin(ReadRequest(self.last_number + 1), call)

    @on(Write)
    def write(self, operation: Write, call: CallId) -> None:
        """Ask the replica to write."""
        self._begin(WriteRequest(self.last_number + 1, operation.value), call)

    @on(ReadReply)
    def read_reply_received(self, reply: ReadReply, sender: NodeId) -> None:
        """The value is the operation's result."""
        self._end(reply.number, Ok(reply.value))

    @on(WriteReply)
    def write_reply_received(self, reply: WriteReply, sender: NodeId) -> None:
        """The write was done."""
        self._end(reply.number, Ok())

    @on(Refusal)
    def refusal_received(self, refusal: Refusal, sender: NodeId) -> None:
        """Nothing happened, and nothing will: only the replica can know that."""
        self._end(refusal.number, Failed(refusal.reason))

    @on(Doubt)
    def doubt_received(self, doubt: Doubt, sender: NodeId) -> None:
        """The replica does not know, so neither does the client."""
        self._end(doubt.number, Unknown(doubt.reason))

    @on(AskAgain)
    def ask_again(self, timer: AskAgain) -> None:
        """Ask once more; after the last attempt end the operation with Unknown.

        Not with Failed: each request, or the answer to it, may be lost, or only late.
        """
        waiting = self.waiting
        assert waiting is not None, "the timer is cancelled when the operation ends"
        if waiting.asked < self.attempts:
            self._put(waiting)
        else:
            self._end(timer.number, Unknown(f"no answer from {self.replica}"))

    def _begin(self, request: Request, call: CallId) -> None:
        if self.waiting is not None:
            self.finish(call, Failed("this client has an operation under way"))
            return
        self.last_number = request.number
        self._put(Waiting(call, request))

    def _put(self, waiting: Waiting) -> None:
        self.send(self.replica, waiting.request)
        timer = self.set_timer(self.ask_again_after, AskAgain(waiting.request.number))
        self.waiting = replace(waiting, asked=waiting.asked + 1, timer=timer)

    def _end(self, number: int, outcome: Ok | Failed | Unknown) -> None:
        """End the operation under way; what answers an earlier one is dropped."""
        waiting = self.waiting
        if waiting is not None and waiting.request.number == number:
            self.waiting = None
            self.cancel_timer(waiting.timer)
            self.finish(waiting.call, outcome)


def home_of(client: NodeId, replicas: tuple[NodeId, ...]) -> NodeId:
    """The replica that a client asks when it was told none.

    >>> [home_of(client, ("n1", "n2", "n3")) for client in ("c1", "c2", "c3", "c4", "user")]
    ['n1', 'n2', 'n3', 'n1', 'n1']
    """
    digits = "".join(sign for sign in client if sign.isdecimal())
    return replicas[(int(digits or 1) - 1) % len(replicas)]
