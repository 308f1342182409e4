"""The server as it runs: a callee that serves callers from outside as well, for ``front``.

A caller from outside speaks gRPC, and is no node. What it asks for comes as an operation, and goes
the same way as a request: into the table, into the queue. So a retry by gRPC is none either.
"""

from common.contract import CallId, NodeId, on, operation
from common.values.history import Failed, Ok
from stage1_foundations.failures.account import Result
from stage2_communication.rpc.calls import Request
from stage2_communication.rpc.deadlines import Cancel
from stage2_communication.rpc.streams import StreamingCallee


@operation
class Serve:
    """A call from outside; ends with Ok(its result).

    Attributes:
        caller: who calls, with a prefix that no node's name has.
        request: what is called. With number 0 it is a new call, and gets the next number.
    """

    caller: str
    request: Request


@operation
class StopServing:
    """A caller from outside does not wait any more. Ends with Ok()."""

    caller: str
    request: Request


class Server(StreamingCallee):
    """Serves nodes by messages, and others by operations."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...], *, work: int = 0) -> None:
        super().__init__(id, peers, work=work)
        self.outside: dict[tuple[NodeId, int, int], list[CallId]] = {}
        """Who waits for a call from outside: by caller, incarnation and number."""

    @on(Serve)
    def serve(self, serve: Serve, call: CallId) -> None:
        """Let it come as a request does; its operation ends with :meth:`answer`."""
        request = serve.request
        if request.number == 0:
            request = self.numbered(serve.caller, request)
        row = self.row_for(serve.caller, request.incarnation, request.number, request.oldest)
        if row is None:
            self.finish(call, Failed("an earlier call of this caller has a higher number"))
            return
        key = (serve.caller, request.incarnation, request.number)
        self.outside.setdefault(key, []).append(call)
        self.request_received(request, serve.caller)

    def numbered(self, caller: NodeId, request: Request) -> Request:
        """The request under a number that no call of this caller has had."""
        row = self.rows.get(caller)
        incarnation = 1 if row is None else row.incarnation
        number = 1 if row is None else row.oldest + 1
        return Request(
            incarnation, number, number, request.patience, request.procedure, request.arguments
        )

    @on(StopServing)
    def stop_serving(self, stop: StopServing, call: CallId) -> None:
        """Cancel the call, if it has not begun; whatever it has become, nobody is told."""
        request = stop.request
        self.outside.pop((stop.caller, request.incarnation, request.number), None)
        if request.number:
            cancel = Cancel(request.incarnation, request.number, request.oldest)
            self.cancel_received(cancel, stop.caller)
        self.finish(call, Ok())

    def answer(self, caller: NodeId, incarnation: int, number: int, result: Result) -> None:
        """Tell a node by a message, and those who wait outside by the end of the operation."""
        if "/" not in caller:
            super().answer(caller, incarnation, number, result)
        for call in self.outside.pop((caller, incarnation, number), ()):
            self.finish(call, Ok(result))
