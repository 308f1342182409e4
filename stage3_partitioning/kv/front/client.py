"""What a command sees of the client that sent it, and of the facade behind.

A connection finds the commands by name, and a command answers by the connection. So that neither
file imports the other, commands know the connection by what they ask of it.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from common.contract import NodeId
from common.runtime.facade import Door
from common.runtime.resp.replies import Value
from stage3_partitioning.kv.commands import Held
from stage3_partitioning.kv.front.plans import Plan
from stage3_partitioning.kv.front_commands import Fronted

Reply: TypeAlias = bytes | Callable[[], bytes]
"""The bytes of a reply, or what makes them: a long one is not made before it can be written."""

Slot: TypeAlias = list[Reply]
"""The place of one reply in the row; empty until it is there."""


@dataclass(frozen=True, slots=True)
class Later:
    """A command that is not about keys, and waits for EXEC."""

    name: str
    words: list[bytes]
    commands: tuple[Fronted, ...] = ()


class Facade(Protocol):
    """The socket of one node, and what it tells of itself.

    Attributes:
        door: to the node.
        host: the address that it listens on, and that clients are sent to.
        ports: by node, where its facade listens.
        log: takes a line for the person who runs the node.
    """

    door: Door
    host: str
    ports: Mapping[NodeId, int]
    log: Callable[[str], None]

    def opened(self, client: "Client") -> None:
        """A client has connected."""

    def closed(self, client: "Client") -> None:
        """It has gone."""

    def clients(self) -> "list[Client]":
        """Those connected now."""

    def node_id(self, node: NodeId) -> str:
        """The name under which Redis' clients know a node."""

    def address(self, node: NodeId) -> str:
        """Where clients reach a node."""

    def describe(self, client: "Client") -> str:
        """The line of CLIENT LIST for a client."""

    def settings(self) -> dict[str, str]:
        """What CONFIG GET knows."""

    def info(self, wanted: set[str], keys: int) -> str:
        """The sections of INFO."""


class Client(Protocol):
    """One client's connection.

    Attributes:
        facade: what it is connected to.
        id: its number.
        peer: its address.
        transport: the socket.
        version: of the protocol, 2 or 3.
        name: what the client calls itself.
        asking: whether the last command was ASKING.
        transaction: the plans that wait for EXEC, or None outside of a transaction.
        spoiled: whether a command of the transaction was refused, so that EXEC has to refuse all.
        watched: what the keys held that EXEC depends on; None for nothing.
    """

    facade: Facade
    id: int
    peer: str
    transport: asyncio.Transport
    version: int
    name: str
    asking: bool
    transaction: list[Plan | Later] | None
    spoiled: bool
    watched: dict[bytes, Held | None]

    def reply(self, data: bytes) -> None:
        """Reply at once."""

    def hush(self, mode: str) -> None:
        """``off``: reply no more; ``skip``: not to the next command; ``on``: as it was."""

    def value(self, value: Value) -> None:
        """Reply with a value at once."""

    def slot(self) -> Slot:
        """Take the next place in the row of replies."""

    def fill(self, slot: Slot, reply: Reply) -> None:
        """The reply of this place is there."""

    def ask(self, operation: object, tell: Callable[[Any], Value]) -> None:
        """Let the node do something, and reply with what ``tell`` makes of its result."""

    def serve(self, plan: Plan) -> None:
        """Let the node carry out a plan, and reply with its result or a redirect."""

    def read(self, keys: Sequence[bytes], then: Callable[[Sequence[Any], str], None]) -> None:
        """What keys hold; ``then`` gets that, and "" or where the keys are."""

    def look(self, plans: Sequence[Plan | Later], then: Callable[[str], None]) -> None:
        """Find out whether all keys are here; ``then`` gets "" or where they are."""

    def other(self, name: str, words: list[bytes]) -> None:
        """Carry out a command about the connection, the server or the cluster."""

    def end(self) -> None:
        """Close once all replies are written."""
