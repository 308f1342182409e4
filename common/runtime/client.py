"""Clients: nodes that live in the launcher's own process, with connections of their own.

A client is a Node class like any other. An operation is handed to it as an ``Invoke``; what it
``finish``es is the outcome. Every operation is written into the run's history, on the one clock
that all processes of the machine share.
"""

import asyncio
from collections.abc import Callable

from common.contract.calls import describe
from common.contract.events import CallId, NodeId
from common.contract.observer import Observer
from common.runtime.clock import Clock
from common.runtime.host import Host
from common.runtime.storage import LogStorage
from common.values.errors import LabError
from common.values.history import History, Operation, Outcome, Unknown
from common.values.units import SECOND, show_time

PATIENCE = 5 * SECOND
"""How long a call waits for its outcome unless told otherwise, in microseconds."""


class Client:
    """One client of a live cluster; made by ``Cluster.client``.

    Args:
        make_host: makes the client's host, given where outcomes and a failure go.
        storage: the client's own disk; closed together with the client.
        clock: for the history.
        history: where operations are written down.
        observer: is told of calls and returns; None for nobody.

    Attributes:
        host: the world of the client's node.
    """

    def __init__(
        self,
        make_host: Callable[[Callable[[CallId, Outcome], None], Callable[[LabError], None]], Host],
        storage: LogStorage,
        clock: Clock,
        history: History,
        observer: Observer | None,
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._history = history
        self._observer = observer
        self._calls: dict[CallId, asyncio.Future[Outcome]] = {}
        self._last_call: CallId = 0
        self._error: LabError | None = None
        self.host = make_host(self._returned, self._failed)

    @property
    def id(self) -> NodeId:
        """The client's name."""
        return self.host.node.id

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
        if self._error is not None:
            raise self._error
        self._last_call += 1
        call = self._last_call
        function, key, argument = describe(operation)
        process = f"{self.id}/{call}" if self._calls else self.id
        written = self._history.invoke(process, function, key, argument, self._clock.world())
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._calls[call] = answer
        if self._observer is not None:
            self._observer.called(self._clock.world(), self.id, written)
        outcome: Outcome = Unknown("the caller was interrupted")
        try:
            self.host.invoke(call, operation)
            async with asyncio.timeout(timeout / SECOND):
                outcome = await answer
        except TimeoutError:
            outcome = Unknown(f"no answer within {show_time(timeout)}")
        finally:
            del self._calls[call]
            self._end(written, outcome)
        return outcome

    async def close(self) -> None:
        """Disconnect; operations under way end as Unknown."""
        for answer in self._calls.values():
            if not answer.done():
                answer.set_result(Unknown("the client was closed"))
        await self.host.close()
        self._storage.close()

    def _end(self, written: Operation, outcome: Outcome) -> None:
        now = self._clock.world()
        self._history.finish(written, outcome, now)
        if self._observer is not None:
            self._observer.returned(now, self.id, written)

    def _returned(self, call: CallId, outcome: Outcome) -> None:
        answer = self._calls.get(call)
        if answer is not None and not answer.done():
            answer.set_result(outcome)

    def _failed(self, error: LabError) -> None:
        self._error = error
        for answer in self._calls.values():
            if not answer.done():
                answer.set_exception(error)
