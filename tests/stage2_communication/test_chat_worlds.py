"""The lab ``chat`` in its other worlds: explorer, demonstration, every Python, the browser."""

from pathlib import Path

import pytest

from common.check.explorer import Answer, explore_instance
from common.values.report import Judged, Table, Trace
from stage2_communication.chat.demo import demo
from stage2_communication.chat.explore import (
    as_they_arrive,
    by_time_alone,
    causal,
    instance,
    removal,
)
from tests.support.chat_hash import digest
from tests.support.portable import AT_HAND, digest_in_pyodide, digest_on


def test_all_members_agree_on_one_order_in_every_reachable_state() -> None:
    found = explore_instance(instance())
    assert found.answer is Answer.YES, found.broken
    assert found.states > 30_000, "the instance has become too small to say anything"


def test_a_removal_leaves_one_order_in_every_reachable_state() -> None:
    found = explore_instance(removal())
    assert found.answer is Answer.YES, found.broken
    assert found.states > 50_000, "the instance has become too small to say anything"


def test_no_answer_comes_before_its_question_in_any_reachable_state() -> None:
    found = explore_instance(causal())
    assert found.answer is Answer.YES, found.broken


def test_the_explorer_breaks_the_papers_rule_on_links_that_keep_no_order() -> None:
    found = explore_instance(by_time_alone())
    assert found.answer is Answer.NO
    assert found.counter_example is not None
    assert len(found.counter_example) == 6, "the lab's page says six choices"


def test_the_explorer_finds_an_answer_before_its_question() -> None:
    found = explore_instance(as_they_arrive())
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


@pytest.mark.parametrize("python", AT_HAND)
@pytest.mark.parametrize("hash_seed", ["0", "12345"])
def test_chats_leave_the_same_trace_on_every_python_at_hand(python: str, hash_seed: str) -> None:
    assert digest_on(python, "tests.support.chat_hash", hash_seed) == digest()


@pytest.mark.slow
@pytest.mark.needs("node", "npm")
def test_chats_leave_the_same_trace_in_pyodide(tmp_path: Path) -> None:
    folders = ("common", "stage2_communication", "tests/support")
    assert digest_in_pyodide("tests.support.chat_hash", folders, tmp_path) == digest()
