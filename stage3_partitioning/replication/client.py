"""The client: it writes at the leader, and reads at any member, for there are more followers."""

from typing import Any

from common.contract import Asker, CallId, NodeId, on
from common.contract.asking import Asked
from common.values.history import Ok
from stage3_partitioning.replication.log import NOWHERE, Position
from stage3_partitioning.replication.shipping import (
    Get,
    GetRequest,
    Got,
    NotLeader,
    Put,
    PutDone,
    PutRequest,
)


class Client(Asker):
    """Reads at a member drawn by chance, and takes what it gets.

    Args:
        id, peers, options: as for :class:`~common.contract.asking.Asker`.
        leader: who leads at the beginning; afterwards the members say it.
    """

    def __init__(
        self, id: NodeId, peers: tuple[NodeId, ...], *, leader: NodeId = "n1", **options: Any
    ) -> None:
        super().__init__(id, peers, **options)
        self.leader = leader

    def server_for(self, asked: Asked) -> NodeId:
        """For a read anybody; for a write the leader, and after silence the next member."""
        if asked.question:
            return self.random.choice(self.servers)
        if asked.attempts and asked.server == self.leader:
            following = self.servers.index(self.leader) + 1
            self.leader = self.servers[following % len(self.servers)]
        return self.leader

    def at_least(self) -> Position:
        """The least position of a state from which a read may be answered: any will do."""
        return NOWHERE

    @on(Put)
    def put(self, put: Put, call: CallId) -> None:
        """Write at the leader."""
        self.ask(PutRequest(self.new_number(), put.key, put.value), call)

    @on(Get)
    def get(self, get: Get, call: CallId) -> None:
        """Read anywhere."""
        self.ask(GetRequest(self.new_number(), get.key, self.at_least()), call, question=True)

    @on(PutDone)
    def put_done_received(self, done: PutDone, sender: NodeId) -> None:
        """It is written."""
        self.leader = sender
        self.end(done.number, Ok())

    @on(Got)
    def got_received(self, got: Got, sender: NodeId) -> None:
        """The value."""
        self.end(got.number, Ok(got.value))

    @on(NotLeader)
    def not_leader_received(self, told: NotLeader, sender: NodeId) -> None:
        """Another member leads: ask it at once, if it is known."""
        if told.leader is None:
            self.not_now(told.number, f"{sender} knows no leader")
        elif told.number in self.under_way:
            self.leader = told.leader
            self.redirect(told.number, told.leader)
