"""The store: a deterministic state machine that remembers what it was.

Each change has a number, its *revision*; all changes of one command share it, and a command that
changes nothing has none. Nothing here raises an error for what a client sent: the command is in
every server's log when it is applied, so all of them have to refuse it, with the same words.
"""

from common.contract import Application, record
from stage5_fault_tolerance.etcd.commands import (
    Arm,
    Changes,
    Compact,
    DeleteRange,
    Disarm,
    Dump,
    HashKV,
    LeaseGrant,
    LeaseList,
    LeaseRevoke,
    Put,
    Range,
    Txn,
)
from stage5_fault_tolerance.etcd.edit import Edit, cost_of_command
from stage5_fault_tolerance.etcd.history import History, cost_of
from stage5_fault_tolerance.etcd.leases import COST_OF_LEASE, Leases
from stage5_fault_tolerance.etcd.ranges import problem_of_revision, problem_of_step, read
from stage5_fault_tolerance.etcd.results import (
    Done,
    Dumped,
    Events,
    HashResult,
    KeyValue,
    LeaseIds,
    LeaseResult,
    PutResult,
    Refused,
    TxnResult,
)
from stage5_fault_tolerance.etcd.texts import (
    COMPACTED,
    FUTURE_REVISION,
    KEY_NOT_FOUND,
    LEASE_NOT_FOUND,
    NO_SPACE,
    UNKNOWN_COMMAND,
)
from stage5_fault_tolerance.etcd.transactions import changes_something, choose, flat

QUOTA = 32 * 1024 * 1024
"""Bytes of history beyond which nothing can be put until it is compacted. A snapshot is written
in one step of at most 64 MiB, so there has to be a bound."""

CHUNK = 256 * 1024
"""About how many bytes of history are in one part of a snapshot, which is sent by parts."""


@record
class HistoryPart:
    """A stretch of the history in a snapshot."""

    log: tuple[KeyValue, ...]


class Store(Application):
    """Keys with all their versions, and leases."""

    def __init__(self, quota: int = QUOTA) -> None:
        self.history = History()
        self.leases = Leases()
        self.quota = quota
        self.alarms: tuple[int, ...] = ()
        """Who has raised the alarm that space runs out, and has not ended it; the store itself is
        0. While there is any, nothing that takes space is done."""
        self.applied = 0
        """How many commands were applied: how new this copy is. The same number on two servers
        means the same state."""

    # The application.

    def apply(self, command: object) -> object:
        """Carry out a command of the log; see ``commands`` for the results."""
        self.applied += 1
        return self.change(command)

    def change(self, command: object) -> object:
        """Carry out one command, wholly or not at all."""
        match command:
            case Put() | Txn():
                if problem := self._lacks_space(command):
                    return Refused(problem)
                return self._put(command) if isinstance(command, Put) else self._transact(command)
            case DeleteRange():
                edit = Edit(self.history, self.leases)
                deleted = edit.delete(command)
                edit.finish()
                return deleted
            case Compact(revision):
                return self._compact(revision)
            case LeaseGrant(ttl, id):
                return self._grant(ttl, id)
            case LeaseRevoke(id):
                return self._revoke(id)
            case Arm(member):
                self.alarms = tuple(sorted({*self.alarms, member}))
                return Done(self.history.revision)
            case Disarm(member):
                self.alarms = tuple(each for each in self.alarms if each != member)
                return Done(self.history.revision)
        return self.query(command)

    def query(self, query: object) -> object:
        """Answer what changes nothing."""
        revision = self.history.revision
        match query:
            case Range():
                return read(self.history, query, revision)
            case Txn() if not changes_something(query):
                return self._transact(query)
            case Changes():
                return self._changes(query)
            case Dump():
                log = tuple(self.history.log)
                return Dumped(revision, self.history.compacted, log, self.leases.kept())
            case LeaseList():
                return LeaseIds(revision, tuple(self.leases.held))
            case HashKV(at):
                if problem := problem_of_revision(self.history, at):
                    return Refused(problem)
                hashed = self.history.hash(at or revision)
                return HashResult(revision, self.history.compacted, hashed)
        return Refused(UNKNOWN_COMMAND)

    # Commands.

    def _lacks_space(self, command: Put | Txn | LeaseGrant) -> str | None:
        """Refuse what takes space when there is none, and turn the alarm on; it stays on."""
        needed = cost_of_command(command)
        if needed and self.size() + needed > self.quota:
            self.change(Arm())
        return NO_SPACE if needed and self.alarms else None

    def size(self) -> int:
        """About how many bytes the store takes."""
        return self.history.size + COST_OF_LEASE * len(self.leases.held)

    def _put(self, put: Put) -> PutResult | Refused:
        if problem := self._lacks_lease(put) or self._lacks_key(put):
            return Refused(problem)
        edit = Edit(self.history, self.leases)
        result = edit.put(put)
        edit.finish()
        return result

    def _lacks_key(self, put: Put) -> str | None:
        keeps = put.ignore_value or put.ignore_lease
        return KEY_NOT_FOUND if keeps and put.key not in self.history.current else None

    def _lacks_lease(self, put: Put) -> str | None:
        return LEASE_NOT_FOUND if put.lease and put.lease not in self.leases.held else None

    def _transact(self, txn: Txn) -> TxnResult | Refused:
        """Choose a side, see that each of its steps can be taken, and only then take them."""
        chosen = choose(self.history, txn)
        steps = list(flat(chosen))
        puts = [step for step in steps if isinstance(step, Put)]
        problems = [self._lacks_key(put) or self._lacks_lease(put) for put in puts]
        ranges = [step for step in steps if isinstance(step, Range)]
        problems += [problem_of_step(self.history, each.revision) for each in ranges]
        if problem := next(filter(None, problems), None):
            return Refused(problem)
        edit = Edit(self.history, self.leases)
        result = edit.take(chosen)
        edit.finish()
        return result

    def _compact(self, revision: int) -> Done | Refused:
        if revision <= self.history.compacted:
            return Refused(COMPACTED)
        if revision > self.history.revision:
            return Refused(FUTURE_REVISION)
        self.history.compact(revision)
        return Done(self.history.revision)

    def _grant(self, ttl: int, id: int) -> LeaseResult | Refused:
        problem = self._lacks_space(LeaseGrant(ttl, id)) or self.leases.problem_of_grant(ttl, id)
        if problem:
            return Refused(problem)
        return LeaseResult(self.history.revision, id, self.leases.grant(ttl, id).ttl)

    def _revoke(self, id: int) -> Done | Refused:
        """End a lease; all its keys go at one revision."""
        if id not in self.leases.held:
            return Refused(LEASE_NOT_FOUND)
        edit = Edit(self.history, self.leases)
        for key in self.leases.end(id):
            edit.delete(DeleteRange(key))
        edit.finish()
        return Done(self.history.revision)

    def _changes(self, asked: Changes) -> Events:
        history = self.history
        if asked.revision < history.compacted:
            return Events(history.revision, (), (), history.compacted)
        events = tuple(history.since(asked.revision, asked.limit))
        upto = events[-1].mod_revision if events else history.revision
        return Events(upto, events, tuple([history.before(event) for event in events]))

    # Snapshots.

    def snapshot(self) -> object:
        """The history in parts of about CHUNK bytes, the leases, and the counters."""
        parts: list[HistoryPart] = []
        part: list[KeyValue] = []
        size = 0
        for version in self.history.log:
            part.append(version)
            size += cost_of(version)
            if size >= CHUNK:
                parts.append(HistoryPart(tuple(part)))
                part, size = [], 0
        if part:
            parts.append(HistoryPart(tuple(part)))
        leases = self.leases.kept()
        counters = (self.applied, self.history.revision, self.history.compacted, self.alarms)
        return (counters, leases, tuple(parts))

    def restore(self, snapshot: object) -> None:
        """Hold what the snapshot has."""
        assert isinstance(snapshot, tuple), "a snapshot is counters, leases and history"
        (self.applied, revision, compacted, self.alarms), leases, parts = snapshot
        self.history.replace([version for part in parts for version in part.log])
        self.history.revision, self.history.compacted = revision, compacted
        self.leases = Leases(self.leases.version)  # it goes on, for all of them are new here
        for kept in leases:
            self.leases.grant(kept.ttl, kept.id)
        for key, kv in self.history.current.items():
            self.leases.move(key, 0, kv.lease)
