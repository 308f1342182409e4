"""What liars say: plans of lies for replicas that themselves follow the protocol.

A liar signs its lies, so they look as good as the truth. Up to f liars are harmless, whatever they
do; f + 1 that lie to the same ones (``Corrupt(..., to=...)``) break what the protocol promises.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from common.contract import NodeId, Signed
from common.contract.lies import (
    REPLAYS,
    SILENT,
    Behaviour,
    Liar,
    Lie,
    Plan,
    Says,
    corrupted,
    signed_anew,
)
from common.contract.signing import IDEAL
from stage7_advanced.pbft.certificates import Group
from stage7_advanced.pbft.messages import (
    Checkpoint,
    Commit,
    NewView,
    Prepare,
    Prepared,
    PrePrepare,
    Reply,
    State,
    Status,
    ViewChange,
    digest_of,
)

NULL = digest_of(None)


def signed(change: Callable[[Any], object]) -> Says:
    """What the liar says in place of what it should, signed by itself."""
    return signed_anew(lambda liar, to, said: change(said))


def null_request(said: PrePrepare) -> PrePrepare:
    """The number is for nothing, it says, while others hear of a request."""
    return PrePrepare(said.view, said.number, NULL, None)


def for_nothing(said: Any) -> object:
    """It votes for the null request, while others hear of its vote for a request."""
    return replace(said, digest=NULL)


def nothing_prepared(said: ViewChange) -> ViewChange:
    """Nothing was prepared here, it says."""
    return replace(said, prepared=())


def far_ahead(said: Any) -> object:
    """It is far ahead, it says."""
    return replace(said, view=said.view + 1_000)


def another_state(said: State) -> State:
    """The proof is right, and the state is another one."""
    return replace(said, snapshot=((("x", "a lie"),), ()))


def a_lie(said: Reply) -> Reply:
    """The result is another one."""
    return replace(said, result="a lie")


def nothing_held(said: Reply) -> Reply:
    """Nothing is in the store, it says, as if the request had been for nothing."""
    return replace(said, result="") if isinstance(said.result, str) else said


def all_null(liar: Liar, to: NodeId, said: NewView) -> NewView:
    """Nothing but null requests follows from the view changes, it says."""
    del to
    proposals = (liar.sign(null_request(each.content)) for each in said.pre_prepares)
    return replace(said, pre_prepares=tuple(proposals))


def invented(liar: Liar, to: NodeId, said: ViewChange) -> ViewChange:
    """Null requests were prepared in the view before, it says, and signs for everybody."""
    del to
    peers = liar.node.peers
    primary = Group((liar.id, *peers)).primary(said.view - 1)
    made: list[Prepared] = []
    for number in range(said.stable + 1, said.stable + 4):
        vote = Prepare(said.view - 1, number, NULL)
        word = Signed(primary, PrePrepare(said.view - 1, number, NULL, None), IDEAL)
        votes = [Signed(peer, vote, IDEAL) for peer in peers]
        own = liar.sign(vote)
        made.append(Prepared(word, (*votes, own, own, own)))
    return replace(said, prepared=tuple(made))


BEHAVIOURS: Mapping[str, Behaviour] = {
    "silent": SILENT,
    "replays": REPLAYS,
    "equivocates": Plan(
        Lie(of=(PrePrepare,), says=signed(null_request)),
        Lie(of=(Prepare, Commit), says=signed(for_nothing)),
        Lie(of=(Reply,), says=signed(nothing_held)),
    ),
    "signs-twice": Plan(
        Lie(of=(PrePrepare,), truth=True, says=signed(null_request)),
        Lie(of=(Prepare, Commit), truth=True, says=signed(for_nothing)),
    ),
    "corrupts-digests": Plan(
        Lie(of=(PrePrepare, Prepare, Commit, Checkpoint), says=signed_anew(corrupted("digest"))),
        Lie(of=(State,), says=signed(another_state)),
    ),
    "bends-signatures": Plan(Lie(of=(Signed,), says=corrupted("signature"))),
    "hides-what-was-prepared": Plan(
        Lie(of=(ViewChange,), says=signed(nothing_prepared)),
        Lie(of=(NewView,), says=signed_anew(all_null)),
    ),
    "invents-certificates": Plan(Lie(of=(ViewChange,), says=signed_anew(invented))),
    "is-far-ahead": Plan(
        Lie(of=(PrePrepare, Prepare, Commit, ViewChange, Status), says=signed(far_ahead))
    ),
    "answers-wrongly": Plan(Lie(of=(Reply,), says=signed(a_lie))),
}
"""The ways in which a replica lies, by the names that ``corrupt`` faults give them."""
