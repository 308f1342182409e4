"""What only a front asks of its node, carried out: what Redis has beyond the lab's own commands.

It comes in a :class:`~stage3_partitioning.kv.messages.Serve`, whose commands are carried out in one
step. So it needs no sessions: nobody repeats it.

A step is saved as one record, and its results become one reply. Both are bounded, so many commands
together are refused if they handle more than :data:`MOST_TOGETHER`.
"""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation, localcontext

from common.contract.sizes import value_size
from stage3_partitioning.kv.commands import (
    MAX_KEY,
    WRONG_KIND,
    Delete,
    Problem,
    Put,
    PutIf,
    TimeToLive,
    size_of,
)
from stage3_partitioning.kv.front_commands import (
    Expect,
    Fronted,
    IfText,
    IncrementFloat,
    InsertElement,
    MoveElement,
    Pop,
    RemoveElements,
    Rename,
    SetElement,
    Trim,
)
from stage3_partitioning.kv.lists import NO_SUCH_KEY, carry_out_on_list
from stage3_partitioning.kv.store import TOO_LONG, Item, Store, carry_out, put_if_it_fits

PLACES = 17
"""Digits after the point: as many as Redis writes."""

DIGITS = 400
"""Digits of a number in all: enough for each number that Redis takes, and its places."""

MOST_TOGETHER = 56 * 1024 * 1024
"""Bytes that the commands of one step may bring and find: a record of a node's log has 64 MiB."""

TOO_MUCH = Problem(f"commands that are carried out together handle at most {MOST_TOGETHER} bytes")

NOT_A_FLOAT = Problem("value is not a valid float")


def carry_out_together(store: Store, commands: Sequence[Fronted], now: int) -> tuple[object, ...]:
    """Carry out the commands of a front; returns their results, up to an Expect that fails.

    If they handle too much, none is carried out, and :data:`TOO_MUCH` is the only result.
    """
    if len(commands) > 1 and sum(_weight(store, each, now) for each in commands) > MOST_TOGETHER:
        return (TOO_MUCH,)
    results: list[object] = []
    for command in commands:
        match command:
            case Expect(key, value):
                item = store.find(key, now)
                results.append((None if item is None else item.value) == value)
                if not results[-1]:
                    break
            case IfText(key, inner):
                wrong = store.holds(key, now, tuple)
                results.append(WRONG_KIND if wrong else carry_out(store, inner, now))
            case Rename():
                results.append(_rename(store, command, now))
            case IncrementFloat():
                results.append(_increment_float(store, command, now))
            case Pop() | SetElement() | RemoveElements() | Trim() | InsertElement() | MoveElement():
                results.append(carry_out_on_list(store, command, now))
            case _:
                results.append(carry_out(store, command, now))
    return tuple(results)


def _weight(store: Store, command: Fronted, now: int) -> int:
    """About so many bytes are saved or told because of a command, and not many more."""
    weight = value_size(command) + 2 * len(command.key)  # a key is saved as text, twice as long
    if isinstance(command, Put | PutIf | Delete | TimeToLive):  # what is there plays no part
        return weight
    item = store.find(command.key, now)
    return weight if item is None else weight + size_of(item.value)


def _rename(store: Store, command: Rename, now: int) -> Problem | bool:
    item = store.find(command.key, now)
    if item is None:
        return NO_SUCH_KEY
    if command.when == "absent" and store.find(command.to, now) is not None:
        return False
    if len(command.to) > MAX_KEY:
        return TOO_LONG
    store.remove(command.key)
    store.put(command.to, item)
    return True


def _increment_float(store: Store, command: IncrementFloat, now: int) -> Problem | bytes:
    item = store.find(command.key, now) or Item(b"0")
    if isinstance(item.value, tuple):
        return WRONG_KIND
    number, by = as_float(item.value), as_float(command.by)
    if number is None or by is None:
        return NOT_A_FLOAT
    with localcontext() as context:
        context.prec = DIGITS
        added = (number + by).quantize(Decimal(1).scaleb(-PLACES))
    text = f"{added:f}".rstrip("0").rstrip(".").encode()
    text = b"0" if text == b"-0" else text
    return put_if_it_fits(store, command.key, Item(text, item.expires_at)) or text


def as_float(text: bytes) -> Decimal | None:
    """The number that the text is, without blanks; None if it is none, or has too many digits."""
    try:
        number = Decimal(text.decode("ascii"))
    except (InvalidOperation, UnicodeDecodeError):
        return None
    plain = text == text.strip() and b"_" not in text
    return number if plain and number.is_finite() and abs(number.adjusted()) < DIGITS // 2 else None
