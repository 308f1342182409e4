"""What graded suites share: it must say no where there is something to say no to."""

import ast
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType

import pytest

from common.check.models import KEY_VALUE
from common.contract import Node, message, on, timer
from common.contract.effects import Save, Send
from common.course.base.course import ROOT, Course
from common.course.base.implementation import load
from common.course.base.lab import Lab
from common.course.suites import kit
from common.course.suites.under_test import LabUnderTest
from common.sim.simulation import Simulation
from common.sim.workload import Workload
from common.values.faults import Partition
from common.values.history import Failed, History, Ok, Operation, Unknown
from common.values.units import MS, SECOND
from stage1_foundations.cap.client import ReadRequest, RegisterClient, Write, WriteRequest
from stage1_foundations.cap.consistent import ConsistentReplica

COURSE = Course(ROOT)
LABS = pytest.mark.parametrize("lab", COURSE.labs, ids=lambda lab: lab.id)


def registers(*observers: kit.Wire) -> Simulation:
    """Three replicas of a register, and a client at n1."""
    return Simulation(
        dict.fromkeys(kit.names(3), ConsistentReplica),
        {"c1": lambda id, peers: RegisterClient(id, peers, replica="n1")},
        seed=1,
        observers=observers,
    )


def asked(function: str, argument: object, outcome: object, took: int = 10) -> Operation:
    assert isinstance(outcome, Ok | Failed | Unknown)
    return Operation("c1", function, "x", argument, 100, 100 + took, outcome)


# Asking.


def test_who_asks_is_told_or_the_test_fails_with_the_operation_and_the_time() -> None:
    simulation = registers()
    assert kit.ask(simulation, "c1", Write(7)).outcome == Ok()
    assert kit.ask_ok(simulation, "c1", Write(8)) is None
    kit.crash(simulation, "n1")
    with pytest.raises(AssertionError, match=r"write\(9\).* had no end after 20 ms"):
        kit.ask(simulation, "c1", Write(9), within=20 * MS)


def test_what_is_refused_is_not_ok() -> None:
    with pytest.raises(AssertionError, match="failed too late, though nothing stands in its way"):
        kit.value_of(asked("put", 1, Failed("too late")))


def test_operations_must_be_there_and_ok_and_in_time() -> None:
    kit.must_be_ok(asked("put", 1, Ok()), within=10)
    with pytest.raises(AssertionError, match="the test shows nothing"):
        kit.must_be_ok()
    with pytest.raises(AssertionError, match="took 11 µs, more than 10 µs"):
        kit.must_be_ok(asked("put", 1, Ok(), took=11), within=10)
    with pytest.raises(AssertionError, match="unknown"):
        kit.must_be_ok(asked("put", 1, Ok()), asked("put", 2, Unknown()))


def test_a_goal_that_is_not_reached_is_a_failure() -> None:
    simulation = registers()
    kit.run_until(simulation, lambda: simulation.now >= 0)
    with pytest.raises(AssertionError, match="it did not come to that within 1 s"):
        kit.run_until(simulation, lambda: False, within=SECOND)


def test_clients_must_get_through_and_nearly_all_must_end_ok() -> None:
    simulation = registers()
    work = Workload(simulation, lambda random, client, number: Write(number), count=5)
    kit.must_end(simulation, work, limit=5 * SECOND)
    lost = registers()
    lost.inject(Partition(0, (("n1", "c1"), ("n2", "n3"))))
    work = Workload(lost, lambda random, client, number: Write(number), count=3)
    with pytest.raises(AssertionError, match="of 3 operations only 0 ended with ok"):
        kit.must_end(lost, work, limit=10 * SECOND)
    kit.must_end(lost, work, limit=10 * SECOND, fine=0)
    stuck = Workload(lost, lambda random, client, number: Write(number), count=3)
    with pytest.raises(AssertionError, match="somebody still waits"):
        kit.must_end(lost, stuck, limit=lost.now + 1 * MS)


# Checking.


def test_a_history_must_be_linearizable_and_have_an_answer_that_says_something() -> None:
    put, got = asked("put", "1", Ok()), asked("get", None, Ok("1"))
    kit.must_be_linearizable([put, got, asked("members", None, Ok("n1"))], KEY_VALUE)
    for silent in ([put], [put, asked("get", None, Failed())], [asked("get", None, Ok(None))]):
        with pytest.raises(AssertionError, match="doing nothing is no store"):
            kit.must_be_linearizable(History(silent), KEY_VALUE)
    with pytest.raises(AssertionError, match="'2'"):
        kit.must_be_linearizable([put, asked("get", None, Ok("2"))], KEY_VALUE)


# Trouble, and watching.


def test_trouble_is_decided_by_its_seed_hits_whom_it_may_and_ends_in_a_calm() -> None:
    kinds = ("crash", "partition")
    drawn = [
        kit.trouble(seed, kinds, hit=("n1", "n2"), others=("n2", "c1"), until=SECOND)
        for seed in (1, 1, 2)
    ]
    assert drawn[0] == drawn[1] != drawn[2]
    crashed = {fault.node for faults in drawn for fault in faults if hasattr(fault, "node")}
    assert crashed <= {"n1", "n2"}
    assert all(fault.at <= SECOND for faults in drawn for fault in faults)


def test_nodes_crash_and_come_back_with_what_was_on_their_disks() -> None:
    simulation = registers()
    kit.ask_ok(simulation, "c1", Write(7))
    kit.crash(simulation, "n2")
    assert "n2" not in simulation.nodes
    kit.restart(simulation, "n2")
    before = dict(simulation.nodes)
    kit.restart_all(simulation)
    assert simulation.nodes.keys() == before.keys()
    assert all(simulation.nodes[id] is not before[id] for id in simulation.members)


def test_the_wire_has_what_left_and_what_arrived_until_it_forgets() -> None:
    wire = kit.Wire()
    simulation = registers(wire)
    kit.ask_ok(simulation, "c1", Write(7))
    (request,) = wire.of(WriteRequest)
    assert request.value == 7
    assert wire.times_of(WriteRequest) == [
        sent.at for sent in wire.sent_messages if sent.sender == "c1"
    ]
    assert not wire.of(ReadRequest)
    among = wire.between(kit.names(3))
    assert among
    assert len(among) == len(wire.sent_messages) - 2, "all but the request and its answer"
    assert ("n1", request) in [(node, message) for _, node, message in wire.received]
    wire.forget()
    assert not wire.sent_messages
    assert not wire.received
    assert kit.effects_of(Send, [Send("n1", request), Save("x", 1)]) == [Send("n1", request)]


# One node by hand.


@message
class Remind:
    """Say so in a while."""

    text: str


@timer
class WhileIsOver:
    """That while is over."""

    text: str


class Reminder(Node):
    """Says everything a while later, and counts over its lives what it has heard."""

    def on_start(self) -> None:
        self.count = self.saved.get("count", 0)
        self.broadcast(Remind(f"{self.count} so far"))

    @on(Remind)
    def asked(self, remind: Remind, sender: str) -> None:
        self.count += 1
        self.save("count", self.count)
        self.set_timer(10 * MS * len(remind.text), WhileIsOver(remind.text))

    @on(WhileIsOver)
    def is_over(self, timer: WhileIsOver) -> None:
        self.send("n2", Remind(timer.text))

    @on(Write)
    def refuse(self, write: Write, call: int) -> None:
        self.finish(call, Failed("nothing is written here"))


def test_a_node_by_hand_has_a_disk_and_a_clock_and_what_it_says_is_seen() -> None:
    hand = kit.ByHand(Reminder("n1", ("n2", "n3")))
    first = Remind("0 so far")
    assert hand.at_start == [kit.Sent(0, "n1", "n2", first), kit.Sent(0, "n1", "n3", first)]
    assert hand.receive("n3", Remind("long")) == hand.receive("n2", Remind("so")) == []
    assert hand.wait(20 * MS - 1) == []
    assert hand.wait(1) == [kit.Sent(20 * MS, "n1", "n2", Remind("so"))], (
        "the first due comes first"
    )
    assert [timer for _, timer in hand.timers.values()] == [WhileIsOver("long")]
    assert hand.wait(SECOND) == [kit.Sent(40 * MS, "n1", "n2", Remind("long"))]
    assert (hand.now, hand.timers) == (20 * MS + SECOND, {})
    assert hand.invoke(Write(1)) == []
    assert hand.ended == [Failed("nothing is written here")]
    again = kit.ByHand(Reminder("n1", ("n2",)), hand.disk, now=hand.now)
    assert again.at_start == [kit.Sent(hand.now, "n1", "n2", Remind("2 so far"))]


# The views of labs.


def named(lab: Lab) -> Iterator[tuple[str, object]]:
    """The names in the view of a lab, with what they are for type checkers."""
    tree = ast.parse((ROOT / f"tests/{lab.folder}/lab.py").read_text(encoding="utf-8"))
    (view,) = (part for part in tree.body if isinstance(part, ast.ClassDef))
    imported = [part for part in ast.walk(tree) if isinstance(part, ast.ImportFrom)]
    files = {alias.asname: alias.name for part in imported for alias in part.names if alias.asname}
    for part in ast.walk(view):
        if isinstance(part, ast.ImportFrom):
            assert part.module is not None
            for alias in part.names:
                thing = getattr(import_module(part.module), alias.name)
                if not isinstance(thing, ModuleType):  # by which lab.available.Tagged is known
                    yield alias.name, thing
        elif isinstance(part, ast.Assign) and isinstance(part.value, ast.Call):
            where = ast.unparse(part.value.args[0])
            assert ast.unparse(part.value.func) == "staticmethod", "a function of a module"
            file = where.partition(".")[0]
            module = import_module(f"{lab.package}.{files.get(file, file)}")
            yield ast.unparse(part.targets[0]), getattr(module, where.rpartition(".")[2])


@LABS
def test_the_view_of_a_lab_says_what_its_suite_gets(lab: Lab) -> None:
    under_test = LabUnderTest(lab, load(lab), None)
    there = list(named(lab))
    assert there
    for name, thing in there:
        assert getattr(under_test, name) is thing, f"lab.{name} is not what the view says"
