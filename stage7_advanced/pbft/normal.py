"""The normal case: three phases put requests into one order, although some replicas lie.

Castro and Liskov 1999, "Practical Byzantine fault tolerance", sections 4.1 and 4.2. There are
3f + 1 replicas, and f of them may do anything. In each *view* one of them is the primary::

    client        primary (n1)         n2            n3            n4
      | --request--> |                 |             |             |
      |              | --pre-prepare-> | ----------> | ----------> |    "m has the number 7"
      |              | <----------- prepare, all to all ---------> |    "I have heard that"
      |              | <----------- commit, all to all ----------> |    "enough have heard that"
      | <--reply---- | <-----reply---- | <--reply--- | <--reply--- |    f + 1 alike are the truth

* After *prepare* no other request can be prepared with this number in this view: two quorums share
  an honest replica, and it votes once.
* After *commit* that is known to so many that the next view will hear of it (``viewchange.py``).

What a replica promised outlives its crash, because it saves each promise before it sends it. (In
the paper a replica that has crashed and forgotten counts as one of the f faulty ones.)
"""

from abc import abstractmethod
from collections.abc import Mapping

from common.contract import (
    Application,
    AtMostOnce,
    Node,
    NodeId,
    Numbered,
    Signed,
    on,
    record,
)
from stage7_advanced.pbft.certificates import Group, is_pre_prepare, is_request
from stage7_advanced.pbft.messages import (
    Commit,
    Prepare,
    Prepared,
    PrePrepare,
    Reply,
    Request,
    Submit,
    digest_of,
)


@record
class Kept:
    """What a replica saves about a number: what it has promised."""

    accepted: Signed | None
    prepared: Prepared | None


class Slot:
    """What a replica knows about one number."""

    def __init__(self, accepted: Signed | None = None, prepared: Prepared | None = None) -> None:
        self.accepted = accepted
        """The pre-prepare that was taken in the present view. There is never a second one."""
        self.prepares: dict[NodeId, Signed] = {}
        """The first vote of each backup in the present view, whatever it says."""
        self.commits: dict[NodeId, Signed] = {}
        """Likewise of each replica."""
        self.prepared = prepared
        """The latest certificate that a request was prepared here. View changes keep it."""
        self.committed = False
        """Whether the request of ``accepted`` is committed; then it is so forever."""

    def forget_votes(self) -> None:
        """The view in which they were given is over. The certificate stays."""
        self.accepted, self.prepares, self.commits = None, {}, {}

    def votes(self, votes: Mapping[NodeId, Signed], kind: type[Prepare] | type[Commit]) -> int:
        """How many of the votes are for what was accepted: the same view, number and digest."""
        assert self.accepted is not None, "there is nothing yet to vote for"
        said: PrePrepare = self.accepted.content
        wanted = kind(said.view, said.number, said.digest)
        return sum(vote.content == wanted for vote in votes.values())


class NormalCase(Node):
    """A replica, as long as nothing goes wrong with the primary.

    Args:
        id: the name of this replica.
        peers: the other replicas.
        window: how many numbers above the last stable checkpoint may be in use (L in the paper).
    """

    signs = True
    carries = (Request,)

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...], *, window: int = 64) -> None:
        super().__init__(id, peers)
        self.group = Group((id, *peers))
        self.window = window
        self.view = 0
        """Who leads. It only grows."""
        self.active = True
        """Whether the view has begun here; between two views nobody votes."""
        self.stable = 0
        """The low water mark h: everything up to it is settled and forgotten (``checkpoints``)."""
        self.slots: dict[int, Slot] = {}
        """By number, all above ``stable`` that this replica has heard of."""
        self.last_given = 0
        """The greatest number that the primary has given."""
        self.executed = 0
        """All requests up to this number have been carried out here, in order."""
        self.application = AtMostOnce(self.new_application())
        self.waiting: dict[NodeId, Signed] = {}
        """By client, the request that is known here and was not carried out."""

    @abstractmethod
    def new_application(self) -> Application:
        """What is replicated, in its first state."""

    def status(self) -> Mapping[str, object]:
        """What a picture shows."""
        return {
            "role": "primary" if self.leads() else "backup",
            "view": self.view if self.active else f"to {self.view}",
            "executed": self.executed,
            "stable": self.stable,
        }

    def on_start(self) -> None:
        """Go on with what earlier lives have promised."""
        for key, kept in self.saved.items():
            match key, kept:
                case ("slot", int(number)), Kept():
                    self.slots[number] = self.recalled(kept)
        self.last_given = max(self.slots, default=0)

    def recalled(self, kept: Kept) -> Slot:
        """What was known about a number before a crash, the own votes included.

        Others may have lost these, and will ask for them. To sign the same again promises nothing
        new.
        """
        slot = Slot(kept.accepted, kept.prepared)
        if slot.accepted is None:
            return slot
        said: PrePrepare = slot.accepted.content
        if self.group.primary(said.view) != self.id:
            slot.prepares[self.id] = self.sign(Prepare(said.view, said.number, said.digest))
        if slot.prepared is not None and slot.prepared.pre_prepare == slot.accepted:
            slot.prepares |= {vote.signer: vote for vote in slot.prepared.prepares}
            slot.commits[self.id] = self.sign(Commit(said.view, said.number, said.digest))
        return slot

    def leads(self) -> bool:
        """Whether this replica is the primary."""
        return self.group.primary(self.view) == self.id

    def in_window(self, number: int) -> bool:
        """Whether the number is between the water marks: above h, and at most h + L (4.2).

        Else a primary that lies could use up all numbers at once.
        """
        return self.stable < number <= self.stable + self.window

    def slot(self, number: int) -> Slot:
        """What is known about a number between the water marks."""
        return self.slots.setdefault(number, Slot())

    # Requests (4.1, 4.2).

    @on(Submit)
    def request_received(self, submit: Submit, sender: NodeId) -> None:
        """A request comes, from its client or from a backup that hands it on (4.1).

        * What its client has not signed is ignored.
        * What was carried out before is answered again with the same result.
        * Else the request waits here. The primary gives it a number. A backup that has it from the
          client hands it on to the primary, which may not have it.
        """
        if not is_request(submit.request, self.verify):
            return
        request = submit.request.content
        number, result = self.application.last(request.client)
        if request.number <= number:
            if request.number == number:
                self.reply(request.client, number, result)
            return
        before = self.waiting.get(request.client)
        if before is None or before.content.number < request.number:
            self.waiting[request.client] = submit.request
        if self.leads():
            self.propose_waiting()
        elif sender == request.client:
            self.send(self.group.primary(self.view), submit)
        self.mind_the_primary()

    def propose_waiting(self) -> None:
        """As the primary of a view that has begun, give numbers to requests that have none (4.2).

        What already has a number above ``executed`` in this view gets no second one. If the water
        marks leave no room, the request waits on.
        """
        if not (self.active and self.leads()):
            return
        given = [
            slot.accepted.content.request
            for number, slot in self.slots.items()
            if slot.accepted is not None and number > self.executed
        ]
        for request in list(self.waiting.values()):
            if request not in given and self.in_window(self.last_given + 1):
                self.last_given += 1
                self.propose(self.last_given, request)

    def propose(self, number: int, request: Signed | None) -> None:
        """Give a request a number, and tell all backups: the first phase."""
        said = self.sign(PrePrepare(self.view, number, digest_of(request), request))
        self.broadcast(said)
        self.accept(said)

    # The three phases (4.2).

    @on(Signed)
    def signed_received(self, signed: Signed, sender: NodeId) -> None:
        """Whatever replicas say to each other: what its signer has not signed is ignored."""
        if signed.signer in self.group.names and self.verify(signed):
            self.take(signed)

    def take(self, signed: Signed) -> None:
        """A replica says something, and has signed it."""
        match signed.content:
            case PrePrepare():
                self.pre_prepare_received(signed)
            case Prepare():
                self.prepare_received(signed)
            case Commit():
                self.commit_received(signed)

    def is_current(self, view: int, number: int) -> bool:
        """Whether something about this view and number is to be heard now."""
        return self.active and view == self.view and self.in_window(number)

    def pre_prepare_received(self, signed: Signed) -> None:
        """A backup takes the primary's word (4.2), if

        * it is about the present view, which has begun, and a number between the water marks;
        * the primary of that view has signed it, and the client has signed the request;
        * nothing else was accepted for this view and number.
        """
        said: PrePrepare = signed.content
        if not self.is_current(said.view, said.number):
            return
        if is_pre_prepare(self.group, signed, self.verify) and not self.slot(said.number).accepted:
            self.accept(signed)

    def accept(self, signed: Signed) -> None:
        """Save the primary's word. A backup tells all that it has taken it: the second phase."""
        said: PrePrepare = signed.content
        slot = self.slot(said.number)
        slot.accepted = signed
        self.keep(said.number)
        if not self.leads():
            vote = self.sign(Prepare(said.view, said.number, said.digest))
            slot.prepares[self.id] = vote
            self.broadcast(vote)
        self.go_on(said.number)

    def prepare_received(self, signed: Signed) -> None:
        """A backup has taken the primary's word. (The primary's own vote is its pre-prepare.)

        The first vote of each backup counts, also when it comes before the pre-prepare.
        """
        said: Prepare = signed.content
        primary = self.group.primary(said.view)
        if self.is_current(said.view, said.number) and signed.signer != primary:
            self.slot(said.number).prepares.setdefault(signed.signer, signed)
            self.go_on(said.number)

    def commit_received(self, signed: Signed) -> None:
        """A replica has seen the request prepared. The first such vote of each counts."""
        said: Commit = signed.content
        if self.is_current(said.view, said.number):
            self.slot(said.number).commits.setdefault(signed.signer, signed)
            self.go_on(said.number)

    def go_on(self, number: int) -> None:
        """See whether there are enough votes now: to say commit, and to carry out."""
        slot = self.slot(number)
        if slot.accepted is None:
            return
        if self.id not in slot.commits and self.is_prepared(slot):
            self.say_commit(number)
        if self.is_committed(slot):
            slot.committed = True
            self.execute()

    def is_prepared(self, slot: Slot) -> bool:
        """prepared(m, v, n, i): the pre-prepare, and 2f prepares of backups that match it (4.2)."""
        return slot.votes(slot.prepares, Prepare) >= self.group.quorum - 1

    def is_committed(self, slot: Slot) -> bool:
        """committed-local(m, v, n, i): prepared, and 2f + 1 commits that match it (4.2)."""
        return self.is_prepared(slot) and slot.votes(slot.commits, Commit) >= self.group.quorum

    def say_commit(self, number: int) -> None:
        """Save the certificate, with the votes that match, and tell all: the third phase (4.2)."""
        slot = self.slot(number)
        assert slot.accepted is not None, "only what was accepted can be prepared"
        said: PrePrepare = slot.accepted.content
        matching = Prepare(said.view, number, said.digest)
        votes = [vote for vote in slot.prepares.values() if vote.content == matching]
        slot.prepared = Prepared(slot.accepted, tuple(votes))
        self.keep(number)
        vote = self.sign(Commit(said.view, number, said.digest))
        slot.commits[self.id] = vote
        self.broadcast(vote)

    def keep(self, number: int) -> None:
        """Save what is promised about a number."""
        slot = self.slot(number)
        self.save(("slot", number), Kept(slot.accepted, slot.prepared))

    # Carrying out (4.2).

    def execute(self) -> None:
        """Carry out what is committed, in the order of the numbers and without a gap (4.2).

        A null request changes nothing. Each client hears the result of its request.
        """
        while (slot := self.slots.get(self.executed + 1)) is not None and slot.committed:
            self.executed += 1
            assert slot.accepted is not None, "only what was accepted can be committed"
            if (signed := slot.accepted.content.request) is not None:
                self.carry_out(signed)
            self.was_executed(self.executed)

    def carry_out(self, signed: Signed) -> None:
        """Change the state, unless this request has before; and answer the client."""
        request = signed.content
        before, _ = self.application.last(request.client)
        result = self.application.apply(Numbered(request.client, request.number, request.command))
        last, _ = self.application.last(request.client)
        waiting = self.waiting.get(request.client)
        if waiting is not None and waiting.content.number <= last:
            del self.waiting[request.client]
        if request.number == last:
            self.reply(request.client, request.number, result)
        self.mind_the_primary(again=request.number > before)

    def reply(self, client: NodeId, number: int, result: object) -> None:
        """Tell a client the result of its request."""
        self.send(client, self.sign(Reply(self.view, client, number, result)))

    # What other parts add.

    def was_executed(self, number: int) -> None:
        """All up to this number is carried out: the part ``checkpoints`` goes on from here."""

    def mind_the_primary(self, again: bool = False) -> None:
        """What waits here has changed: the part ``viewchange`` watches the primary.

        Args:
            again: whether the primary has done something, so that it has all its time again.
        """
