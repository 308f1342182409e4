"""What nodes say to each other to find each other, and what a node remembers of what it has asked.

Each request has a number, which its answer repeats. ``key`` is the key of its sender.
"""

from dataclasses import dataclass
from typing import TypeAlias

from bonus_overlays.kademlia.buckets import Contact, Key
from bonus_overlays.kademlia.lookup import Search
from common.contract import CallId, NodeId, message, operation, timer

# What nodes say.


@message
class Ping:
    """Are you there?"""

    number: int
    key: Key


@message
class Pong:
    """The answer to a Ping, and to whatever else asks for no more than a yes."""

    number: int
    key: Key


@message
class FindNode:
    """Which nodes do you know that are close to ``target``?"""

    number: int
    key: Key
    target: Key


@message
class Nodes:
    """The k contacts of the sender that are closest to what was asked for."""

    number: int
    key: Key
    contacts: tuple[Contact, ...]


@timer
class RequestIsLate:
    """The oldest request that is under way was not answered in time."""


@timer
class Refresh:
    """It is time to look into buckets again."""


@operation
class Lookup:
    """Which nodes are closest to ``key``? Ends with Ok(names), the closest one first."""

    key: Key


@operation
class Meet:
    """There is a member at the address ``node``: join by it. Ends with Ok() at once."""

    node: NodeId


# What lookups are for.


@dataclass(frozen=True, slots=True)
class Refreshing:
    """The table is to learn: this node joins, or looks into a bucket."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Somebody wants to know who is there."""

    call: CallId


Goal: TypeAlias = object
"""What a lookup is for: an object of one of the classes above, or of one that a later file adds."""


@dataclass(slots=True)
class Inquiry:
    """A lookup under way: its bookkeeping, and what it is for."""

    search: Search
    goal: Goal


@dataclass(slots=True)
class Request:
    """A request under way.

    Attributes:
        contact: who was asked; its key is "" where only its address is known.
        inquiry: the number of the lookup that it is for; 0 for none.
        late_at: when it is late, by this node's clock.
    """

    contact: Contact
    inquiry: int
    late_at: int
