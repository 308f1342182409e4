"""Who leads, how many are enough, and what signed messages prove (4.2 to 4.4).

A certificate is a set of signed messages of different replicas that say the same. Nobody has to
trust the one who shows it: each signature is checked again. Two rules are behind everything:

* 2f + 1 replicas say it: then f + 1 honest ones do. Any other 2f + 1 share an honest one with them.
* f + 1 replicas say it: then at least one honest one does.
"""

from collections.abc import Callable, Collection, Iterable
from typing import Any

from common.contract import NodeId, Signed
from common.values.quorum import liar_proof_majority, most_liars
from stage7_advanced.pbft.messages import (
    Checkpoint,
    Prepare,
    Prepared,
    PrePrepare,
    Request,
    digest_of,
)

Verify = Callable[[Signed], bool]


class Group:
    """The replicas: at least 3f + 1 of them, so that f may lie.

    Args:
        names: of all replicas; each of them puts them into the same order.
    """

    def __init__(self, names: Collection[NodeId]) -> None:
        self.names = tuple(sorted(names))
        self.most_liars = most_liars(len(self.names))
        """f: how many may lie."""
        self.quorum = liar_proof_majority(len(self.names))
        """2f + 1: any two such sets share an honest replica."""

    def primary(self, view: int) -> NodeId:
        """Who leads the view: p = v mod |R|, counted in the order of the names (4.2)."""
        return self.names[view % len(self.names)]


def is_request(signed: Any, verify: Verify) -> bool:
    """Whether this is a request, signed by the very client that it names (4.1)."""
    return (
        isinstance(signed, Signed)
        and isinstance(signed.content, Request)
        and signed.signer == signed.content.client
        and verify(signed)
    )


def is_pre_prepare(group: Group, signed: Signed, verify: Verify) -> bool:
    """Whether the primary of its view says so, about a request of a client or about none (4.2).

    The digest must be that of the request, since everybody votes for the digest.
    """
    said = signed.content
    return (
        isinstance(said, PrePrepare)
        and signed.signer == group.primary(said.view)
        and (said.request is None or is_request(said.request, verify))
        and said.digest == digest_of(said.request)
        and verify(signed)
    )


def proves_prepared(group: Group, certificate: Prepared, verify: Verify) -> bool:
    """Whether the certificate proves that its request was prepared (4.2).

    It needs a valid pre-prepare, and prepares that match it (the same view, number and digest),
    with valid signatures: all of *different* backups, one less than a quorum. The primary is no
    backup: its pre-prepare is its vote.
    """
    if not is_pre_prepare(group, certificate.pre_prepare, verify):
        return False
    said = certificate.pre_prepare.content
    matching = Prepare(said.view, said.number, said.digest)
    backups = {
        vote.signer
        for vote in certificate.prepares
        if vote.content == matching and vote.signer in group.names and verify(vote)
    }
    return len(backups - {group.primary(said.view)}) >= group.quorum - 1


def stable_digest(group: Group, number: int, proof: Iterable[Signed], verify: Verify) -> str | None:
    """The digest of the state after ``number``, if the proof shows that a quorum signed it (4.3).

    It needs valid checkpoints of *different* replicas for this number, with the same digest. None
    where there are not enough, whatever else stands in the proof.
    """
    signers: dict[str, set[NodeId]] = {}
    for vote in proof:
        said = vote.content
        meant = isinstance(said, Checkpoint) and said.number == number
        if meant and vote.signer in group.names and verify(vote):
            signers.setdefault(said.digest, set()).add(vote.signer)
    enough = [digest for digest, who in signers.items() if len(who) >= group.quorum]
    return enough[0] if enough else None
