"""Numbered steps for tests of the store: the last number alone says what has to be there."""

from common.contract import Forget, Save, record
from common.contract.events import SavedKey
from common.contract.schema import Schema
from common.contract.wrapped import InnerKey

SLOTS = 7


@record
class Item:
    """What step ``number`` saves; its padding makes records of many lengths."""

    number: int
    padding: str


SCHEMA = Schema([Item, InnerKey])


def step(number: int) -> list[Save | Forget]:
    """The changes of step ``number``, counted from 1: they touch several keys, and forget one."""
    item = Item(number, "x" * (number * 37 % 101))
    return [
        Save(("item", number % SLOTS), item),
        Save("last", number),
        Forget(("odd", number - 1)),
        Save(("odd", number), None),
    ]


def expected(last: int) -> dict[SavedKey, object]:
    """The whole map after the steps 1 to ``last``."""
    made: dict[SavedKey, object] = {}
    for number in range(max(1, last - SLOTS), last + 1):
        for change in step(number):
            if isinstance(change, Save):
                made[change.key] = change.value
            else:
                made.pop(change.key, None)
    return made
