"""What shows the lab ``chat``: the demonstration, and what the explorer finds."""

from common.check.explorer import Answer, explore_instance
from common.values.report import Judged, Table, Trace
from stage2_communication.chat.demo import demo
from stage2_communication.chat.small import AS_THEY_ARRIVE, BY_TIME_ALONE


def test_the_explorer_breaks_the_papers_rule_on_links_that_keep_no_order() -> None:
    found = explore_instance(BY_TIME_ALONE)
    assert found.answer is Answer.NO
    assert found.counter_example is not None
    assert len(found.counter_example) == 6, "the lab's page says six choices"


def test_the_explorer_finds_an_answer_before_its_question() -> None:
    found = explore_instance(AS_THEY_ARRIVE)
    assert found.answer is Answer.NO
    assert found.counter_example is not None
    assert len(found.counter_example) == 3, "the lab's page says three choices"


def test_the_demonstration_shows_one_conversation_in_three_orders() -> None:
    report = demo(7)
    orders, crash = (part for part in report.parts if isinstance(part, Table))
    rows = {row[0]: row[1:] for row in orders.rows}
    assert rows["as they arrive"][2] == "Tea? Yes! Lunch?"
    assert rows["causal order"][:3] == ("Lunch? Tea? Yes!", "Lunch? Yes! Tea?", "Tea? Lunch? Yes!")
    assert rows["total order"][:3] == ("Lunch? Tea? Yes!",) * 3
    assert rows["causal order"][3] == "0 µs"
    assert rows["total order"][3] == "91 ms"
    verdicts = [part.result for part in report.parts if isinstance(part, Judged)]
    assert verdicts == ["no", "no", "yes", "no", "yes", "yes"]
    waited = {row[0]: row[2] for row in crash.rows}
    assert waited == {"causal order": "10.5 ms", "total order": "1.01 s"}
    names = [part.name for part in report.parts if isinstance(part, Trace)]
    assert names == ["chat-removal", "chat-orders", "chat-arrival"]
    assert demo(7) == report, "the same every time"
