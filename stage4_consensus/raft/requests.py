"""What clients and servers say to each other (section 8).

A client numbers its requests 1, 2, 3 ... and has one under way at a time. It repeats a request
until it is answered, to one server after another; the number makes the repetition harmless.
"""

from common.contract import CommandBatch, NodeId, message


@message
class CommandRequest:
    """Carry out ``command``, or a batch of them, once, however often this request arrives."""

    number: int
    command: CommandBatch | object


@message
class QueryRequest:
    """Answer ``query``, or a batch of them, from a state that is not stale."""

    number: int
    query: CommandBatch | object


@message
class MembershipRequest:
    """Let ``voters`` be the members of the cluster (section 6)."""

    number: int
    voters: tuple[NodeId, ...]


@message
class TransferRequest:
    """Let ``target`` be the leader (thesis, section 3.10)."""

    number: int
    target: NodeId


@message
class Answer:
    """The request was carried out, and this is its result."""

    number: int
    value: object


@message
class NotLeader:
    """The request was not taken; ``leader`` is the server that this one follows, or None."""

    number: int
    leader: NodeId | None


@message
class Refusal:
    """The leader does not take the request as things are; nothing came of this copy of it."""

    number: int
    reason: str
