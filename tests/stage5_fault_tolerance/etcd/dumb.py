"""A second version of the store that is dumb on purpose, and commands to put to both.

It keeps a whole copy of everything for each revision.
"""

import operator
from collections.abc import Callable
from random import Random
from typing import Any

from tests.stage5_fault_tolerance.etcd.lab import EtcdLab

KEYS = (b"a", b"aa", b"b", b"c", b"\xff")
ENDS = (b"", b"", b"\0", b"b", b"c", b"a")
LEASES = (0, 0, 0, 1, 2, 3)
RELATIONS: dict[Any, Any] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
}
FIELDS = {"version": "version", "create": "create_revision", "mod": "mod_revision"}


class DumbStore:
    """All states by revision.

    Args:
        lab: the lab under test; only its records are used.
    """

    def __init__(self, lab: EtcdLab) -> None:
        self.lab = lab
        self.states: dict[int, dict[bytes, Any]] = {1: {}}
        self.events: list[Any] = []
        self.compacted = -1
        self.leases: dict[int, int] = {}
        self.draft: dict[bytes, Any] = {}
        self._handlers: dict[str, Callable[[Any], object]] = {
            "Put": self._checked_put,
            "DeleteRange": self._delete,
            "Range": self._range,
            "Txn": self._txn,
            "Compact": self._compact,
            "LeaseGrant": self._grant,
            "LeaseRevoke": self._revoke,
        }

    @property
    def revision(self) -> int:
        return max(self.states)

    def change(self, command: Any) -> object:
        """Carry out one command."""
        before = len(self.events)
        self.draft = dict(self.states[self.revision])
        result = self._handlers[type(command).__name__](command)
        if len(self.events) > before:
            self.states[self.revision + 1] = self.draft
        return result

    def _now(self) -> int:
        """The revision to tell while a command is carried out."""
        changed = bool(self.events) and self.events[-1].mod_revision > self.revision
        return self.revision + changed

    def _refused(self, text: str) -> object:
        return self.lab.Refused(text)

    def _lacks_lease(self, put: Any) -> str:
        return "etcdserver: requested lease not found" if put.lease not in (0, *self.leases) else ""

    def _lacks_key(self, put: Any) -> str:
        keeps = put.ignore_value or put.ignore_lease
        return "etcdserver: key not found" if keeps and put.key not in self.draft else ""

    def _bad_revision(self, revision: int) -> str:
        if revision > self.revision:
            return "etcdserver: mvcc: required revision is a future revision"
        if 0 < revision < self.compacted:
            return "etcdserver: mvcc: required revision has been compacted"
        return ""

    def _checked_put(self, put: Any) -> object:
        if problem := self._lacks_lease(put) or self._lacks_key(put):
            return self._refused(problem)
        return self._put(put)

    def _put(self, put: Any) -> object:
        old = self.draft.get(put.key)
        now = self.revision + 1
        value = old.value if old and put.ignore_value else put.value
        lease = old.lease if old and put.ignore_lease else put.lease
        created, version = (old.create_revision, old.version + 1) if old else (now, 1)
        self.draft[put.key] = self.lab.KeyValue(put.key, value, created, now, version, lease)
        self.events.append(self.draft[put.key])
        return self.lab.PutResult(now, old if put.prev_kv else None)

    def _delete(self, delete: Any) -> object:
        found = [kv for key, kv in sorted(self.draft.items()) if inside(key, delete)]
        for kv in found:
            del self.draft[kv.key]
            self.events.append(self.lab.KeyValue(kv.key, b"", 0, self.revision + 1, 0, 0))
        prev_kvs = tuple(found) if delete.prev_kv else ()
        return self.lab.DeleteResult(self._now(), len(found), prev_kvs)

    def _range(self, asked: Any) -> object:
        if problem := self._bad_revision(asked.revision):
            return self._refused(problem)
        state = self.states[asked.revision] if asked.revision else self.draft
        found = [kv for key, kv in sorted(state.items()) if inside(key, asked)]
        count = len(found)
        if asked.count_only:
            return self.lab.RangeResult(self._now(), (), count, False)
        for low, high, name in (
            (asked.min_mod_revision, asked.max_mod_revision, "mod_revision"),
            (asked.min_create_revision, asked.max_create_revision, "create_revision"),
        ):
            found = [kv for kv in found if low <= getattr(kv, name) <= (high or 10**9)]
        down = asked.sort_order == "descend"
        if asked.sort_target == "mod":
            found.sort(key=lambda kv: kv.mod_revision, reverse=down)  # equals stay in order
        elif down:
            found.reverse()
        more = 0 < asked.limit < len(found)
        found = found[: asked.limit] if asked.limit else found
        if asked.keys_only:
            found = [bare(self.lab, kv) for kv in found]
        return self.lab.RangeResult(self._now(), tuple(found), count, more)

    def _txn(self, txn: Any) -> object:
        chosen = self._choose(txn)
        for step in flat(chosen):
            if type(step).__name__ == "Put":
                problem = self._lacks_key(step) or self._lacks_lease(step)
                if problem:
                    return self._refused(problem)
        for step in flat(chosen):
            if type(step).__name__ == "Range" and (problem := self._bad_revision(step.revision)):
                return self._refused(problem)
        return self._take(chosen)

    def _choose(self, txn: Any) -> tuple[bool, list[Any]]:
        good = all(self._true(compare) for compare in txn.compares)
        steps = txn.success if good else txn.failure
        return good, [self._choose(s) if type(s).__name__ == "Txn" else s for s in steps]

    def _true(self, compare: Any) -> bool:
        found = [kv for key, kv in sorted(self.draft.items()) if inside(key, compare)]
        if not found:
            has_no_value = compare.target == "value"
            return not has_no_value and bool(RELATIONS[compare.relation](0, compare.wanted))
        name = FIELDS.get(compare.target, compare.target)
        return all(RELATIONS[compare.relation](getattr(kv, name), compare.wanted) for kv in found)

    def _take(self, chosen: tuple[bool, list[Any]]) -> object:
        results = []
        for step in chosen[1]:
            match type(step).__name__:
                case "tuple":
                    results.append(self._take(step))
                case "Put":
                    results.append(self._put(step))
                case "Range" | "DeleteRange" as name:
                    results.append(self._handlers[name](step))
        return self.lab.TxnResult(self._now(), chosen[0], tuple(results))

    def _compact(self, compact: Any) -> object:
        if compact.revision <= self.compacted:
            return self._refused("etcdserver: mvcc: required revision has been compacted")
        if compact.revision > self.revision:
            return self._refused("etcdserver: mvcc: required revision is a future revision")
        self.compacted = compact.revision
        return self.lab.Done(self.revision)

    def _grant(self, grant: Any) -> object:
        if grant.id in self.leases:
            return self._refused("etcdserver: lease already exists")
        self.leases[grant.id] = grant.ttl
        return self.lab.LeaseResult(self.revision, grant.id, grant.ttl)

    def _revoke(self, revoke: Any) -> object:
        if revoke.id not in self.leases:
            return self._refused("etcdserver: requested lease not found")
        del self.leases[revoke.id]
        for key in sorted(key for key, kv in self.draft.items() if kv.lease == revoke.id):
            del self.draft[key]
            self.events.append(self.lab.KeyValue(key, b"", 0, self.revision + 1, 0, 0))
        return self.lab.Done(self._now())


def inside(key: bytes, asked: Any) -> bool:
    """Whether a key is in the span that ``asked`` names."""
    if not asked.range_end:
        return bool(key == asked.key)
    return bool(asked.key <= key and (asked.range_end == b"\0" or key < asked.range_end))


def flat(chosen: tuple[bool, list[Any]]) -> list[Any]:
    """The steps of a transaction and those within it."""
    found = []
    for step in chosen[1]:
        found += flat(step) if isinstance(step, tuple) else [step]
    return found


def bare(lab: EtcdLab, kv: Any) -> object:
    """A version without its value."""
    return lab.KeyValue(kv.key, b"", kv.create_revision, kv.mod_revision, kv.version, kv.lease)


class Commands:
    """Makes commands.

    Args:
        lab: of which lab.
        random: what to draw from.
    """

    def __init__(self, lab: EtcdLab, random: Random) -> None:
        self.lab, self.random = lab, random

    def any(self, revision: int) -> object:
        """Any command; the revisions in it are about ``revision``."""
        lab, random = self.lab, self.random
        makers: list[Callable[[], object]] = [
            *[lambda: self.put(random.choice(KEYS))] * 6,
            *[lambda: self.range(revision)] * 4,
            *[self.delete] * 2,
            *[lambda: self.txn(revision, 2, KEYS)] * 5,
            lambda: lab.Compact(random.randrange(revision + 2)),
            lambda: lab.LeaseGrant(1000 + random.randrange(9), random.choice(LEASES[3:])),
            lambda: lab.LeaseRevoke(random.choice(LEASES[3:])),
        ]
        return random.choice(makers)()

    def put(self, key: bytes) -> object:
        """A put of one key."""
        random = self.random
        value, lease = b"%d" % random.randrange(9), random.choice(LEASES)
        kept = random.choice(("", "", "", "", "", "value", "lease"))
        value, lease = b"" if kept == "value" else value, 0 if kept == "lease" else lease
        prev_kv = random.random() < 0.3
        return self.lab.Put(key, value, lease, prev_kv, kept == "value", kept == "lease")

    def range(self, revision: int) -> object:
        """A range."""
        random = self.random
        bounds = [0 if random.random() < 0.9 else random.randrange(revision + 1) for _ in range(4)]
        return self.lab.Range(
            random.choice(KEYS),
            random.choice(ENDS),
            limit=random.choice((0, 0, 0, 1, 2)),
            revision=random.choice((0, 0, random.randrange(revision + 2))),
            sort_order=(order := random.choice(("none", "none", "ascend", "descend"))),
            sort_target="key" if order == "none" else random.choice(("key", "mod")),
            keys_only=random.random() < 0.1,
            count_only=random.random() < 0.1,
            min_mod_revision=bounds[0],
            max_mod_revision=bounds[1],
            min_create_revision=bounds[2],
            max_create_revision=bounds[3],
        )

    def delete(self) -> object:
        """A deletion of a span."""
        random = self.random
        return self.lab.DeleteRange(random.choice(KEYS), random.choice(ENDS), random.random() < 0.4)

    def txn(self, revision: int, depth: int, keys: tuple[bytes, ...]) -> object:
        """A transaction; on either side no key is put twice, or put and deleted."""
        random = self.random
        compares = tuple(self.compare(revision) for _ in range(random.randrange(3)))
        sides = [self.side(revision, depth, keys) for _ in range(2)]
        return self.lab.Txn(compares, *sides)

    def side(self, revision: int, depth: int, keys: tuple[bytes, ...]) -> tuple[object, ...]:
        """The steps of one side."""
        random, left = self.random, list(keys)
        random.shuffle(left)
        steps: list[object] = []
        for _ in range(random.randrange(4)):
            if random.random() < 0.3 or not left:
                steps.append(self.range(revision))
            elif random.random() < 0.6:
                steps.append(self.put(left.pop()))
            elif random.random() < 0.7 or not depth:
                steps.append(self.lab.DeleteRange(left.pop()))
            else:
                inner, left = left[::2], left[1::2]
                steps.append(self.txn(revision, depth - 1, tuple(inner)))
        return tuple(steps)

    def compare(self, revision: int) -> Any:
        """A condition."""
        random = self.random
        target: Any = random.choice(("version", "create", "mod", "value", "lease"))
        wanted = random.choice((0, 1, random.randrange(revision + 1)))
        text = b"%d" % random.randrange(9)
        return self.lab.Compare(
            random.choice(KEYS),
            target,
            random.choice(list(RELATIONS)),
            text if target == "value" else wanted,
            random.choice((b"", b"", b"", b"\0", b"c")),
        )
