"""Certificates, view changes and new views, made by hand as honest replicas would make them."""

from collections.abc import Sequence
from typing import Any

from common.contract import Signed, digest
from common.contract.signing import IDEAL
from tests.stage7_advanced.pbft.lab import PbftLab
from tests.stage7_advanced.pbft.one_replica import FOUR, OneReplica, digest_of


def signed(signer: str, content: object) -> Signed:
    """What this replica or client says, with its signature."""
    return Signed(signer, content, IDEAL)


def request(lab: PbftLab, name: str) -> Signed:
    """A request of a client of this name, which appends its name."""
    return signed(name, lab.Request(name, 1, lab.Append("x", f"{name};")))


def word(lab: PbftLab, view: int, number: int, asked: Signed | None) -> Signed:
    """The primary's word."""
    said = lab.PrePrepare(view, number, digest_of(asked), asked)
    return signed(FOUR[view % 4], said)


def certificate(lab: PbftLab, view: int, number: int, asked: Signed | None) -> Any:
    """Shows that it was prepared: by the primary and the two backups after it."""
    vote = lab.Prepare(view, number, digest_of(asked))
    backups = [FOUR[(view + 1) % 4], FOUR[(view + 2) % 4]]
    return lab.Prepared(
        word(lab, view, number, asked), tuple(signed(name, vote) for name in backups)
    )


def proof(lab: PbftLab, number: int, state: object = "some state") -> tuple[Signed, ...]:
    """Shows that a checkpoint is stable."""
    return tuple(signed(name, lab.Checkpoint(number, digest(state))) for name in FOUR[:3])


def change(
    lab: PbftLab, signer: str, view: int, *prepared: Any, stable: int = 0, shown: Any = None
) -> Signed:
    """A replica wants to go to a view, and shows its checkpoint."""
    shows = (proof(lab, stable) if stable else ()) if shown is None else shown
    return signed(signer, lab.ViewChange(view, stable, shows, prepared))


def new_view(lab: PbftLab, view: int, changes: Sequence[Signed], *proposals: Signed) -> Signed:
    """The primary of a view begins it."""
    return signed(FOUR[view % 4], lab.NewView(view, tuple(changes), proposals))


def store(lab: PbftLab, id: str, **config: Any) -> OneReplica:
    """A whole replica by hand."""
    return OneReplica(lab, "Store", id, **{"every": 4, "window": 8, "status_every": 0, **config})
