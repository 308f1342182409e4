"""What clients and replicas say to each other (Castro and Liskov 1999, sections 4.1 to 4.4).

All of it is signed but :class:`Submit`, which carries what its client has signed. What stands in a
``Signed`` is a ``@record``: nobody can send it bare by mistake.

``view`` is which replica leads, ``number`` is the place of a request in the common order, and
``digest`` is a hash that stands for a request. They are v, n and d in the paper.
"""

from typing import Any

from common.contract import Signed, digest, message, record, timer

# The client, and its answer (4.1).


@record
class Request:
    """A client asks for ``command``. Its numbers only grow: the timestamps of the paper."""

    client: str
    number: int
    command: Any


@message
class Submit:
    """A request on its way to a replica: from its client, or from a backup that hands it on."""

    request: Signed

    @property
    def number(self) -> int:
        """The number that the client gave it."""
        number: int = self.request.content.number
        return number


def digest_of(request: Signed | None) -> str:
    """D(m): what stands for a request in the votes. None is the null request, which fills a gap."""
    return digest(None if request is None else request.content)


@record
class Reply:
    """A replica has carried a request out, in ``view``."""

    view: int
    client: str
    number: int
    result: Any


# Three phases (4.2).


@record
class PrePrepare:
    """The primary of ``view`` gives a request its number; None is the null request."""

    view: int
    number: int
    digest: str
    request: Signed | None

    def __repr__(self) -> str:
        what = "nothing" if self.request is None else repr(self.request.content)
        return f"PrePrepare({self.view}, {self.number}, {what})"


@record
class Prepare:
    """A backup has taken the primary's word, and will take no other for this view and number."""

    view: int
    number: int
    digest: str

    def __repr__(self) -> str:
        return f"Prepare({self.view}, {self.number}, {self.digest[:8]}…)"


@record
class Commit:
    """A replica has seen that enough others have taken the same word (it is *prepared*)."""

    view: int
    number: int
    digest: str

    def __repr__(self) -> str:
        return f"Commit({self.view}, {self.number}, {self.digest[:8]}…)"


# Checkpoints (4.3), and who has fallen behind.


@record
class Checkpoint:
    """The state after the request ``number`` has this digest."""

    number: int
    digest: str


@record
class Status:
    """How far a replica has come. A replica that is further sends it what it lacks."""

    view: int
    active: bool
    stable: int
    executed: int


@record
class State:
    """The state at a checkpoint, and 2f + 1 who say that it is this one."""

    snapshot: Any
    proof: tuple[Signed, ...]


# View changes (4.4).


@record
class Prepared:
    """Shows that a request was prepared: the primary's word, and 2f backups that took it."""

    pre_prepare: Signed
    prepares: tuple[Signed, ...]


@record
class ViewChange:
    """A replica wants to go on in ``view``, and says what it brings along.

    Attributes:
        view: v + 1 in the paper.
        stable: the number of its last stable checkpoint; 0 for the beginning.
        proof: 2f + 1 signed checkpoints that show it (C); none for the beginning.
        prepared: for each number above it that was prepared here, the latest certificate (P).
    """

    view: int
    stable: int
    proof: tuple[Signed, ...]
    prepared: tuple[Prepared, ...]


@record
class NewView:
    """The primary of ``view`` begins it.

    Attributes:
        view: v + 1 in the paper.
        view_changes: 2f + 1 signed view changes that give it the right to (V).
        pre_prepares: what follows from them for the numbers that are not settled (O).
    """

    view: int
    view_changes: tuple[Signed, ...]
    pre_prepares: tuple[Signed, ...]


# Timers.


@timer
class Impatience:
    """A request that is known here was not carried out in time: the primary may be faulty."""


@timer
class TellStatus:
    """It is time to say how far this replica has come."""
