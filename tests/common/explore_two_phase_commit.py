"""Two-phase commit as Gray and Lamport specify it, and as Stateright's example models it.

After "Consensus on Transaction Commit" (Gray and Lamport 2006), appendix A.1, module TwoPhase: the
resource managers may prepare, or abort by themselves; messages are a set that only grows.
"""

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, replace

from common.check.explorer import Properties, TransitionSystem

WORKING, PREPARED, COMMITTED, ABORTED, INIT = "working", "prepared", "committed", "aborted", "init"


@dataclass(frozen=True, slots=True)
class Commitment:
    """A state: of each resource manager, of the transaction manager, and the messages sent."""

    managers: tuple[str, ...]
    coordinator: str = INIT
    prepared: frozenset[int] = frozenset()
    sent: frozenset[str] = frozenset()


Action = tuple[str, int]


class TwoPhaseCommit(TransitionSystem[Commitment, Action]):
    """The specification, for a number of resource managers.

    Args:
        size: how many resource managers there are.
        symmetric: whether states that differ only in which manager is which are one.
    """

    def __init__(self, size: int, symmetric: bool = False) -> None:
        self.size = size
        self.symmetric = symmetric

    def initial(self) -> Iterable[Commitment]:
        """Everybody is at work and nothing was sent."""
        return (Commitment((WORKING,) * self.size),)

    def actions(self, state: Commitment) -> Iterator[Action]:
        """What can happen: to the coordinator, then to each manager."""
        if state.coordinator == INIT:
            if len(state.prepared) == self.size:
                yield "commit", -1
            yield "abort", -1
        for manager, own in enumerate(state.managers):
            if state.coordinator == INIT and f"prepared {manager}" in state.sent:
                yield "hear prepared", manager
            if own == WORKING:
                yield "prepare", manager
                yield "choose to abort", manager
            if "commit" in state.sent:
                yield "obey commit", manager
            if "abort" in state.sent:
                yield "obey abort", manager

    def next(self, state: Commitment, action: Action) -> Commitment:
        """What an action makes of a state."""
        what, manager = action
        match what:
            case "commit":
                return replace(state, coordinator=COMMITTED, sent=state.sent | {"commit"})
            case "abort":
                return replace(state, coordinator=ABORTED, sent=state.sent | {"abort"})
            case "hear prepared":
                return replace(state, prepared=state.prepared | {manager})
            case "prepare":
                sent = state.sent | {f"prepared {manager}"}
                return replace(_with(state, manager, PREPARED), sent=sent)
            case "obey commit":
                return _with(state, manager, COMMITTED)
            case _:
                return _with(state, manager, ABORTED)

    def representative(self, state: Commitment) -> Hashable:
        """With symmetry, what is true of each manager, sorted; the names do not matter."""
        if not self.symmetric:
            return state
        each = sorted(
            (own, n in state.prepared, f"prepared {n}" in state.sent)
            for n, own in enumerate(state.managers)
        )
        decided = sorted(text for text in state.sent if " " not in text)
        return (tuple(each), state.coordinator, tuple(decided))


def _with(state: Commitment, manager: int, own: str) -> Commitment:
    managers = (*state.managers[:manager], own, *state.managers[manager + 1 :])
    return replace(state, managers=managers)


def consistent(state: Commitment) -> str | None:
    """No manager commits what another aborts."""
    if COMMITTED in state.managers and ABORTED in state.managers:
        return f"some managers committed and some aborted: {', '.join(state.managers)}"
    return None


PROPERTIES = Properties(
    always=(("consistent", consistent),),
    sometimes=(
        ("abort agreement", lambda state: set(state.managers) == {ABORTED}),
        ("commit agreement", lambda state: set(state.managers) == {COMMITTED}),
    ),
)
