"""The keys and values that one node holds, by slot, and what each command does to them.

It knows nothing of other nodes. Time comes in from outside, in microseconds of the node's clock: a
key whose time is over counts as gone. It is thrown away when somebody looks at it, or when its turn
comes in the row of deadlines.
"""

from collections.abc import Iterator
from heapq import heappop, heappush, nsmallest

from common.contract import record
from stage3_partitioning.kv.commands import (
    ELEMENT,
    MAX_INTEGER,
    MAX_KEY,
    MAX_VALUE,
    MIN_INTEGER,
    WRONG_KIND,
    Append,
    Command,
    CompareAndSet,
    Delete,
    Expire,
    Get,
    Held,
    Increment,
    Look,
    Problem,
    Push,
    Put,
    PutIf,
    TimeToLive,
    size_of,
)
from stage3_partitioning.kv.slots import SLOTS, key_slot

NOT_A_NUMBER = Problem("value is not an integer or out of range")
OVERFLOW = Problem("increment or decrement would overflow")
TOO_LONG = Problem(
    f"a key has at most {MAX_KEY} bytes, and a value at most {MAX_VALUE}; each element of a list "
    f"counts {ELEMENT} more: spread what is longer over several keys"
)
ON_TEXTS = (Get, Append, Increment, CompareAndSet)
"""Commands that look at what a text says. All others but Push take a text or a list alike."""


@record
class Item:
    """A value, and when its time is over by the node's clock, in microseconds; None for never."""

    value: Held
    expires_at: int | None = None

    @property
    def text(self) -> bytes:
        """The value, of which is known that it is a text."""
        assert isinstance(self.value, bytes), "carry_out has looked"
        return self.value

    @property
    def size(self) -> int:
        """How many bytes the value counts for, where bytes are bounded."""
        return size_of(self.value)


class Store:
    """Keys and values by slot.

    Args:
        slots: how many slots there are.

    Attributes:
        tables: by slot, the keys that it has; a slot without any is not there.
        changed: the keys that were changed since somebody last took this, each once, in order.
        deadlines: a heap of (time, key); an entry is void unless the key still has that time.
    """

    def __init__(self, slots: int = SLOTS) -> None:
        self.slots = slots
        self.tables: dict[int, dict[bytes, Item]] = {}
        self.changed: dict[bytes, None] = {}
        self.deadlines: list[tuple[int, bytes]] = []

    def __len__(self) -> int:
        return sum(map(len, self.tables.values()))

    def find(self, key: bytes, now: int) -> Item | None:
        """What the key holds now; throws it away if its time is over."""
        table = self.tables.get(key_slot(key, self.slots))
        item = None if table is None else table.get(key)
        if item is not None and item.expires_at is not None and item.expires_at <= now:
            self.remove(key)
            return None
        return item

    def holds(self, key: bytes, now: int, kind: type) -> bool:
        """Whether the key holds a value of this kind: bytes for a text, tuple for a list."""
        item = self.find(key, now)
        return item is not None and isinstance(item.value, kind)

    def put(self, key: bytes, item: Item) -> None:
        """Let the key hold this."""
        self.load(key, item)
        self.changed[key] = None

    def load(self, key: bytes, item: Item) -> None:
        """As ``put``, for what is on the disk already."""
        slot = key_slot(key, self.slots)
        table = self.tables.get(slot)
        if table is None:
            table = self.tables[slot] = {}
        table[key] = item
        if item.expires_at is not None:
            heappush(self.deadlines, (item.expires_at, key))

    def remove(self, key: bytes) -> bool:
        """Let there be no such key; says whether there was."""
        slot = key_slot(key, self.slots)
        table = self.tables.get(slot, {})
        if key not in table:
            return False
        del table[key]
        if not table:
            del self.tables[slot]
        self.changed[key] = None
        return True

    def due(self, now: int, limit: int) -> Iterator[bytes]:
        """Up to ``limit`` keys whose time is over; each is named once and not thrown away yet."""
        for _ in range(limit):
            if not self.deadlines or self.deadlines[0][0] > now:
                return
            time, key = heappop(self.deadlines)
            item = self.tables.get(key_slot(key, self.slots), {}).get(key)
            if item is not None and item.expires_at == time:
                yield key

    def from_key(self, slot: int, start: bytes, limit: int) -> list[bytes]:
        """The first ``limit`` keys of a slot from ``start`` on, in their order."""
        return nsmallest(limit, (key for key in self.tables.get(slot, {}) if key >= start))


def carry_out(store: Store, command: Command, now: int) -> object:
    """Carry out a command and return its result, as the command's docstring says it.

    A command without a meaning, such as adding to what is no number, returns a Problem and changes
    nothing. So does a command about texts if the key holds a list: no function below need look.
    """
    if isinstance(command, ON_TEXTS) and store.holds(command.key, now, tuple):
        return WRONG_KIND
    match command:
        case Get(key) | Look(key):
            item = store.find(key, now)
            return None if item is None else item.value
        case Put(key, value):
            return put_if_it_fits(store, key, Item(value))
        case PutIf():
            return _put_if(store, command, now)
        case Append(key, value):
            item = store.find(key, now) or Item(b"")
            longer = item.text + value
            return put_if_it_fits(store, key, Item(longer, item.expires_at)) or len(longer)
        case Increment():
            return _increment(store, command, now)
        case Delete(key):
            return store.find(key, now) is not None and store.remove(key)
        case CompareAndSet(key, expected, new):
            item = store.find(key, now)
            if (None if item is None else item.value) != expected:
                return False
            return put_if_it_fits(store, key, Item(new)) or True
        case Expire():
            return _expire(store, command, now)
        case TimeToLive(key):
            item = store.find(key, now)
            if item is None:
                return -2
            return -1 if item.expires_at is None else item.expires_at - now
        case Push():
            return _push(store, command, now)
    raise AssertionError(f"{command!r} is no command")


def put_if_it_fits(store: Store, key: bytes, item: Item) -> Problem | None:
    """Let the key hold this, or say that it is too long."""
    if len(key) > MAX_KEY or item.size > MAX_VALUE:
        return TOO_LONG
    store.put(key, item)
    return None


def _push(store: Store, command: Push, now: int) -> Problem | int:
    item = store.find(command.key, now)
    if item is None:
        if command.when == "present" or not command.values:
            return 0
        item = Item(())
    if not isinstance(item.value, tuple):
        return WRONG_KIND
    if command.side == "right":
        longer = item.value + command.values
    else:
        longer = command.values[::-1] + item.value
    return put_if_it_fits(store, command.key, Item(longer, item.expires_at)) or len(longer)


def _put_if(store: Store, command: PutIf, now: int) -> Problem | bool:
    there = store.find(command.key, now)
    if command.when == "absent" and there is not None:
        return False
    if command.when == "present" and there is None:
        return False
    expires_at = None if command.life_us is None else now + command.life_us
    if command.life_us == 0:
        expires_at = None if there is None else there.expires_at
    return put_if_it_fits(store, command.key, Item(command.value, expires_at)) or True


def _increment(store: Store, command: Increment, now: int) -> Problem | int:
    item = store.find(command.key, now) or Item(b"0")
    number = as_integer(item.text)
    if number is None:
        return NOT_A_NUMBER
    number += command.by
    if not MIN_INTEGER <= number <= MAX_INTEGER:
        return OVERFLOW
    return put_if_it_fits(store, command.key, Item(b"%d" % number, item.expires_at)) or number


def as_integer(text: bytes) -> int | None:
    """The number of 64 bits that the text is, written as one writes it; None if it is none.

    Nothing but digits after one minus sign: no blanks, no plus, no zero in front.
    """
    if len(text) > 20 or not (text[1:] if text[:1] == b"-" else text).isdigit():
        return None
    number = int(text)
    return number if b"%d" % number == text and MIN_INTEGER <= number <= MAX_INTEGER else None


def _expire(store: Store, command: Expire, now: int) -> bool:
    item = store.find(command.key, now)
    if item is None or not _may_end(item, command, now):
        return False
    if command.life_us is None:
        if item.expires_at is None:
            return False
        store.put(command.key, Item(item.value))
    elif command.life_us <= 0:
        store.remove(command.key)
    else:
        store.put(command.key, Item(item.value, now + command.life_us))
    return True


def _may_end(item: Item, command: Expire, now: int) -> bool:
    old, life = item.expires_at, command.life_us
    match command.when:
        case "mortal":
            return old is not None
        case "immortal":
            return old is None
        case "later":
            return old is not None and life is not None and now + life > old
        case "sooner":
            return life is not None and (old is None or now + life < old)
        case "shortened":
            return life is not None and old is not None and now + life < old
    return True
