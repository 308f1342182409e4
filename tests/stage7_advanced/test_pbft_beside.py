"""Beside the lab ``pbft``: more liars than it bears, every order of everything, bad input."""

from dataclasses import replace

import pytest

from common.check.explorer import Answer, explore_instance
from common.check.stories import Stories
from common.check.verdict import Answer as Said
from common.contract import Node, Signed
from common.contract.events import Invoke, Receive, Start
from common.contract.registers import Append, Get
from common.contract.signing import IDEAL
from common.trace.reader import parse
from common.values.faults import Block, Corrupt, Fault, Schedule, Twin
from common.values.history import Ok
from common.values.units import MS, SECOND
from common.worlds import Scene, Size, Worlds
from common.worlds.examples import trace_of
from stage7_advanced.pbft.broken import BEHAVIOURS
from stage7_advanced.pbft.demo import demo
from stage7_advanced.pbft.messages import (
    Checkpoint,
    Commit,
    NewView,
    Prepare,
    Prepared,
    PrePrepare,
    Reply,
    Request,
    State,
    Status,
    Submit,
    ViewChange,
)
from stage7_advanced.pbft.small import LYING_BACKUP, LYING_PRIMARY, TWO_LIARS
from stage7_advanced.pbft.small_viewchange import (
    BringsNothing,
    LyingNewPrimary,
    UntilViewOne,
    view_change,
)
from stage7_advanced.pbft.store import Store
from stage7_advanced.pbft.worlds import WORLDS, the_first_lies

FOUR = ("n1", "n2", "n3", "n4")
SMALL = {"every": 4, "window": 8}
UNTIL = 20 * SECOND


def two_stories(*faults: Fault) -> Scene:
    """c1 writes, c2 reads after that, and the liars tell n3 and c2 another story."""
    size = Size(members=4, clients=2, config={"status_every": 0})
    scene = WORLDS.scene("store", size, seed=3, schedule=Schedule(faults))
    assert isinstance(scene.ask("c1", Append("x", "a")).outcome, Ok)
    scene.run(scene.now + 100 * MS)
    scene.ask("c2", Get("x"))
    return scene


@pytest.mark.parametrize("liars", [("n1",), ("n4",), ("n3",)])
def test_one_that_tells_two_stories_is_harmless(liars: tuple[str, ...]) -> None:
    scene = two_stories(*[Corrupt(0, liar, "equivocates", ("n2", "c2")) for liar in liars])
    assert scene.verdicts()["linearizable"].answer is Said.YES


def test_the_same_plan_with_one_more_liar_breaks_the_promise_and_shows_who_told_whom_what() -> None:
    scene = two_stories(*[Corrupt(0, liar, "equivocates", ("n3", "c2")) for liar in ("n1", "n4")])
    assert scene.verdicts()["linearizable"].answer is Said.NO
    told = str(scene.stories)
    assert "n1 told two stories" in told
    assert "n4 told two stories" in told


def test_two_that_run_twice_make_two_orders_and_one_does_not() -> None:
    n1 = Twin(0, "n1", (("n2", "n4", "c1"), ("n3", "n4'", "c2")))
    n4 = Twin(0, "n4", (("n1", "n2", "c1"), ("n1'", "n3", "c2")))
    alone = Twin(0, "n1", (("n2", "n4", "c1"), ("n3", "n4", "c2")))
    for twins, answer in (([alone], Said.YES), ([n1, n4], Said.NO)):
        scene = two_stories(*twins, Block(0, "c1", "n3"), Block(0, "c2", "n2"))
        assert scene.verdicts()["linearizable"].answer is answer, twins
        assert all(isinstance(asked.outcome, Ok) for asked in scene.history), "all got through"


SEVEN = replace(WORLDS, simulated=Size(members=7, clients=2, config=SMALL), liars=2)
"""Two may lie, or run twice."""


def rehearse(worlds: Worlds, seed: int) -> tuple[Scene, int]:
    """A run with liars, twins and all other trouble; and how many requests were carried out."""
    scene = worlds.rehearsal(seed=seed, recorded=False)
    scene.run(UNTIL)
    return scene, sum(isinstance(asked.outcome, Ok) for asked in scene.history)


def test_seven_bear_two_that_lie_or_run_twice() -> None:
    scene, done = rehearse(SEVEN, 2)
    assert scene.verdicts()["linearizable"].answer is Said.YES, scene.stories
    assert done > 5


@pytest.mark.proof
def test_seven_bear_two_liars_under_a_hundred_schedules() -> None:
    lied: set[str] = set()
    done = 0
    for seed in range(100):
        scene, ok = rehearse(SEVEN, seed)
        verdict = scene.verdicts()["linearizable"]
        assert verdict.answer is Said.YES, f"seed {seed}: {verdict.sentence}\n{scene.stories}"
        faults = SEVEN.chaos(SEVEN.variant(), seed).faults
        lied |= {fault.behaviour for fault in faults if isinstance(fault, Corrupt)}
        lied |= {"twin" for fault in faults if isinstance(fault, Twin)}
        done += ok
    assert lied == {*BEHAVIOURS, "twin"}, "all ways of lying occur"
    assert done > 500


@pytest.mark.parametrize("instance", [LYING_PRIMARY, LYING_BACKUP], ids=["primary", "backup"])
@pytest.mark.proof
def test_one_liar_that_says_everything_breaks_no_agreement_in_any_order(instance: object) -> None:
    assert explore_instance(instance).answer is Answer.YES  # type: ignore[arg-type]


def test_with_two_liars_the_explorer_finds_how_agreement_breaks() -> None:
    found = explore_instance(TWO_LIARS)
    assert found.answer is Answer.NO
    assert "carries out" in str(found)
    assert found.counter_example is not None
    _, lines = trace_of("pbft", TWO_LIARS, found.counter_example)
    told = str(Stories.heard_in(parse(lines).events, TWO_LIARS.lying))
    assert "n1 told two stories" in told, "those that were heard, of all that it says"
    assert "n4 to n2                                     n4 to n3" in told


class DropsWhatWasPrepared(UntilViewOne):
    """raijin#8: a view change that brings nothing along."""

    def say_view_change(self) -> None:
        self.slots.clear()
        super().say_view_change()


class BelievesAnyProposals(UntilViewOne):
    """A backup that does not compute what follows from the view changes."""

    def follows(self, said: NewView) -> bool:
        return True


@pytest.mark.parametrize(
    ("liar", "lies", "replica"),
    [
        ("n4", BringsNothing, DropsWhatWasPrepared),
        pytest.param("n2", LyingNewPrimary, BelievesAnyProposals, marks=pytest.mark.proof),
    ],
)
def test_the_explored_view_changes_are_large_enough_to_show_what_is_wrong(
    liar: str, lies: type[Node], replica: type[UntilViewOne]
) -> None:
    found = explore_instance(view_change(liar, lies=lies, replica=replica))
    assert found.answer is Answer.NO
    assert "has carried out what n1 asked for, and for" in str(found)


def test_the_demonstration_says_yes_for_one_liar_and_no_for_two() -> None:
    report = demo(7)
    table = next(part for part in report.parts if getattr(part, "title", "") == "One liar")
    assert {row[3] for row in table.rows} == {"yes"}  # type: ignore[union-attr]
    assert [row[0] for row in table.rows] == list(BEHAVIOURS)  # type: ignore[union-attr]


def test_live_trouble_ends_with_honesty() -> None:
    faults = the_first_lies(FOUR, 5 * SECOND).faults
    assert {fault.node for fault in faults if isinstance(fault, Corrupt)} == {"n1"}
    assert isinstance(faults[-1], Corrupt)
    assert faults[-1].behaviour == "honest"


# Bad input: whatever comes, signed by a replica or by nobody, a replica goes on.

REQUEST = Signed("c1", Request("c1", 1, Append("x", "a")), IDEAL)
VOTE = Signed("n3", Prepare(0, 1, ""), IDEAL)

NONSENSE = (
    PrePrepare(-1, -1, "", None),
    PrePrepare(0, 10**30, "", REQUEST),
    PrePrepare(0, 1, "", VOTE),
    Prepare(-1, 1, ""),
    Commit(10**30, 10**30, ""),
    Checkpoint(-5, ""),
    Checkpoint(10**30, ""),
    Status(10**30, True, -1, -1),
    Status(-1, False, 10**30, 10**30),
    State(None, ()),
    State(("x",), (VOTE, REQUEST)),
    ViewChange(10**30, 0, (), ()),
    ViewChange(-3, 10**30, (VOTE,), ()),
    ViewChange(1, 0, (), (Prepared(VOTE, (VOTE, REQUEST)), Prepared(REQUEST, ()))),
    NewView(1, (), ()),
    NewView(1, (VOTE, REQUEST, VOTE), (VOTE,)),
    NewView(4, tuple(Signed(n, ViewChange(4, 0, (), ()), IDEAL) for n in FOUR), (REQUEST,)),
    Reply(0, "c1", 1, None),
    Request("n3", 1, "no command"),
    "text",
    (1, 2),
    None,
)


@pytest.mark.parametrize("said", NONSENSE, ids=repr)
@pytest.mark.parametrize("sender", ["n1", "n3"])
def test_nonsense_that_a_replica_has_signed_stops_nobody(said: object, sender: str) -> None:
    node = Store("n2", ("n1", "n3", "n4"))
    node.step(Start(0, {}))
    for signer in (sender, "stranger"):
        node.step(Receive(0, sender, Signed(signer, said, IDEAL)))
        node.step(Receive(0, sender, Signed(signer, said, b"")))
    assert node.step(Receive(0, "c1", Submit(REQUEST))), "it goes on"


def test_a_submit_that_carries_no_request_is_ignored() -> None:
    node = Store("n2", ("n1", "n3", "n4"))
    node.step(Start(0, {}))
    assert node.step(Receive(0, "c1", Submit(VOTE))) == []
    assert node.step(Receive(0, "c1", Submit(Signed("c1", None, IDEAL)))) == []


def test_people_may_not_ask_a_replica_itself() -> None:
    node = Store("n2", ("n1", "n3", "n4"))
    node.step(Start(0, {}))
    with pytest.raises(Exception, match="no handler takes the operation"):
        node.step(Invoke(0, 1, Get("x")))
