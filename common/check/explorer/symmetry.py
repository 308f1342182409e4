"""Symmetry: worlds that differ only in which of some interchangeable nodes is which.

Of all worlds that renaming nodes makes of one another, the least stands for the rest (Clarke,
Emerson, Filkorn and Jha 1996, "Exploiting symmetry in temporal logic model checking"). Only what
is compared is renamed, never a node that runs; so a path is always a real one, and declaring nodes
symmetric that are not can hide a failure, but cannot invent one.

A name is any text equal to a node's id, wherever it stands in a state or a message
(:func:`common.check.explorer.canonical.rename`).
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import permutations, product

from common.check.explorer.canonical import Canonical, rename
from common.check.explorer.instance import Instance
from common.check.explorer.system import NodeSystem, Numbers, World
from common.contract.events import NodeId


def renamings(instance: Instance) -> Iterator[Mapping[NodeId, NodeId]]:
    """All ways to swap names within the symmetric groups, the one that swaps nothing left out."""
    groups = [tuple(group) for group in instance.symmetric]
    for chosen in product(*(permutations(group) for group in groups)):
        names = {
            old: new
            for group, permuted in zip(groups, chosen, strict=True)
            for old, new in zip(group, permuted, strict=True)
        }
        if any(old != new for old, new in names.items()):
            yield names


class SymmetricSystem(NodeSystem):
    """The transition system of an instance, with worlds compared up to renaming."""

    def __init__(self, instance: Instance) -> None:
        super().__init__(instance)
        self._renamings = [_Renaming(self, names) for names in renamings(instance)]

    def representative(self, state: World) -> World:
        """The least of the renamed versions of a world."""
        return min(state, *[renaming.apply(state) for renaming in self._renamings])


class _Renaming:
    """One renaming, with what it makes of each number remembered."""

    def __init__(self, system: NodeSystem, names: Mapping[NodeId, NodeId]) -> None:
        self._network = system.network
        number_of = {id: number for number, id in enumerate(system.ids)}
        self._place = [number_of[names.get(id, id)] for id in system.ids]
        source = [0] * len(self._place)
        for old, new in enumerate(self._place):
            source[new] = old
        self._source = source
        self._share = _Remembered(system.shares, self._renamed_by_place(names))
        self._message = _Remembered(system.messages, lambda form: _rename_parts(form, names))
        self._line = _Remembered(system.lines, self._renamed_by_place(names))

    def apply(self, world: World) -> World:
        """The renamed version of a world."""
        shares, flight, history, spent = world
        share = self._share
        moved = tuple([share[shares[old]] for old in self._source])
        flight = self._network.renamed(flight, self._message.__getitem__)
        if history:
            history = tuple([self._line[line] for line in history])
        return (moved, flight, history, spent)

    def _renamed_by_place(self, names: Mapping[NodeId, NodeId]) -> Callable[[Canonical], Canonical]:
        return lambda form: (self._place[form[0]], *_rename_parts(form[1:], names))


def _rename_parts(form: Canonical, names: Mapping[NodeId, NodeId]) -> Canonical:
    return tuple([rename(part, names) for part in form])


class _Remembered(dict[int, int]):
    """What a renaming makes of each number, worked out when it is first asked for."""

    def __init__(self, numbers: Numbers, renamed: Callable[[Canonical], Canonical]) -> None:
        super().__init__()
        self._numbers = numbers
        self._renamed = renamed

    def __missing__(self, number: int) -> int:
        self[number] = new = self._numbers.number(self._renamed(self._numbers.values[number]))
        return new
