"""Message authentication codes in the place of signatures: cheap, and no proof for a third party.

Castro and Liskov 1999, section 5: most messages need no signature, for each receiver checks for
itself. Two nodes share a key that nobody else knows, and an *authenticator* has a code for each
receiver, much cheaper than a signature. But a receiver can make the same code itself, so nobody
can convince a third one; and a liar can put a right code for one, and a wrong one for another. So a
certificate made of these may be believed here and refused there, and a liar can hold view changes
up. This is why the paper's later version (2002) has another view change. Here they are for
measuring what signatures cost.
"""

import hmac
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from secrets import token_bytes

import msgspec

from common.contract.events import NodeId
from common.contract.signing import Signed, to_bytes
from common.runtime.key_files import read_or_make
from common.values.errors import ContractError

CODE_BYTES = 16
_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(dict[str, bytes])


class MacSigner:
    """Authenticates for one node, and verifies for it.

    Args:
        id: the node.
        shared: by name of each node, the key that this one shares with it.
    """

    def __init__(self, id: NodeId, shared: Mapping[NodeId, bytes]) -> None:
        self._id = id
        self._shared = dict(shared)

    def know(self, shared: Mapping[NodeId, bytes]) -> None:
        """Learn the keys that it shares with more nodes."""
        self._shared |= shared

    def sign(self, id: NodeId, content: object) -> bytes:
        """An authenticator: a code for each node that is known."""
        text = to_bytes((id, content))
        return _encode({name: _code(key, text) for name, key in self._shared.items()})

    def verify(self, signed: Signed) -> bool:
        """Whether it has a right code for this node, made with the key shared with the signer."""
        key = self._shared.get(signed.signer)
        try:
            code = _decoder.decode(signed.signature).get(self._id)
            text = to_bytes((signed.signer, signed.content))
        except (msgspec.DecodeError, ContractError):
            return False
        return key is not None and code is not None and hmac.compare_digest(code, _code(key, text))


class MacKeys:
    """The shared keys of a cluster, as its launcher makes them from one secret.

    Args:
        directory: of the cluster.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._secret = b""
        self._names: list[NodeId] = []

    def add(self, name: NodeId) -> None:
        """Take in one more node. Raises: BadInput, where the secret's file cannot be used."""
        self._secret = self._secret or read_or_make(self._directory / "macs.key", token_bytes(32))
        self._names.append(name)

    def own(self, name: NodeId) -> bytes:
        """The key that a node shares with itself, for what it hears of itself again."""
        return self._of(name, name)

    def told_to(self, name: NodeId) -> dict[NodeId, str]:
        """In hexadecimal the keys that a node shares with the others."""
        return {other: self._of(name, other).hex() for other in self._names}

    def signer(self, name: NodeId) -> MacSigner:
        """What a node of this process authenticates with."""
        return MacSigner(name, {other: self._of(name, other) for other in self._names})

    def _of(self, one: NodeId, other: NodeId) -> bytes:
        return _code_of_pair(self._secret, sorted((one, other)))


def _code_of_pair(secret: bytes, pair: list[NodeId]) -> bytes:
    return hmac.digest(secret, to_bytes(tuple(pair)), sha256)


def _code(key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, text, sha256)[:CODE_BYTES]
