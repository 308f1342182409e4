"""Keys for tests, and second versions of what the lab computes, as dumb as can be."""

from collections.abc import Iterable
from random import Random
from typing import Any

BITS = 160


def key(number: int) -> str:
    """The key that is this number."""
    return f"{number:040x}"


def random_keys(seed: int | str, count: int) -> list[str]:
    """So many random keys, no two the same."""
    random = Random(f"keys/{seed}")
    keys: dict[str, None] = {}
    while len(keys) < count:
        keys[key(random.getrandbits(BITS))] = None
    return list(keys)


def bits(text: str) -> str:
    """A key as 160 characters."""
    return f"{int(text, 16):0{BITS}b}"


def far(one: str, other: str) -> int:
    """The distance, bit by bit."""
    differ = [a != b for a, b in zip(bits(one), bits(other), strict=True)]
    return sum(1 << (BITS - 1 - place) for place, differs in enumerate(differ) if differs)


def common_prefix(one: str, other: str) -> int:
    """How many of the first bits are the same, counted one by one."""
    count = 0
    while count < BITS and bits(one)[count] == bits(other)[count]:
        count += 1
    return count


def nearest(target: str, keys: Iterable[str], count: int) -> list[str]:
    """So many keys, the nearest to the target first."""
    return sorted(keys, key=lambda each: far(target, each))[:count]


def keys_in(contacts: Iterable[Any]) -> list[str]:
    """The keys of contacts, in their order."""
    return [contact.key for contact in contacts]
