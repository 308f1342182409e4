"""Part 5, a replica of a lightweight transaction: an acceptor of Paxos, one for each partition.

Lamport 2001, "Paxos Made Simple", section 2.2. A *ballot* is one attempt of one coordinator; higher
ones overtake lower ones. What a replica promises and accepts is on its disk before it says so: it
must hold over a crash. What is accepted is not written yet. A commit writes it.
"""

from typing import TypeAlias

from common.contract import NodeId, message, on, record
from stage3_partitioning.cassandra.lsm import Cells, Name
from stage3_partitioning.cassandra.quorum import Coordinator

Ballot: TypeAlias = tuple[int, NodeId]
"""A number, and the coordinator that has it; no coordinator uses a number twice."""

NO_BALLOT: Ballot = (0, "")


@record
class Proposal:
    """What a coordinator wants to be written under its ballot; no cells: nothing."""

    ballot: Ballot
    cells: Cells


NOTHING = Proposal(NO_BALLOT, ())


@record
class Register:
    """What a replica remembers of a partition, on disk.

    Attributes:
        promised: it takes nothing below this ballot.
        accepted: the proposal with the highest ballot that it has accepted.
        committed: the highest ballot of which it has written the cells.
    """

    promised: Ballot = NO_BALLOT
    accepted: Proposal = NOTHING
    committed: Ballot = NO_BALLOT


@message
class Prepare:
    """Promise to take nothing below this ballot; and what do these names hold?"""

    round: int
    key: str
    ballot: Ballot
    names: tuple[Name, ...]


@message
class Promise:
    """I do. This I accepted last, this I committed last, and this I have of the names."""

    round: int
    accepted: Proposal
    committed: Ballot
    cells: Cells


@message
class Propose:
    """Accept this."""

    round: int
    key: str
    proposal: Proposal


@message
class Accepted:
    """I have."""

    round: int


@message
class Refused:
    """No: I have promised a higher ballot, this one."""

    round: int
    promised: Ballot


@message
class Commit:
    """A majority has accepted this: write its cells."""

    round: int
    key: str
    proposal: Proposal


@message
class Committed:
    """They are on my disk."""

    round: int


class Acceptor(Coordinator):
    """A node that takes part in lightweight transactions, and begins none."""

    def on_start(self) -> None:
        """Remember what was promised and accepted."""
        super().on_start()
        self.registers: dict[str, Register] = {
            str(key[1]): register
            for key, register in self.saved.items()
            if isinstance(key, tuple) and key[0] == "paxos"
        }

    @on(Prepare)
    def prepare_received(self, prepare: Prepare, sender: NodeId) -> None:
        """Promise, unless a higher ballot is promised: then Refused with that one.

        The same ballot again is the same question again.
        """
        register = self.register(prepare.key)
        if prepare.ballot < register.promised:
            self.send(sender, Refused(prepare.round, register.promised))
            return
        self.remember(prepare.key, Register(prepare.ballot, register.accepted, register.committed))
        found = ((name, self.store.get(name)) for name in prepare.names)
        cells = tuple((name, cell) for name, cell in found if cell is not None)
        promise = Promise(prepare.round, register.accepted, register.committed, cells)
        self.send(sender, promise)

    @on(Propose)
    def propose_received(self, propose: Propose, sender: NodeId) -> None:
        """Accept it, unless a higher ballot is promised: then Refused. Accepting promises, too."""
        register = self.register(propose.key)
        ballot = propose.proposal.ballot
        if ballot < register.promised:
            self.send(sender, Refused(propose.round, register.promised))
            return
        self.remember(propose.key, Register(ballot, propose.proposal, register.committed))
        self.send(sender, Accepted(propose.round))

    @on(Commit)
    def commit_received(self, commit: Commit, sender: NodeId) -> None:
        """Write the cells, and remember that: they are accepted here as well, and promised.

        What was promised, accepted or committed at a higher ballot stays as it is.
        """
        register, ballot = self.register(commit.key), commit.proposal.ballot
        self.keep(commit.proposal.cells)
        self.remember(
            commit.key,
            Register(
                max(register.promised, ballot),
                max(register.accepted, commit.proposal, key=lambda each: each.ballot),
                max(register.committed, ballot),
            ),
        )
        self.send(sender, Committed(commit.round))

    def register(self, key: str) -> Register:
        """What is remembered of a partition."""
        return self.registers.get(key, Register())

    def remember(self, key: str, register: Register) -> None:
        """Keep it on disk, under ``("paxos", key)``."""
        if register != self.register(key):
            self.registers[key] = register
            self.save(("paxos", key), register)
