"""The handshake, without any socket: who comes in, who does not, and what they are told."""

import hashlib
import hmac
from dataclasses import replace

import pytest

from common.runtime.handshake import MAX_FRAME_BYTES, Handshake, Identity, refusal
from common.values.errors import RemoteProtocolError

N1 = Identity("lab", "n1", b"secret")
N2 = Identity("lab", "n2", b"secret")


def converse(dialer: Handshake, acceptor: Handshake) -> None:
    """Carry frames to and fro until nobody has more to say."""
    to_acceptor, to_dialer = dialer.opening(), acceptor.opening()
    while to_acceptor or to_dialer:
        for frame in to_acceptor:
            assert len(frame) <= MAX_FRAME_BYTES
            to_dialer += acceptor.receive(frame)
        to_acceptor = []
        for frame in to_dialer:
            assert len(frame) <= MAX_FRAME_BYTES
            to_acceptor += dialer.receive(frame)
        to_dialer = []


def test_members_of_one_cluster_let_each_other_in() -> None:
    dialer, acceptor = Handshake(N1, "dialer", "n2"), Handshake(N2, "acceptor")
    converse(dialer, acceptor)
    assert (dialer.done, dialer.peer) == (True, "n2")
    assert (acceptor.done, acceptor.peer) == (True, "n1")


@pytest.mark.parametrize(
    ("stranger", "reason"),
    [
        (replace(N1, secret=b"guess"), "does not know the cluster's secret"),
        (replace(N1, cluster="other"), "belongs to the cluster 'other'"),
        (replace(N1, version=0), "version 0 of the protocol"),
        (replace(N1, node="n2"), "our own name"),
        (replace(N1, node=""), "wrong length"),
        (replace(N1, node="n" * 500), "wrong length"),
    ],
)
def test_a_stranger_is_refused_with_the_reason(stranger: Identity, reason: str) -> None:
    dialer, acceptor = Handshake(stranger, "dialer"), Handshake(N2, "acceptor")
    with pytest.raises(RemoteProtocolError, match=reason):
        converse(dialer, acceptor)
    assert not acceptor.done
    assert not dialer.done


def test_a_dialer_that_reaches_another_node_than_it_meant_goes_away() -> None:
    dialer, acceptor = Handshake(N1, "dialer", "n3"), Handshake(N2, "acceptor")
    with pytest.raises(RemoteProtocolError, match="'n3' was expected"):
        converse(dialer, acceptor)


def test_an_acceptor_without_the_secret_is_found_out() -> None:
    dialer = Handshake(N1, "dialer", "n2")
    acceptor = Handshake(N2, "acceptor")
    (hello,) = acceptor.receive(dialer.opening()[0])
    (proof,) = dialer.receive(hello)
    with pytest.raises(RemoteProtocolError, match="does not know the cluster's secret"):
        dialer.receive(proof)  # its own proof, sent back


def test_an_old_proof_is_worthless_in_a_new_handshake() -> None:
    first = Handshake(N1, "dialer", "n2")
    acceptor = Handshake(N2, "acceptor")
    opening = first.opening()[0]
    (proof,) = first.receive(acceptor.receive(opening)[0])
    acceptor.receive(proof)
    assert acceptor.done
    again = Handshake(N2, "acceptor")
    again.receive(opening)
    with pytest.raises(RemoteProtocolError, match="secret"):
        again.receive(proof)


def test_a_proof_before_the_hello_is_out_of_turn() -> None:
    dialer, acceptor = Handshake(N1, "dialer"), Handshake(N2, "acceptor")
    (proof,) = dialer.receive(acceptor.receive(dialer.opening()[0])[0])
    with pytest.raises(RemoteProtocolError, match="out of turn"):
        Handshake(N2, "acceptor").receive(proof)


@pytest.mark.parametrize("noise", [b"", b"GET / HTTP/1.1", b"\x93\xa5hello\x01", b"\x00" * 64])
def test_noise_is_no_handshake(noise: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="no handshake"):
        Handshake(N2, "acceptor").receive(noise)


def test_a_refused_dialer_learns_why() -> None:
    with pytest.raises(RemoteProtocolError, match="it refused us: too old"):
        Handshake(N1, "dialer").receive(refusal("too old"))


def test_the_proof_is_hmac_sha256_and_covers_both_hellos() -> None:
    dialer, acceptor = Handshake(N1, "dialer"), Handshake(N2, "acceptor")
    ours = dialer.opening()[0]
    theirs = acceptor.receive(ours)[0]
    proof = dialer.receive(theirs)[0]
    text = b"dialer" + len(ours).to_bytes(4) + len(theirs).to_bytes(4) + ours + theirs
    assert hmac.digest(b"secret", text, hashlib.sha256) in proof
