"""Clients: nodes that live in the launcher's own process, with connections of their own.

A client is a Node class like any other. An operation is handed to it as an ``Invoke``; what it
``finish``es is the outcome. Every operation is written into the run's history, on the one clock
that all processes of the machine share.
"""

import asyncio
import functools
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
        self._calls: dict[CallId, Callable[[Outcome], None]] = {}
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
        function, key, argument = describe(operation)
        process = f"{self.id}/{self._last_call + 1}" if self._calls else self.id
        written = self._history.invoke(process, function, key, argument, self._clock.world())
        if self._observer is not None:
            self._observer.called(self._clock.world(), self.id, written)
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        outcome: Outcome = Unknown("the caller was interrupted")
        call = 0
        try:
            call = self.submit(operation, functools.partial(_settle, answer))
            async with asyncio.timeout(timeout / SECOND):
                outcome = await answer
        except TimeoutError:
            outcome = Unknown(f"no answer within {show_time(timeout)}")
        finally:
            self._calls.pop(call, None)
            self._end(written, outcome)
        if self._error is not None:
            raise self._error
        return outcome

    def submit(self, operation: object, done: Callable[[Outcome], None]) -> CallId:
        """Ask for an operation, and let ``done`` be called with its outcome.

        For those who have thousands under way: no task, no time limit but the client's own, and
        nothing is written into the history. Returns the name of the call.

        Raises:
            LabError: the client's own code broke the contract.
        """
        if self._error is not None:
            raise self._error
        self._last_call = call = self._last_call + 1
        self._calls[call] = done
        self.host.invoke(call, operation)
        return call

    async def close(self) -> None:
        """Disconnect; operations under way end as Unknown."""
        self._end_all(Unknown("the client was closed"))
        await self.host.close()
        self._storage.close()

    def _end(self, written: Operation, outcome: Outcome) -> None:
        now = self._clock.world()
        self._history.finish(written, outcome, now)
        if self._observer is not None:
            self._observer.returned(now, self.id, written)

    def _returned(self, call: CallId, outcome: Outcome) -> None:
        done = self._calls.pop(call, None)
        if done is not None:
            done(outcome)

    def _failed(self, error: LabError) -> None:
        self._error = error
        self._end_all(Unknown(str(error)))

    def _end_all(self, outcome: Outcome) -> None:
        for call in list(self._calls):
            self._returned(call, outcome)


def _settle(answer: asyncio.Future[Outcome], outcome: Outcome) -> None:
    if not answer.done():
        answer.set_result(outcome)
