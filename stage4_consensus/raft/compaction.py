"""Part 4, compaction: a snapshot in place of a long log (section 7, Figure 13).

Each server takes snapshots by itself. A follower that needs entries which its leader has compacted
away gets the snapshot instead, piece by piece, each confirmed before the next is sent. The pieces
are gathered in memory, and the whole becomes durable in one step with the change of the log.
"""

from common.contract import NodeId, on
from common.contract.sizes import value_size
from stage4_consensus.raft.core import Core
from stage4_consensus.raft.leader_state import Sending
from stage4_consensus.raft.messages import (
    Configuration,
    InstallSnapshot,
    InstallSnapshotReply,
    Role,
    Snapshot,
)
from stage4_consensus.raft.pieces import assemble, flatten


class Compaction(Core):
    """Taking snapshots, sending them, and installing what a leader sends."""

    # Taking one.

    def compact_if_long(self) -> None:
        """Replace what is applied by a snapshot of the application, client table included.

        That is due once it is ``snapshot_every`` entries or ``snapshot_bytes`` bytes.
        """
        length = self.last_applied - self.log.snapshot_index
        size = self.log.bytes_up_to(self.last_applied)
        is_long = length >= self.snapshot_every or (length > 0 and size >= self.snapshot_bytes)
        if not self.snapshot_every or not is_long:
            return
        snapshot = Snapshot(
            self.last_applied,
            self.log.term_at(self.last_applied),
            self._configuration_at(self.last_applied),
            self.machine.snapshot(),
        )
        self.keep_snapshot(snapshot, keep_rest=True)

    def _configuration_at(self, index: int) -> Configuration:
        """The latest configuration as of ``index`` (section 7)."""
        return [each for at, each in self.configurations if at <= index][-1]

    # The leader sends.

    def send_snapshot_to(self, follower: NodeId) -> None:
        """Send the piece that the follower has not confirmed yet; begin with the first one.

        A snapshot under way is sent to its end even if the leader takes a newer one meanwhile.
        """
        progress = self.progress[follower]
        if progress.sending is None:
            progress.sending = Sending(self.snapshot, flatten(self.snapshot.data))
        sending = progress.sending
        snapshot, end = sending.snapshot, self._end_of_piece(sending)
        self.send(
            follower,
            InstallSnapshot(
                self.current_term,
                self.round,
                snapshot.last_index,
                snapshot.last_term,
                snapshot.configuration,
                sending.offset,
                sending.parts[sending.offset : end],
                done=end >= len(sending.parts),
            ),
        )

    def _end_of_piece(self, sending: Sending) -> int:
        """Up to which part the next piece goes: as far as parts and bytes allow, and one at least.

        A part alone is no larger than ``flatten`` makes it.
        """
        end = min(sending.offset + self.piece_parts, len(sending.parts))
        room = self.max_bytes
        for at in range(sending.offset, end):
            room -= value_size(sending.parts[at])
            if room < 0:
                return max(at, sending.offset + 1)
        return end

    @on(InstallSnapshotReply)
    def install_snapshot_replied(self, reply: InstallSnapshotReply, sender: NodeId) -> None:
        """Send the next piece; after the last one go on with the log (Figure 13)."""
        self.observe_term(reply.term)
        if self.role is not Role.LEADER or reply.term < self.current_term:
            return
        progress = self.heard_from(sender, reply.round)
        if progress is None:
            return
        sending = progress.sending
        if sending is not None and sending.snapshot.last_index == reply.last_index:
            if reply.done:
                progress.sending = None
                self.caught_up_to(sender, reply.last_index)
            elif reply.received != sending.offset:
                sending.offset = reply.received
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
        name = (request.term, request.last_index)
        if name != self.gathering:
            self.gathering, self.gathered = name, []
        if request.offset == len(self.gathered):
            self.gathered.extend(request.piece)
        return len(self.gathered)

    def _install(self, request: InstallSnapshot) -> None:
        """Discard what the snapshot covers; if the log goes on from there, retain the rest (7)."""
        index, term = request.last_index, request.last_term
        data = assemble(self.gathered)
        self.gathering, self.gathered = None, []
        self.machine.restore(data)
        snapshot = Snapshot(index, term, request.configuration, data)
        self.keep_snapshot(snapshot, keep_rest=self.log.matches(index, term))
        self.commit_index = self.last_applied = index
