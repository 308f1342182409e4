"""How a connection opens: both sides prove that they belong to the same cluster.

Sans-I/O: bytes of one frame in, frames to send out; sockets and time limits are elsewhere. The
dialer speaks first, and nobody sends a proof before having a fresh nonce of the other::

    dialer                                   acceptor
      | -- Hello(version, cluster, id, nonce) -> |
      | <- Hello(version, cluster, id, nonce) -- |
      | -- Proof ------------------------------> |   HMAC-SHA256(secret, "dialer" + hellos)
      | <- Proof ------------------------------- |   HMAC-SHA256(secret, "acceptor" + hellos)

A proof covers the whole of both hellos, so nothing in them can be changed on the way; it names
the prover's role, so it cannot be sent back to its maker (reflection); the nonces are fresh, so an
old one is worthless (replay). This is the mutual challenge-response of ISO/IEC 9798-4, section 7.
What follows the handshake is neither encrypted nor signed: it keeps strangers and mistakes out, not
an attacker on the cable.
"""

import hmac
import secrets
from dataclasses import dataclass
from enum import Enum, auto
from hashlib import sha256
from typing import Literal

import msgspec

from common.contract.events import NodeId
from common.values.errors import RemoteProtocolError

PROTOCOL = "ds-course"
VERSION = 1
NONCE_BYTES = 16
MAX_FRAME_BYTES = 1024
"""No frame of the handshake is longer; a stranger cannot make us keep more than this."""
MAX_NAME_BYTES = 128

Role = Literal["dialer", "acceptor"]


class Hello(msgspec.Struct, array_like=True, frozen=True, tag="hello"):
    """Who speaks, in which version of the protocol, and a fresh random number."""

    protocol: str
    version: int
    cluster: str
    node: NodeId
    nonce: bytes


class Proof(msgspec.Struct, array_like=True, frozen=True, tag="proof"):
    """Shows knowledge of the cluster's secret without telling it."""

    code: bytes


class Refusal(msgspec.Struct, array_like=True, frozen=True, tag="refused"):
    """Why the other side closes the connection, as a sentence for its log."""

    reason: str


_decoder = msgspec.msgpack.Decoder(Hello | Proof | Refusal)
_encode = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True, slots=True)
class Identity:
    """What a node shows and proves when a connection opens.

    Attributes:
        cluster: the name of the cluster; nodes of different clusters refuse each other.
        node: the name of this node.
        secret: what only the members of the cluster know.
        version: of the protocol; both sides must speak the same.
    """

    cluster: str
    node: NodeId
    secret: bytes
    version: int = VERSION


class _Waits(Enum):
    HELLO = auto()
    PROOF = auto()
    NOTHING = auto()


class Handshake:
    """One side of the opening of one connection.

    Args:
        identity: who we are.
        role: ``"dialer"`` or ``"acceptor"``.
        expected: the node that a dialer means to reach; None for an acceptor.

    Attributes:
        peer: who the other side says it is; to be believed once ``done``.
        done: whether both sides have proved themselves.
    """

    def __init__(self, identity: Identity, role: Role, expected: NodeId | None = None) -> None:
        self.peer: NodeId | None = None
        self.done = False
        self._identity = identity
        self._role: Role = role
        self._expected = expected
        self._waits = _Waits.HELLO
        self._theirs = b""
        self._ours = _encode(
            Hello(
                PROTOCOL,
                identity.version,
                identity.cluster,
                identity.node,
                secrets.token_bytes(NONCE_BYTES),
            )
        )

    def opening(self) -> list[bytes]:
        """The frames to send as soon as the connection stands: the dialer's hello, or none."""
        return [self._ours] if self._role == "dialer" else []

    def receive(self, frame: bytes) -> list[bytes]:
        """Take one frame from the other side; returns the frames to send in answer.

        Raises:
            RemoteProtocolError: the other side may not come in, or does not let us; the text is
                one sentence for the log. :func:`refusal` makes the frame that tells it why.
        """
        try:
            spoken = _decoder.decode(frame)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise RemoteProtocolError(
                "what it sent first is no handshake of this course's protocol"
            ) from None
        if isinstance(spoken, Refusal):
            raise RemoteProtocolError(f"it refused us: {spoken.reason[:MAX_FRAME_BYTES]!s}")
        if isinstance(spoken, Hello) and self._waits is _Waits.HELLO:
            return self._take_hello(spoken, frame)
        if isinstance(spoken, Proof) and self._waits is _Waits.PROOF:
            return self._take_proof(spoken)
        raise RemoteProtocolError(f"it sent {type(spoken).__name__} out of turn in the handshake")

    def _take_hello(self, hello: Hello, frame: bytes) -> list[bytes]:
        us = self._identity
        if hello.protocol != PROTOCOL:
            raise RemoteProtocolError(f"it speaks {hello.protocol[:40]!r}, not {PROTOCOL!r}")
        if hello.version != us.version:
            raise RemoteProtocolError(
                f"it speaks version {hello.version} of the protocol and {us.node} speaks "
                f"{us.version}: run the same release of the course on both"
            )
        if hello.cluster != us.cluster:
            raise RemoteProtocolError(
                f"it belongs to the cluster {hello.cluster[:40]!r} and {us.node} to {us.cluster!r}"
            )
        if not 0 < len(hello.node.encode()) <= MAX_NAME_BYTES or len(hello.nonce) != NONCE_BYTES:
            raise RemoteProtocolError("its name or its nonce has a wrong length")
        if hello.node == us.node:
            raise RemoteProtocolError(f"it calls itself {hello.node!r}, which is our own name")
        if self._expected is not None and hello.node != self._expected:
            raise RemoteProtocolError(
                f"it is {hello.node!r}, but at this address {self._expected!r} was expected"
            )
        self.peer = hello.node
        self._theirs = frame
        self._waits = _Waits.PROOF
        return [self._prove(self._role)] if self._role == "dialer" else [self._ours]

    def _take_proof(self, proof: Proof) -> list[bytes]:
        other: Role = "acceptor" if self._role == "dialer" else "dialer"
        if not hmac.compare_digest(proof.code, self._code(other)):
            raise RemoteProtocolError(
                f"it calls itself {self.peer!r} but does not know the cluster's secret"
            )
        self._waits = _Waits.NOTHING
        self.done = True
        return [self._prove(self._role)] if self._role == "acceptor" else []

    def _prove(self, role: Role) -> bytes:
        return _encode(Proof(self._code(role)))

    def _code(self, role: Role) -> bytes:
        first, second = (
            (self._ours, self._theirs) if self._role == "dialer" else (self._theirs, self._ours)
        )
        lengths = len(first).to_bytes(4) + len(second).to_bytes(4)
        return hmac.digest(self._identity.secret, role.encode() + lengths + first + second, sha256)


def refusal(reason: str) -> bytes:
    """The frame that tells the other side why it is refused."""
    return _encode(Refusal(reason[: MAX_FRAME_BYTES // 4]))
