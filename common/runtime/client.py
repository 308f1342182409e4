"""Clients: nodes that live in the launcher's own process, with connections of their own.

A client is a Node class like any other. An operation is handed to it as an ``Invoke``; what it
``finish``es is the outcome. Every operation is written into the run's history, on the one clock
that all processes of the machine share.
"""

import asyncio

from common.contract.calls import describe
from common.contract.events import CallId, NodeId
from common.contract.observer import Observer
from common.runtime.clock import Clock
from common.runtime.resident import Done, Resident
from common.values.history import History, Operation, Outcome, Unknown
from common.values.units import SECOND, show_time

PATIENCE = 5 * SECOND
"""How long a call waits for its outcome unless told otherwise, in microseconds."""


class Client:
    """One client of a live cluster; made by ``Cluster.client``.

    Args:
        resident: the client's node.
        clock: for the history.
        history: where operations are written down.
        observer: is told of calls and returns; None for nobody.

    Attributes:
        resident: as given.
    """

    def __init__(
        self, resident: Resident, clock: Clock, history: History, observer: Observer | None
    ) -> None:
        self.resident = resident
        self._clock = clock
        self._history = history
        self._observer = observer
        self._asked = 0
        self._under_way = 0

    @property
    def id(self) -> NodeId:
        """The client's name."""
        return self.resident.id

    async def call(self, operation: object, timeout: int = PATIENCE) -> Outcome:
        """Ask for an operation and wait for its outcome.

        Args:
            operation: an instance of a class declared with ``@operation``.
            timeout: microseconds after which the outcome is Unknown, whatever the client does.

        Returns:
            Ok, Failed or Unknown. Calls of one client may overlap; each overlapping one counts as
            a process of its own in the history, since a process does one thing at a time.

        Raises:
            LabError: the client's own code broke the contract.
        """
        self._check_able()
        function, key, argument = describe(operation)
        self._asked += 1
        process = f"{self.id}/{self._asked}" if self._under_way else self.id
        written = self._history.invoke(process, function, key, argument, self._clock.world())
        if self._observer is not None:
            self._observer.called(self._clock.world(), self.id, written)
        outcome: Outcome = Unknown("the caller was interrupted")
        self._under_way += 1
        try:
            async with asyncio.timeout(timeout / SECOND):
                outcome = await self.resident.ask(operation)
        except TimeoutError:
            outcome = Unknown(f"no answer within {show_time(timeout)}")
        finally:
            self._under_way -= 1
            self._end(written, outcome)
        self._check_able()
        return outcome

    def submit(self, operation: object, done: Done) -> CallId:
        """Ask for an operation, and let ``done`` be called with its outcome.

        For those who have thousands under way: no task, no time limit but the client's own, and
        nothing is written into the history. Returns the name of the call.

        Raises:
            LabError: the client's own code broke the contract.
        """
        self._check_able()
        return self.resident.submit(operation, done)

    async def close(self) -> None:
        """Disconnect; operations under way end as Unknown."""
        self.resident.end_calls(Unknown("the client was closed"))
        await self.resident.close()

    def _check_able(self) -> None:
        if self.resident.failure is not None:
            raise self.resident.failure

    def _end(self, written: Operation, outcome: Outcome) -> None:
        now = self._clock.world()
        self._history.finish(written, outcome, now)
        if self._observer is not None:
            self._observer.returned(now, self.id, written)
