"""Deletions: the death certificate, how long it is kept, and what wakes it up.

Demers and others 1987, section 2. To drop a deleted entry does not delete it: another site still
has it, and gossip brings it back. So a deletion is an update: a *death certificate*, an entry that
has no value. It spreads like any other, and beats older copies of what it deletes.

But nobody wants to keep the dead for all time. When may a certificate be dropped? If it is dropped
after ``keep``, and some site was cut off longer than that, this site still has the old value, and
brings it back to all: nobody is left who knows better. (Cassandra's ``gc_grace_seconds`` is this
``keep``, with this very trap.)

*Dormant* certificates (section 2.1) make it rare. After ``keep`` all sites drop the certificate
but a few, its ``keepers``, which were drawn by chance when it was made. They keep it longer, by
``dormant``, and do not spread it. When a keeper meets an older value, it *activates* the
certificate: it spreads again, as if it were new. Its stamp stays the same, so it does not delete
what was put after it; only ``active`` is new.
"""

from collections.abc import Mapping
from dataclasses import replace

from common.contract import CallId, NodeId, on, operation
from common.values.history import Ok
from common.values.units import MS, SECOND
from stage2_communication.gossip.sites import LATEST, CompareDue, Get, Site
from stage2_communication.gossip.store import Entry


@operation
class Delete:
    """Let ``key`` have nothing. Ends with Ok(stamp) once that is on this site's disk."""

    key: str


class DeletingSite(Site):
    """One site that can delete.

    Args:
        id: the name of this site.
        peers: the other ones.
        keep: for how long every site keeps a certificate, in microseconds: longer than it takes to
            spread.
        dormant: for how much longer its keepers keep it.
        keepers: how many keep it that long, for each certificate.
        round_every: as of a :class:`Site`.
        recent: as of a :class:`Site`.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        keep: int = 2 * SECOND,
        dormant: int = 600 * SECOND,
        keepers: int = 2,
        round_every: int = 50 * MS,
        recent: int = 1 * SECOND,
    ) -> None:
        super().__init__(id, peers, round_every=round_every, recent=recent)
        self.keep = keep
        self.dormant = dormant
        self.keepers = keepers
        self.asleep: dict[str, Entry] = {}
        """The dormant certificates, by key. They are saved too, and nobody else sees them."""

    def status(self) -> Mapping[str, object]:
        """As of a site, and how many certificates there are, and how many are dormant."""
        dead = sum(entry.value is None for entry in self.store)
        return {**super().status(), "certificates": dead, "dormant": len(self.asleep)}

    @on(Delete)
    def delete(self, delete: Delete, call: CallId) -> None:
        """Make a certificate: stamped and activated now, with keepers drawn by chance of all."""
        stamp = self.new_stamp()
        everybody = sorted((self.id, *self.peers))
        drawn = self.random.sample(everybody, min(self.keepers, len(everybody)))
        self.take(Entry(delete.key, None, stamp, stamp[0], tuple(sorted(drawn))))
        self.finish(call, Ok(stamp))

    @on(Get)
    def get(self, get: Get, call: CallId) -> None:
        """Answer from this copy; what a dormant certificate has deleted is still deleted."""
        entry = self.store.entries.get(get.key) or self.asleep.get(get.key)
        self.finish(call, Ok((None, None) if entry is None else (entry.value, entry.stamp)))

    def take(self, entry: Entry) -> None:
        """Merge one entry, and see what certificates have to say.

        * A dormant certificate here is later: the entry is an old copy. Activate the certificate,
          so that it spreads again, and take it in place of the entry.
        * A dormant certificate here is older, or was activated elsewhere: it is of no more use.
        * A certificate that is too old to be kept is not taken in; an older value that is here is
          dropped because of it. A dormant one that is here stays: nothing has taken its place.

        Its stamp was seen, taken in or not: new stamps are greater. Of what is not taken in, and of
        what is dropped, nothing is on disk. So ``latest`` is saved under ``("latest",)`` then.
        """
        self.latest = max(self.latest, entry.stamp[0])
        certificate = self.asleep.get(entry.key)
        if certificate is not None:
            if entry.value is not None and entry.stamp < certificate.stamp:
                self.note(f"{entry.key} comes back from the dead, and its certificate wakes up")
                entry = replace(certificate, active=max(self.now, certificate.active + 1))
            if (entry.stamp, entry.active) <= (certificate.stamp, certificate.active):
                return
        if self.is_over(entry):
            here = self.store.entries.get(entry.key)
            if here is not None and here.stamp < entry.stamp:
                self.store.drop(entry.key)
                self.forget(entry.key)
            self.save(LATEST, self.latest)
            return
        self.asleep.pop(entry.key, None)
        super().take(entry)

    def is_over(self, entry: Entry) -> bool:
        """Whether this is a certificate that has been active for ``keep``."""
        return entry.value is None and self.now - entry.active > self.keep

    @on(CompareDue)
    def compare_due(self, timer: CompareDue) -> None:
        """Put old certificates to sleep or drop them, and then compare as ever."""
        self.bury()
        super().compare_due(timer)

    def bury(self) -> None:
        """Take the certificates that are over from the table: a keeper's go to sleep, others go.

        A dormant one goes when it has been active for more than ``keep`` and ``dormant`` together.
        When one is forgotten, ``latest`` is saved under ``("latest",)``: its stamp may be the
        greatest, and after a crash new stamps are greater than that still.
        """
        for entry in tuple(self.store):
            if self.is_over(entry):
                self.store.drop(entry.key)
                if self.id in entry.keepers:
                    self.asleep[entry.key] = entry
                else:
                    self.forget(entry.key)
                    self.save(LATEST, self.latest)
        for key, entry in tuple(self.asleep.items()):
            if self.now - entry.active > self.keep + self.dormant:
                del self.asleep[key]
                self.forget(key)
                self.save(LATEST, self.latest)
