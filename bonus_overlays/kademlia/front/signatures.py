"""Signatures as BEP 44 has them: Ed25519 over a value, its number and its salt, bencoded.

A key of this world needs no list of who is who: the owner's name *is* the public key
(:data:`~bonus_overlays.kademlia.items.KEY_NAME`).
"""

from bonus_overlays.kademlia.items import KEY_NAME, Mutable, Version, public_key_in
from common.contract import NodeId, Signed
from common.runtime.signatures import public_of, sign_bytes, verify_bytes
from common.values.errors import ContractError

SIGNATURE_BYTES = 64
KEY_BYTES = 32


def signed_bytes(version: Version) -> bytes:
    """What is signed: the fields of a put in their order, without the dictionary around them."""
    salt = b"4:salt%d:%b" % (len(version.salt), version.salt) if version.salt else b""
    return b"%b3:seqi%de1:v%b" % (salt, version.seq, version.data)


def owner_of(public: bytes) -> str:
    """The name of an owner: its public key."""
    return KEY_NAME + public.hex()


def signed_item(seed: bytes, version: Version) -> Mutable:
    """An item that the owner of this private key (32 bytes, RFC 8032) has signed."""
    owner = owner_of(public_of(seed))
    return Mutable(Signed(owner, version, sign_bytes(seed, signed_bytes(version))))


class OwnersSigner:
    """Verifies for a node what owners signed. The node itself has no key to sign with."""

    def sign(self, id: NodeId, content: object) -> bytes:
        """A node's name is no public key, so nobody could verify it."""
        raise ContractError(
            f"{id} cannot sign for BitTorrent's table: sign with the owner's key, and ask for Keep"
        )

    def verify(self, signed: Signed) -> bool:
        """Whether the owner, whose name is its public key, signed just this version."""
        public = public_key_in(signed.signer)
        if not isinstance(signed.content, Version) or not public:
            return False
        return verify_bytes(public, signed.signature, signed_bytes(signed.content))
