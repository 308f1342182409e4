"""What only a front asks of its node (Redis' protocol), beyond the commands of all clients.

Several commands, all about keys of one slot, come together in a
:class:`~stage3_partitioning.kv.messages.Serve`, and are carried out in one step. Nobody repeats
them under a number, so there are no sessions here. That is why lists are popped and edited by a
front alone: a session has to remember what a change ended with, and to travel with its slot; what
was popped may be as large as a value.
"""

from typing import Literal, TypeAlias

from common.contract import operation
from stage3_partitioning.kv.commands import Command, Held, Side


@operation
class Expect:
    """Does ``key`` hold ``value`` (None: nothing)? Ends with Ok(bool).

    If it does not, the commands after it are not carried out.
    """

    key: bytes
    value: Held | None


@operation
class IfText:
    """Carry ``command`` out unless ``key``, its own, holds a list: then Ok(WRONG_KIND)."""

    key: bytes
    command: Command


@operation
class Rename:
    """Let ``to`` hold what ``key`` holds, for as long as that lives, and ``key`` nothing.

    Ends with Ok(True), or with Ok(False) if ``when`` is ``absent`` and there is such a key as
    ``to``. The front asks about ``to`` in the same Serve, so that both keys are here.
    """

    key: bytes
    to: bytes
    when: Literal["always", "absent"] = "always"


@operation
class IncrementFloat:
    """Add a decimal number to the one that ``key`` holds. Ends with Ok(bytes), the sum as text."""

    key: bytes
    by: bytes


@operation
class Pop:
    """Take up to ``count`` elements away from one side of the list.

    Ends with Ok(tuple), in the order in which they were taken; with Ok(None) if there is no such
    key.
    """

    key: bytes
    side: Side
    count: int


@operation
class SetElement:
    """Let the element at ``index`` be ``value``; -1 is the last one. Ends with Ok().

    Or with Ok(Problem): there is no such key, or no such index.
    """

    key: bytes
    index: int
    value: bytes


@operation
class RemoveElements:
    """Take away elements that equal ``value``: the first ``count`` from the left.

    From the right if it is negative; all if it is 0. Ends with Ok(how many).
    """

    key: bytes
    value: bytes
    count: int


@operation
class Trim:
    """Keep the elements from index ``first`` to ``last`` and no others. Ends with Ok()."""

    key: bytes
    first: int
    last: int


@operation
class InsertElement:
    """Add ``value`` on one side of the first element that equals ``pivot``.

    Ends with Ok(new length), with Ok(0) if there is no such key, with Ok(-1) if there is no pivot.
    """

    key: bytes
    pivot: bytes
    value: bytes
    side: Side


@operation
class MoveElement:
    """Take an element away from one side of the list, and push it to the list that ``to`` holds.

    Ends with Ok(bytes), the element; with Ok(None) if there is no such key. The front asks about
    ``to`` in the same Serve, so that both keys are here.
    """

    key: bytes
    to: bytes
    take: Side
    put: Side


OnList: TypeAlias = Pop | SetElement | RemoveElements | Trim | InsertElement | MoveElement
Fronted: TypeAlias = Command | Expect | IfText | Rename | IncrementFloat | OnList
