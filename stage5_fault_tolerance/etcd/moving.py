"""Handing the leadership over on request, by Raft's own transfer (thesis, section 3.10)."""

from typing import Any

from common.contract import CallId, NodeId, on
from common.values.history import Ok, Unknown
from stage4_consensus.raft.messages import Role
from stage4_consensus.raft.requests import NotLeader, Refusal, TransferRequest
from stage5_fault_tolerance.etcd.commands import MoveLeader
from stage5_fault_tolerance.etcd.results import Done, Refused
from stage5_fault_tolerance.etcd.texts import BAD_TRANSFEREE, NOT_LEADER, TRANSFER_TIMED_OUT
from stage5_fault_tolerance.etcd.watching import Watching


class Moving(Watching):
    """Requests for another leader."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...], **config: Any) -> None:
        super().__init__(id, peers, **config)
        self.moving: CallId | None = None
        """The request under way."""

    @on(MoveLeader)
    def move_asked(self, request: MoveLeader, call: CallId) -> None:
        """Begin to hand over; the answer comes with the next leader, or when time is up."""
        if self.role is not Role.LEADER:
            self.finish(call, Ok(Refused(NOT_LEADER)))
        elif request.target not in self.configuration.voters:
            self.finish(call, Ok(Refused(BAD_TRANSFEREE)))
        elif request.target == self.id:
            self.finish(call, Ok(Done(self.store.history.revision)))
        elif self.moving is not None or self.hand_over is not None:
            self.finish(call, Unknown(TRANSFER_TIMED_OUT))
        else:
            self.moving = call
            self.last_number += 1
            self.transfer_requested(TransferRequest(self.last_number, request.target), self.id)

    def follow(self, term: int, leader: NodeId) -> None:
        """Somebody else leads: it worked."""
        super().follow(term, leader)
        if self.moving is not None:
            self.finish(self.moving, Ok(Done(self.store.history.revision)))
            self.moving = None

    def not_taken(self, reply: NotLeader | Refusal, sender: NodeId) -> None:
        """The target did not take over in time."""
        super().not_taken(reply, sender)
        if self.moving is not None and self.role is Role.LEADER and self.hand_over is None:
            self.finish(self.moving, Unknown(TRANSFER_TIMED_OUT))
            self.moving = None
