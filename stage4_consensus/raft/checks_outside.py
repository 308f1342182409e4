"""What is seen of Raft servers from outside: the messages they send, and what they make durable.

A server's word about itself is no evidence (it leads, it has committed), but what it sends binds
it: others act on it. So roles, terms, logs and commitment are read off the wire and the disks, and
the safety properties of Figure 3 of the paper are checked on them after every message. Graded
suites see no more than this, that of Raft and those of what stands on it::

    simulation = watched(lab.simulation(nodes, seed=seed, observers=[seen := Seen()]), seen)
    leader = elect(simulation)
    assert server_of(simulation, "n2").last_index == leader.last_index
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from common.check.verdict import Answer, Verdict
from common.contract.effects import Forget, Save
from common.contract.events import Event, NodeId, Start
from common.contract.observer import Observer
from common.sim.engine import Monitor
from common.sim.simulation import Simulation
from common.values.faults import Crash, Fault
from common.values.units import MS, SECOND, show_time

SOON = 2 * SECOND
"""Several elections fit into this time."""

SILENT_AFTER = 150 * MS
"""Who has not been heard as leader for so long does not lead any more: three heartbeats."""

AS_A_LEADER = ("AppendEntries", "InstallSnapshot")
NOT_AS_A_LEADER = ("RequestVote", "RequestPreVote", "NotLeader")


@dataclass(eq=False)
class Server:
    """One server as others know it.

    Attributes:
        id: its name.
        current_term: on its disk.
        leads: the term that it leads, 0 for none.
        heard_at: when it last spoke as a leader, in microseconds.
        commit_index: how far its log is committed, as it told its followers.
        snapshot_index: the last index of the snapshot on its disk.
        log: by index, the entries on its disk, and those that it sent as a leader.
    """

    id: NodeId
    current_term: int = 0
    leads: int = 0
    heard_at: int = 0
    commit_index: int = 0
    snapshot_index: int = 0
    snapshot_term: int = 0
    log: dict[int, Any] = field(default_factory=dict)

    @property
    def last_index(self) -> int:
        """The index of the last entry of its log."""
        return max(self.log, default=self.snapshot_index)

    @property
    def configuration(self) -> Any:
        """The latest configuration in its log, or None."""
        found = [
            i for i, each in self.log.items() if type(each.command).__name__ == "Configuration"
        ]
        return self.log[max(found)].command if found else None

    @property
    def first_index_of_term(self) -> int:
        """The index of the first entry of the term that it leads; the snapshot's if that has it."""
        if self.snapshot_term == self.leads:
            return self.snapshot_index
        own = [index for index, entry in self.log.items() if entry.term == self.leads]
        return min(own, default=self.last_index + 1)

    def term_at(self, index: int) -> int | None:
        """The term of the entry at an index; None where it is not known any more."""
        if index in self.log:
            return int(self.log[index].term)
        return self.snapshot_term if index == self.snapshot_index else 0 if index == 0 else None


class Seen(Observer):
    """Observes a simulation of Raft, and ends it where a property of Figure 3 does not hold.

    Args:
        safe: whether to check at all.
    """

    def __init__(self, safe: bool = True) -> None:
        self.servers: dict[NodeId, Server] = {}
        self._safe = safe
        self._leader_of: dict[int, NodeId] = {}
        self._entries: dict[tuple[int, int], tuple[object, int | None]] = {}
        self._committed: dict[int, tuple[int, object, int]] = {}
        self._snapshots: dict[int, tuple[int, object]] = {}

    def server(self, id: NodeId) -> Server:
        """What is known of a server."""
        return self.servers.setdefault(id, Server(id))

    def leaders(self, now: int) -> list[Server]:
        """Who speaks as a leader at this time, in the order of their terms."""
        found = [each for each in self.servers.values() if each.leads]
        heard = [each for each in found if now - each.heard_at < SILENT_AFTER]
        return sorted(heard, key=lambda each: each.leads)

    # What is seen.

    def sent(self, at: int, node: NodeId, to: NodeId, message: Any, number: int) -> None:
        """A message leaves; what was saved before it is durable by now."""
        name = type(message).__name__
        if name in AS_A_LEADER:
            self._leads(self.server(node), message, at)
            if name == "AppendEntries":
                self._appends(self.server(node), message)
        elif name in NOT_AS_A_LEADER and node in self.servers:
            self.servers[node].leads = 0

    def saved(self, at: int, node: NodeId, changes: Sequence[Save | Forget]) -> None:
        """Something is durable."""
        server = self.server(node)
        for change in changes:
            self._change(server, change)
        for change in changes:
            if isinstance(change, Save) and type(change.key) is tuple and change.key[0] == "log":
                self._matches(server, int(change.key[1]))

    def stepped(
        self, at: int, node: NodeId, event: Event, number: int | None, status: Mapping[str, object]
    ) -> None:
        """A life begins with what is on the disk."""
        if isinstance(event, Start) and node.startswith("n"):
            server = self.servers[node] = Server(node)
            for key, value in event.saved.items():
                self._change(server, Save(key, value))

    def failed(self, at: int, fault: Fault) -> None:
        """Who crashes leads no more."""
        if isinstance(fault, Crash) and fault.node in self.servers:
            self.servers[fault.node].leads = 0

    # What must hold.

    def _leads(self, server: Server, message: Any, at: int) -> None:
        server.heard_at = at
        term = message.term
        if server.leads == term:
            return
        server.leads, server.commit_index = term, 0
        first = self._leader_of.setdefault(term, server.id)
        self._hold("election safety", first == server.id, f"{first}, {server.id} lead term {term}")
        for index, (committed_in, _, known_in) in self._committed.items():
            has = index <= server.snapshot_index or server.term_at(index) == committed_in
            self._hold(
                "leader completeness",
                has or known_in >= term,
                f"{server.id} leads term {term} without entry {index} of term {committed_in}, "
                f"which was committed in term {known_in} or before",
            )

    def _appends(self, server: Server, message: Any) -> None:
        previous = message.prev_log_index
        for index, entry in enumerate(message.entries, previous + 1):
            if server.log.get(index) is not entry and index > server.snapshot_index:
                server.log[index] = entry
                self._matches(server, index)
        for index in range(server.commit_index + 1, message.leader_commit + 1):
            entry = server.log.get(index)
            if entry is not None:
                self._commits(server, index, entry)
        server.commit_index = max(server.commit_index, message.leader_commit)

    def _commits(self, server: Server, index: int, entry: Any) -> None:
        """What one leader says is committed, no other may contradict."""
        found = (entry.term, entry.command)
        term, command, known_in = self._committed.get(index, (*found, server.leads))
        same = (term, command) == found
        text = f"{server.id} commits {entry} at {index}, where {command!r} of term {term} was"
        self._hold("state machine safety", same, text)
        self._committed[index] = (term, command, min(known_in, server.leads))

    def _matches(self, server: Server, index: int) -> None:
        """Entries with the same index and term are the same, and so are those before them."""
        entry = server.log.get(index)
        if entry is None:
            return
        before = server.term_at(index - 1)
        known = self._entries.setdefault((index, entry.term), (entry.command, before))
        same = known[0] == entry.command and (None in (before, known[1]) or known[1] == before)
        text = f"{server.id} has {entry} at {index} after term {before}, where {known} was"
        self._hold("log matching", same, text)

    def _change(self, server: Server, change: Save | Forget) -> None:
        match change:
            case Save("term", int(term)):
                server.current_term = term
                server.leads = server.leads if server.leads >= term else 0
            case Save(("log", int(index)), entry):
                server.log[index] = entry
            case Forget(("log", int(index))):
                server.log.pop(index, None)
            case Save("snapshot", snapshot):
                self._snapshot(server, snapshot)

    def _snapshot(self, server: Server, snapshot: Any) -> None:
        """Snapshots of the same index hold the same: servers apply the same commands."""
        server.snapshot_index, server.snapshot_term = snapshot.last_index, snapshot.last_term
        found = (snapshot.last_term, snapshot.data)
        known = self._snapshots.setdefault(snapshot.last_index, found)
        text = f"{server.id} has another state at {snapshot.last_index} than a server before it"
        self._hold("state machine safety", known == found, text)

    def _hold(self, name: str, holds: bool, text: str) -> None:
        if not holds and self._safe:
            raise AssertionError(f"{name!r} does not hold: {text}")


_seen: WeakKeyDictionary[Simulation, Seen] = WeakKeyDictionary()
"""What is seen of each simulation."""


def watched(simulation: Simulation, seen: Seen) -> Simulation:
    """Let the functions below know what is seen of a simulation; returns the simulation."""
    _seen[simulation] = seen
    return simulation


def server_of(simulation: Simulation, id: NodeId) -> Server:
    """What is seen of a server."""
    return _seen[simulation].server(id)


def others(simulation: Simulation, *without: NodeId) -> list[Server]:
    """The servers that are up, but for these."""
    up = [id for id in simulation.nodes if id in simulation.members]
    return [server_of(simulation, id) for id in up if id not in without]


def leaders(simulation: Simulation) -> list[Server]:
    """The servers that speak as leaders, in the order of their terms."""
    return _seen[simulation].leaders(simulation.now)


def elect(simulation: Simulation, within: int = SOON) -> Server:
    """Go on until somebody leads and has told that its no-op is committed; returns that server."""
    limit = simulation.now + within

    def elected() -> bool:
        found = leaders(simulation)
        return bool(found) and found[-1].commit_index >= found[-1].first_index_of_term

    assert simulation.run_until(elected, limit), f"nobody leads after {show_time(within)}"
    return leaders(simulation)[-1]


def log_grows(server: Server) -> Callable[[], bool]:
    """Whether the server's log is longer than it is now."""
    before = server.last_index
    return lambda: server.last_index > before


class Outside:
    """How the script of Figure 8 sees servers that it cannot look into."""

    def __init__(self) -> None:
        self._seen = Seen()
        self.observers: Sequence[Observer] = (self._seen,)
        self.monitors: Sequence[Monitor] = ()

    def commit_index(self, simulation: Simulation, id: NodeId) -> int:
        """How far the newest leader has said that the log is committed, if the server has that."""
        told = max(self._seen.servers.values(), key=lambda each: each.leads).commit_index
        return min(told, self.last_index(simulation, id))

    def last_index(self, simulation: Simulation, id: NodeId) -> int:
        """The last index of the log on a server's disk."""
        return self._seen.server(id).last_index

    def leads(self, simulation: Simulation, id: NodeId) -> bool:
        """Whether it has spoken as a leader."""
        return self._seen.server(id).leads > 0

    def verdict(self) -> Verdict:
        """Anything unsafe would have ended the run."""
        return Verdict(Answer.YES, "nothing that was seen contradicts Figure 3")
