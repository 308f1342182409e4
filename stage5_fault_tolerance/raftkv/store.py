"""The key-value store: a deterministic state machine with a number for each of its states.

It knows nothing of Raft. A command works on a :class:`Draft`, which lies over the store like a
sheet of glass: its steps see the store through it, with what they have written on top. Only when
all of them were carried out does the store take over what is written there, in one go. So a
command that is refused half-way leaves nothing behind, and all its changes are one revision.

Nothing here raises an error for what a client sent. The command is in every server's log when it
is applied; a server that stopped at it would stop at it in each of its lives, as would the others.
"""

from bisect import bisect_left, insort
from collections.abc import Mapping

from common.contract import Application
from common.contract.sizes import wire_size
from stage5_fault_tolerance.raftkv.commands import (
    Append,
    Compare,
    CompareAndSet,
    Delete,
    Get,
    Item,
    Put,
    Range,
    RangeResult,
    Refused,
    Transaction,
    TransactionResult,
)

MAX_VALUE = 32 * 1024
"""Most bytes in a value, as UTF-8. Without a bound, appends make one that no message can carry."""

MAX_COMMAND = 48 * 1024
"""Most bytes of a command, and of a transaction's result, which sessions and snapshots keep."""

MAX_RANGE = 1024 * 1024
"""Most bytes that a range answers."""

MAX_STEPS = 128
"""Most compares, and most steps of each kind, in a transaction (etcd has the same bound)."""


class Refusal(Exception):
    """A step cannot be carried out; its text is for the client."""


class KeyValueStore(Application):
    """Text by key, with revisions."""

    def __init__(self) -> None:
        self.items: dict[str, Item] = {}
        """What is there, by key."""
        self.keys: list[str] = []
        """The keys of ``items`` in order."""
        self.revision = 0
        """How many commands have changed something. Only grows."""

    def apply(self, command: object) -> object:
        """Carry out one command, wholly or not at all; a :class:`Refused` says why not."""
        draft = Draft(self.items, self.keys, self.revision + 1)
        try:
            result = carry_out(draft, command)
            check_size(command, result)
        except Refusal as refusal:
            return Refused(str(refusal))
        self._take_over(draft)
        return result

    def query(self, query: object) -> object:
        """Answer a Get or a Range; nothing else is a query, whatever it would do."""
        if not isinstance(query, Get | Range):
            return Refused(f"{type(query).__name__} is no query")
        return self.apply(query)

    def _take_over(self, draft: "Draft") -> None:
        """Let what the draft changed be so; it is one change, whatever the number of keys."""
        for key, item in draft.changed.items():
            if item is not None:
                if key not in self.items:
                    insort(self.keys, key)
                self.items[key] = item
            elif key in self.items:
                del self.items[key]
                del self.keys[bisect_left(self.keys, key)]
        self.revision = draft.revision_afterwards()

    def snapshot(self) -> object:
        """The revision and all items, sorted by key: small parts, to be sent a few at a time."""
        return (self.revision, tuple(self.items[key] for key in self.keys))

    def restore(self, snapshot: object) -> None:
        """Hold what the snapshot has, and count on from its revision."""
        assert isinstance(snapshot, tuple), "a snapshot is a revision and items"
        self.revision, items = snapshot
        self.items = {item.key: item for item in items}
        self.keys = [item.key for item in items]


class Draft:
    """The store as a command sees it while it is carried out.

    Args:
        items: what the store holds; it is only read.
        keys: its keys in order; they are only read.
        revision: the number of the change, should there be one.
    """

    def __init__(self, items: Mapping[str, Item], keys: list[str], revision: int) -> None:
        self._items = items
        self._keys = keys
        self.revision = revision
        self.changed: dict[str, Item | None] = {}
        """By key, what will be there; None for nothing."""

    def revision_afterwards(self) -> int:
        """The store's revision when this is taken over: a new one only if something changed."""
        return self.revision if self.changed else self.revision - 1

    def find(self, key: str) -> Item | None:
        """What is there, as this command has left it so far."""
        return self.changed[key] if key in self.changed else self._items.get(key)

    def value(self, key: str) -> str | None:
        """The text of a key, or None if it is not there."""
        item = self.find(key)
        return None if item is None else item.value

    def put(self, key: str, value: str) -> int:
        """Let a key hold a value; returns the revision.

        Its life goes on from what this command has left there so far (:meth:`find`): a key that it
        has deleted begins a new life.

        Raises:
            Refusal: the value is too long.
        """
        size = len(value.encode())
        if size > MAX_VALUE:
            raise Refusal(f"{key!r} would hold {size} bytes; {MAX_VALUE} is the most")
        before = self.find(key)
        created, version = (before.create_revision, before.version) if before else (0, 0)
        created = created or self.revision
        self.changed[key] = Item(key, value, created, self.revision, version + 1)
        return self.revision

    def delete(self, key: str) -> bool:
        """Let a key not be there; says whether it was. To delete nothing is no change."""
        if self.find(key) is None:
            return False
        self.changed[key] = None
        return True

    def range(self, start: str, end: str | None, limit: int) -> RangeResult:
        """The items with keys from ``start`` up to but without ``end``, the first ``limit``.

        They are those that this command has left there so far. None is no end, and 0 no limit; the
        count is that without a limit.
        """
        first = bisect_left(self._keys, start)
        last = len(self._keys) if end is None else bisect_left(self._keys, end)
        keys = self._keys[first:last]
        if self.changed:
            new = [key for key in self.changed if start <= key and (end is None or key < end)]
            keys = sorted({*keys, *new})
        found = [item for key in keys if (item := self.find(key)) is not None]
        shown = found[:limit] if limit else found
        return RangeResult(tuple(shown), len(found), self.revision_afterwards())


def carry_out(draft: Draft, command: object) -> object:
    """Carry out one command on a draft; returns its result.

    Raises:
        Refusal: it cannot be carried out.
    """
    match command:
        case Get(key):
            return draft.value(key)
        case Put(key, value):
            return draft.put(key, value)
        case Append(key, value):
            return draft.put(key, (draft.value(key) or "") + value)
        case Delete(key):
            return draft.delete(key)
        case CompareAndSet(key, expected, new):
            if draft.value(key) != expected:
                return False
            draft.put(key, new)
            return True
        case Range(start, end, limit):
            if limit < 0:
                raise Refusal(f"a range cannot have {limit} items: 0 stands for all")
            return draft.range(start, end, limit)
        case Transaction():
            return _transact(draft, command)
    raise Refusal(f"{type(command).__name__} is no command of the key-value store")


def check_size(command: object, result: object) -> None:
    """Check that what a command found can be told; commands of one key find little.

    Raises:
        Refusal: it is too large.
    """
    most = {Range: MAX_RANGE, Transaction: MAX_COMMAND}.get(type(command), 0)
    if most and (size := wire_size(result)) > most:
        raise Refusal(f"the answer takes {size} bytes; {most} is the most: set a limit to ranges")


def _transact(draft: Draft, transaction: Transaction) -> TransactionResult:
    """Compare before anything changes, then take the steps one after the other.

    Each compare is answered, also behind one that does not hold: one that cannot be answered
    refuses the transaction whatever the store holds. A step is a Get, Put, Append, Delete or Range;
    anything else refuses it, too.
    """
    parts = (transaction.compares, transaction.then, transaction.otherwise)
    if any(len(part) > MAX_STEPS for part in parts):
        raise Refusal(f"a transaction has at most {MAX_STEPS} compares, and as many steps")
    answers = [holds(compare, draft.find(compare.key)) for compare in transaction.compares]
    succeeded = all(answers)  # each was answered: whether one makes sense depends on no other
    results = []
    for step in transaction.then if succeeded else transaction.otherwise:
        if not isinstance(step, Get | Put | Append | Delete | Range):
            raise Refusal(f"a transaction has no step {type(step).__name__}")
        results.append(carry_out(draft, step))
    return TransactionResult(succeeded, tuple(results), draft.revision_afterwards())


def holds(compare: Compare, item: Item | None) -> bool:
    """Whether a condition holds of an item, or of a key that is not there.

    Raises:
        Refusal: there is no such target or relation, or it compares text with a number.
    """
    there = item or Item(compare.key, "", 0, 0, 0)
    targets: dict[str, str | int] = {
        "value": there.value,
        "version": there.version,
        "create_revision": there.create_revision,
        "mod_revision": there.mod_revision,
    }
    answer = _related(targets.get(compare.target), compare.relation, compare.wanted)
    if answer is None:
        raise Refusal(f"{compare} cannot be answered: text compares with text, number with number")
    return answer and not (compare.target == "value" and item is None)


def _related(found: str | int | None, relation: str, wanted: str | int) -> bool | None:
    """Whether ``found`` is =, !=, < or > ``wanted``; None if that is no question."""
    match found, wanted:
        case str(text), str(other):
            order = (text > other) - (text < other)
        case int(number), int(bound):
            order = (number > bound) - (number < bound)
        case _:
            return None
    return {"=": order == 0, "!=": order != 0, "<": order < 0, ">": order > 0}.get(relation)
