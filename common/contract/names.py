"""Names that are as short as they can be: ``Prepare``, or ``paxos.Prepare`` where two exist.

A thing's full name is that of its module, a dot and its own. It is known by the shortest end of it
that no other thing has. Which one that is depends on nothing but the things there are, so two
processes that know the same classes call them alike.
"""

from collections.abc import Iterable
from types import ModuleType
from typing import Any


def full_name(kind: type) -> str:
    """The module and the name of a class, and what is around it there."""
    return f"{kind.__module__}.{kind.__qualname__}".replace("<locals>.", "")


def shortest_names(full_names: Iterable[str]) -> dict[str, str]:
    """For each full name the shortest end of it that none of the others has.

    >>> shortest_names(["a.paxos.Prepare", "a.commit.Prepare", "a.paxos.Accept"])
    {'a.paxos.Prepare': 'paxos.Prepare', 'a.commit.Prepare': 'commit.Prepare', \
'a.paxos.Accept': 'Accept'}
    """
    all_names = list(dict.fromkeys(full_names))
    by_last_word: dict[str, list[str]] = {}
    for name in all_names:
        by_last_word.setdefault(last_word(name), []).append(name)
    return {name: _shortest(name, by_last_word[last_word(name)]) for name in all_names}


def named(name: str, full_names: Iterable[str]) -> list[str]:
    """Those of the full names that ``name`` may mean: that one alone, or all that end with it."""
    all_names = list(dict.fromkeys(full_names))
    if name in all_names:
        return [name]
    return [full for full in all_names if full.endswith(f".{name}")]


def things_named(name: str, modules: Iterable[ModuleType]) -> dict[str, Any]:
    """The different things that ``name`` may mean in some modules, by their full names.

    What several modules share, because one has it from another, is one thing.
    """
    last = last_word(name)
    there = {
        f"{module.__name__}.{last}": getattr(module, last)
        for module in modules
        if hasattr(module, last)
    }
    found: dict[str, Any] = {}
    for full in named(name, there):
        if not any(there[full] is other for other in found.values()):
            found[full] = there[full]
    return found


def last_word(name: str) -> str:
    """What comes after the last dot."""
    return name.rpartition(".")[2]


def _shortest(name: str, alike: list[str]) -> str:
    """The shortest end of ``name`` by which :func:`named` finds it among those ``alike``."""
    words = name.split(".")
    for count in range(1, len(words)):
        end = ".".join(words[-count:])
        if named(end, alike) == [name]:
            return end
    return name
