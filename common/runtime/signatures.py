"""Signatures on sockets: Ed25519, and the keys of a cluster.

Bernstein, Duif, Lange, Schwabe and Yang 2011, "High-speed high-security signatures"; RFC 8032. The
arithmetic is that of the package ``cryptography``, which wraps OpenSSL: nobody writes their own.
It is loaded only where a cluster signs.

Each node has a private key, which is in its own directory, readable by its owner only; nobody else
is told. The launcher tells everybody all public keys. It makes the keys itself, which stands for
what a real system does with certificates: whom to trust is decided before the protocol begins.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeAlias

from common.contract.events import NodeId
from common.contract.signing import Signed, to_bytes
from common.runtime.key_files import read_or_make
from common.runtime.macs import MacKeys, MacSigner
from common.values.errors import ContractError

KEY_FILE = "signing.key"

Authentication: TypeAlias = Literal["signatures", "macs"]
"""How the nodes of a cluster that sign do it (:mod:`common.runtime.macs` is for measuring)."""


class Ed25519Signer:
    """Signs for one node, and verifies for it what others signed.

    Args:
        private: the node's private key, 32 bytes.
        public: everybody's public keys, 32 bytes each, by name.
    """

    def __init__(self, private: bytes, public: Mapping[NodeId, bytes]) -> None:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric import ed25519

        self._invalid = InvalidSignature
        self._private = ed25519.Ed25519PrivateKey.from_private_bytes(private)
        self._load = ed25519.Ed25519PublicKey.from_public_bytes
        self._public = {name: self._load(key) for name, key in public.items()}

    @property
    def public(self) -> bytes:
        """The node's own public key."""
        return self._private.public_key().public_bytes_raw()

    def know(self, public: Mapping[NodeId, bytes]) -> None:
        """Learn the public keys of more nodes."""
        self._public |= {name: self._load(key) for name, key in public.items()}

    def sign(self, id: NodeId, content: object) -> bytes:
        """64 bytes over the name of the signer and the content."""
        return self._private.sign(to_bytes((id, content)))

    def verify(self, signed: Signed) -> bool:
        """Whether the signer, whose public key is known here, signed just this content."""
        key = self._public.get(signed.signer)
        if key is None:
            return False
        try:
            key.verify(signed.signature, to_bytes((signed.signer, signed.content)))
        except (self._invalid, ContractError):
            return False
        return True


class Keys:
    """The keys of a cluster, as its launcher keeps them: each private key in its node's directory.

    Args:
        directory: of the cluster. Keys that are there already are used again, since nodes may have
            saved what they have signed.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.private: dict[NodeId, bytes] = {}
        self.public: dict[NodeId, bytes] = {}

    def add(self, name: NodeId) -> None:
        """Take in a node whose directory is there: with the key it has, or a new one.

        Raises:
            BadInput: the file of its key cannot be used.
        """
        key = read_or_make(self._directory / name / KEY_FILE, _new_key())
        self.private[name] = key
        self.public[name] = Ed25519Signer(key, {}).public

    def signer(self, name: NodeId) -> Ed25519Signer:
        """What a node of this process signs with."""
        return Ed25519Signer(self.private[name], self.public)

    def own(self, name: NodeId) -> bytes:
        """The key that only this node is told."""
        return self.private[name]

    def told_to(self, name: NodeId) -> dict[NodeId, str]:
        """All public keys in hexadecimal, the same for everybody."""
        del name
        return {name: key.hex() for name, key in self.public.items()}


def keys_of(directory: Path, authentication: Authentication) -> Keys | MacKeys:
    """The keys of a cluster whose nodes sign, or authenticate instead."""
    return Keys(directory) if authentication == "signatures" else MacKeys(directory)


def signer_of(
    authentication: Authentication, id: NodeId, own: bytes, keys: Mapping[NodeId, str]
) -> Ed25519Signer | MacSigner:
    """What a node's process signs with, by what its launcher told it."""
    known = from_hex(keys)
    return Ed25519Signer(own, known) if authentication == "signatures" else MacSigner(id, known)


def from_hex(keys: Mapping[NodeId, str]) -> dict[NodeId, bytes]:
    """What ``told_to`` wrote."""
    return {name: bytes.fromhex(key) for name, key in keys.items()}


# Bytes as they are, signed in the way of another program's protocol.


def public_of(private: bytes) -> bytes:
    """The public key that belongs to a private one, 32 bytes each."""
    return Ed25519Signer(private, {}).public


def sign_bytes(private: bytes, data: bytes) -> bytes:
    """The signature of ``data``, 64 bytes, with a private key of 32."""
    from cryptography.hazmat.primitives.asymmetric import ed25519

    signature: bytes = ed25519.Ed25519PrivateKey.from_private_bytes(private).sign(data)
    return signature


def verify_bytes(public: bytes, signature: bytes, data: bytes) -> bool:
    """Whether the owner of a public key signed just these bytes. False for what is no key."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ed25519

    try:
        ed25519.Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


def _new_key() -> bytes:
    from cryptography.hazmat.primitives.asymmetric import ed25519

    return ed25519.Ed25519PrivateKey.generate().private_bytes_raw()
