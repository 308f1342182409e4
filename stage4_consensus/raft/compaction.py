"""Part 4, compaction: a snapshot in place of a long log (section 7, Figure 13).

Each server takes snapshots by itself. A follower that needs entries which its leader has compacted
away gets the snapshot instead, piece by piece, each confirmed before the next is sent. The pieces
are gathered in memory, and the whole becomes durable in one step with the change of the log.
"""

from common.contract import NodeId, on
from common.contract.sizes import value_size
from stage4_consensus.raft.messages import InstallSnapshot, InstallSnapshotReply, Snapshot
from stage4_consensus.raft.persistence import Persistence
from stage4_consensus.raft.pieces import Gathering, Sending, assemble


class Compaction(Persistence):
    """Taking snapshots, sending them, and installing what a leader sends."""

    measured: Snapshot | None = None
    """The snapshot that ``snapshot_size`` is about: to measure one takes as long as to take it."""
    snapshot_size = 0

    # Taking one.

    def compact_if_long(self) -> None:
        """Replace what is applied by a snapshot of the application, client table included.

        That is due once it is ``snapshot_every`` entries or ``snapshot_bytes`` bytes, and worth
        its while (:meth:`is_worth_a_snapshot`).
        """
        length = self.last_applied - self.log.snapshot_index
        size = self.log.bytes_up_to(self.last_applied)
        is_long = length >= self.snapshot_every or (length > 0 and size >= self.snapshot_bytes)
        if not self.snapshot_every or not is_long or not self.is_worth_a_snapshot(size):
            return
        snapshot = Snapshot(
            self.last_applied,
            self.log.term_at(self.last_applied),
            self.configurations.as_of(self.last_applied),
            self.machine.snapshot(),
        )
        self.keep_snapshot(snapshot, keep_rest=True)

    def is_worth_a_snapshot(self, size: int) -> bool:
        """Whether so many bytes of the log are worth another snapshot.

        It writes down the whole state, however little has changed. So once the last snapshot has
        more than ``snapshot_bytes``, the log first has to be half as large as that one. Then no
        byte of a growing state is written more than a few times; else its cost would be quadratic.
        """
        if self.measured is not self.snapshot:
            self.measured, self.snapshot_size = self.snapshot, value_size(self.snapshot.data)
        return self.snapshot_size <= self.snapshot_bytes or 2 * size >= self.snapshot_size

    # The leader sends.

    def send_snapshot_to(self, follower: NodeId) -> None:
        """Send the piece that the follower has not confirmed yet; begin with the first one."""
        progress = self.followers.progress[follower]
        if progress.sending is None:
            progress.sending = Sending(self.snapshot)
        sending = progress.sending
        snapshot, piece = sending.snapshot, sending.next_piece(self.piece_parts, self.max_bytes)
        self.send(
            follower,
            InstallSnapshot(
                self.current_term,
                self.rounds.latest,
                snapshot.last_index,
                snapshot.last_term,
                snapshot.configuration,
                sending.offset,
                piece,
                done=sending.offset + len(piece) == len(sending.parts),
            ),
        )

    @on(InstallSnapshotReply)
    def install_snapshot_replied(self, reply: InstallSnapshotReply, sender: NodeId) -> None:
        """Send the next piece; after the last one go on with the log (Figure 13)."""
        progress = self.heard_from(sender, reply.term, reply.round)
        if progress is None:
            return
        sending = progress.sending
        if sending is not None and sending.snapshot.last_index == reply.last_index:
            if reply.done:
                progress.sending = None
                self.caught_up_to(sender, reply.last_index)
            elif sending.confirm(reply.received):
                self.send_snapshot_to(sender)
        self.serve_reads()

    # A follower receives.

    @on(InstallSnapshot)
    def install_snapshot_received(self, request: InstallSnapshot, sender: NodeId) -> None:
        """Gather the pieces in order, and install the snapshot with the last one (Figure 13).

        A snapshot of what this server has committed already is old, whatever it holds: the reply
        says that nothing more of it is needed.
        """
        if request.term >= self.current_term:
            self.follow(request.term, sender)
        if request.term < self.current_term:
            received, done = 0, False
        elif request.last_index <= self.commit_index:
            received, done = 0, True
        else:
            received, done = self._gather(request), False
            if request.done and received == request.offset + len(request.piece):
                self._install(request)
                done = True
        reply = InstallSnapshotReply(
            self.current_term, request.round, request.last_index, received, done
        )
        self.send(sender, reply)

    def _gather(self, request: InstallSnapshot) -> int:
        """Add the piece if it is the next one; returns how many parts there are now."""
        gathering = self.gathering
        if gathering is None or not gathering.is_of(request.term, request.last_index):
            gathering = self.gathering = Gathering(request.term, request.last_index)
        gathering.add(request.offset, request.piece)
        return len(gathering.parts)

    def _install(self, request: InstallSnapshot) -> None:
        """Discard what the snapshot covers; if the log goes on from there, retain the rest (7)."""
        assert self.gathering is not None, "all pieces of it are here"
        index, term = request.last_index, request.last_term
        data = assemble(self.gathering.parts)
        self.gathering = None
        self.machine.restore(data)
        snapshot = Snapshot(index, term, request.configuration, data)
        self.keep_snapshot(snapshot, keep_rest=self.log.matches(index, term))
        self.commit_index = self.last_applied = index
