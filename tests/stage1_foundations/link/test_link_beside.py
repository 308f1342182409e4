"""What stands beside the lab ``link``: measurements, charts, the demo, and how it runs live."""

from random import Random

import pytest

from common.check.verdict import Answer
from common.sim import LinkModel, Simulation
from common.values.history import History, Ok, Unknown
from common.values.report import Chart, Judged, Trace
from common.values.units import MS, SECOND
from stage1_foundations.link import plot_goodput as goodput
from stage1_foundations.link.checks import batches, everything_once_in_order
from stage1_foundations.link.demo import demo
from stage1_foundations.link.durable_receiver import DurableReceiver
from stage1_foundations.link.ends import Take, Transfer
from stage1_foundations.link.full_duplex import Router, SlidingWindowEnd, StopAndWaitEnd
from stage1_foundations.link.stop_and_wait import StopAndWaitSender
from stage1_foundations.link.worlds import WORLDS
from tests.stage1_foundations.link.ends import STEADY, numbered
from tests.stage1_foundations.link.test_link_durable import Reader, crashes

# Measured, and as the formulas say.


@pytest.mark.parametrize("loss", [0.0, 0.05, 0.1])
def test_stop_and_wait_is_as_fast_as_the_formula_with_backoff_says(loss: float) -> None:
    line = goodput.Line(loss=loss)
    measured = goodput.measure_stop_and_wait(line, seed=1, items=3000)
    tolerance = 0.01 if not loss else 0.1
    assert measured == pytest.approx(goodput.expect_stop_and_wait_with_backoff(line), rel=tolerance)


@pytest.mark.parametrize(("window", "loss"), [(16, 0.0), (16, 0.1), (48, 0.0), (48, 0.1)])
def test_a_sliding_window_comes_close_to_the_formula(window: int, loss: float) -> None:
    line = goodput.Line(loss=loss)
    measured = goodput.measure_sliding_window(line, window, seed=1, items=1500)
    tolerance = 0.02 if not loss else 0.08
    assert measured == pytest.approx(goodput.expect_sliding_window(line, window), rel=tolerance)


def test_the_demo_breaks_the_naive_protocol_and_mends_it_twice() -> None:
    report = demo(7)
    verdicts = [part.result for part in report.parts if isinstance(part, Judged)]
    assert verdicts == ["no", "yes", "yes"]
    assert len([part for part in report.parts if isinstance(part, Trace)]) == 3


@pytest.mark.needs("matplotlib")
def test_the_demo_draws_three_charts() -> None:
    report = demo(7)
    charts = [part for part in report.parts if isinstance(part, Chart)]
    assert len(charts) == 3
    for chart in charts:
        assert chart.svg.startswith("<svg")
        assert "<script" not in chart.svg, "a picture runs nothing and fetches nothing"


# The rule of the contract on which the durable receiver stands.


@pytest.mark.parametrize("sends_wait_for_disk", [True, False])
def test_promises_break_when_messages_do_not_wait_for_the_disk(sends_wait_for_disk: bool) -> None:
    broken = 0
    for seed in range(1, 31):
        simulation = Simulation(
            {"a": StopAndWaitSender, "b": DurableReceiver},
            seed=seed,
            link=STEADY,
            schedule=crashes(seed),
            disk_latency=3 * MS,
            sends_wait_for_disk=sends_wait_for_disk,
        )
        reader = Reader(simulation, Take())
        transfer = simulation.call("a", Transfer(tuple(numbered(30))))
        simulation.run(20 * SECOND)
        missing = 30 - len(reader.taken)
        broken += transfer.outcome != Ok() or missing > reader.unknown
    assert (broken == 0) is sends_wait_for_disk, f"{broken} of 30 runs"


# Live.


@pytest.mark.parametrize("end", [StopAndWaitEnd, SlidingWindowEnd])
def test_two_ends_send_both_ways_at_once_through_a_router_that_is_killed(
    end: type[StopAndWaitEnd] | type[SlidingWindowEnd],
) -> None:
    simulation = Simulation(
        {"n1": Router},
        {"c1": end, "c2": end},
        seed=3,
        link=LinkModel(loss=0.1, duplicate=0.1, reorder=0.1),
        schedule=WORLDS.trouble(("n1",), 2 * SECOND),
        check_handlers=11,
    )
    for client in ("c1", "c2"):
        simulation.call(client, batches(Random(0), client, 0))
        for number in range(1, 17):
            simulation.call(client, batches(Random(0), client, number))
    simulation.run(60 * SECOND)
    assert all(operation.outcome != Unknown() for operation in simulation.history)
    verdict = everything_once_in_order(simulation.history)
    assert verdict.answer is Answer.YES, verdict.sentence
    assert sum(each.function == "take" for each in simulation.history) == 32
    assert all(isinstance(each.outcome, Ok) for each in simulation.history)


def history_of(*taken: str | None) -> History:
    """c1 transfers a, b, c; c2 takes what is given; None is a take without an answer."""
    history = History()
    transfer = history.invoke("c1", "transfer", None, ("a", "b", "c"), 0)
    history.finish(transfer, Ok(), 1 * MS)
    for at, item in enumerate(taken, 2):
        take = history.invoke("c2", "take", None, None, at * MS)
        history.finish(take, Unknown() if item is None else Ok(item), at * MS + 1)
    return history


@pytest.mark.parametrize(
    ("taken", "answer"),
    [
        (("a", "b", "c"), Answer.YES),
        (("a", "b"), Answer.YES),
        (("a", None, "c"), Answer.YES),
        (("a", "c"), Answer.NO),
        (("a", None, "a"), Answer.NO),
        (("b", "a", "c"), Answer.NO),
        (("a", "b", "c", "c"), Answer.NO),
        (("a", "x"), Answer.NO),
    ],
)
def test_the_live_check_tells_right_histories_from_wrong_ones(
    taken: tuple[str | None, ...], answer: Answer
) -> None:
    verdict = everything_once_in_order(history_of(*taken))
    assert verdict.answer is answer, verdict.sentence


def test_the_live_workload_takes_as_many_items_as_it_transfers() -> None:
    operations = [batches(Random(1), "c1", number) for number in range(34)]
    transfers = [each for each in operations if isinstance(each, Transfer)]
    items = [item for transfer in transfers for item in transfer.items]
    assert len(items) == len(set(items)) == sum(isinstance(each, Take) for each in operations)
