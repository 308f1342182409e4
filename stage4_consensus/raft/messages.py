"""What Raft servers send each other, what the log holds, and what is on disk.

Figure 2 and Figure 13 of the paper. A remote procedure call is two messages here: the network
loses, doubles and reorders, so an answer carries all that is needed to understand it alone. The
candidate's and the leader's ids are the senders of their messages.
"""

import enum

from common.contract import NodeId, message, record, timer


class Role(enum.Enum):
    """What a server is just now (Figure 4, and the pre-candidate of the thesis, section 9.6)."""

    FOLLOWER = "follower"
    PRE_CANDIDATE = "pre-candidate"
    CANDIDATE = "candidate"
    LEADER = "leader"


# What the log and the disk hold.


@record
class Entry:
    """One entry of the log: a command, and the term in which a leader received it.

    The command is what clients sent, or one of :class:`NoOp` and :class:`Configuration`, which
    Raft appends for itself. An entry's index is its place in the log; the first is 1.
    """

    term: int
    command: object


@record
class NoOp:
    """Changes nothing. A new leader appends it to commit what is before it (section 8)."""


@record
class Configuration:
    """Which servers vote (section 6).

    Attributes:
        voters: the members.
        old_voters: those before the change under way; with any, this is the joint configuration
            C-old,new of the paper, in which each decision needs a majority of both.
    """

    voters: tuple[NodeId, ...]
    old_voters: tuple[NodeId, ...] = ()


@record
class Snapshot:
    """The state that took the place of the log up to ``last_index`` (section 7)."""

    last_index: int
    last_term: int
    configuration: Configuration
    data: object


# Election.


@message
class RequestVote:
    """A candidate asks for a vote (Figure 2).

    Attributes:
        term: the candidate's term.
        last_log_index: index of the candidate's last log entry.
        last_log_term: term of it.
        transfer: the leader itself has asked for this election (thesis, section 3.10), so that a
            server need not wait for the leader's silence.
    """

    term: int
    last_log_index: int
    last_log_term: int
    transfer: bool = False


@message
class RequestVoteReply:
    """The answer: the voter's term, for the candidate to update itself, and the vote."""

    term: int
    granted: bool


@message
class RequestPreVote:
    """Would you vote for me in ``term``, were I to begin it? (thesis, section 9.6)"""

    term: int
    last_log_index: int
    last_log_term: int


@message
class RequestPreVoteReply:
    """The answer: the voter's own term, the term that was asked about, yes or no."""

    term: int
    asked_term: int
    granted: bool


@message
class TimeoutNow:
    """The leader of ``term`` asks the receiver to begin an election at once (thesis, 3.10)."""

    term: int


# Replication.


@message
class AppendEntries:
    """The leader replicates entries, or with none of them says that it lives (Figure 2).

    Attributes:
        term: the leader's term.
        prev_log_index: index of the log entry immediately preceding the new ones.
        prev_log_term: term of that entry.
        entries: the entries to store.
        leader_commit: the leader's commit index.
        round: how often the leader has asked everybody for a sign of life; an answer with this
            number was given after that round began (reads, section 8).
    """

    term: int
    prev_log_index: int
    prev_log_term: int
    entries: tuple[Entry, ...]
    leader_commit: int
    round: int


@message
class AppendEntriesReply:
    """The answer to AppendEntries.

    Attributes:
        term: the follower's term, for the leader to update itself.
        round: as in the request.
        success: whether the follower had the entry before the new ones.
        prev_log_index: as in the request; tells an answer that is still of interest from an old
            one.
        match_index: with success: up to where the follower's log equals the leader's for certain.
        conflict_term: without: the term of the follower's entry at ``prev_log_index``; 0 for none.
        conflict_index: without: the first index of that term; or one after the follower's last.
    """

    term: int
    round: int
    success: bool
    prev_log_index: int
    match_index: int = 0
    conflict_term: int = 0
    conflict_index: int = 0


# Snapshots.


@record
class TupleMark:
    """In a flattened snapshot: here begins a tuple of ``length`` elements (see ``pieces``)."""

    length: int


@message
class InstallSnapshot:
    """A piece of the leader's snapshot for a follower that is too far behind (Figure 13).

    Attributes:
        term: the leader's term.
        round: as in AppendEntries.
        last_index: the snapshot replaces all entries up to and including this index.
        last_term: term of that entry.
        configuration: the latest one as of ``last_index``.
        offset: where this piece belongs in the flattened snapshot (see ``pieces``).
        piece: the parts themselves, marks and plain values.
        done: whether it is the last piece.
    """

    term: int
    round: int
    last_index: int
    last_term: int
    configuration: Configuration
    offset: int
    piece: tuple[TupleMark | object, ...]
    done: bool


@message
class InstallSnapshotReply:
    """The answer: how many parts the follower has, or that it needs no more of this snapshot."""

    term: int
    round: int
    last_index: int
    received: int
    done: bool


# Timers.


@timer
class ElectionTimeout:
    """Nothing was heard of a leader for an election timeout."""


@timer
class HeartbeatDue:
    """It is time for the leader to be heard again."""


@timer
class QuorumCheck:
    """It is time for the leader to see whether a majority still answers (thesis, section 6.2)."""


@timer
class TransferTimeout:
    """The transfer of the leadership has taken an election timeout: it failed."""
