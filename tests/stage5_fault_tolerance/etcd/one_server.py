"""One server alone, a follower that is fed by hand: for sentences that are about one server."""

from typing import Any

from common.contract import Inner, Invoke, Numbered, Receive, Return, Send, Start
from stage4_consensus.raft.messages import AppendEntries, Entry
from tests.stage5_fault_tolerance.etcd.lab import EtcdLab


class Follower:
    """The server n1, which n2 leads in term 1 once it has been heard.

    Args:
        lab: the lab under test.
    """

    def __init__(self, lab: EtcdLab) -> None:
        self.lab = lab
        self.server = lab.EtcdServer("n1", ("n2", "n3"))
        self.server.step(Start(0, {}))
        self.last_call = 0

    def hear(self, sender: str, *messages: object) -> list[Any]:
        """Let messages of another server's Raft arrive; returns all effects."""
        effects: list[Any] = []
        for message in messages:
            effects += self.server.step(Receive(1, sender, Inner("raft", message)))
        return effects

    def take(self, index: int, commit: int) -> list[Any]:
        """Let a put arrive as the entry at ``index`` of term 1, and the leader's commit index."""
        return self.take_of("n3", index, self.lab.Put(b"k%d" % index), index, commit)

    def take_of(
        self, server: str, number: int, command: object, index: int, commit: int
    ) -> list[Any]:
        """Let a server's command arrive as the entry at ``index`` of term 1."""
        entry = Entry(1, Numbered(server, number, command))
        previous = (index - 1, 1 if index > 1 else 0)
        return self.hear("n2", AppendEntries(1, *previous, (entry,), commit, 1))

    def ask(self, operation: object) -> list[Any]:
        """Let a client ask, with the next call: 1, 2, 3 ..."""
        self.last_call += 1
        return list(self.server.step(Invoke(1, self.last_call, operation)))

    def commit(self) -> object:
        """How far its log is committed."""
        return self.server.full_status()["raft/commit"]


def sent(effects: list[Any]) -> list[Any]:
    """The messages that were sent to other servers' Rafts, in order."""
    wrapped: list[Any] = [each.message for each in effects if isinstance(each, Send)]
    return [each.message for each in wrapped]


def answered(effects: list[Any]) -> list[int]:
    """The calls that were answered, in order."""
    return [each.call for each in effects if isinstance(each, Return)]
