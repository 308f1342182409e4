"""What a verdict blames: when and where it is first to be seen, and which operations prove it."""

import json

from common.check.broadcast import check_causal_order, check_total_order
from common.check.convergence import check_convergence
from common.check.delivery import check_delivery
from common.check.invariants import Always, AlwaysEach, Watch
from common.check.verdict import Answer, Verdict
from common.course.verbs.session import _calls
from common.course.why.event import Asked, Wrong, with_verdict
from common.values.history import History, Ok, Operation
from common.worlds.scene import calls_of


def test_a_wrong_delivery_is_seen_when_it_is_made() -> None:
    sent, times = ["a", "b", "c"], [10, 20, 30]
    for delivered, at in ((["a", "c"], 20), (["a", "a"], 20), (["x"], 10)):
        verdict = check_delivery(sent, delivered, complete=False, times=times)
        assert (verdict.answer, verdict.at) == (Answer.NO, at)
    assert check_delivery(sent, ["a"], times=times).at is None, "a loss is seen at the end"
    assert check_delivery(sent, sent, times=times).at is None


def test_two_orders_part_at_the_later_of_both_deliveries() -> None:
    shown = {"ann": ["x", "y", "z"], "bob": ["x", "z"]}
    verdict = check_total_order(shown, {"ann": [10, 20, 30], "bob": [11, 25]})
    assert (verdict.at, verdict.node) == (25, "bob")
    verdict = check_total_order(shown, {"ann": [10, 40, 50], "bob": [11, 25]})
    assert (verdict.at, verdict.node) == (40, "ann")
    assert check_total_order(shown).at is None, "nobody has noted when"


def test_an_effect_before_its_cause_is_seen_where_and_when_it_is_delivered() -> None:
    shown = {"ann": ["ask", "answer"], "bob": ["hello", "answer"]}
    times = {"ann": [1, 2], "bob": [3, 4]}
    verdict = check_causal_order(shown, {"answer": ["ask"]}, times)
    assert (verdict.answer, verdict.at, verdict.node) == (Answer.NO, 4, "bob")


def test_an_invariant_says_when_and_where_it_does_not_hold() -> None:
    watch = Watch([AlwaysEach("small", lambda node: "it is large" if node > 3 else None)])
    watch.check(5, {"n1": 1, "n2": 2})
    watch.check(7, {"n1": 1, "n2": 4})
    verdict = watch.verdict()
    assert (verdict.at, verdict.node) == (7, "n2")
    everywhere = Watch([Always("few", lambda world: "too many" if len(world) > 1 else None)])
    everywhere.check(9, {"n1": 1, "n2": 2})
    assert (everywhere.verdict().at, everywhere.verdict().node) == (9, None)


def test_copies_that_differ_name_the_odd_one() -> None:
    assert check_convergence({"n1": 1, "n2": 1, "n3": 2}).node == "n3"


def operation(process: str, began: int) -> Operation:
    return Operation(process, "read", None, None, began, began + 5, Ok(1))


def test_operations_are_known_by_who_asked_and_when() -> None:
    history = History([operation("c1", 1), operation("c2", 2), operation("c1", 9)])
    copies = [operation("c1", 9), operation("c2", 2), operation("c3", 1)]
    assert calls_of(copies, history) == (3, 2), "a copy will do; c3's is in no trace"


def test_a_merged_trace_has_numbers_and_times_of_its_own() -> None:
    history = History([operation("c1", 1), operation("c2", 2), operation("c1", 9)])
    events = [
        {"kind": "invoke", "client": "c2", "call": 1, "t": 3},
        {"kind": "invoke", "client": "c1", "call": 2, "t": 4},
        {"kind": "send", "t": 5},
        {"kind": "invoke", "client": "c1", "call": 3, "t": 11},
    ]
    assert _calls([history.operations[2], history.operations[1]], history, events) == [3, 1]


def test_the_picture_of_lab_why_blames_the_operations_of_the_failure() -> None:
    events = [
        {"t": 1, "node": "c1", "kind": "invoke", "call": 1, "client": "c1"},
        {"t": 3, "node": "c1", "kind": "return", "call": 1, "client": "c1"},
        {"t": 4, "node": "c2", "kind": "invoke", "call": 2, "client": "c2"},
        {"t": 8, "node": "c2", "kind": "return", "call": 2, "client": "c2"},
        {"t": 9, "node": "n1", "kind": "timer"},
    ]
    asked = (Asked("c1", 1, 3, "write"), Asked("c2", 4, 8, "read"))
    wrong = Wrong(4, 8, "c2", "c2 has its answer", "linearizable", "it is stale", asked)
    lines = [json.loads(line) for line in with_verdict(["{}"], list(events), wrong)]
    assert lines[5]["kind"] == "verdict", "right behind the event that cannot be right"
    assert lines[5]["calls"] == [1, 2]
    assert [line.get("kind") for line in lines[1:5]] == [e["kind"] for e in events[:4]]
    assert lines[6] == events[4]


def test_a_verdict_that_blames_nothing_says_nothing_of_it() -> None:
    verdict = Verdict(Answer.YES, "all is well")
    assert (verdict.at, verdict.node, verdict.window) == (None, None, ())
