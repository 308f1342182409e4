"""Raft for the explorer: three servers, two terms, two commands, every order of everything.

What is explored are the very classes of the lab. Three things keep the instance small, and none of
them hides a run that could break safety:

* nobody begins a third term (:class:`TwoTerms`), and a term begins without pre-votes, which only
  keep elections from happening;
* timers fire a bounded number of times, and a leader asks for no signs of life: a message that is
  never delivered is lost for everybody, so losses need no bound of their own;
* each leader takes one command, at once; a command taken later only waits longer for its answers.

:data:`WITH_A_CRASH` leaves the commands out, to have room for a crash: what a server saved, and
what it did not, is all that is left of it.

The four properties are those of ``checks_safety``, said of one world instead of a whole run.
"""

from itertools import combinations

from common.check.explorer import Bounds, Instance, WorldView
from common.check.explorer.instance import Goal
from common.contract import NodeId, Numbered, on
from common.contract.registers import Append
from stage4_consensus.raft.checks_safety import servers
from stage4_consensus.raft.core import Core
from stage4_consensus.raft.messages import ElectionTimeout, Role
from stage4_consensus.raft.registers import RaftRegisters

SERVERS = ("n1", "n2", "n3")
LAST_TERM = 2


class TwoTerms(RaftRegisters):
    """A server that begins no term above the second, and a leader that is not heard by itself."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        super().__init__(id, peers, pre_vote=False, snapshot_every=0)

    @on(ElectionTimeout)
    def election_timed_out(self, timer: ElectionTimeout) -> None:
        """Campaign, but not for a third term."""
        if self.current_term < LAST_TERM:
            super().election_timed_out(timer)

    def begin_replication(self) -> None:
        """Begin as a leader does, but without its timers."""
        super().begin_replication()
        self.cancel_timer(self.heartbeat_timer)
        self.cancel_timer(self.quorum_timer)


class TwoCommands(TwoTerms):
    """A server that takes a command when it begins to lead, beside its no-op."""

    def begin_replication(self) -> None:
        """Begin, then append a command."""
        super().begin_replication()
        self.propose(Numbered(self.id, 1, Append("x", "y")))


def election_safety(world: WorldView) -> str | None:
    """at most one leader in a term"""
    leading = [each for each in servers(world).values() if each.role is Role.LEADER]
    for one, other in combinations(leading, 2):
        if one.current_term == other.current_term:
            return f"{one.id} and {other.id} both lead term {one.current_term}"
    return None


def log_matching(world: WorldView) -> str | None:
    """logs that have an entry with the same index and term are identical up to it"""
    for one, other in combinations(servers(world).values(), 2):
        agree = False
        for index in range(min(one.log.last_index, other.log.last_index), 0, -1):
            first, second = one.log.entry(index), other.log.entry(index)
            agree = agree or first.term == second.term
            if agree and first != second:
                return f"{one.id} has {first} at {index}, {other.id} has {second}"
    return None


def leader_completeness(world: WorldView) -> str | None:
    """what is committed is in the logs of the leaders of that and all later terms"""
    everyone = servers(world).values()
    for leader in everyone:
        for other in everyone:
            if leader.role is Role.LEADER and other.current_term <= leader.current_term:
                missing = _first_difference(other, leader, other.commit_index)
                if missing:
                    return f"{leader.id} leads without entry {missing}, which {other.id} committed"
    return None


def state_machine_safety(world: WorldView) -> str | None:
    """no two servers apply different commands at the same index"""
    for one, other in combinations(servers(world).values(), 2):
        applied = min(one.last_applied, other.last_applied)
        if different := _first_difference(one, other, applied):
            return f"{one.id} and {other.id} applied different commands at {different}"
    return None


def _first_difference(one: Core, other: Core, end: int) -> int:
    """The first index up to ``end`` at which ``other`` has another entry, or none; 0 for none."""
    for index in range(1, end + 1):
        if index > other.log.last_index or one.log.entry(index) != other.log.entry(index):
            return index
    return 0


def a_command_is_committed(world: WorldView) -> bool:
    """a server has applied a command"""
    return any(
        isinstance(each.log.entry(index).command, Numbered)
        for each in servers(world).values()
        for index in range(1, each.last_applied + 1)
    )


def the_second_term_commits(world: WorldView) -> bool:
    """an entry of the second term is committed"""
    return any(
        each.commit_index and each.log.term_at(each.commit_index) == LAST_TERM
        for each in servers(world).values()
    )


def two_entries_compete(world: WorldView) -> bool:
    """two servers have entries of different terms at the same index"""
    for one, other in combinations(servers(world).values(), 2):
        for index in range(1, min(one.log.last_index, other.log.last_index) + 1):
            if one.log.term_at(index) != other.log.term_at(index):
                return True
    return False


def _instance(server: type[TwoTerms], crashes: int, sometimes: tuple[Goal, ...] = ()) -> Instance:
    return Instance(
        nodes=dict.fromkeys(SERVERS, server),
        bounds=Bounds(timers=2, crashes=crashes),
        always=(election_safety, log_matching, leader_completeness, state_machine_safety),
        sometimes=(the_second_term_commits, two_entries_compete, *sometimes),
        symmetric=(SERVERS,),
    )


def with_a_crash(server: type[TwoTerms]) -> Instance:
    """Three such servers, two terms, their no-ops, and a crash at any moment of any server."""
    return _instance(server, crashes=1)


TWO_COMMANDS = _instance(TwoCommands, crashes=0, sometimes=(a_command_is_committed,))
WITH_A_CRASH = with_a_crash(TwoTerms)
