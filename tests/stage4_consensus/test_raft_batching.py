"""A client with many operations under way: they share requests, and each happens once, in order."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from common.check.linearizability import check_linearizability
from common.check.models import KeyValue
from common.check.verdict import Answer
from common.contract import AtMostOnce, CommandBatch, Numbered
from common.contract.effects import Return, Send
from common.contract.events import Invoke, Receive, Start
from common.contract.registers import Append, Get, Put, Registers
from common.contract.sizes import value_size
from common.sim import Simulation
from common.sim.chaos import random_schedule
from common.values.history import Failed, Ok
from common.values.units import MS, SECOND
from stage4_consensus.raft import batching_client
from stage4_consensus.raft.batching_client import MOST_BYTES
from stage4_consensus.raft.checks_safety import watch_safety
from stage4_consensus.raft.messages import Role
from stage4_consensus.raft.registers import (
    BatchingRegistersClient,
    ParallelRegisters,
    RaftRegisters,
)
from stage4_consensus.raft.requests import Answer as Answered
from stage4_consensus.raft.requests import CommandRequest, QueryRequest

SERVERS = ("n1", "n2", "n3")
CLIENTS = ("c1", "c2")
OPERATIONS = 60
CALM = 3 * SECOND


def cluster(seed: int, server: type[RaftRegisters], **options: Any) -> Simulation:
    """Three servers that compact often, and two clients."""

    def made(id: str, peers: tuple[str, ...]) -> RaftRegisters:
        return server(id, peers, snapshot_every=7, piece_parts=3)

    nodes, clients = dict.fromkeys(SERVERS, made), dict.fromkeys(CLIENTS, BatchingRegistersClient)
    return Simulation(nodes, clients, seed=seed, monitors=[watch_safety()], **options)


def ask_in_bursts(simulation: Simulation, random: Random) -> None:
    """Each client appends 0, 1, 2 ... to a text of its own, several at a time, and looks."""
    for client in CLIENTS:
        at = 400 * MS
        for number in range(OPERATIONS):
            at += random.choice((0, 0, 0, 0, 60 * MS))
            simulation.later(at, asking(simulation, client, Append(client, f"{number};")))
            if number % 10 == 9:
                simulation.later(at, asking(simulation, client, Get(client)))


def asking(simulation: Simulation, client: str, operation: object) -> Callable[[], None]:
    """What lets a client ask for an operation."""

    def ask() -> None:
        simulation.call(client, operation)

    return ask


@pytest.mark.parametrize("server", [RaftRegisters, ParallelRegisters])
@pytest.mark.parametrize("seed", range(1, 13))
def test_each_operation_happens_once_and_in_order_while_everything_fails(
    seed: int, server: type[RaftRegisters]
) -> None:
    kinds = ("crash", "partition", "block", "link")
    schedule = random_schedule(Random(seed), SERVERS, CALM, kinds=kinds, troubles=6, others=CLIENTS)
    simulation = cluster(seed, server, schedule=schedule)
    ask_in_bursts(simulation, Random(seed))
    simulation.run(CALM)
    history = simulation.history
    simulation.run_until(lambda: all(each.returned_at is not None for each in history), 60 * SECOND)
    assert all(isinstance(each.outcome, Ok) for each in history), "30 attempts are enough"
    verdict = check_linearizability(history, KeyValue())
    assert verdict.answer is Answer.YES, verdict.sentence
    simulation.run(simulation.now + SECOND)
    leading = [node for node in simulation.nodes.values() if isinstance(node, RaftRegisters)]
    (leader,) = [node for node in leading if node.role is Role.LEADER]
    application = leader.machine.application
    assert isinstance(application, Registers)
    text = "".join(f"{number};" for number in range(OPERATIONS))
    assert application.held == dict.fromkeys(CLIENTS, text)


def last_index(simulation: Simulation) -> int:
    """How far the longest log goes."""
    servers = [node for node in simulation.nodes.values() if isinstance(node, RaftRegisters)]
    return max(server.log.last_index for server in servers)


def test_what_is_asked_at_once_shares_requests_and_entries() -> None:
    simulation = cluster(1, RaftRegisters)
    simulation.run(SECOND)
    before = last_index(simulation)
    written = [simulation.call("c1", Append("x", f"{number};")) for number in range(200)]
    simulation.run(2 * SECOND)
    assert all(isinstance(each.outcome, Ok) for each in written)
    assert last_index(simulation) - before == 2, "one for the first, one for what came meanwhile"


def client() -> BatchingRegistersClient:
    """A client that has begun its life."""
    made = BatchingRegistersClient("c1", SERVERS)
    made.step(Start(0, {}))
    return made


def sent(effects: list[Any]) -> list[Any]:
    """The messages that a step has sent."""
    return [each.message for each in effects if isinstance(each, Send)]


def answer(made: BatchingRegistersClient, number: int, *values: object) -> list[Any]:
    """Let the answer of a request arrive; returns the effects."""
    return made.step(Receive(0, "n1", Answered(number, values)))


def test_a_batch_ends_each_operation_with_its_own_result() -> None:
    made = client()
    assert len(sent(made.step(Invoke(0, 1, Put("x", "1"))))) == 1
    for call, operation in enumerate((Append("x", "2"), Put("y", "3"), Get("x"), Get("y")), 2):
        assert made.step(Invoke(0, call, operation)) == []
    effects = answer(made, 1, None)
    assert Return(1, Ok(None)) in effects
    assert sent(effects) == [CommandRequest(2, CommandBatch((Append("x", "2"), Put("y", "3"))))]
    effects = answer(made, 2, None, None)
    assert sent(effects) == [QueryRequest(3, CommandBatch((Get("x"), Get("y"))))]
    returned = [each for each in answer(made, 3, "12", "3") if isinstance(each, Return)]
    assert returned == [Return(4, Ok("12")), Return(5, Ok("3"))]


def test_batches_are_bounded_in_commands_in_bytes_and_so_is_what_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = client()
    made.step(Invoke(0, 1, Put("x", "")))
    for call in range(2, 22):
        made.step(Invoke(0, call, Put("x", "x" * 30_000)))
    (request,) = sent(answer(made, 1, None))
    assert 1 < len(request.command.commands) < 20
    assert value_size(request.command.commands) <= MOST_BYTES + 10
    monkeypatch.setattr(batching_client, "MOST_WAITING", len(made.waiting))
    (refused,) = made.step(Invoke(0, 22, Put("x", "")))
    assert isinstance(refused, Return)
    assert isinstance(refused.outcome, Failed)


def test_a_repeated_batch_is_carried_out_once_and_a_batch_of_queries_changes_nothing() -> None:
    replica = AtMostOnce(Registers())
    batch = Numbered("c1", 1, CommandBatch((Append("x", "a"), Get("x"), Append("x", "b"))))
    assert replica.apply(batch) == (None, "a", None)
    assert replica.apply(batch) == (None, "a", None)
    assert replica.query(CommandBatch((Get("x"), Append("x", "c"), Get("x")))) == ("ab", None, "ab")
