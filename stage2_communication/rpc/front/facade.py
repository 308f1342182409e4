"""The account for gRPC clients: a server of grpcio in the process of a node.

It decides nothing. Each call becomes a :class:`~stage2_communication.rpc.served.Serve`, and goes
through the node's table and queue as every request does.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any

import grpc

from common.runtime.facade import Door
from common.runtime.ports import bind_grpc, take_port
from common.values.history import Ok, Outcome
from stage1_foundations.failures import account
from stage2_communication.rpc.calls import Request
from stage2_communication.rpc.front.interceptors import (
    CALLER,
    PATIENCE,
    Interceptor,
    bound_time,
    identify,
)
from stage2_communication.rpc.served import Serve, StopServing

PROTO = "stage2_communication/rpc/front/account.proto"
messages, services = grpc.protos_and_services(PROTO)
"""Made of the .proto by grpcio-tools at this very moment: no generated file lies about."""
Servicer: Any = services.AccountServicer

MOST_BYTES = 64 * 1024
GRACE_SECONDS = 0.2

OPTIONS = (
    ("grpc.so_reuseport", 0),  # a port that is taken is an error, not shared
    ("grpc.max_receive_message_length", MOST_BYTES),
)

CALL_ID = re.compile(r"([1-9][0-9]{0,8})-([1-9][0-9]{0,8})", re.ASCII)


def make(door: Door, settings: Mapping[str, Any]) -> "AccountFacade":
    """Make the facade of one server; ``settings`` has ``host``, and by member ``ports``."""
    return AccountFacade(door, f"{settings['host']}:{settings['ports'][door.node]}")


class AccountFacade:
    """gRPC in front of one server.

    Args:
        door: to the node.
        endpoint: where to listen.
    """

    def __init__(self, door: Door, endpoint: str) -> None:
        self._door = door
        self._endpoint = endpoint
        self._server: Any = None

    async def listen(self) -> None:
        """Open the port. Raises: BadInput, where it is taken."""
        self._server = await take_port("gRPC clients", self._endpoint, self._listen)

    async def _listen(self) -> Any:
        interceptors = (Interceptor(identify), Interceptor(bound_time))
        server = grpc.aio.server(options=OPTIONS, interceptors=interceptors)
        services.add_AccountServicer_to_server(Account(self._door), server)
        bind_grpc(server, self._endpoint)
        await server.start()
        return server

    async def close(self) -> None:
        """Close the port."""
        if self._server is not None:
            await self._server.stop(GRACE_SECONDS)


class Account(Servicer):  # type: ignore[misc]
    """The service of ``account.proto``: a method for each procedure.

    Args:
        door: to the node.
    """

    def __init__(self, door: Door) -> None:
        self._door = door

    async def Deposit(self, amount: Any, context: Any) -> Any:  # noqa: N802
        """Put an amount in."""
        return await self._command("deposit", amount, context)

    async def Withdraw(self, amount: Any, context: Any) -> Any:  # noqa: N802
        """Take an amount out."""
        return await self._command("withdraw", amount, context)

    async def Entries(self, nothing: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802
        """The entries one by one; HTTP/2's windows are the credit."""
        result = await self._call("statement", (), context)
        assert isinstance(result, account.Entries), "a statement is entries"
        for position, entry in enumerate(result.entries):
            yield messages.Entry(position=position, amount=entry)

    async def _command(self, procedure: str, amount: Any, context: Any) -> Any:
        result = await self._call(procedure, (amount.amount,), context)
        assert isinstance(result, account.Done), "a command is done or refused"
        return messages.Balance(balance=result.balance)

    async def _call(
        self, procedure: str, arguments: tuple[int, ...], context: Any
    ) -> account.Done | account.Entries:
        """Let the node do it. What was refused certainly did not happen, and its status says so."""
        incarnation, number = await call_id_of(context)
        request = Request(incarnation, number, number, PATIENCE.get(), procedure, arguments)
        caller = f"grpc/{CALLER.get()}"
        try:
            outcome: Outcome = await self._door.ask(Serve(caller, request))
        except asyncio.CancelledError:  # the client has gone, or its deadline has passed
            self._door.invoke(StopServing(caller, request), lambda _: None)
            raise
        if isinstance(outcome, Ok):
            result = outcome.value
            if isinstance(result, account.Refused):
                await context.abort(grpc.StatusCode.FAILED_PRECONDITION, result.reason)
            assert isinstance(result, account.Done | account.Entries), (
                "these are the results that there are"
            )
            return result
        await context.abort(grpc.StatusCode.ABORTED, outcome.reason)
        raise AssertionError("abort raises")


async def call_id_of(context: Any) -> tuple[int, int]:
    """Incarnation and number of a call; number 0 where the client has named none."""
    text = dict(context.invocation_metadata()).get("call-id", "")
    found = CALL_ID.fullmatch(text)
    if found is None and text:
        await context.abort(
            grpc.StatusCode.INVALID_ARGUMENT,
            f"call-id is {text[:40]!r}: send INCARNATION-NUMBER, two numbers from 1 on, like 1-7",
        )
    return (int(found[1]), int(found[2])) if found else (1, 0)
