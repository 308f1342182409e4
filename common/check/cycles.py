"""Cycles in directed graphs: strongly connected components, and the shortest cycle."""

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TypeVar

MOST_VISITS = 200_000
"""Vertices looked at after which a cycle that was found is short enough."""

Vertex = TypeVar("Vertex", bound=Hashable)
Edge = TypeVar("Edge")


def components(successors: Mapping[Vertex, Sequence[Vertex]]) -> list[list[Vertex]]:
    """The strongly connected components that have a cycle (Tarjan 1972), without recursion.

    Args:
        successors: for each vertex that has any, where its edges lead.

    Returns:
        Each component of two vertices or more, or of one that leads to itself.
    """
    index: dict[Vertex, int] = {}
    low: dict[Vertex, int] = {}
    path: list[Vertex] = []
    on_path: set[Vertex] = set()
    found: list[list[Vertex]] = []
    for root in successors:
        if root in index:
            continue
        work = [(root, 0)]
        while work:
            vertex, place = work.pop()
            if place == 0:
                index[vertex] = low[vertex] = len(index)
                path.append(vertex)
                on_path.add(vertex)
            nexts = successors.get(vertex, ())
            if place > 0:
                low[vertex] = min(low[vertex], low[nexts[place - 1]])
            while place < len(nexts):
                other = nexts[place]
                place += 1
                if other not in index:
                    work += [(vertex, place), (other, 0)]
                    break
                if other in on_path:
                    low[vertex] = min(low[vertex], index[other])
            else:
                if low[vertex] == index[vertex]:
                    component = _pop_until(vertex, path, on_path)
                    if len(component) > 1 or vertex in nexts:
                        found.append(component)
    return found


def _pop_until(vertex: Vertex, path: list[Vertex], on_path: set[Vertex]) -> list[Vertex]:
    component = [path.pop()]
    while component[-1] != vertex:
        component.append(path.pop())
    on_path.difference_update(component)
    return component[::-1]


def shortest_cycle(edges: Mapping[tuple[Vertex, Vertex], Edge]) -> list[Edge]:
    """A shortest cycle of a graph, as its edges in order; empty if there is none.

    In a large graph it is the shortest of those found in ``MOST_VISITS`` visits.

    Args:
        edges: what to return for the edge from one vertex to another.
    """
    successors = _successors(edges)
    best: list[Vertex] = []
    visits = 0

    def visit() -> None:
        nonlocal visits
        visits += 1

    for component in components(successors):
        within = set(component)
        for start in component:
            if best and visits > MOST_VISITS:
                break
            cycle = path_between(start, start, successors, within, visit)
            if cycle and (not best or len(cycle) < len(best)):
                best = cycle
            if len(best) == 2:
                break
    return [edges[pair] for pair in pairwise(best)]


def _successors(pairs: Iterable[tuple[Vertex, Vertex]]) -> dict[Vertex, list[Vertex]]:
    successors: dict[Vertex, list[Vertex]] = {}
    for source, target in pairs:
        successors.setdefault(source, []).append(target)
    return successors


def path_between(
    source: Vertex,
    target: Vertex,
    successors: Mapping[Vertex, Sequence[Vertex]],
    within: set[Vertex],
    visit: Callable[[], None] = lambda: None,
) -> list[Vertex]:
    """A shortest path of one edge or more, as its vertices; empty if there is none.

    Args:
        source: where it starts.
        target: where it ends; the same as ``source`` for a cycle.
        successors: for each vertex that has any, where its edges lead.
        within: the vertices that it may pass.
        visit: called for each vertex looked at.
    """
    came_from: dict[Vertex, Vertex] = {}
    waiting = deque([source])
    while waiting:
        vertex = waiting.popleft()
        visit()
        for other in successors.get(vertex, ()):
            if other == target:
                path = [target, vertex]
                while path[-1] != source:
                    path.append(came_from[path[-1]])
                return path[::-1]
            if other in within and other not in came_from and other != source:
                came_from[other] = vertex
                waiting.append(other)
    return []
