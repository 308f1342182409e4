"""Checkpoints: what may be forgotten, and how a replica that fell behind comes along again.

Castro and Liskov 1999, section 4.3. A replica must be able to show what it did until nobody needs
to be shown. After each ``every`` requests it signs the digest of its state. 2f + 1 such signatures
that agree make the checkpoint *stable*: they prove the state to anybody, for f + 1 honest replicas
have it. So everything up to it can be thrown away, and the water marks move up.

A replica that has missed more than that cannot get it message by message: it gets the state, and
checks it against the proof. Which replica sends it does not matter, since nobody is believed.

The paper assumes that lost messages are sent again, and leaves out how. Here each replica says from
time to time how far it has come (:class:`Status`), and who is further sends what it lacks, as in
Castro's thesis (2001).
"""

from common.contract import NodeId, Signed, digest, on
from common.values.units import MS
from stage7_advanced.pbft.certificates import stable_digest
from stage7_advanced.pbft.messages import Checkpoint, State, Status, TellStatus
from stage7_advanced.pbft.normal import NormalCase

MOST_RESENT = 16
"""Numbers about which one status is answered; the next status asks for the next ones."""


class Checkpoints(NormalCase):
    """A replica that forgets what is settled, and helps those that fell behind.

    Args:
        id: the name of this replica.
        peers: the other replicas.
        every: a checkpoint is taken after so many requests (K in the paper).
        window: how many numbers above the last stable checkpoint may be in use (L); twice
            ``every`` or more, so that there is work while a checkpoint becomes stable.
        status_every: how often a replica says how far it has come, in microseconds; 0 for never.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        every: int = 16,
        window: int = 64,
        status_every: int = 50 * MS,
    ) -> None:
        super().__init__(id, peers, window=window)
        self.every = every
        self.status_every = status_every
        self.proof: tuple[Signed, ...] = ()
        """Shows that the checkpoint ``stable`` is stable; none for the beginning."""
        self.snapshots: dict[int, object] = {}
        """The states at ``stable`` and at later checkpoints, as far as this replica was there."""
        self.checkpoints: dict[NodeId, dict[int, Signed]] = {}
        """What each replica has signed about checkpoints above ``stable``, its latest ones."""

    def on_start(self) -> None:
        """Go on from the last stable checkpoint whose state is here."""
        super().on_start()
        state = self.saved.get("state")
        if isinstance(state, State):
            self.restore(state)
        number, proof = self.saved.get("stable", (0, ()))
        if number > self.stable:
            self.stable, self.proof = number, proof
        self.last_given = max(self.last_given, self.stable)
        if self.status_every:
            self.set_timer(self.status_every, TellStatus())

    # Checkpoints (4.3).

    def was_executed(self, number: int) -> None:
        """After each ``every`` requests: keep the state, sign its digest, and tell all (4.3)."""
        if number % self.every == 0:
            self.snapshots[number] = self.application.snapshot()
            said = self.sign(Checkpoint(number, digest(self.snapshots[number])))
            self.broadcast(said)
            self.checkpoint_received(said)

    def take(self, signed: Signed) -> None:
        """A replica says something, and has signed it."""
        match signed.content:
            case Checkpoint():
                self.checkpoint_received(signed)
            case Status():
                self.status_received(signed)
            case State():
                self.state_received(signed)
            case _:
                super().take(signed)

    def checkpoint_received(self, signed: Signed) -> None:
        """A replica has signed the digest of its state (4.3).

        It is kept, also when it is above the water marks: this replica may be the one that is
        behind. Only the latest few of each replica are kept, so that a liar fills no memory. Once
        a quorum says the same, that is the proof, and the checkpoint is stable.
        """
        said: Checkpoint = signed.content
        if said.number <= self.stable:
            return
        own = self.checkpoints.setdefault(signed.signer, {})
        own.setdefault(said.number, signed)
        if len(own) > self.window // self.every + 1:
            del own[min(own)]
        proof = tuple(
            each[said.number]
            for each in self.checkpoints.values()
            if said.number in each and each[said.number].content == said
        )
        if len(proof) >= self.group.quorum:
            self.make_stable(said.number, proof)

    def make_stable(self, number: int, proof: tuple[Signed, ...]) -> None:
        """A checkpoint is proved: move the water marks up to it, and forget all before it (4.3).

        The proof is saved with the number, ``(number, proof)`` under ``"stable"``, since what it
        stands for is forgotten (each old ``("slot", number)``). So is the state under ``"state"``,
        as a :class:`State`, if it is here.
        Else this replica has fallen behind, and says so at once.
        """
        self.stable, self.proof = number, proof
        self.save("stable", (number, proof))
        for old in [each for each in self.slots if each <= number]:
            del self.slots[old]
            self.forget(("slot", old))
        self.snapshots = {n: state for n, state in self.snapshots.items() if n >= number}
        for signer, own in self.checkpoints.items():
            self.checkpoints[signer] = {n: said for n, said in own.items() if n > number}
        if number in self.snapshots:
            self.save("state", State(self.snapshots[number], proof))
            self.propose_waiting()
        elif self.executed < number:
            self.tell_status()

    # Who has fallen behind.

    @on(TellStatus)
    def time_to_tell(self, timer: TellStatus) -> None:
        """Say how far this replica has come, again and again."""
        self.tell_status()
        self.set_timer(self.status_every, timer)

    def tell_status(self) -> None:
        """Say how far this replica has come."""
        self.broadcast(self.sign(Status(self.view, self.active, self.stable, self.executed)))

    def status_received(self, signed: Signed) -> None:
        """A replica says how far it has come: send it what it lacks and this one has.

        * The proof of the stable checkpoint, and the state if it has not come so far.
        * What was said here about the next numbers, if it is in the same view: the primary's word,
          which anybody may hand on, and this replica's own votes.
        * This replica's own signatures of checkpoints that are not stable there.
        """
        status: Status = signed.content
        if status.executed < self.stable and self.stable in self.snapshots:
            self.send(signed.signer, self.sign(State(self.snapshots[self.stable], self.proof)))
        elif status.stable < self.stable:
            for vote in self.proof:
                self.send(signed.signer, vote)
        if status.view == self.view and self.active and status.active:
            first = max(status.executed, self.stable) + 1
            for number in range(first, min(first + MOST_RESENT, self.stable + self.window + 1)):
                self.send_again(number, signed.signer)
        for number, said in self.checkpoints.get(self.id, {}).items():
            if number > status.stable:
                self.send(signed.signer, said)

    def send_again(self, number: int, to: NodeId) -> None:
        """Send once more what was said here about a number in this view."""
        slot = self.slots.get(number)
        if slot is None or slot.accepted is None:
            return
        for said in (slot.accepted, slot.prepares.get(self.id), slot.commits.get(self.id)):
            if said is not None:
                self.send(to, said)

    def state_received(self, signed: Signed) -> None:
        """A state comes, with its proof (4.3): take it if it is further than the own one.

        The proof must hold, and the digest of the state must be the one that a quorum has signed.
        """
        state: State = signed.content
        number = checkpoint_of(state)
        proved = stable_digest(self.group, number, state.proof, self.verify)
        if number > self.executed and digest(state.snapshot) == proved:
            self.restore(state)
            self.make_stable(max(number, self.stable), self.proof)
            self.execute()

    def restore(self, state: State) -> None:
        """Go on from a state that is proved."""
        number = checkpoint_of(state)
        self.application.restore(state.snapshot)
        self.executed = number
        self.snapshots[number] = state.snapshot
        if number >= self.stable:
            self.stable, self.proof = number, state.proof
        self.waiting = {
            client: request
            for client, request in self.waiting.items()
            if request.content.number > self.application.last(client)[0]
        }
        self.mind_the_primary(again=True)


def checkpoint_of(state: State) -> int:
    """The checkpoint of the state, as its proof says; 0 if there is no proof."""
    said = next((vote.content for vote in state.proof), None)
    return said.number if isinstance(said, Checkpoint) else 0
