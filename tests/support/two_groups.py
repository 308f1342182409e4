"""Two replicated stores in each process: two Raft groups that know nothing of each other."""

from dataclasses import replace
from random import Random
from typing import Any

from common.check.verdict import Verdict
from common.contract import CallId, Node, NodeId, on, registers
from common.values.history import History
from stage4_consensus.raft import checks as registers_checks
from stage4_consensus.raft.registers import RaftRegisters, RegistersClient
from stage5_fault_tolerance.raftkv import checks as store_checks
from stage5_fault_tolerance.raftkv import commands
from stage5_fault_tolerance.raftkv.client import KeyValueClient
from stage5_fault_tolerance.raftkv.server import RaftKeyValue

OF_STORE = "store:"
"""How the keys of the store begin, so that one history tells the two groups apart."""


class TwoGroups(Node):
    """A server of both: one Raft group keeps registers, the other one a store.

    Args:
        id: the name of this server.
        peers: the other servers.
        config: what each of the two Raft servers takes.
    """

    subnodes = (RaftRegisters, RaftKeyValue)

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...], **config: Any) -> None:
        super().__init__(id, peers)
        self.registers = self.subnode("registers", RaftRegisters(id, peers, **config))
        self.store = self.subnode("store", RaftKeyValue(id, peers, **config))


class TwoGroupsClient(Node):
    """A client of both: each of its two subnodes speaks with one group."""

    subnodes = (RegistersClient, KeyValueClient)

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        super().__init__(id, peers)
        self.registers = self.subnode("registers", RegistersClient(id, peers))
        self.store = self.subnode("store", KeyValueClient(id, peers))

    @on(registers.Get)
    def get_register(self, get: registers.Get, call: CallId) -> None:
        self.registers.get(get, call)

    @on(registers.Put, registers.Append)
    def change_register(self, change: registers.Put | registers.Append, call: CallId) -> None:
        self.registers.change(change, call)

    @on(commands.Get)
    def get_from_store(self, get: commands.Get, call: CallId) -> None:
        self.store.look(get, call)

    @on(commands.Put, commands.Append, commands.Delete, commands.CompareAndSet)
    def change_store(self, change: Any, call: CallId) -> None:
        self.store.change(change, call)


def some_operation(random: Random, client: str, number: int) -> object:
    """For one of the groups, in turn."""
    if number % 2:
        return registers_checks.some_change_or_query(random, client, number)
    asked: Any = store_checks.some_command(random, client, number)
    return replace(asked, key=f"{OF_STORE}{asked.key}")


def verdicts(history: History) -> tuple[Verdict, Verdict]:
    """Whether the registers behaved like one copy, and whether the store did."""
    of_store = [each for each in history if str(each.key).startswith(OF_STORE)]
    of_registers = [each for each in history if not str(each.key).startswith(OF_STORE)]
    assert min(len(of_store), len(of_registers)) > 0, "both were asked"
    return (
        registers_checks.linearizable(History(of_registers)),
        store_checks.linearizable(History(of_store)),
    )
