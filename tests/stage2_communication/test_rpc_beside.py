"""Beside the lab ``rpc``: its demonstration, its checks, and callers from outside."""

from common.check.verdict import Answer
from common.contract.effects import Return, SetTimer
from common.contract.events import Fire, Invoke, Start
from common.course.suites.kit import effects_of
from common.values.history import Failed, History, Ok, Outcome
from common.values.report import Judged, Table
from common.values.units import SECOND
from stage1_foundations.failures.account import Done, Refused, Statement
from stage2_communication.rpc.calls import Request
from stage2_communication.rpc.checks import streams_are_whole
from stage2_communication.rpc.demo import demo
from stage2_communication.rpc.served import Serve, Server, StopServing
from stage2_communication.rpc.streams import Listen


def test_the_demonstration_shows_calls_that_happen_twice_and_the_table_that_lets_none() -> None:
    report = demo(7)
    days, load = (part for part in report.parts if isinstance(part, Table))
    cells = {row[0]: row[1:] for row in days.rows}
    assert cells["the answer is lost, once"] == (
        "unknown, once",
        "ok, TWICE",
        "ok, once",
        "ok, once",
    )
    assert cells["it does it, dies, and comes back"][2:] == ("ok, TWICE", "ok, once")
    assert not any("T" in row[-1] for row in days.rows), "with the table nothing happens twice"
    requests = [int(row[2]) for row in load.rows]
    assert requests[0] < requests[1] < requests[2]
    assert requests[1] <= int(load.rows[1][1]) * 1.2 + 24 * 10
    assert [part.result for part in report.parts if isinstance(part, Judged)] == ["yes"]


def history(*asked: tuple[object, int, int, Outcome]) -> History:
    """Operations of one caller: what, from when, until when, and how it ended."""
    made = History()
    for operation, begun, ended, outcome in asked:
        name = type(operation).__name__.lower()
        entry = made.invoke("c1", name, None, getattr(operation, "amount", None), begun)
        made.finish(entry, outcome, ended)
    return made


def test_a_stream_that_lacks_or_doubles_a_part_is_found() -> None:
    good = history((Statement(), 0, 1, Ok((1, 2))), (Listen(), 2, 3, Ok((1, 2, 3))))
    assert streams_are_whole(good).answer is Answer.YES
    for entries in ((1, 1, 2), (2, 1), (1,)):
        bad = history((Statement(), 0, 1, Ok((1, 2))), (Listen(), 2, 3, Ok(entries)))
        assert streams_are_whole(bad).answer is Answer.NO, entries


class Outside:
    """Callers from outside of one server.

    Args:
        work: how long a call takes.
    """

    def __init__(self, work: int = 0) -> None:
        self.server = Server("n1", (), work=work)
        self.server.step(Start(0, {}))
        self.calls = 0

    def serve(self, number: int, amount: int, caller: str = "grpc/me") -> list[Outcome]:
        """A deposit; what has ended in this step and by timers that are due at once."""
        request = Request(1, number, number, SECOND, "deposit", (amount,))
        return self.do(Serve(caller, request))

    def do(self, operation: object) -> list[Outcome]:
        """An operation; what has ended."""
        self.calls += 1
        effects = self.server.step(Invoke(0, self.calls, operation))
        for timer in effects_of(SetTimer, effects):
            if timer.after == 0:
                effects = [*effects, *self.server.step(Fire(0, timer.id, timer.timer))]
        return [each.outcome for each in effects_of(Return, effects)]


def test_a_call_from_outside_goes_through_the_table_by_its_number() -> None:
    outside = Outside()
    assert outside.serve(5, 10) == [Ok(Done(10))]
    assert outside.serve(5, 10) == [Ok(Done(10))], "a retry"
    assert outside.serve(0, 10) == [Ok(Done(20))], "a new call"
    assert outside.serve(0, 10) == [Ok(Done(30))], "and another one"
    (late,) = outside.serve(5, 10)
    assert isinstance(late, Failed), "its result is forgotten"
    assert outside.serve(5, 1, "grpc/you") == [Ok(Done(31))], "another caller"


def test_a_call_from_outside_that_nobody_waits_for_is_cancelled() -> None:
    outside = Outside(work=SECOND)
    assert outside.serve(1, 10, "grpc/first") == []
    request = Request(1, 1, 1, SECOND, "deposit", (7,))
    assert outside.do(Serve("grpc/me", request)) == []
    assert outside.do(StopServing("grpc/me", request)) == [Ok()], "nobody is told of the call"
    (said,) = outside.do(Serve("grpc/me", request))
    assert isinstance(said, Ok)
    assert isinstance(said.value, Refused), "it never will happen"
