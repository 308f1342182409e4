"""Graded suite of the lab ``link``, fifth part: a receiver that crashes and goes on."""

from random import Random
from typing import Any

from common.check.delivery import check_delivery
from common.contract import Forget, Invoke, Receive, Return, Save, Send, Start
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import effects_of, has_ended, must_hold
from common.sim import Simulation
from common.values import faults
from common.values.faults import Fault, Schedule
from common.values.history import Ok, Operation
from common.values.units import MS, SECOND
from tests.stage1_foundations.link.ends import ROUGH, STEADY, numbered
from tests.stage1_foundations.link.lab import LinkLab

LAB = "link"
CALM = 2 * SECOND
THINK = 40 * MS
"""What a reader needs for an item; twice a steady round trip, so that items pile up before it."""


class Reader:
    """An application at ``b`` that takes one item after another, and goes on after each crash."""

    def __init__(self, simulation: Simulation, take: object) -> None:
        self.take = take
        self.simulation = simulation
        self.taken: list[object] = []
        self.unknown = 0
        simulation.on_return.append(self._returned)
        self._take()

    def _take(self) -> None:
        self.simulation.call("b", self.take)

    def _returned(self, node: str, operation: Operation) -> None:
        if operation.function != "take":
            return
        if isinstance(operation.outcome, Ok):
            self.taken.append(operation.outcome.value)
        else:
            self.unknown += 1
        self.simulation.later(self.simulation.now + THINK, self._take)


def crashes(seed: int) -> Schedule:
    """The receiver crashes again and again, and in the end stays up on a calm network."""
    random = Random(f"{seed}/crashes")
    drawn: list[Fault] = []
    at = 0
    while (at := at + random.randrange(20, 400) * MS + random.randrange(1000)) < CALM - SECOND:
        drawn += [faults.Crash(at, "b"), faults.Restart(at + random.randrange(1, 100) * MS, "b")]
    calm = faults.Link(CALM, latency=(1 * MS, 5 * MS), loss=0.0, duplicate=0.0, reorder=0.0)
    return Schedule([*drawn, faults.Restart(CALM, "b"), calm])


@graded(points=5, title="Crashes", requirement="acknowledged is promised, and promises are durable")
def test_no_acknowledged_item_is_lost_or_handed_over_twice_though_the_receiver_crashes(
    lab: LinkLab, sweep: Sweep
) -> None:
    items = numbered(30)
    for seed in sweep(25):
        simulation = lab.simulation(
            {"a": lab.StopAndWaitSender, "b": lab.DurableReceiver},
            seed=seed,
            link=ROUGH if seed % 2 else STEADY,
            schedule=crashes(seed),
            disk_latency=3 * MS,
        )
        reader = Reader(simulation, lab.Take())
        transfer = simulation.call("a", lab.Transfer(tuple(items)))
        has_ended(simulation, transfer, CALM + 30 * SECOND)
        simulation.run(simulation.now + 3 * SECOND)
        assert transfer.outcome == Ok(), "the receiver is up and nothing is lost, and no progress"
        given = [item for item in items if item in reader.taken]
        must_hold(check_delivery(given, reader.taken))
        missing = len(items) - len(given)
        assert missing <= reader.unknown, (
            f"{missing} items were acknowledged and never handed over, and only {reader.unknown} "
            "takes ended unknown: at most those may have been given one"
        )


@graded(
    points=2, title="In one step", requirement="what an acknowledgement promises is saved first"
)
def test_an_item_is_saved_in_the_step_that_acknowledges_it_and_copies_save_nothing(
    lab: LinkLab,
) -> None:
    receiver = lab.DurableReceiver("b", ("a",))
    receiver.step(Start(0, {}))
    effects = receiver.step(Receive(1, "a", lab.Frame(0, "one")))
    assert [save.value for save in effects_of(Save, effects)] == ["one"]
    assert effects_of(Send, effects) == [Send("a", lab.Ack(0))]
    again = receiver.step(Receive(2, "a", lab.Frame(0, "one")))
    assert again == [Send("a", lab.Ack(0))]
    receiver = lab.DurableReceiver("b", ("a",))
    receiver.step(Start(0, {}))
    receiver.step(Invoke(0, 1, lab.Take()))
    effects = receiver.step(Receive(1, "a", lab.Frame(0, "one")))
    of_item = [each for each in effects if isinstance(each, Save | Forget) and each.key != "taken"]
    assert isinstance(of_item[-1], Forget), "somebody waited: it is taken, and not on disk any more"


@graded(points=2, title="Another life", requirement="a life goes on where the last one stopped")
def test_another_life_has_what_was_not_taken_and_expects_what_was_not_delivered(
    lab: LinkLab,
) -> None:
    disk: dict[Any, object] = {}

    def step(node: Any, event: Any) -> list[Any]:
        effects: list[Any] = node.step(event)
        for effect in effects:
            if isinstance(effect, Save):
                disk[effect.key] = effect.value
            elif isinstance(effect, Forget):
                del disk[effect.key]
        return effects

    three: dict[Any, object] = {("item", number): f"item {number}" for number in (4, 2, 3)}
    receiver = lab.DurableReceiver("b", ("a",))
    receiver.step(Start(0, {**three, "taken": 2}))
    for number in (2, 3, 4):
        (handed,) = effects_of(Return, receiver.step(Invoke(1, number, lab.Take())))
        assert handed.outcome == Ok(f"item {number}"), "a disk keeps no order"
    for life in range(3):
        receiver = lab.DurableReceiver("b", ("a",))
        step(receiver, Start(0, dict(disk)))
        for number in range(2 * life, 2 * life + 4):
            answer = step(receiver, Receive(1, "a", lab.Frame(number, f"item {number}")))
            assert effects_of(Send, answer) == [Send("a", lab.Ack(number))]
        for call in range(2):
            (handed,) = effects_of(Return, step(receiver, Invoke(2, call, lab.Take())))
            assert handed.outcome == Ok(f"item {2 * life + call}")
    assert len(disk) == 3, "two items and one count: what was taken is forgotten"
    items = [f"item {number}" if number % 10 else "" for number in range(3, 103)]
    many: dict[Any, Any] = {("item", number): item for number, item in enumerate(items, 3)}
    full = lab.DurableReceiver("b", ("a",))
    full.step(Start(0, {"taken": 3, **many}))
    found = []
    for call in range(101):
        found += [
            each.outcome for each in effects_of(Return, full.step(Invoke(1, call, lab.Take())))
        ]
    assert found == [Ok(item) for item in items], "all of a hundred, and some are empty"


@graded(points=1, title="The disk", requirement="bounded: what was taken is forgotten")
def test_the_disk_does_not_grow_with_what_was_taken(lab: LinkLab) -> None:
    nodes = {"a": lab.StopAndWaitSender, "b": lab.DurableReceiver}
    simulation = lab.simulation(nodes, seed=1, link=STEADY)
    reader = Reader(simulation, lab.Take())
    transfer = simulation.call("a", lab.Transfer(tuple(numbered(40))))
    simulation.run(5 * SECOND)
    assert transfer.outcome == Ok()
    assert reader.taken == numbered(40)
    assert len(simulation.on_disk("b")) <= 2
