"""Anti-entropy: now and then two sites compare their tables, and each takes what it lacks.

Demers and others 1987, section 1.3. It is a *simple* epidemic: nobody ever loses interest, so in
the end everybody has everything, whatever was lost on the way. But to compare two whole tables is
expensive, and in most rounds they are the same. So:

1. Two sites exchange their *recent* entries, and the checksums of their tables (:class:`Offer`,
   :class:`Reply`).
2. If the checksums are the same after that, the tables are: nothing more is to be done.
3. Else one sends everything (:class:`Everything`), and the other sends what is missing there
   (:class:`Missing`).

If updates spread in less time than an entry is recent, step 3 hardly ever happens
(``plot_runs.compared``).
"""

from collections.abc import Mapping

from common.contract import CallId, Node, NodeId, message, on, operation, timer
from common.values.history import Ok
from common.values.units import MS, SECOND
from stage2_communication.gossip.store import Entry, Stamp, Store

LATEST = ("latest",)
"""Under this the greatest time that was seen is saved, where the entry that says it is forgotten.
(All keys of entries are texts.)"""


@operation
class Put:
    """Let ``key`` have ``value``. Ends with Ok(stamp) once it is on this site's disk."""

    key: str
    value: str


@operation
class Get:
    """What has ``key``, as far as this site knows? Ends with Ok((value, stamp)); both are None
    if it has nothing, value alone if it was deleted."""

    key: str


@message
class Offer:
    """My recent entries, and the checksum of all: what do you have?"""

    entries: tuple[Entry, ...]
    checksum: int


@message
class Reply:
    """My recent entries, and the checksum of all, yours merged."""

    entries: tuple[Entry, ...]
    checksum: int


@message
class Everything:
    """Our checksums differ: this is all that I have."""

    entries: tuple[Entry, ...]


@message
class Missing:
    """This is what you lack, after you sent Everything."""

    entries: tuple[Entry, ...]


@timer
class CompareDue:
    """It is time to compare with somebody."""


class Site(Node):
    """One site with a copy of the table.

    Args:
        id: the name of this site.
        peers: the other ones.
        round_every: microseconds from one comparison that it begins to the next.
        recent: how long an entry is recent, in microseconds: longer than an update takes to spread.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        round_every: int = 50 * MS,
        recent: int = 1 * SECOND,
    ) -> None:
        super().__init__(id, peers)
        self.round_every = round_every
        self.recent = recent
        self.store = Store()
        """The copy. Each entry is saved under its key."""
        self.latest = 0
        """The greatest time in any stamp that was made or seen here. It only grows.

        What is saved never says less: one of the entries, or ``("latest",)`` where none does."""

    def status(self) -> Mapping[str, object]:
        """How many entries there are, and their checksum."""
        return {"entries": len(self.store.entries), "checksum": f"{self.store.checksum:08x}"}

    def on_start(self) -> None:
        """Go on with what was saved, and begin the rounds at a moment by chance."""
        self.latest = self.saved.get(LATEST, 0)
        for key, entry in self.saved.items():
            if key != LATEST:
                self.latest = max(self.latest, entry.stamp[0])
                self.store.merge(entry)
        self.set_timer(self.random.randint(1, self.round_every), CompareDue())

    # What people ask.

    @on(Put)
    def put(self, put: Put, call: CallId) -> None:
        """Update this copy; the others hear of it by gossip."""
        stamp = self.new_stamp()
        self.take(Entry(put.key, put.value, stamp))
        self.finish(call, Ok(stamp))

    @on(Get)
    def get(self, get: Get, call: CallId) -> None:
        """Answer from this copy."""
        entry = self.store.entries.get(get.key)
        self.finish(call, Ok((None, None) if entry is None else (entry.value, entry.stamp)))

    def new_stamp(self) -> Stamp:
        """A stamp that is greater than all that this site has seen, whatever its clock says.

        Otherwise an update by a slow clock would lose against the one that it replaces.
        """
        self.latest = max(self.now, self.latest + 1)
        return self.latest, self.id

    def take(self, entry: Entry) -> None:
        """Merge one entry, and save it if it is later than what was here."""
        self.latest = max(self.latest, entry.stamp[0])
        if self.store.merge(entry):
            self.save(entry.key, entry)

    def take_all(self, entries: tuple[Entry, ...]) -> None:
        """Merge entries of another site."""
        for entry in entries:
            self.take(entry)

    # Comparing.

    def recent_entries(self) -> tuple[Entry, ...]:
        """The entries that are recent, by the own clock."""
        return self.store.since(self.now - self.recent)

    @on(CompareDue)
    def compare_due(self, timer: CompareDue) -> None:
        """Offer the recent entries to a partner by chance, and do so again in ``round_every``."""
        if self.peers:
            partner = self.random.choice(self.peers)
            self.send(partner, Offer(self.recent_entries(), self.store.checksum))
        self.set_timer(self.round_every, CompareDue())

    @on(Offer)
    def offer_received(self, offer: Offer, sender: NodeId) -> None:
        """Merge what is offered. If the checksum differs even then, reply with the own recent
        entries; if it does not, the tables are the same."""
        self.take_all(offer.entries)
        if self.store.checksum != offer.checksum:
            self.send(sender, Reply(self.recent_entries(), self.store.checksum))

    @on(Reply)
    def reply_received(self, reply: Reply, sender: NodeId) -> None:
        """Merge what is replied. If the checksum differs even then, send everything."""
        self.take_all(reply.entries)
        if self.store.checksum != reply.checksum:
            self.send(sender, Everything(tuple(self.store)))

    @on(Everything)
    def everything_received(self, everything: Everything, sender: NodeId) -> None:
        """Find what the sender lacks, and merge what is lacking here."""
        missing = self.store.later_than(everything.entries)
        self.take_all(everything.entries)
        if missing:
            self.send(sender, Missing(missing))

    @on(Missing)
    def missing_received(self, missing: Missing, sender: NodeId) -> None:
        """Merge it."""
        self.take_all(missing.entries)
