"""A person who is not at a member's own keyboard: a client that asks one member over the network.

It numbers its requests and repeats the one under way until an answer comes, as every client does
(:class:`~common.contract.Asker`). There is no other member to turn to, so it asks less and less
often. The member carries out each that says something once. Complete; the graded suite of the lab
does without it.
"""

from collections.abc import Mapping

from common.contract import Asker, CallId, NodeId, message, on
from common.values.history import Failed, Ok, Unknown
from common.values.units import MS, SECOND
from stage2_communication.chat.messages import Join, Leave, Line, Operation, Read, Remove, Say


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


class ChatClient(Asker):
    """Puts each operation to one member and repeats it until an answer comes.

    Args:
        id: the name of this node, such as ``c2``.
        peers: the members.
        member: the member that it asks; unless named, the one with its own number (``n2``).
        ask_again_after: how long to wait for the first answer before asking again, in microseconds.
        longest_wait: each wait is twice as long as the one before, up to this.
        attempts: how often a request is sent at most, the first time included.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        member: NodeId = "",
        ask_again_after: int = 200 * MS,
        longest_wait: int = 1 * SECOND,
        attempts: int = 12,
    ) -> None:
        digits = "".join(sign for sign in id if sign.isdecimal())
        super().__init__(
            id,
            peers,
            servers=(member or peers[(int(digits or 1) - 1) % len(peers)],),
            ask_again_after=ask_again_after,
            longest_wait=longest_wait,
            attempts=attempts,
        )

    def status(self) -> Mapping[str, object]:
        """For what it is waiting."""
        requests = [asked.request for asked in self.under_way.values()]
        asks = [type(each.operation).__name__ for each in requests if isinstance(each, Request)]
        return {"asks": ", ".join(asks)}

    @on(Say, Read, Join, Leave, Remove)
    def asked(self, operation: Operation, call: CallId) -> None:
        """Put it to the member. A request that has no answer yet is given up."""
        self.end(self.last_number, Unknown("this client went on to something else"))
        self.ask(Request(self.new_number(), operation), call, question=isinstance(operation, Read))

    @on(Done)
    def done(self, done: Done, sender: NodeId) -> None:
        """It was done."""
        self.end(done.number, Ok(done.lines))

    @on(Refused)
    def refused(self, refused: Refused, sender: NodeId) -> None:
        """It certainly was not done."""
        self.end(refused.number, Failed(refused.reason))

    @on(Unsure)
    def unsure(self, unsure: Unsure, sender: NodeId) -> None:
        """Nobody can tell."""
        self.end(unsure.number, Unknown(unsure.reason))
