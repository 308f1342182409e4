"""Workloads: clients that keep asking, so that there is a history to check."""

from collections.abc import Callable, Sequence
from random import Random
from typing import TypeAlias

from common.contract.events import NodeId
from common.sim.simulation import Simulation
from common.values.history import Operation, Unknown
from common.values.units import MS

Choose: TypeAlias = Callable[[Random, NodeId, int], object]
"""Makes the next operation: ``(random, client, number) -> operation``; numbers count from 0."""


class Workload:
    """Lets each client of a simulation ask for one operation after another.

    A client that gets no answer within ``patience`` is told to go on: the operation stays unknown
    for ever, and the history has what the client does from then on as another process (Jepsen
    does the same).

    Args:
        simulation: where the clients live.
        choose: makes the operations.
        clients: which clients take part; all of them unless given.
        count: how many operations each client asks for.
        start: when they begin, in microseconds.
        think: least and greatest pause between two operations, in microseconds.
        patience: how long a client waits for an answer, in microseconds.
    """

    def __init__(
        self,
        simulation: Simulation,
        choose: Choose,
        *,
        clients: Sequence[NodeId] | None = None,
        count: int = 20,
        start: int = 0,
        think: tuple[int, int] = (0, 20 * MS),
        patience: int = 1000 * MS,
    ) -> None:
        self._simulation = simulation
        self._choose = choose
        self._count = count
        self._think = think
        self._patience = patience
        self._under_way: dict[NodeId, Operation] = {}
        self._asked = dict.fromkeys(clients or simulation.clients, 0)
        self._randoms = {
            client: simulation.random_for(f"workload/{client}") for client in self._asked
        }
        simulation.on_return.append(self._returned)
        for client in self._asked:
            simulation.later(start, lambda client=client: self._next(client))  # type: ignore[misc]

    @property
    def done(self) -> bool:
        """Whether every client has asked for all its operations and got or given up on each."""
        return not self._under_way and all(n >= self._count for n in self._asked.values())

    def _next(self, client: NodeId) -> None:
        number = self._asked[client]
        if number >= self._count:
            return
        self._asked[client] = number + 1
        operation = self._choose(self._randoms[client], client, number)
        written = self._simulation.call(client, operation)
        if written.returned_at is None:
            self._under_way[client] = written
            give_up = self._simulation.now + self._patience
            self._simulation.later(give_up, lambda: self._give_up(client, written))

    def _returned(self, client: NodeId, written: Operation) -> None:
        if self._under_way.get(client) is written:
            del self._under_way[client]
            self._go_on(client)

    def _give_up(self, client: NodeId, written: Operation) -> None:
        if self._under_way.get(client) is written:
            self._simulation.abandon(client, written, Unknown("no answer in time"))

    def _go_on(self, client: NodeId) -> None:
        least, greatest = self._think
        pause = self._randoms[client].randint(least, greatest)
        self._simulation.later(self._simulation.now + pause, lambda: self._next(client))
