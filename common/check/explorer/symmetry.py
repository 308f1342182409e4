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

ANY_OF_THEM = "*"
"""What every interchangeable name reads as in a mark."""

MAX_RECENT = 100_000
"""Worlds whose representative is remembered; most choices lead to one met shortly before."""


def renamings(instance: Instance) -> Iterator[Mapping[NodeId, NodeId]]:
    """All ways to swap names within the symmetric groups, the one that swaps nothing first."""
    groups = [tuple(group) for group in instance.symmetric]
    for chosen in product(*(permutations(group) for group in groups)):
        names = {
            old: new
            for group, permuted in zip(groups, chosen, strict=True)
            for old, new in zip(group, permuted, strict=True)
        }
        yield names


class SymmetricSystem(NodeSystem):
    """The transition system of an instance, with worlds compared up to renaming.

    Not all renamings are tried on each world. A node's *mark* is what is left of its share when all
    interchangeable names in it read the same; renaming moves marks about and changes none. So the
    least of those renamed worlds in which the marks are in order is as good a representative as the
    least of all, and where the marks differ, one renaming is enough.
    """

    def __init__(self, instance: Instance) -> None:
        super().__init__(instance)
        self._renamings = [_Renaming(self, names) for names in renamings(instance)]
        grouped = [id for group in instance.symmetric for id in group]
        self._blank = dict.fromkeys(grouped, ANY_OF_THEM)
        places = {id: at for at, id in enumerate(self.ids)}
        self._groups = [[places[id] for id in group] for group in instance.symmetric]
        self._marks: dict[int, int] = {}
        self._mark_numbers = Numbers()
        self._in_order: dict[tuple[int, ...], list[_Renaming]] = {}
        self._recent: dict[World, World] = {}

    def representative(self, state: World) -> World:
        """The least of the renamed versions of a world whose marks are in order."""
        found = self._recent.get(state)
        if found is None:
            if len(self._recent) >= MAX_RECENT:
                self._recent.clear()
            found = self._recent[state] = self._least(state)
        return found

    def _least(self, state: World) -> World:
        known = self._marks
        marks = tuple([known[one] if one in known else self._mark(one) for one in state[0]])
        chosen = self._in_order.get(marks)
        if chosen is None:
            chosen = self._in_order[marks] = [
                renaming for renaming in self._renamings if self._orders(renaming, marks)
            ]
        if len(chosen) == 1:
            return chosen[0].apply(state)
        return min([renaming.apply(state) for renaming in chosen])

    def _mark(self, share: int) -> int:
        form = _rename_parts(self.shares.values[share][1:], self._blank)
        mark = self._marks[share] = self._mark_numbers.number(form)
        return mark

    def _orders(self, renaming: "_Renaming", marks: tuple[int, ...]) -> bool:
        """Whether the marks are in order, within each group, once the nodes are renamed."""
        moved = renaming.moved(marks)
        for group in self._groups:
            within = [moved[place] for place in group]
            if within != sorted(within):
                return False
        return True


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
        moved = tuple([share[one] for one in self.moved(shares)])
        flight = self._network.renamed(flight, self._message.__getitem__)
        if history:
            history = tuple([self._line[line] for line in history])
        return (moved, flight, history, spent)

    def moved(self, parts: tuple[int, ...]) -> tuple[int, ...]:
        """What belongs to each node, given to the node that its name becomes."""
        return tuple([parts[old] for old in self._source])

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
