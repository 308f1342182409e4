"""Signatures: who said it, provable to a third party.

A message that is signed travels as :class:`Signed`. A node makes one by ``self.sign(content)`` and
asks of one that it received ``self.verify(signed)``; its class says ``signs = True``. What is in a
``Signed`` can be handed on, and everybody can check it again: that is what tells a signature from
the name of the sender of a message, which only its receiver knows.

Signatures come from the world, because they need what a node must not reach:

* **On sockets** a signature is Ed25519 (RFC 8032), by a library. Each node's process has a key of
  its own (:mod:`common.runtime.signatures`).
* **In the simulator, the explorer and the browser** signatures are ideal: a constant, with no
  arithmetic in it. The world watches what leaves each node, and it *voids* every signature of
  another node that this other node never gave. So no code can forge one, however it lies; and it
  needs no key that could be found in the memory that all nodes of a simulation share. This is the
  ideal functionality of Canetti 2004, "Universally composable signature, certification, and
  authentication", section 2.

A signature does not say when it was made, or for what: an old one is as valid as a new one. A
protocol puts into the content all that must not be confused (the view, the number, the kind of the
message).
"""

import enum
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from functools import cache
from hashlib import sha256
from typing import Any, Protocol

from common.contract.events import NodeId
from common.contract.kinds import kinds, message
from common.contract.names import full_name
from common.values.errors import ContractError

IDEAL = b"ideal"
"""The signature of an ideal world, as long as the world has no reason to void it."""

VOID = b"void"
"""What a world makes of a signature that its signer never gave."""


@message
class Signed:
    """``content``, signed by ``signer``.

    Attributes:
        signer: who signed it. Somebody else may send it on.
        content: what is signed: any value that can be sent.
        signature: what proves it to those who can :meth:`~common.contract.Node.verify`.
    """

    signer: NodeId
    content: Any
    signature: bytes

    def __repr__(self) -> str:
        void = " (void)" if self.signature == VOID else ""
        return f"{self.content!r} signed by {self.signer}{void}"


class Signer(Protocol):
    """What a world gives a node to sign with, and to verify what others signed."""

    def sign(self, id: NodeId, content: object) -> bytes:
        """The signature of the node itself, whose name is ``id``."""

    def verify(self, signed: Signed) -> bool:
        """Whether the signer signed just this content. False for anything else, never an error."""


class IdealSigner:
    """Signs in the simulator, the explorer and the browser; the world does the rest."""

    def sign(self, id: NodeId, content: object) -> bytes:
        """A constant: see above why nobody can misuse it."""
        return IDEAL

    def verify(self, signed: Signed) -> bool:
        """Whether the world has let it pass."""
        return signed.signature == IDEAL


IDEAL_SIGNER = IdealSigner()


# What an ideal world does.


def voided(value: Any, given: Callable[[Signed], bool]) -> Any:
    """``value``, with every signature in it made void that was not given; inner ones first.

    Args:
        value: what leaves a node: atoms, tuples, enums and declared classes.
        given: whether the signer gave this signature. It is asked in order, from within.
    """
    kind = value.__class__
    if kind is tuple:
        parts = [voided(part, given) for part in value]
        same = all(new is old for new, old in zip(parts, value, strict=True))
        return value if same else tuple(parts)
    names = _field_names(kind)
    changed: dict[str, Any] = {}
    for name in names:
        part = getattr(value, name)
        if part.__class__ not in _ATOMS and (new := voided(part, given)) is not part:
            changed[name] = new
    if changed:
        value = replace(value, **changed)
    if kind is Signed and value.signature != VOID and not given(value):
        return replace(value, signature=VOID)
    return value


class Notary:
    """Watches what leaves the nodes of an ideal world, and knows all that was ever signed.

    An honest node's signature leaves it before anybody else can hand it on. So what a node sends
    under another one's name is either known here, or forged.
    """

    def __init__(self) -> None:
        self._given: set[bytes] = set()
        self._last: tuple[NodeId, object, object] = ("", None, None)

    def pass_on(self, sender: NodeId, message: object) -> object:
        """The message as it may travel: what ``sender`` signs is remembered, what is forged void.

        Args:
            sender: under whose name it leaves. (Two nodes that share an identity share its name.)
            message: what it sends.
        """
        if self._last[0] == sender and self._last[1] is message:  # the rest of a broadcast
            return self._last[2]

        def given(signed: Signed) -> bool:
            known = sha256(to_bytes((signed.signer, signed.content))).digest()
            if signed.signer == sender and signed.signature == IDEAL:
                self._given.add(known)
            return known in self._given

        passed = voided(message, given)
        self._last = (sender, message, passed)
        return passed


# Values as bytes: what is signed, and what a digest is of.


def digest(value: object) -> str:
    """The SHA-256 of a value, in hexadecimal: equal for equal values, and for no others.

    Raises:
        ContractError: there is something in it that cannot be sent.
    """
    return sha256(to_bytes(value)).hexdigest()


def to_bytes(value: object) -> bytes:
    """A value as bytes, the same on every machine, and different for values that are not the same.

    Each part has its kind and its length in front of it, so no part can be mistaken for two.

    Raises:
        ContractError: there is something in it that cannot be sent.
    """
    kind: Any = value.__class__
    if kind in _ATOMS:
        text = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
        return b"%c%d:%b" % (_ATOMS[kind], len(text), text)
    if isinstance(value, enum.Enum):
        return b"e" + to_bytes((full_name(kind), value.name))
    if isinstance(value, tuple):
        return b"t%d:%b" % (len(value), b"".join([to_bytes(part) for part in value]))
    if kind not in kinds:
        raise ContractError(
            f"a {kind.__name__} can neither be signed nor have a digest: use atoms, tuples, enums "
            "and classes declared with @message or @record"
        )
    parts: Any = [getattr(value, name) for name in _field_names(kind)]
    return b"r%b%b" % (to_bytes(full_name(kind)), to_bytes(tuple(parts)))


_ATOMS = {
    str: ord("s"), bytes: ord("b"), int: ord("i"), bool: ord("B"), float: ord("f"),
    type(None): ord("n"),
}  # fmt: skip
"""The classes of values without parts, each with its mark."""


@cache
def _field_names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind)) if is_dataclass(kind) else ()
