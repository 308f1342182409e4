"""What is done with each gRPC call before its handler: identity and deadline.

An interceptor stands between the network and all handlers, so none of them can forget it. (The same
two are in every real system: a token that is checked, a deadline that is set where the client has
set none.)
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextvars import ContextVar
from typing import Any

import grpc

from common.values.units import SECOND

CALLER: ContextVar[str] = ContextVar("caller")
"""Who calls, in the handler."""
PATIENCE: ContextVar[int] = ContextVar("patience")
"""For how long it is waited for, in microseconds, in the handler."""

DEFAULT_PATIENCE = 5 * SECOND
"""Where the client has set no deadline: a call without one would be waited for without end."""
LONGEST_PATIENCE = 60 * SECOND

NAME = re.compile(r"[A-Za-z0-9_.-]{1,40}")


class Interceptor(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    """Does something before each handler, whether it answers once or with a stream.

    Args:
        before: what to do; gets the call's context.
    """

    def __init__(self, before: Callable[[Any], Awaitable[None]]) -> None:
        self._before = before

    async def intercept_service(self, continuation: Any, details: Any) -> Any:
        """The handler that would have been called, with ``before`` in front of it."""
        handler = await continuation(details)
        if handler is None:
            return None  # there is no such method, and grpcio says so
        codecs = (handler.request_deserializer, handler.response_serializer)
        before = self._before
        if handler.response_streaming:

            async def stream(request: Any, context: Any) -> AsyncIterator[Any]:
                await before(context)
                async for part in handler.unary_stream(request, context):
                    yield part

            return grpc.unary_stream_rpc_method_handler(stream, *codecs)

        async def once(request: Any, context: Any) -> Any:
            await before(context)
            return await handler.unary_unary(request, context)

        return grpc.unary_unary_rpc_method_handler(once, *codecs)


async def identify(context: Any) -> None:
    """Refuse a call without a name of its caller: the table has a row for each."""
    caller = dict(context.invocation_metadata()).get("caller", "")
    if not NAME.fullmatch(caller):
        await context.abort(
            grpc.StatusCode.UNAUTHENTICATED,
            "who calls? send metadata caller: a name of letters, digits, _, . and -",
        )
    CALLER.set(caller)


async def bound_time(context: Any) -> None:
    """Give each call a deadline, and refuse one whose time is over already."""
    left = context.time_remaining()
    patience = DEFAULT_PATIENCE if left is None else int(left * SECOND)
    if patience <= 0:
        await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "its time was over when it came")
    PATIENCE.set(min(patience, LONGEST_PATIENCE))
