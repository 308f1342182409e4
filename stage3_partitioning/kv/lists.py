"""What a front does to lists, carried out. Each function makes new elements out of the old ones.

A list is one value like any other: it is saved whole, moves whole, and has the bound of a text. One
that has lost its last element is gone, with the end of its life.
"""

from collections.abc import Sequence

from stage3_partitioning.kv.commands import WRONG_KIND, Problem
from stage3_partitioning.kv.front_commands import (
    InsertElement,
    MoveElement,
    OnList,
    Pop,
    RemoveElements,
    SetElement,
    Trim,
)
from stage3_partitioning.kv.store import Item, Store, put_if_it_fits

NO_SUCH_KEY = Problem("no such key")
OUT_OF_RANGE = Problem("index out of range")

Elements = tuple[bytes, ...]


def carry_out_on_list(store: Store, command: OnList, now: int) -> object:
    """Carry out a command on a list and return its result, as the command's docstring says it."""
    item = store.find(command.key, now)
    if item is None:
        return _without_a_list(command)
    elements = item.value
    if not isinstance(elements, tuple):
        return WRONG_KIND
    match command:
        case Pop(key, side, count):
            taken, left = popped(elements, side, count)
            return _keep(store, key, item, left) or taken
        case SetElement(key, index, value):
            if not -len(elements) <= index < len(elements):
                return OUT_OF_RANGE
            index %= len(elements)
            return _keep(store, key, item, (*elements[:index], value, *elements[index + 1 :]))
        case RemoveElements(key, value, count):
            left = without(elements, value, count)
            return _keep(store, key, item, left) or len(elements) - len(left)
        case Trim(key, first, last):
            return _keep(store, key, item, part(elements, first, last))
        case InsertElement(key, pivot, value, side):
            if pivot not in elements:
                return -1
            place = elements.index(pivot) + (side == "right")
            longer = (*elements[:place], value, *elements[place:])
            return _keep(store, key, item, longer) or len(longer)
        case MoveElement():
            return _move(store, command, item, elements, now)


def _without_a_list(command: OnList) -> Problem | int | None:
    """The result where no key is."""
    match command:
        case SetElement():
            return NO_SUCH_KEY
        case RemoveElements() | InsertElement():
            return 0
    return None


def _keep(store: Store, key: bytes, item: Item, elements: Elements) -> Problem | None:
    """Let the list have these elements, for as long as it lives; without any, it is gone."""
    if elements == item.value:
        return None
    if elements:
        return put_if_it_fits(store, key, Item(elements, item.expires_at))
    store.remove(key)
    return None


def _move(
    store: Store, command: MoveElement, item: Item, elements: Elements, now: int
) -> Problem | bytes:
    (taken,), left = popped(elements, command.take, 1)
    there = item if command.to == command.key else store.find(command.to, now) or Item(())
    if not isinstance(there.value, tuple):
        return WRONG_KIND
    old = left if command.to == command.key else there.value
    longer = (*old, taken) if command.put == "right" else (taken, *old)
    problem = put_if_it_fits(store, command.to, Item(longer, there.expires_at))
    if problem is None and command.to != command.key:
        _keep(store, command.key, item, left)
    return problem or taken


def popped(elements: Elements, side: str, count: int) -> tuple[Elements, Elements]:
    """The elements that are taken from a side, in that order, and those that are left."""
    if side == "left":
        return elements[:count], elements[count:]
    place = max(0, len(elements) - count)
    return elements[place:][::-1], elements[:place]


def without(elements: Elements, value: bytes, count: int) -> Elements:
    """The elements but for those that equal ``value``: the first, the last, or (0) all of them."""
    places = [place for place, each in enumerate(elements) if each == value]
    doomed = set(places[:count] if count > 0 else places[count:])
    return tuple(each for place, each in enumerate(elements) if place not in doomed)


def part(elements: Elements, first: int, last: int) -> Elements:
    """The elements from one index to another, both included; -1 is the last element."""
    start, end = (at if at >= 0 else max(0, at + len(elements)) for at in (first, last))
    return () if last + len(elements) < 0 else elements[start : end + 1]


def places_of(
    elements: Sequence[bytes], value: bytes, rank: int, most: int, looked_at: int
) -> list[int]:
    """Where a list has an element that equals ``value``, nearest to the end that one begins at.

    Args:
        elements: of the list.
        value: which is sought.
        rank: 1 for the first such element from the left on, -2 for the second from the right on.
        most: how many places are named; 0 for all.
        looked_at: how many elements are compared; 0 for all.
    """
    order = range(len(elements)) if rank > 0 else range(len(elements) - 1, -1, -1)
    found = [at for at in order[: looked_at or len(order)] if elements[at] == value]
    return found[abs(rank) - 1 :][: most or len(found)]
