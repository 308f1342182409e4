"""Raft's safety properties (Figure 3 of the paper), to watch a whole run with.

Each is an object with a memory: it looks only at what has changed since it looked last, so that it
can look after every step of a long run. Two of them compare through what they remember: two servers
that never are up at the same time must not contradict each other either.

Leader Append-Only, the fifth of Figure 3, follows from Log Matching here: a leader that overwrote
an entry would have two of one index and term.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from common.check.invariants import Always, Watch, World
from stage4_consensus.raft.core import Core
from stage4_consensus.raft.messages import Role

Place: TypeAlias = tuple[int, int]
"""Index and term of an entry."""


def servers(world: World) -> dict[str, Core]:
    """The Raft servers among the nodes that are up."""
    return {id: node for id, node in world.items() if isinstance(node, Core)}


class ElectionSafety:
    """At most one leader can be elected in a given term (section 5.2)."""

    def __init__(self) -> None:
        self.leaders: dict[int, str] = {}
        """By term, who led it."""

    def __call__(self, world: World) -> str | None:
        """Remember who leads which term."""
        for id, server in servers(world).items():
            if server.role is Role.LEADER:
                first = self.leaders.setdefault(server.current_term, id)
                if first != id:
                    return f"{first} and {id} both lead term {server.current_term}"
        return None


class LogMatching:
    """Entries with the same index and term are the same, and so is all before them (5.3).

    It is enough that they hold the same command and have predecessors of the same term: for the
    predecessors then holds the same, and so on.
    """

    def __init__(self) -> None:
        self.known: dict[Place, tuple[object, int | None]] = {}
        """By index and term, the command and the term of the entry before."""
        self.ends: dict[str, Place] = {}
        """By server, where its log ended when it was looked at."""

    def __call__(self, world: World) -> str | None:
        """Compare what has come since, from the end backwards."""
        for id, server in servers(world).items():
            log = server.log
            end = (log.last_index, log.last_term)
            if self.ends.get(id) == end:
                continue
            index, before = log.last_index, self.ends.get(id, (0, 0))[0]
            self.ends[id] = end
            while index > log.snapshot_index:
                entry = log.entry(index)
                value = (entry.command, log.term_at(index - 1))
                known = self.known.setdefault((index, entry.term), value)
                if known != value:
                    return f"{id} has {value} at {index} in term {entry.term}, where {known} was"
                if known is not value and index <= before:
                    break
                index -= 1
        return None


class StateMachineSafety:
    """No two servers apply different commands at the same index (section 5.4.3)."""

    def __init__(self) -> None:
        self.applied: dict[int, object] = {}
        """By index, the entry that was applied."""
        self.seen: dict[str, int] = {}
        """By server, up to where it had applied when it was looked at."""

    def __call__(self, world: World) -> str | None:
        """Compare what each server has applied since."""
        for id, server in servers(world).items():
            before, now = self.seen.get(id, 0), server.last_applied
            if before == now:
                continue
            self.seen[id] = now
            for index in range(max(min(before, now), server.log.snapshot_index) + 1, now + 1):
                entry = server.log.entry(index)
                if self.applied.setdefault(index, entry) != entry:
                    return f"{id} applied {entry} at {index}, where {self.applied[index]} was"
        return None


class LeaderCompleteness:
    """What is committed in a term is in the logs of the leaders of all later terms (5.4.3)."""

    def __init__(self) -> None:
        self.committed: dict[int, tuple[int, int]] = {}
        """By index, the term of the committed entry, and the least term of a server that knew."""
        self.seen: dict[str, int] = {}
        self.checked: set[tuple[str, int]] = set()
        """Leaders, with their terms, whose logs were looked at."""

    def __call__(self, world: World) -> str | None:
        """Remember what is committed; look at each leader once, when it is new."""
        for id, server in servers(world).items():
            before, now = self.seen.get(id, 0), server.commit_index
            if before != now:
                self.seen[id] = now
                for index in range(max(min(before, now), server.log.snapshot_index) + 1, now + 1):
                    self._remember(index, server.log.term_at(index), server.current_term)
            if server.role is Role.LEADER and (id, server.current_term) not in self.checked:
                self.checked.add((id, server.current_term))
                if (problem := self._missing(id, server)) is not None:
                    return problem
        return None

    def _remember(self, index: int, term: int, known_in: int) -> None:
        _, least = self.committed.get(index, (term, known_in))
        self.committed[index] = (term, min(least, known_in))

    def _missing(self, id: str, leader: Core) -> str | None:
        for index, (term, known_in) in self.committed.items():
            if known_in < leader.current_term and not leader.log.matches(index, term):
                return (
                    f"{id} leads term {leader.current_term} without entry {index} of term {term}, "
                    f"which was committed in term {known_in} or before"
                )
        return None


def safety() -> Mapping[str, Always]:
    """The four properties, for one run, by name."""
    made: dict[str, Callable[[World], str | None]] = {
        "election safety": ElectionSafety(),
        "log matching": LogMatching(),
        "leader completeness": LeaderCompleteness(),
        "state machine safety": StateMachineSafety(),
    }
    return {name: Always(name, check) for name, check in made.items()}


def watch_safety() -> Watch:
    """A monitor that ends the run where one of the four does not hold."""
    return Watch(tuple(safety().values()), stop=True)
