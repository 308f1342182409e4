"""Nodes that sign, and one that tries to sign for others, for the tests of signatures."""

from common.contract import CallId, Node, NodeId, Signed, message, on, operation, record
from common.contract.signing import IDEAL
from common.values.history import Ok


@record
class Vote:
    """What somebody votes for."""

    choice: str


@message
class Ballots:
    """Votes that are handed on."""

    votes: tuple[Signed, ...]


@operation
class Cast:
    """Vote, and tell everybody."""

    choice: str


@operation
class HandOn:
    """Send all votes that were received to everybody."""


@operation
class Count:
    """Ends with Ok of the valid votes that were received, as ``n1: yes``, sorted, each once."""


class Voter(Node):
    """Votes, hands votes on, and believes what it can verify."""

    signs = True

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        super().__init__(id, peers)
        self.box: list[Signed] = []

    @on(Cast)
    def cast(self, cast: Cast, call: CallId) -> None:
        """Vote."""
        self.broadcast(self.sign(Vote(cast.choice)))
        self.finish(call, Ok())

    @on(HandOn)
    def hand_on(self, asked: HandOn, call: CallId) -> None:
        """Hand all on."""
        self.broadcast(Ballots(tuple(self.box)))
        self.finish(call, Ok())

    @on(Count)
    def count(self, asked: Count, call: CallId) -> None:
        """Say whose votes are here."""
        valid = [vote for vote in self.box if self.verify(vote)]
        told = {f"{vote.signer}: {getattr(vote.content, 'choice', vote.content)}" for vote in valid}
        self.finish(call, Ok(tuple(sorted(told))))

    @on(Signed)
    def vote_received(self, vote: Signed, sender: NodeId) -> None:
        """Keep it."""
        self.box.append(vote)

    @on(Ballots)
    def ballots_received(self, ballots: Ballots, sender: NodeId) -> None:
        """Keep them."""
        self.box += ballots.votes


class Forger(Voter):
    """Says that n1 voted, in every way that there is, and that it signed that itself."""

    @on(Cast)
    def cast(self, cast: Cast, call: CallId) -> None:
        """Lie."""
        forged = Signed("n1", Vote(cast.choice), IDEAL)
        self.broadcast(forged)
        self.broadcast(Ballots((forged,)))
        self.broadcast(self.sign((forged,)))
        for old in self.box:
            self.broadcast(Signed(old.signer, Vote(cast.choice), old.signature))
            self.broadcast(Signed(self.id, old.content, old.signature[:3]))
        self.finish(call, Ok())


class Hoarder(Voter):
    """Keeps a forged vote, to hand it on later."""

    @on(Cast)
    def cast(self, cast: Cast, call: CallId) -> None:
        """Keep a lie."""
        self.box.append(Signed("n1", Vote(cast.choice), IDEAL))
        self.finish(call, Ok())


class Unsigned(Node):
    """Has not said that it signs."""

    @on(Cast)
    def cast(self, cast: Cast, call: CallId) -> None:
        """Sign all the same."""
        self.broadcast(self.sign(Vote(cast.choice)))
