"""A node that lives in this process: its connections, its disk, and who waits for its answers.

Here, and nowhere else, a node gets its world on sockets. A member's own process has one resident
(:mod:`common.runtime.process`), a launcher has one for each client (:mod:`common.runtime.client`),
and a person's terminal may have one too.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from common.codec import Codec, CodecName, Memory, codec_named
from common.contract.events import CallId, NodeId
from common.contract.lies import Behaviour
from common.contract.node import Node
from common.contract.observer import Observer
from common.contract.schema import Schema
from common.runtime.carrier import Address
from common.runtime.clock import Clock
from common.runtime.handshake import Identity
from common.runtime.host import Host
from common.runtime.storage import LogStorage
from common.runtime.wire import numbers
from common.values.errors import LabError
from common.values.faults import Fault
from common.values.history import Outcome, Unknown

DATA = "data"
"""In a node's directory, what it has saved."""

Done = Callable[[Outcome], None]
"""Takes the outcome of an operation, once."""


def _nobody(_: object) -> None:
    """Hears what nobody wants to hear."""


class _Words(NamedTuple):
    """How nodes of one class write what they say."""

    schema: Schema
    memory: Memory
    codec: Codec


@lru_cache(maxsize=64)
def _words(kind: Any, servers: Schema | None, codec: CodecName) -> _Words:
    """Those of one class, which all of its nodes in this process share: to plan and compile for
    each class of a schema takes time, and fifty nodes with code of their own keep no cache warm."""
    own = Schema.of(kind)
    schema = own if servers is None else own.as_in(servers)
    memory = Memory()
    return _Words(schema, memory, codec_named(codec, schema, memory))


class Resident:
    """A node with everything it needs to live on sockets.

    Args:
        node: made, not started.
        identity: under which it connects to others.
        directory: of its own; what earlier lives saved there is its own too.
        clock: the world's and its own.
        seed: of its random numbers, and of what happens on its links.
        place: which of the processes of the cluster this is, and which of its lives; messages are
            numbered by it, so no two residents of a cluster that is traced have the same.
        log: takes one sentence for people; nobody does unless given.
        by_datagram: the peers that it reaches by UDP; all others, by TCP.
        servers: where this is a client, the schema of those that it speaks with: it calls their
            classes by the names that they have there.
        observer: is told of everything, for a trace; None for nobody.
        on_failure: told once, before those who wait, when the node cannot go on.
        behaviours: the ways in which it can be told to lie, by name.
        codec: how messages are written. What is saved is always MessagePack.

    Attributes:
        host: the world of the node.
        schema: the kinds of message and operation that the node knows.
        failure: why the node cannot go on, once it cannot.

    Raises:
        BadInput: the directory cannot be used.
    """

    def __init__(
        self,
        node: Node,
        identity: Identity,
        directory: Path,
        *,
        clock: Clock,
        seed: str,
        place: tuple[int, int] = (0, 0),
        log: Callable[[str], None] = _nobody,
        by_datagram: Collection[NodeId] = (),
        servers: Schema | None = None,
        observer: Observer | None = None,
        on_failure: Callable[[LabError], None] = _nobody,
        behaviours: Mapping[str, Behaviour] | None = None,
        codec: CodecName = "messagepack",
    ) -> None:
        kind: Any = type(node)
        words = _words(kind, servers, codec)
        self.schema = words.schema
        self.failure: LabError | None = None
        self._storage = LogStorage(directory / DATA, self.schema, memory=words.memory)
        self._on_failure = on_failure
        self._waiting: dict[CallId, Done] = {}
        self._last_call: CallId = 0
        self.host = Host(
            node,
            identity,
            words.codec,
            numbers=numbers(*place),
            clock=clock,
            seed=seed,
            log=log,
            on_return=self._returned,
            on_failure=self._failed,
            by_datagram=by_datagram,
            storage=self._storage,
            observer=observer,
            behaviours=behaviours,
        )

    @property
    def id(self) -> NodeId:
        """The node's name."""
        return self.host.node.id

    # Its life.

    async def listen(self, host: str, port: int = 0) -> int:
        """Accept connections, and answer none before the node has begun; returns the port.

        Raises:
            BadInput: the address cannot be used, for instance because the port is taken.
        """
        return await self.host.listen(host, port)

    def begin(self, book: Mapping[NodeId, Address], faults: Iterable[Fault] = ()) -> None:
        """Begin the node's life with what earlier ones saved.

        Args:
            book: where its peers listen.
            faults: what is wrong in the world already.
        """
        self.know(book)
        for fault in faults:
            self.host.apply(fault)
        self.host.start(self._storage.load())

    def know(self, book: Mapping[NodeId, Address]) -> None:
        """Learn where peers listen, or have moved to."""
        self.host.know(book)

    async def close(self) -> None:
        """End this life; what a flush under way writes is written."""
        await self.host.close()
        self._storage.close()

    # What it is asked.

    def submit(self, operation: object, done: Done) -> CallId:
        """Let an operation happen to the node; ``done`` gets its outcome, perhaps at once.

        A node that cannot go on answers Unknown.

        Returns:
            The name of the call.
        """
        self._last_call = call = self._last_call + 1
        if self.failure is not None:
            done(Unknown(str(self.failure)))
            return call
        self._waiting[call] = done
        self.host.invoke(call, operation)
        return call

    async def ask(self, operation: object) -> Outcome:
        """Let an operation happen to the node, and wait for its outcome, however long it takes."""
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

        def arrived(outcome: Outcome) -> None:
            if not answer.done():  # who asked may have gone
                answer.set_result(outcome)

        call = self.submit(operation, arrived)
        try:
            return await answer
        finally:
            self._waiting.pop(call, None)

    def end_calls(self, outcome: Outcome) -> None:
        """End all operations under way for those who asked."""
        for call in list(self._waiting):
            self._returned(call, outcome)

    def _returned(self, call: CallId, outcome: Outcome) -> None:
        done = self._waiting.pop(call, None)
        if done is not None:
            done(outcome)

    def _failed(self, error: LabError) -> None:
        self.failure = error
        self._on_failure(error)
        self.end_calls(Unknown(str(error)))
