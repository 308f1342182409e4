"""Byzantine nodes without attack code: a node that runs twice under one name."""

from collections.abc import Sequence

import pytest

from common.check.explorer import Bounds, Instance, WorldView, explore_instance
from common.check.invariants import Always, Watch
from common.check.stories import Stories
from common.check.verdict import Answer
from common.contract import Node, NodeId, message, on, operation
from common.sim import Simulation
from common.trace.reader import parse
from common.values.errors import BadInput
from common.values.faults import (
    Corrupt,
    Crash,
    Fault,
    Heal,
    Partition,
    Restart,
    Schedule,
    Twin,
)
from common.values.history import Ok
from common.values.units import MS, SECOND
from common.worlds import Scene
from common.worlds.examples import trace_of
from tests.common.simulated import FIXED
from tests.common.twin_nodes import (
    EQUIVOCATES,
    SAYS_BOTH,
    Chooser,
    Wish,
    Wisher,
    agreement,
    two_hold_it,
)

MEMBERS = ("n1", "n2", "n3", "n4")
HALVES = (("n2", "c1"), ("n3", "n4", "c2"))


def choosers(*faults: Fault, **options: object) -> Simulation:
    """Four choosers, and two clients."""
    return Simulation(
        dict.fromkeys(MEMBERS, Chooser),
        dict.fromkeys(("c1", "c2"), Wisher),
        link=FIXED,
        schedule=Schedule(faults),
        **options,  # type: ignore[arg-type]
    )


def chosen(simulation: Simulation) -> dict[NodeId, str]:
    """What each half of each member holds."""
    return {id: n.chosen for id, n in simulation.nodes.items() if isinstance(n, Chooser)}


def both_wish(simulation: Simulation) -> list[object]:
    """c1 wishes for a and c2, a little later, for b; returns what they are told."""
    asked = [simulation.call("c1", Wish("a"))]
    simulation.run(1 * MS)
    asked.append(simulation.call("c2", Wish("b")))
    simulation.run(1 * SECOND)
    return [each.outcome for each in asked]


# The simulator.


def test_correct_code_that_runs_twice_says_two_things() -> None:
    simulation = choosers(Twin(0, "n1", HALVES))
    assert both_wish(simulation) == [Ok("a"), Ok("b")]
    assert chosen(simulation) == {"n1": "a", "n1'": "b", "n2": "a", "n3": "b", "n4": "b"}
    assert simulation.nodes["n1'"].id == "n1", "both halves have one name"
    assert simulation.nodes["n1'"].peers == ("n2", "n3", "n4")
    assert both_wish(choosers()) == [Ok("a"), Ok("a")], "once is fine"


def test_a_node_in_both_halves_hears_both_and_one_in_neither_hears_none() -> None:
    simulation = choosers(Twin(0, "n1", (("n2", "c1"), ("n2", "n3", "c2"))))
    both_wish(simulation)
    assert chosen(simulation) == {"n1": "a", "n1'": "b", "n2": "a", "n3": "b", "n4": ""}


def test_a_second_half_begins_with_what_was_saved_and_halves_can_change() -> None:
    late = Twin(2 * SECOND, "n1", HALVES)
    simulation = choosers(late)
    both_wish(simulation)
    simulation.run(3 * SECOND)
    assert chosen(simulation)["n1'"] == "a", "the disk was copied"
    simulation = choosers(Twin(0, "n1", HALVES), Twin(500 * MS, "n1", HALVES[::-1]))
    both_wish(simulation)
    asked = simulation.call("c1", Wish("c"))
    simulation.run(2 * SECOND)
    assert asked.outcome == Ok("b"), "c1 hears the second half now"


def test_a_second_half_crashes_alone_and_comes_back_as_itself() -> None:
    simulation = choosers(
        Twin(0, "n1", HALVES), Crash(1 * SECOND, "n1'"), Restart(2 * SECOND, "n1'")
    )
    both_wish(simulation)
    simulation.run(1_500 * MS)
    assert "n1'" not in simulation.nodes
    assert "n1" in simulation.nodes
    simulation.run(3 * SECOND)
    assert chosen(simulation)["n1'"] == "b"


def test_partitions_may_name_a_second_half_and_a_heal_leaves_the_halves() -> None:
    cut = Partition(0, (("n1", "n2", "c1"), ("n1'", "n3", "c2"), ("n4",)))
    simulation = choosers(Twin(0, "n1", HALVES), cut, Heal(500 * MS))
    both_wish(simulation)
    assert chosen(simulation) == {"n1": "a", "n1'": "b", "n2": "a", "n3": "b", "n4": ""}
    again = simulation.call("c2", Wish("c"))
    simulation.run(2 * SECOND)
    assert again.outcome == Ok("b")
    assert chosen(simulation)["n4"] == "b", "healed, and still of the second half"


def test_faults_of_a_second_half_that_is_not_there_do_nothing_and_strangers_are_refused() -> None:
    simulation = choosers(Crash(1, "n2'"), Restart(2, "n2'"))
    both_wish(simulation)
    assert chosen(simulation) == dict.fromkeys(MEMBERS, "a")
    with pytest.raises(BadInput, match="names the node 'n9'"):
        choosers(Twin(0, "n1", (("n9",), ())))
    with pytest.raises(BadInput, match="is a second half itself"):
        choosers(Twin(0, "n1'", ((), ())))


def test_what_must_hold_is_not_asked_of_byzantine_nodes() -> None:
    watch = Watch([Always("agreement", agreement)])
    simulation = choosers(Twin(0, "n1", (("n2", "n3", "n4", "c1"), ("c2",))), monitors=[watch])
    both_wish(simulation)
    assert watch.verdict().answer is Answer.YES, "the second half is alone with its value"
    assert set(simulation.honest) == {"n2", "n3", "n4", "c1", "c2"}
    broken = Watch([Always("agreement", agreement)])
    both_wish(choosers(Twin(0, "n1", HALVES), monitors=[broken]))
    assert "'a'" in broken.verdict().sentence
    assert "'b'" in broken.verdict().sentence


@message
class Word:
    """To the node that is named."""


@operation
class Talk:
    """Say a word to oneself."""


class Talker(Node):
    """Counts the words it hears."""

    heard = 0

    @on(Talk)
    def talk(self, talk: Talk, call: int) -> None:
        """To oneself."""
        self.send(self.id, Word())
        self.finish(call, Ok())

    @on(Word)
    def word(self, word: Word, sender: NodeId) -> None:
        """Count it."""
        assert sender == "n1"
        self.heard += 1


def test_a_half_that_speaks_to_itself_does_not_reach_the_other() -> None:
    simulation = Simulation(
        {"n1": Talker, "n2": Talker}, schedule=Schedule([Twin(0, "n1", (("n2",), ("n2",)))])
    )
    simulation.call("n1'", Talk())
    simulation.run(SECOND)
    heard = {id: node.heard for id, node in simulation.nodes.items() if isinstance(node, Talker)}
    assert heard == {"n1": 0, "n1'": 1, "n2": 0}


def test_a_run_with_twins_is_decided_by_its_seed() -> None:
    def run(seed: int) -> str:
        scene = Scene(
            "twins",
            dict.fromkeys(MEMBERS, Chooser),
            {"c1": Wisher, "c2": Wisher},
            seed=seed,
            schedule=Schedule([Twin(0, "n1", HALVES), Twin(3 * MS, "n1", HALVES[::-1])]),
        )
        both_wish(scene)
        return scene.lines

    assert run(1) == run(1)
    assert run(1) != run(2)
    assert '"nodes":["n1","n1\'","n2","n3","n4"]' in run(1)


# Schedules as files.


def test_twins_and_lies_are_read_from_files_and_written_back() -> None:
    schedule = Schedule(
        [
            Twin(5, "n1", HALVES),
            Corrupt(7, "n2", "equivocates", ("n3",)),
            Corrupt(9, "n2", "honest"),
        ]
    )
    assert Schedule.from_plain(schedule.to_plain()) == schedule
    assert schedule.byzantine == ("n1", "n2")
    assert schedule.halved(MEMBERS) == ("n1", "n1'", "n2", "n3", "n4")
    wrong = [{"at": 0, "fault": "twin", "node": "n1", "halves": [["n2"]]}]
    with pytest.raises(BadInput, match="two halves, not 1"):
        Schedule.from_plain(wrong)
    with pytest.raises(BadInput, match="write a list of nodes"):
        Schedule.from_plain(
            [{"at": 0, "fault": "corrupt", "node": "n1", "behaviour": "x", "to": 3}]
        )


# The explorer.


def instance(liars: Sequence[Twin | Corrupt], **changes: object) -> Instance:
    """Three choosers, and a client on each side."""
    options: dict[str, object] = {
        "always": (agreement,),
        "sometimes": (two_hold_it,),
        "behaviours": {"equivocates": EQUIVOCATES, "says both": SAYS_BOTH},
    }
    return Instance(
        nodes=dict.fromkeys(("n1", "n2", "n3"), Chooser),
        clients={"c1": Wisher, "c2": Wisher},
        operations={"c1": (Wish("a"),), "c2": (Wish("b"),)},
        bounds=Bounds(),
        liars=liars,
        **{**options, **changes},  # type: ignore[arg-type]
    )


def test_the_explorer_finds_what_two_halves_can_do_and_nothing_without_them() -> None:
    assert explore_instance(instance(())).answer is Answer.YES
    twice = Twin(0, "n1", (("n2", "c1"), ("n3", "c2")))
    found = explore_instance(instance((twice,)))
    assert found.answer is Answer.NO
    assert found.counter_example is not None
    said = [str(choice) for choice in found.counter_example]
    assert any("from n1'" in line for line in said), said


def test_halves_that_see_everyone_miss_messages_in_every_way() -> None:
    everyone = ("n2", "n3", "c1", "c2")
    found = explore_instance(instance((Twin(0, "n1", (everyone, everyone)),)))
    assert found.answer is Answer.NO
    apart = explore_instance(instance((Twin(0, "n1", (("n2", "n3", "c1"), ("c2",))),)))
    assert apart.answer is Answer.YES, "the second half is heard by nobody who holds a value"


@pytest.mark.parametrize("plan", ["equivocates", "says both"])
def test_a_liar_breaks_in_the_explorer_what_holds_among_the_honest(plan: str) -> None:
    found = explore_instance(instance((Corrupt(0, "n1", plan, ("n3",)),)))
    assert found.answer is Answer.NO
    harmless = explore_instance(instance((Corrupt(0, "n3", plan),)))
    assert harmless.answer is Answer.YES, "nobody believes n3"


def test_properties_in_the_explorer_see_the_honest_alone() -> None:
    def only_honest(world: WorldView) -> str | None:
        return None if set(world) == {"n2", "n3", "c1", "c2"} else f"there are {list(world)}"

    twice = Twin(0, "n1", (("n2", "c1"), ("n3", "c2")))
    found = explore_instance(instance((twice,), always=(only_honest,), sometimes=()))
    assert found.answer is Answer.YES


def test_instances_refuse_liars_that_make_no_sense() -> None:
    twice = Twin(0, "n1", (("n2",), ("n3",)))
    with pytest.raises(BadInput, match="among the liars twice"):
        instance((twice, Corrupt(0, "n1", "equivocates")))
    with pytest.raises(BadInput, match="no Byzantine behaviour 'sulks' here"):
        instance((Corrupt(0, "n1", "sulks"),))
    with pytest.raises(BadInput, match="only members run twice"):
        instance((Twin(0, "c1", ((), ())),))
    with pytest.raises(BadInput, match="lied to"):
        instance((twice,), symmetric=(("n2", "n3"),))


def test_a_counter_example_of_twins_is_a_trace_that_tells_two_stories() -> None:
    small = instance((Twin(0, "n1", (("n2", "c1"), ("n3", "c2"))),))
    found = explore_instance(small)
    assert found.counter_example is not None
    _, lines = trace_of("twins", small, found.counter_example, found.broken)
    told = str(Stories.of_trace(parse(lines).events))
    assert "n1 told two stories" in told
    assert "Chosen(value='a')" in told
    assert "Chosen(value='b')" in told
