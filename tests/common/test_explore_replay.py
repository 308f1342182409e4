"""A counter-example is an ordinary run: stored as data, replayed, recorded, looked at."""

import json
from collections.abc import Mapping, Sequence

import pytest

from common.check.explorer import Bounds, Instance, NodeSystem, Run, explore_instance, replay
from common.check.explorer.choices import Call, Choice, Deliver, Fire, from_plain, to_plain
from common.contract.effects import Forget, Save
from common.contract.events import Event, NodeId
from common.contract.observer import Observer
from common.trace.format import Meta
from common.trace.reader import parse
from common.trace.recorder import Recorder
from common.values.errors import BadInput
from common.values.faults import Fault
from common.values.history import Operation
from tests.common.explore_nodes import (
    Acquire,
    ForgetfulVoter,
    Gambler,
    LockClient,
    LockServer,
    Pinger,
    Voter,
)
from tests.common.test_explore_instances import VOTERS, election, lock, one_leader


class Witness(Observer):
    """Writes down everything that observers are told, as text."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def stepped(
        self, at: int, node: NodeId, event: Event, number: int | None, status: Mapping[str, object]
    ) -> None:
        self.lines.append(f"{at} {node} {type(event).__name__} {number}")

    def sent(self, at: int, node: NodeId, to: NodeId, message: object, number: int) -> None:
        self.lines.append(f"{at} {node} sends {number} to {to}")

    def dropped(self, at: int, node: NodeId, to: NodeId, number: int, why: str) -> None:
        self.lines.append(f"{at} {number} is dropped: {why}")

    def saved(self, at: int, node: NodeId, changes: Sequence[Save | Forget]) -> None:
        self.lines.append(f"{at} {node} saves {len(changes)}")

    def noted(self, at: int, node: NodeId, text: str, fields: Mapping[str, object]) -> None:
        self.lines.append(f"{at} {node} notes {text}")

    def failed(self, at: int, fault: Fault) -> None:
        self.lines.append(f"{at} {type(fault).__name__}")

    def called(self, at: int, node: NodeId, operation: Operation) -> None:
        self.lines.append(f"{at} {node} is asked")

    def returned(self, at: int, node: NodeId, operation: Operation) -> None:
        self.lines.append(f"{at} {node} answers {operation}")


def twice_voted() -> tuple[Instance, tuple[Choice, ...]]:
    instance = election(ForgetfulVoter, crashes=1)
    path = explore_instance(instance).counter_example
    assert path is not None
    return instance, path


def test_a_replayed_counter_example_ends_in_the_broken_world() -> None:
    instance, path = twice_voted()
    assert one_leader(replay(instance, path)) == "n1 and n2 are leaders at once"
    assert one_leader(replay(instance, path[:-1])) is None


def test_a_goal_has_a_path_that_replays_too() -> None:
    instance = election(Voter)
    path = explore_instance(instance).findings[-1].path
    assert path is not None
    assert any(isinstance(node, Voter) and node.leader for node in replay(instance, path).values())


def test_choices_are_plain_data_that_json_can_carry() -> None:
    instance, path = twice_voted()
    text = json.dumps([to_plain(choice) for choice in path])
    assert from_plain(json.loads(text)) == path
    assert one_leader(replay(instance, from_plain(json.loads(text)))) is not None


def test_the_result_as_plain_data_names_answer_counts_and_choices() -> None:
    found = explore_instance(election(ForgetfulVoter, crashes=1))
    plain = json.loads(json.dumps(found.to_plain(to_plain)))
    assert plain["answer"] == "no"
    assert plain["states"] == found.states
    broken = next(one for one in plain["findings"] if one["answer"] == "no")
    assert broken["path"][0] == {"choice": "fire", "node": "n1", "timer": "Election()"}


def test_a_recorder_writes_an_ordinary_trace_of_a_counter_example() -> None:
    instance, path = twice_voted()
    lines: list[str] = []
    recorder = Recorder(lines.append, Meta("voting", VOTERS, world="explorer"))
    replay(instance, path, [recorder])
    trace = parse("".join(lines), "a test")
    kinds = [event["kind"] for event in trace.events]
    assert kinds[:3] == ["start"] * 3
    assert kinds.count("recv") == 4
    assert kinds.index("crash") < kinds.index("restart")
    assert [event["t"] for event in trace.events] == sorted(event["t"] for event in trace.events)


def test_observers_are_told_of_calls_losses_crashes_and_answers() -> None:
    instance = lock(LockServer, losses=1, crashes=1)
    run = Run(NodeSystem(instance), [witness := Witness()])
    for text in (
        "the client at c1 asks for Acquire()",
        "s receives Request() from c1 (message 1)",
        "c1 receives Grant() from s (message 2)",
        "the client at c2 asks for Acquire()",
        "Request() from c2 to s is lost (message 3)",
        "s crashes",
        "the timer Done() of c1 fires",
        "Release() from c1 to s is lost (message 4)",
        "s restarts",
    ):
        assert run.choose(next(one for one in run.possible() if str(one) == text))
    assert witness.lines == [
        "0 s Start None",
        "0 c1 Start None",
        "0 c2 Start None",
        "1000 c1 is asked",
        "1000 c1 Invoke None",
        "1000 c1 sends 1 to s",
        "2000 s Receive 1",
        "2000 s sends 2 to c1",
        "3000 c1 Receive 2",
        "3000 c1 answers c1 acquire() -> ok",
        "4000 c2 is asked",
        "4000 c2 Invoke None",
        "4000 c2 sends 3 to s",
        "5000 3 is dropped: loss",
        "6000 Crash",
        "7000 c1 Fire None",
        "7000 c1 sends 4 to s",
        "8000 4 is dropped: crashed",
        "9000 Restart",
        "9000 s Start None",
    ]


def test_a_handler_that_raised_is_noted_in_the_trace() -> None:
    instance = lock(LockServer, duplicates=1)
    path = explore_instance(instance).counter_example
    assert path is not None
    world = replay(instance, path, [witness := Witness()])
    assert world.problem is not None
    assert witness.lines[-1].endswith(f"s notes {world.problem}")


def test_a_message_that_lasts_can_be_delivered_again() -> None:
    instance = Instance({"n1": Pinger, "n2": Pinger}, bounds=Bounds(duplicates=None))
    ping = Deliver(1, "n1", "n2", "Ping()")
    witness = Witness()
    replay(instance, [Fire("n1", "Tick()"), ping, ping], [witness])
    assert witness.lines[-2:] == ["2000 n2 Receive 1", "3000 n2 Receive 1"]


def test_random_numbers_in_a_replay_are_those_of_the_search() -> None:
    def late(world: Mapping[NodeId, object]) -> str | None:
        node = world["n1"]
        assert isinstance(node, Gambler)
        return f"drew {node.drawn}" if len(node.drawn) == 3 else None

    instance = Instance({"n1": Gambler}, always=(late,))
    found = explore_instance(instance)
    assert found.counter_example is not None
    assert found.broken is not None
    assert late(replay(instance, found.counter_example)) == found.broken.sentence


def test_choices_found_with_other_code_are_refused() -> None:
    _, path = twice_voted()
    with pytest.raises(BadInput, match=r"choice 6 .*n2 fires.* explore again"):
        replay(election(Voter, crashes=1), path)
    with pytest.raises(BadInput, match="choice 4"):
        replay(election(ForgetfulVoter, crashes=0), path)


@pytest.mark.parametrize(
    ("plain", "said"),
    [
        ({"choice": "fire"}, "choices are a list"),
        ("fire", "choices are a list"),
        ([{"choice": "explode"}], "choice 1 is"),
        ([17], "choice 1 is 17"),
        ([{"choice": "fire", "node": "n1"}], "choice 1: fire has node, timer"),
        ([{"choice": "crash", "node": 1}], "choice 1: crash has node"),
        ([{"choice": "crash", "node": "n1", "at": 3}], "choice 1: crash has node"),
    ],
)
def test_data_that_are_no_choices_are_refused_with_the_reason(plain: object, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        from_plain(plain)


def test_a_run_can_be_steered_by_hand_choice_by_choice() -> None:
    instance = Instance(
        {"s": LockServer}, {"c1": LockClient}, operations={"c1": (Acquire(), Acquire())}
    )
    run = Run(NodeSystem(instance), [])
    assert run.possible() == [Call("c1", "Acquire()")]
    assert run.choose(Call("c1", "Acquire()"))
    assert not run.choose(Call("c1", "Acquire()"))
    assert [type(choice) for choice in run.possible()] == [Deliver]
