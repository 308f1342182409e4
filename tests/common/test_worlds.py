"""What a lab declares once, and the scenes that come of it."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from common.check.explorer import explore_instance
from common.check.verdict import Answer, Verdict
from common.contract import CallId, Node, NodeId, on, operation
from common.course.base.course import Course
from common.course.base.declared import worlds_of
from common.runtime.declared import spec_of
from common.values.errors import BadInput
from common.values.faults import Crash, Fault, Link, Pause, Restart, Schedule
from common.values.history import History, Ok
from common.values.report import Judged, Report, Trace
from common.values.units import MS, SECOND
from common.worlds import Scene, Size, Variant, Work, Worlds
from common.worlds.examples import trace_of
from common.worlds.portable import digest
from common.worlds.troubles import TROUBLES, kill_all, kill_first, kill_in_turn, together
from stage1_foundations.cap.small import WITHOUT_WRITE_BACK
from stage1_foundations.cap.worlds import WORLDS as CAP
from stage3_partitioning.kv.server import StoreNode
from stage3_partitioning.kv.worlds import WORLDS as KV

FIVE = ("n1", "n2", "n3", "n4", "n5")


@operation
class Add:
    """One more."""


class Tally(Node):
    """Counts what it is asked to, and saves it; with ``step`` in steps of more than one."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...], *, step: int = 1) -> None:
        super().__init__(id, peers)
        self.step_by = step

    def on_start(self) -> None:
        """Go on from what was saved."""
        self.total: int = self.saved.get("total", 0)

    @on(Add)
    def add(self, asked: Add, call: CallId) -> None:
        """Save, then answer."""
        self.total += self.step_by
        self.save("total", self.total)
        self.finish(call, Ok(self.total))


def counts_up(history: History) -> Verdict:
    """Each process was told a higher number each time."""
    told = [each.outcome.value for each in history if isinstance(each.outcome, Ok)]
    good = told == sorted(set(told))  # type: ignore[type-var]
    return Verdict(Answer.YES if good else Answer.NO, f"told {told}")


def add(random: Random, client: NodeId, number: int) -> Add:
    return Add()


def tallies(**changes: object) -> Worlds:
    """One tally, whose clients are tallies of their own."""
    variant = Variant(
        "a tally", node=Tally, client=Tally, choose=add, checks={"counts up": counts_up}
    )
    plain = Worlds("stage0_tests.tally", variants={"one": variant}, live=Size(members=1, clients=1))
    return replace(plain, **changes)  # type: ignore[arg-type]


# Scenes.


def test_a_scene_is_recorded_and_its_verdicts_are_in_the_trace_and_in_the_report() -> None:
    report = Report("a report")
    scene = Scene("tally", {"n1": Tally}, {"c1": Tally}, seed=3, checks={"counts up": counts_up})
    scene.begin(Work(add, count=5))
    assert scene.work()
    assert scene.ask("c1", Add()).outcome == Ok(6)
    assert scene.check(report, "counts up", "it counts").answer is Answer.YES
    scene.judged("elsewhere", Verdict(Answer.NO, "no."), "n1")
    scene.trace(report, "tally", "a tally counts")
    judged, trace = report.parts
    assert judged == Judged("it counts", "yes", "told [1, 2, 3, 4, 5, 6]")
    assert trace == Trace("tally", "a tally counts", scene.lines)
    header, *events = map(json.loads, scene.lines.splitlines())
    assert (header["lab"], header["nodes"], header["clients"], header["seed"]) == (
        "tally", ["n1"], ["c1"], 3,
    )  # fmt: skip
    said = [(each["property"], each["node"]) for each in events if each["kind"] == "verdict"]
    assert said == [("counts up", None), ("elsewhere", "n1")]
    assert sum(each["kind"] == "invoke" for each in events) == 6


def test_work_that_cannot_be_done_ends_at_its_limit() -> None:
    scene = Scene("tally", {"n1": Tally}, schedule=Schedule([Pause(0, "n1")]))
    scene.begin(Work(add, count=2, patience=3600 * SECOND), ("n1",), start=1 * SECOND)
    assert not scene.work(limit=2 * SECOND)
    assert scene.now == 2 * SECOND


def test_a_scene_without_a_record_has_no_trace_and_the_same_history() -> None:
    both = [CAP.rehearsal(seed=5, recorded=recorded) for recorded in (True, False)]
    for scene in both:
        scene.run(3 * SECOND)
    assert both[0].history.to_jsonl() == both[1].history.to_jsonl()
    assert both[0].lines.count("\n") > 100
    assert both[1].lines.count("\n") == 1, "the header alone"


# Declarations.


def test_a_cluster_has_the_names_and_the_settings_that_were_declared() -> None:
    scene = KV.scene("ring")
    assert scene.members == ("n1", "n2", "n3", "n4")
    assert scene.clients == ("c1", "c2", "operator")
    scene.run(1 * MS)
    settings = [node.config for node in scene.nodes.values() if isinstance(node, StoreNode)]
    assert {each["placement"] for each in settings} == {"ring"}
    assert {each["slots"] for each in settings} == {32}, "few in the simulator"
    spec = spec_of(KV, KV.variant("ring"), Path("data"))
    assert spec.config == {"shards": ("n1", "n2", "n3"), "placement": "ring"}
    assert spec.members == ("n1", "n2", "n3", "n4")
    assert Size(members=2).resized(members=3, clients=1).member_names == ("n1", "n2", "n3")
    assert Size(clients=("ann",)).resized().client_names == ("ann",)


def test_members_take_the_settings_of_variant_and_size() -> None:
    worlds = tallies()
    for config, told in (({}, Ok(1)), ({"step": 5}, Ok(5))):
        scene = worlds.scene(size=Size(members=1, clients=0, config=config))
        assert scene.ask("n1", Add()).outcome == told


def test_without_a_class_of_clients_the_members_are_asked_and_bear_what_they_promise() -> None:
    variant = replace(tallies().variant(), client=None)
    worlds = tallies(variants={"one": variant}, live=Size(members=3), bears=("pause", "disk"))
    scene = worlds.rehearsal(seed=4)
    scene.run(4 * SECOND)
    assert scene.clients == ()
    assert {each.process for each in scene.history} == {"n1", "n2", "n3"}
    events = [json.loads(line) for line in scene.lines.splitlines()]
    assert {each["kind"] for each in events} & {"pause", "disk"}
    restarted = [each for each in events if each["kind"] in ("crash", "partition", "clock")]
    assert not restarted, "it bears only what it says"


def test_what_is_not_there_is_refused_with_what_is() -> None:
    with pytest.raises(BadInput, match="lab cap has no variant 'best': it has consistent, avail"):
        CAP.variant("best")
    with pytest.raises(BadInput, match="lab cap has no instance 'huge': it has write-and-read, wi"):
        CAP.instance("huge")
    with pytest.raises(BadInput, match="lab tally has no small instance to explore"):
        tallies().instance()
    with pytest.raises(BadInput, match="lab netem is no cluster of nodes"):
        worlds_of(Course().lab("netem"))


def test_rehearsals_of_one_seed_are_the_same_and_of_two_differ() -> None:
    texts = []
    for seed in (1, 1, 2):
        scene = CAP.rehearsal("available", seed=seed)
        scene.run(1 * SECOND)
        texts.append(scene.lines)
    assert texts[0] == texts[1] != texts[2]
    assert digest(CAP) == digest(CAP)


def test_a_rehearsal_under_a_given_schedule_has_no_other_trouble() -> None:
    scene = CAP.rehearsal(seed=1, schedule=Schedule([Crash(10 * MS, "n2")]))
    scene.run(2 * SECOND)
    kinds = {json.loads(line)["kind"] for line in scene.lines.splitlines()}
    assert "crash" in kinds
    assert not kinds & {"restart", "partition", "pause", "link", "heal", "clock"}


def test_a_counter_example_becomes_a_trace_with_what_was_said_of_it() -> None:
    found = explore_instance(WITHOUT_WRITE_BACK)
    assert found.counter_example is not None
    world, lines = trace_of("cap", WITHOUT_WRITE_BACK, found.counter_example, found.broken, "c2")
    assert len(world.history) == 3
    header, *_, last = map(json.loads, lines.splitlines())
    assert (header["world"], header["clients"]) == ("explorer", ["c1", "c2"])
    assert (last["kind"], last["node"], last["result"]) == ("verdict", "c2", "no")


# Troubles.


@pytest.mark.parametrize("name", TROUBLES)
@pytest.mark.parametrize("members", [FIVE[:1], FIVE[:3], FIVE])
@pytest.mark.parametrize("seconds", [1, 5, 60])
def test_a_trouble_ends_before_the_run_does(
    name: str, members: Sequence[NodeId], seconds: int
) -> None:
    schedule = TROUBLES[name](members, seconds * SECOND)
    schedule.check_nodes(members)
    assert all(fault.at < seconds * SECOND * 9 // 10 for fault in schedule)
    down: set[str] = set()
    for fault in schedule:
        match fault:
            case Crash(_, node):
                assert node not in down, f"{node} is killed twice"
                down.add(node)
            case Restart(_, node):
                down.remove(node)
    assert not down, "everybody is back"
    standing = [fault for fault in schedule if isinstance(fault, Link)]
    assert not standing or standing[-1].loss == 0


def down_at_once(faults: Sequence[Fault]) -> int:
    """How many members are down at one time, at most."""
    down = most = 0
    for fault in faults:
        down += isinstance(fault, Crash)
        down -= isinstance(fault, Restart)
        most = max(most, down)
    return most


def test_killing_in_turn_leaves_a_majority_and_killing_all_leaves_nobody() -> None:
    turns = kill_in_turn(FIVE, 5 * SECOND)
    assert [fault.node for fault in turns if isinstance(fault, Crash)] == [*FIVE]
    assert down_at_once(turns.faults) == 1
    assert down_at_once(kill_all(FIVE, 5 * SECOND).faults) == 5
    short = kill_in_turn(FIVE, 1 * SECOND)
    assert len(short) == 2, "a process takes a while to come back"


def test_troubles_together_are_all_their_faults() -> None:
    both = together(kill_first, kill_all)(FIVE, 10 * SECOND)
    assert len(both) == 12
    assert list(both) == sorted(both, key=lambda fault: fault.at)


def test_facades_may_stand_in_front_of_some_variants_only() -> None:
    assert KV.front is not None
    some = replace(KV, front=replace(KV.front, variants=("ring",)))
    assert some.front_of(some.variant("ring")) is some.front
    assert some.front_of(some.variant("slots")) is None
    assert KV.front_of(KV.variant("slots")) is KV.front
    assert CAP.front_of(CAP.variant()) is None
