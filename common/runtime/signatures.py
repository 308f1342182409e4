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

from common.contract.events import NodeId
from common.contract.signing import Signed, to_bytes
from common.values.errors import BadInput, ContractError

KEY_BYTES = 32
KEY_FILE = "signing.key"


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
        path = self._directory / name / KEY_FILE
        try:
            if not path.exists():
                path.touch(mode=0o600)
                path.write_text(_new_key().hex() + "\n", encoding="ascii")
            key = bytes.fromhex(path.read_text(encoding="ascii"))
        except OSError as error:
            raise BadInput(f"cannot use the key {path}: {error.strerror}") from None
        except ValueError:
            key = b""
        if len(key) != KEY_BYTES:
            raise BadInput(
                f"{path} is no key: it needs {2 * KEY_BYTES} hexadecimal digits. Start the cluster "
                "in a new directory, since what was signed with the lost key is worthless"
            )
        self.private[name] = key
        self.public[name] = Ed25519Signer(key, {}).public

    def signer(self, name: NodeId) -> Ed25519Signer:
        """What a node of this process signs with."""
        return Ed25519Signer(self.private[name], self.public)

    def public_hex(self) -> dict[NodeId, str]:
        """All public keys as text, for configurations and control channels."""
        return {name: key.hex() for name, key in self.public.items()}


def from_hex(keys: Mapping[NodeId, str]) -> dict[NodeId, bytes]:
    """What :meth:`Keys.public_hex` wrote."""
    return {name: bytes.fromhex(key) for name, key in keys.items()}


def _new_key() -> bytes:
    from cryptography.hazmat.primitives.asymmetric import ed25519

    return ed25519.Ed25519PrivateKey.generate().private_bytes_raw()
