"""What the generals show: the price of agreement, three who fail, and what a signature changes."""

from collections.abc import Iterable
from functools import partial

from common.check.explorer import explore_instance
from common.check.verdict import Answer, Verdict
from common.contract import NodeId
from common.contract.lies import Liar
from common.contract.observer import Observer
from common.values.faults import Corrupt, Schedule
from common.values.report import Report
from common.worlds import Scene
from common.worlds.examples import trace_of
from stage7_advanced.pbft.generals import (
    ROUND,
    General,
    OralGeneral,
    Order,
    SignedGeneral,
    disagreement,
    messages_of_oral,
)
from stage7_advanced.pbft.small_generals import FOUR_GENERALS, THREE_GENERALS


class _Counting(Observer):
    """Counts messages."""

    sent_messages = 0

    def sent(self, at: int, node: NodeId, to: NodeId, message: object, number: int) -> None:
        """One more."""
        self.sent_messages += 1


def show_generals(report: Report, seed: int) -> None:
    """Add all that the generals show to a report."""
    _show_price(report, seed)
    _show_three(report)
    _show_signed(report, seed)


def _show_price(report: Report, seed: int) -> None:
    rows = []
    for count, traitors in ((4, 1), (7, 1), (7, 2), (10, 3)):
        sent = [_battle(kind, count, traitors, seed) for kind in (OralGeneral, SignedGeneral)]
        rows.append((count, traitors, messages_of_oral(count, traitors), *sent))
    report.say(
        "A commander gives an order to his lieutenants, and all hand on what they were told, so "
        "that the loyal ones do the same. What that costs, counted in a run without a traitor:"
    )
    headers = ("generals", "traitors borne", "by the formula", "sent, oral", "sent, signed")
    report.table("Messages", headers, rows)


def _battle(kind: type[General], count: int, traitors: int, seed: int) -> int:
    counting = _Counting()
    scene = Scene(
        "pbft",
        dict.fromkeys(_names(count), partial(kind, traitors=traitors)),
        seed=seed,
        observers=[counting],
        recorded=False,
    )
    scene.run((traitors + 1) * ROUND)
    return counting.sent_messages


def _show_three(report: Report) -> None:
    """Three and four generals in the explorer, with a traitor who says anything to anybody."""
    report.say("One of the generals is a traitor. The explorer tries every lie, in every order:")
    for name, instance in FOUR_GENERALS.items():
        found = explore_instance(instance)
        held = f"IC1 and IC2 in {found.states:,} states"
        report.judged(f"OM(1), {name}", found.answer.value, held)
    ((name, three),) = THREE_GENERALS.items()
    found = explore_instance(three)
    assert found.counter_example is not None, "three are too few"
    assert found.broken is not None, "IC2"
    report.judged(f"OM(1), {name}", found.answer.value, found.broken.sentence)
    _, lines = trace_of("pbft", three, found.counter_example, found.broken, "n2")
    report.trace("three-generals", "n2 cannot know who lies, n1 or n3", lines)


def _show_signed(report: Report, seed: int) -> None:
    """Three generals bear a traitor in command, once his orders have to be signed."""

    def signs_two(liar: Liar, to: NodeId, true: object) -> Iterable[object]:
        del true
        return [liar.node.sign(Order("attack" if to == "n2" else "retreat"))]

    scene = Scene(
        "pbft",
        dict.fromkeys(_names(3), SignedGeneral),
        seed=seed,
        schedule=Schedule([Corrupt(0, "n1", "signs two orders")]),
        behaviours={"signs two orders": signs_two},
    )
    scene.run(2 * ROUND)
    report.say(
        "With signatures three are enough. The traitor is in command and signs two orders. Each "
        "lieutenant shows the other what he has in hand, so both know who lies, and do the same:"
    )
    wrong = disagreement(scene.honest)
    loyal = [general for general in scene.honest.values() if isinstance(general, General)]
    does = ", ".join(f"{general.id} does {general.decision}" for general in loyal)
    verdict = Verdict(Answer.NO if wrong else Answer.YES, wrong or does)
    scene.judged("SM(1), three generals", verdict)
    report.judged("SM(1), three generals", verdict.answer.value, verdict.sentence)
    scene.trace(report, "three-signed", "two orders with one signature prove the traitor")


def _names(count: int) -> list[NodeId]:
    return [f"n{number}" for number in range(1, count + 1)]
