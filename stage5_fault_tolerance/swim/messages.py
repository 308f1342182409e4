"""What members of the lab ``swim`` say to each other, what people ask, and what is told.

An *update* is one piece of news about one member. It names the member's incarnation: a number that
only the member itself raises (``suspicion.py``). Updates travel on all other messages.
"""

from typing import TypeAlias

from common.contract import NodeId, delivery, message, operation, record

ALIVE, SUSPECT, DEAD = "alive", "suspect", "dead"
"""The three things that one member can believe of another."""

MAX_INCARNATION = 2**32 - 1
"""The greatest incarnation that there is; on the wire of the real systems it has 32 bits."""


@record
class Alive:
    """``member`` is there, and says so itself."""

    member: NodeId
    incarnation: int


@record
class Suspect:
    """``accuser`` had no answer from ``member``, of which it knew this incarnation."""

    member: NodeId
    incarnation: int
    accuser: NodeId


@record
class Dead:
    """``accuser`` has given ``member`` up; the paper's word is Confirm."""

    member: NodeId
    incarnation: int
    accuser: NodeId


Update: TypeAlias = Alive | Suspect | Dead
Updates: TypeAlias = tuple[Update, ...]


@message
class Ping:
    """Are you there? ``number`` names this question among those of its sender."""

    number: int
    updates: Updates


@message
class PingReq:
    """Please ping ``target`` for me, and send me an Ack with my ``number`` if it answers."""

    number: int
    target: NodeId
    updates: Updates


@message
class Ack:
    """I am there; or the target of your PingReq is. ``number`` is that of your question."""

    number: int
    updates: Updates


@message
class Nack:
    """I am there, and the target of your PingReq ``number`` has not answered me so far."""

    number: int


@message
class News:
    """Updates, and nothing else."""

    updates: Updates


@message
class Join:
    """I am there, with this incarnation. Tell me in News what you know of everybody."""

    incarnation: int


@operation
class Members:
    """What does this member believe? Ok((name, state, incarnation), ...), by name in order."""


@delivery
class Changed:
    """For the node around this one: from now on ``member`` is believed to be ``state``."""

    member: NodeId
    state: str
    incarnation: int
