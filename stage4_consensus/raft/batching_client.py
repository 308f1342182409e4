"""A client with many operations under way, of which one request carries as many as have gathered.

A session has one request under way at a time (section 8; thesis, section 6.3), and that makes
at-most-once simple: a number and a result for each client. It need not make the client slow. What
is asked while a request is under way goes out together with the next one, as a
:class:`~common.contract.CommandBatch` under one number: one frame, one entry, one answer. So a busy
client sends larger batches, not more messages, and an idle one waits for nobody.

Operations of one batch are carried out in the order in which they were asked for. Those of
different batches too, unless one of them ends as Unknown: it may then happen later, or never.
"""

from collections import deque
from typing import Any, TypeAlias

from common.contract import CallId, CommandBatch, NodeId
from common.contract.asking import Asked
from common.contract.sizes import value_size
from common.values.history import Failed, Ok, Outcome
from stage4_consensus.raft.client import RaftClient
from stage4_consensus.raft.requests import CommandRequest, QueryRequest

MOST_COMMANDS = 1024
"""Commands in one batch."""
MOST_BYTES = 256 * 1024
"""Bytes of commands in one batch, unless a single command takes more."""
MOST_WAITING = 100_000
"""Operations that wait for their batch; one more fails at once."""

Kind: TypeAlias = type[CommandRequest] | type[QueryRequest]


class BatchingClient(RaftClient):
    """Takes operations while others are under way; to be joined with an application's client.

    The arguments are those of :class:`~common.contract.Asker`.
    """

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...], **config: Any) -> None:
        super().__init__(id, peers, **config)
        self.waiting: deque[tuple[Kind, object, CallId]] = deque()
        """What was asked for since the request under way left, in order."""
        self.calls: list[CallId] = []
        """The calls that the request under way carries."""

    def execute(self, command: object, call: CallId) -> None:
        """Have a command carried out, once, with the next batch."""
        self._wait_for_batch(CommandRequest, command, call)

    def query(self, query: object, call: CallId) -> None:
        """Have a query answered, with the next batch."""
        self._wait_for_batch(QueryRequest, query, call)

    def _wait_for_batch(self, kind: Kind, command: object, call: CallId) -> None:
        if len(self.waiting) >= MOST_WAITING:
            self.finish(call, Failed(f"{MOST_WAITING} operations wait already"))
            return
        self.waiting.append((kind, command, call))
        if not self.under_way:
            self._send_batch()

    def _send_batch(self) -> None:
        """Send what waits, as far as it is of one kind and within the bounds."""
        kind = self.waiting[0][0]
        commands: list[object] = []
        calls: list[CallId] = []
        room = MOST_BYTES
        while self.waiting and self.waiting[0][0] is kind and len(calls) < MOST_COMMANDS:
            room -= value_size(self.waiting[0][1])
            if commands and room < 0:
                break
            _, command, call = self.waiting.popleft()
            commands.append(command)
            calls.append(call)
        self.calls = calls
        request = kind(self.new_number(), CommandBatch(tuple(commands)))
        self.ask(request, calls[0], question=kind is QueryRequest)

    def ended(self, asked: Asked, outcome: Outcome) -> None:
        """End each operation with its own result, or all of them alike; go on with what waits."""
        calls, self.calls = self.calls, []
        if not calls:  # a change of the members or of the leader: that goes alone
            super().ended(asked, outcome)
        elif isinstance(outcome, Ok):
            assert isinstance(outcome.value, tuple), "a batch is answered by a tuple"
            for call, result in zip(calls, outcome.value, strict=True):
                self.finish(call, Ok(result))
        else:
            for call in calls:
                self.finish(call, outcome)
        if self.waiting and not self.under_way:
            self._send_batch()
