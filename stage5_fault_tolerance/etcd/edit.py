"""How a command changes the history, and what it costs."""

from stage5_fault_tolerance.etcd.commands import DeleteRange, LeaseGrant, Put, Range, Txn
from stage5_fault_tolerance.etcd.history import COST_OF_VERSION, History
from stage5_fault_tolerance.etcd.leases import COST_OF_LEASE, Leases
from stage5_fault_tolerance.etcd.ranges import read
from stage5_fault_tolerance.etcd.results import DeleteResult, KeyValue, PutResult, TxnResult
from stage5_fault_tolerance.etcd.transactions import Chosen


class Edit:
    """The changes of one command; they have one revision, and it counts when they are finished.

    Args:
        history, leases: what to change.
    """

    def __init__(self, history: History, leases: Leases) -> None:
        self._history = history
        self._leases = leases
        self.revision = history.revision + 1
        self.changed = False

    def finish(self) -> None:
        """Count the revision, if there was a change."""
        if self.changed:
            self._history.revision = self.revision

    def revision_now(self) -> int:
        """What to tell a client as the revision, as far as the command has come."""
        return self.revision if self.changed else self.revision - 1

    def put(self, put: Put) -> PutResult:
        """Add a version of a key; that nothing stands against it was seen before."""
        key, old = put.key, self._history.current.get(put.key)
        value = old.value if put.ignore_value and old else put.value
        lease = old.lease if put.ignore_lease and old else put.lease
        created, version = (old.create_revision, old.version + 1) if old else (self.revision, 1)
        self._history.add(KeyValue(key, value, created, self.revision, version, lease))
        self._leases.move(key, old.lease if old else 0, lease)
        self.changed = True
        return PutResult(self.revision, old if put.prev_kv else None)

    def delete(self, delete: DeleteRange) -> DeleteResult:
        """Delete what is there of a span."""
        found = self._history.scan(delete.key, delete.range_end, self.revision)
        for kv in found:
            self._history.add(KeyValue(kv.key, b"", 0, self.revision, 0))
            self._leases.move(kv.key, kv.lease, 0)
            self.changed = True
        prev_kvs = tuple(found) if delete.prev_kv else ()
        return DeleteResult(self.revision_now(), len(found), prev_kvs)

    def take(self, chosen: Chosen) -> TxnResult:
        """Take the steps of a transaction; each sees what those before it have done."""
        results: list[object] = []
        for step in chosen.steps:
            match step:
                case Put():
                    results.append(self.put(step))
                case DeleteRange():
                    results.append(self.delete(step))
                case Range():
                    results.append(read(self._history, step, self.revision_now()))
                case Chosen():
                    results.append(self.take(step))
        return TxnResult(self.revision_now(), chosen.succeeded, tuple(results))


def cost_of_command(command: object) -> int:
    """At most how many bytes a command adds to the store; 0 for one that cannot add anything."""
    match command:
        case Put(key, value):
            return len(key) + len(value) + COST_OF_VERSION
        case Txn():
            return max(
                sum(cost_of_command(step) for step in command.success),
                sum(cost_of_command(step) for step in command.failure),
            )
        case LeaseGrant():
            return COST_OF_LEASE
    return 0
