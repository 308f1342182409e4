"""Signatures in the explorer: no node has one of another node that this one never gave.

The simulator remembers all that was ever signed (:class:`common.contract.signing.Notary`). In an
exploration that would be one more part of every world. There is no need for it: what a node knows
of others' signatures came in by a message, and is in its state, on its disk or in the message that
it takes just now. So each step is checked by itself.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from common.check.explorer.canonical import Canonical, canonical
from common.contract.events import Event, NodeId, Receive
from common.contract.node import Node
from common.contract.signing import IDEAL, Signed, voided
from common.values.errors import ContractError

Sends = Sequence[tuple[NodeId, Any]]


def known_before(form: Canonical, event: Event) -> set[Canonical]:
    """The signatures that a node knows when it takes an event.

    Args:
        form: of its share of the world.
        event: what happens to it.
    """
    known = set(_signatures(form))
    if isinstance(event, Receive):
        known |= set(_signatures(canonical(event.message)))
    return known


def without_forgeries(node: Node, known: set[Canonical], sends: Sends) -> list[tuple[NodeId, Any]]:
    """What a node sends, with all signatures of others void that it did not know before."""

    def given(signed: Signed) -> bool:
        return signed.signer == node.id or canonical(signed) in known

    return [(to, voided(message, given)) for to, message in sends]


def check_state(node: Node, known: set[Canonical], after: Canonical) -> None:
    """Check that no forged signature is kept for later.

    Raises:
        ContractError: the node holds a signature that its signer never gave.
    """
    for form in _signatures(after):
        if (signer := dict(form[1:])["signer"]) != node.id and form not in known:
            raise ContractError(
                f"node {node.id} holds a signature of {signer} that {signer} never gave: "
                "a node signs with self.sign(...), and only for itself"
            )


def _signatures(form: Canonical) -> Iterator[Canonical]:
    """The forms of all valid signatures in a form, those within others too."""
    if form.__class__ is tuple and form:
        if form[0] is Signed and ("signature", IDEAL) in form:
            yield form
        for part in form:
            yield from _signatures(part)
