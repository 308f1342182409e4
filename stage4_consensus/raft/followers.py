"""What a leader knows of its followers (Figure 2: nextIndex, matchIndex). Pure: it sends nothing.

The handlers ask and tell; the numbers themselves change in here alone, so what always holds of them
can be read in one place, and tested without a server. (etcd's Raft has the same in ``tracker``.)
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from common.contract import NodeId
from stage4_consensus.raft.configuration import agreed
from stage4_consensus.raft.messages import Configuration
from stage4_consensus.raft.pieces import Sending


@dataclass(slots=True)
class Progress:
    """What a leader knows of one follower.

    Attributes:
        next_index: index of the next log entry to send to it. Always above ``match_index``.
        match_index: up to where its log is known to equal the leader's. Only grows.
        probing: whether the leader is still looking for where the two logs part; while it is, one
            message at a time is under way, and ``next_index`` waits for its answer.
        in_flight: last indices of the messages with entries that are not answered yet.
        round: the latest round that it has answered. Only grows.
        heard: whether it has answered anything since the last quorum check.
        sending: the snapshot under way to it, or None; meanwhile it gets no entries.
    """

    next_index: int
    match_index: int = 0
    probing: bool = True
    in_flight: list[int] = field(default_factory=list)
    round: int = 0
    heard: bool = True
    sending: Sending | None = None

    def may_send(self, last_index: int, most: int) -> bool:
        """Whether another message with entries may be sent to it now.

        Args:
            last_index: where the leader's log ends.
            most: how many such messages may be under way. While probing it is one, which goes out
                even if there is no entry to send: its answer tells whether the logs agree.
        """
        if self.probing:
            return not self.in_flight
        return self.next_index <= last_index and len(self.in_flight) < most

    def record_sent(self, count: int) -> None:
        """A message with so many entries from ``next_index`` on is under way.

        The next one begins behind it; but not while probing, for its entries may not be taken.
        """
        self.in_flight.append(self.next_index - 1 + count)
        if not self.probing:
            self.next_index += count

    def record_match(self, index: int) -> None:
        """Its log equals the leader's up to ``index`` (5.3), so there is nothing to look for.

        Answers overtake each other, so this may be an old one: no number goes down.
        """
        self.probing = False
        self.match_index = max(self.match_index, index)
        self.next_index = max(self.next_index, self.match_index + 1)
        self.in_flight = [last for last in self.in_flight if last > index]

    def is_refusal_old(self, index: int) -> bool:
        """Whether its word that it has not the leader's entry at ``index`` is out of date.

        So it is if that entry is known to match by now, or if another probe is under way.
        """
        if index <= self.match_index:
            return True
        return self.probing and index != self.next_index - 1

    def probe_from(self, next_index: int) -> None:
        """Look for where the logs agree, with ``next_index``; above what is known to match."""
        self.next_index = max(self.match_index + 1, next_index)
        self.probing = True
        self.in_flight = []


class Followers:
    """All servers that get this leader's log: the other members, and learners.

    Args:
        leader: who keeps account of them. It counts itself where a quorum is asked for.

    Attributes:
        progress: what is known of each.
    """

    def __init__(self, leader: NodeId) -> None:
        self.progress: dict[NodeId, Progress] = {}
        self._leader = leader

    def keep_exactly(self, wanted: Iterable[NodeId], next_index: int) -> None:
        """Keep account of exactly these; those that are new are probed from ``next_index`` on."""
        self.progress = {
            id: self.progress.get(id) or Progress(next_index)
            for id in wanted
            if id != self._leader
        }  # fmt: skip

    def record_answer(self, follower: NodeId, round: int) -> Progress | None:
        """Note that it has answered in this round; returns what is known of it, if anything is."""
        progress = self.progress.get(follower)
        if progress is not None:
            progress.heard = True
            progress.round = max(progress.round, round)
        return progress

    def heard_since_last_check(self) -> list[NodeId]:
        """Who has answered since this was asked last."""
        heard = [id for id, progress in self.progress.items() if progress.heard]
        for progress in self.progress.values():
            progress.heard = False
        return heard

    def all_have(self, index: int, those: Collection[NodeId]) -> bool:
        """Whether the logs of all of ``those`` are known to equal the leader's up to ``index``."""
        found = [self.progress.get(id) for id in those]
        return all(each is not None and each.match_index >= index for each in found)

    def stored_by_quorum(self, configuration: Configuration, own_index: int) -> int:
        """Up to where a quorum stores the leader's log, which itself has it up to ``own_index``."""
        stored = {id: progress.match_index for id, progress in self.progress.items()}
        stored[self._leader] = own_index
        return agreed(configuration, stored)

    def answered_by_quorum(self, configuration: Configuration, latest_round: int) -> int:
        """The latest round that a quorum has answered; a leader answers itself at once."""
        rounds = {id: progress.round for id, progress in self.progress.items()}
        rounds[self._leader] = latest_round
        return agreed(configuration, rounds)

    def getting_snapshots(self) -> list[NodeId]:
        """Those to which a snapshot is under way."""
        return [id for id, progress in self.progress.items() if progress.sending is not None]
