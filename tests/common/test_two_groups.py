"""Two Raft groups in each process, with different applications: in the simulator, under chaos."""

from collections.abc import Mapping
from random import Random
from typing import Any

import pytest

from common.check.verdict import Answer
from common.contract import NodeId, registers
from common.contract.schema import Schema
from common.sim import Simulation, Workload
from common.sim.chaos import random_schedule
from common.trace.format import Meta
from common.trace.recorder import Recorder
from common.values.faults import Block, Crash, Heal, Restart, Schedule
from common.values.history import Ok
from common.values.units import MS, SECOND
from stage4_consensus.raft.registers import RegistersClient
from stage5_fault_tolerance.raftkv import commands
from tests.support.two_groups import TwoGroups, TwoGroupsClient, some_operation, verdicts

SERVERS = ("n1", "n2", "n3")
CLIENTS = ("c1", "c2")
CALM = 3 * SECOND


def server(id: NodeId, peers: tuple[NodeId, ...]) -> TwoGroups:
    return TwoGroups(id, peers, snapshot_every=15, piece_parts=3)


def simulation(seed: int, schedule: Schedule, **options: Any) -> Simulation:
    clients = dict.fromkeys(CLIENTS, TwoGroupsClient)
    return Simulation(
        dict.fromkeys(SERVERS, server), clients, seed=seed, schedule=schedule, **options
    )


def leaders(running: Simulation) -> Mapping[str, set[NodeId]]:
    """By group, who takes itself for the leader."""
    servers = {id: running.nodes[id] for id in SERVERS if id in running.nodes}
    status = {id: node.full_status() for id, node in servers.items()}
    return {
        group: {id for id, told in status.items() if told[f"{group}/role"] == "leader"}
        for group in ("registers", "store")
    }


@pytest.mark.parametrize("seed", range(4))
def test_both_groups_are_linearizable_under_chaos_and_answer_everything_in_the_calm(
    seed: int,
) -> None:
    schedule = random_schedule(Random(seed), SERVERS, CALM, troubles=7, others=CLIENTS)
    running = simulation(seed, schedule, check_handlers=97)
    work = Workload(running, some_operation, count=40, think=(0, 150 * MS), patience=20 * SECOND)
    assert running.run_until(lambda: work.done, CALM + 20 * SECOND), "some client waits for ever"
    for verdict in verdicts(running.history):
        assert verdict.answer is Answer.YES, verdict.sentence
    assert sum(isinstance(each.outcome, Ok) for each in running.history) > 40


def test_the_groups_elect_for_themselves_and_one_server_down_stops_neither() -> None:
    running = simulation(5, Schedule([Crash(1 * SECOND, "n1"), Restart(2 * SECOND, "n1")]))
    apart = False
    for at in range(0, 4000, 50):
        running.run(at * MS)
        of_registers, of_store = leaders(running).values()
        apart |= bool(of_registers and of_store and of_registers != of_store)
        if at in (950, 1950, 3950):
            assert min(len(of_registers), len(of_store)) > 0, f"no leader of a group at {at} ms"
    assert apart, "each group has an election of its own; here they end alike: take another seed"


def test_a_server_that_comes_back_finds_what_each_of_its_groups_saved() -> None:
    running = simulation(2, Schedule([Crash(2 * SECOND, "n2"), Restart(3 * SECOND, "n2")]))
    work = Workload(running, some_operation, count=40)
    running.run(2 * SECOND - 1)
    before = running.nodes["n2"].full_status()
    running.run(3 * SECOND)
    after = running.nodes["n2"].full_status()
    for group in ("registers", "store"):
        assert after[f"{group}/term"] == before[f"{group}/term"]
        last: Any = before[f"{group}/last"]
        assert after[f"{group}/last"] == last > 1
    assert running.run_until(lambda: work.done, 20 * SECOND)


def test_the_trace_names_the_group_of_each_message_timer_and_save() -> None:
    lines: list[str] = []
    meta = Meta("two-groups", SERVERS, CLIENTS)
    recorder = Recorder(lines.append, meta, nodes=[TwoGroups, TwoGroupsClient])
    running = simulation(1, Schedule([Block(1 * SECOND, "n1", "n2"), Heal(2 * SECOND)]),
                         observers=[recorder])  # fmt: skip
    Workload(running, some_operation, count=10)
    running.run(2 * SECOND)
    text = "".join(lines)
    for group in ("registers", "store"):
        for shown in (f'"type":"{group}/AppendEntries"', f'"type":"{group}/ElectionTimeout"',
                      f'"keys":[["{group}/', f'"{group}/role":"leader"'):  # fmt: skip
            assert shown in text, f"the trace does not show {shown}"


def test_operations_of_one_name_are_told_apart_on_wires() -> None:
    schema = Schema.of(TwoGroupsClient).as_in(Schema.of(TwoGroups))
    names = [schema.name_of(kind) for kind in (registers.Get, commands.Get, RegistersClient)]
    assert names == ["registers.Get", "commands.Get", None]
