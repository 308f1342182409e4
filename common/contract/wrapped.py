"""What is a subnode's own, as the node around it sends, sets and saves it: with a name around it.

A world knows of whole nodes only. So a subnode's message travels as an :class:`Inner` message of
the node around it, its timer comes back as an :class:`InnerTimer`, and what it saves is under an
:class:`InnerKey`. Subnodes within subnodes have one more name around each.
"""

from typing import Any

from common.contract.kinds import message, record, timer
from common.values.brief import brief
from common.values.errors import ContractError

MAX_NUMBER_BITS = 64
"""Of a number in a key. Greater ones may all have one hash, and a dict of such keys is slow."""


@message
class Inner:
    """A message for the subnode ``to`` of the node that receives it, from the one of that name."""

    to: str
    message: object

    def __repr__(self) -> str:
        return f"{self.to}/{self.message!r}"


@timer
class InnerTimer:
    """A timer of the subnode ``of``."""

    of: str
    timer: object

    def __repr__(self) -> str:
        return f"{self.of}/{self.timer!r}"


@record
class InnerKey:
    """Under what the subnode ``of`` saves: its own key, or that of a subnode of its own."""

    of: str
    key: Any

    def __repr__(self) -> str:
        return f"{self.of}/{self.key!r}"


def unwrapped(value: object) -> tuple[str, object]:
    """A message, timer or key without the names around it, and these as a path.

    >>> unwrapped(Inner("shard-7", Inner("members", "hello")))
    ('shard-7/members', 'hello')
    >>> unwrapped("hello")
    ('', 'hello')
    """
    path = ""
    while True:
        match value:
            case Inner(name, inner) | InnerTimer(name, inner) | InnerKey(name, inner):
                path, value = f"{path}/{name}" if path else name, inner
            case _:
                return path, value


def check_key(key: object) -> None:
    """Check that something can be saved under ``key``.

    Raises:
        ContractError: it can not, as the text says.
    """
    kind = key.__class__
    if kind is str or kind is bytes:
        return
    if kind is tuple:
        parts: Any = key
        if _KEY_PARTS.issuperset([part.__class__ for part in parts]) and not any(
            part.__class__ is int and part.bit_length() > MAX_NUMBER_BITS for part in parts
        ):
            return
    elif isinstance(key, InnerKey):
        check_key(key.key)
        return
    raise ContractError(
        f"{brief(key)} is no key to save under: use text, bytes, or a tuple of text, bytes and "
        f"whole numbers of at most {MAX_NUMBER_BITS} bits"
    )


_KEY_PARTS = frozenset((str, int, bytes))
