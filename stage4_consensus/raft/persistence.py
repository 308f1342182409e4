"""Part 3, persistence: what a server must not forget, and how it comes back (section 5.1, 5.6).

On disk are ``"term"``, ``"vote"``, ``("log", index)`` for each entry, and ``"snapshot"``. The saves
of one step become durable together, and before anything that the step sends; so no answer leaves a
server that it could contradict after a crash. What is volatile in Figure 2 is rebuilt: a
server that comes back learns the commit index from the next leader, and applies the log again from
the snapshot on.
"""

from common.contract import NodeId
from stage4_consensus.raft.configuration import Configurations
from stage4_consensus.raft.core import Core
from stage4_consensus.raft.log import Log
from stage4_consensus.raft.messages import Configuration, Entry, Snapshot


class Persistence(Core):
    """Each change of the persistent state, in memory and on disk at once. All parts stand on it."""

    def restore(self) -> None:
        """Take up term, vote, snapshot and log.

        They are saved under ``"term"``, ``"vote"``, ``"snapshot"`` and ``("log", index)``.
        """
        for entry in self.saved.items():
            match entry:
                case "term", int(term):
                    self.current_term = term
                case "vote", str(candidate):
                    self.voted_for = candidate
                case "snapshot", Snapshot() as snapshot:
                    self.snapshot = snapshot
                    self.machine.restore(snapshot.data)
        start = self.snapshot.last_index
        self.log = Log(start, self.snapshot.last_term)
        self.commit_index = self.last_applied = start
        self.configurations = Configurations(start, self.snapshot.configuration)
        while isinstance(entry_saved := self.saved.get(("log", self.log.last_index + 1)), Entry):
            self.append_in_memory(entry_saved)

    def enter_term(self, term: int, voted_for: NodeId | None) -> None:
        """Enter a newer term. The vote of an earlier one is void, and must not come back.

        The two are saved under ``"term"`` and ``"vote"``.
        """
        assert term > self.current_term, "terms only grow"
        self.current_term, self.voted_for = term, voted_for
        self.save("term", term)
        self.save("vote", voted_for)

    def vote_for(self, candidate: NodeId) -> None:
        """Give the vote of this term; it is durable before the candidate hears of it."""
        assert self.voted_for in (None, candidate), "one vote in a term"
        if self.voted_for is None:
            self.voted_for = candidate
            self.save("vote", candidate)

    def append(self, entry: Entry) -> int:
        """Append an entry, durably; returns its index."""
        index = self.append_in_memory(entry)
        self.save(("log", index), entry)
        return index

    def append_in_memory(self, entry: Entry) -> int:
        """Append an entry without saving it; a configuration is in effect at once (section 6)."""
        index = self.log.append(entry)
        if isinstance(entry.command, Configuration):
            self.configurations.append(index, entry.command)
        return index

    def truncate_from(self, index: int) -> None:
        """Delete entries that conflict with the leader's; they were never committed.

        On disk each is under ``("log", index)``.
        """
        assert index > self.commit_index, f"entry {index} is committed and must not go"
        for deleted in range(index, self.log.last_index + 1):
            self.forget(("log", deleted))
        self.log.truncate_from(index)
        self.configurations.truncate_from(index)

    def keep_snapshot(self, snapshot: Snapshot, keep_rest: bool) -> None:
        """Put a snapshot in place of the log up to its last index; the rest is kept, or not.

        Snapshot and log change in one step, so a crash leaves both as before or both as after.

        The snapshot is saved under ``"snapshot"``; what it covers is forgotten, ``("log", index)``.
        """
        assert snapshot.last_index > self.log.snapshot_index, "an old snapshot must not come back"
        self.save("snapshot", snapshot)
        last = snapshot.last_index if keep_rest else self.log.last_index
        for index in range(self.log.snapshot_index + 1, min(last, self.log.last_index) + 1):
            self.forget(("log", index))
        self.snapshot = snapshot
        if keep_rest:
            self.log.compact_to(snapshot.last_index, snapshot.last_term)
            self.configurations.compact_to(snapshot.last_index, snapshot.configuration)
        else:
            self.log = Log(snapshot.last_index, snapshot.last_term)
            self.configurations = Configurations(snapshot.last_index, snapshot.configuration)
