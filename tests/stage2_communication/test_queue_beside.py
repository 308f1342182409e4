"""What shows the lab ``queue``: checks, the explorer, the broken version, the demonstration."""

from typing import Any

import pytest

from common.check.explorer import Answer, explore_instance
from common.contract.effects import Forget, Return, Save, Send
from common.contract.events import Invoke, Receive, Start
from common.course.suites.kit import effects_of
from common.values.history import Failed, History, Ok, Unknown
from common.values.report import Judged, Table, Text
from stage2_communication.queue import checks, small
from stage2_communication.queue.client import MOST_BYTES, Post, QueueClient
from stage2_communication.queue.demo import demo
from stage2_communication.queue.served import (
    ServeAck,
    ServeCount,
    ServeExtend,
    ServeFetch,
    ServeNack,
    ServePublish,
    Server,
)
from stage2_communication.queue.topics import Fetch
from stage2_communication.queue.worlds import CHECKS, WORLDS


def told(*answers: tuple[str, str, object, object, object]) -> History:
    """Who asked for what, about which key, with what argument, and was told what."""
    history = History()
    for number, (client, function, key, argument, value) in enumerate(answers):
        asked = history.invoke(client, function, key, argument, 2 * number)
        asked.returned_at, asked.outcome = 2 * number + 1, Ok(value)
    return history


def post(sequence: int, key: str, text: str) -> tuple[str, str, object, object, object]:
    """A message that was acknowledged to its producer."""
    return "c1", "post", key, ("jobs", text), sequence


def take(
    sequence: int, attempt: int, key: str, text: str, client: str = "c2"
) -> tuple[str, str, object, object, object]:
    """A delivery that was taken."""
    return client, "take", None, "jobs", (sequence, attempt, key, text)


def finish(sequence: int, attempt: int = 1) -> tuple[str, str, object, object, object]:
    """A delivery that was acknowledged."""
    return "c2", "finish", None, None, (sequence, attempt)


ONE, TWO = post(1, "a", "one"), post(2, "a", "two")


def test_what_is_lost_is_found() -> None:
    lost = checks.nothing_is_lost
    assert lost(told(ONE, post(1, "a", "other"))).answer is Answer.NO, "one number twice"
    assert lost(told(ONE, take(1, 1, "a", "other"))).answer is Answer.NO, "another text"
    assert lost(told(ONE, TWO, take(2, 1, "a", "two"))).answer is Answer.NO, "overtaken"
    assert lost(told(ONE, TWO, take(1, 1, "a", "one"), take(2, 1, "a", "two"))).answer is Answer.YES
    assert lost(told(ONE, post(2, "b", "x"), take(2, 1, "b", "x"))).answer is Answer.YES


def test_a_message_that_nobody_was_told_of_may_have_been_finished() -> None:
    lost = checks.nothing_is_lost
    finished = told(ONE, TWO, finish(1), take(2, 1, "a", "two"))
    assert lost(finished).answer is Answer.YES, "its take had no end"
    unknown = told(ONE, TWO, take(1, 1, "a", "one"), finish(1), take(2, 1, "a", "two", "c3"))
    for asked in unknown.operations[2:4]:
        asked.returned_at, asked.outcome = None, Unknown("nobody waited")
    assert lost(unknown).answer is Answer.YES
    unknown.operations[2].outcome = Ok(None)
    assert lost(unknown).answer is Answer.NO


def test_what_comes_again_although_it_was_done_is_found() -> None:
    done = checks.done_is_done
    first, again = take(1, 1, "a", "one"), take(1, 2, "a", "one", "c3")
    assert done(told(ONE, first, finish(1), again)).answer is Answer.NO
    assert done(told(ONE, first, again, finish(1))).answer is Answer.YES
    differ = checks.deliveries_differ
    assert differ(told(ONE, first, take(1, 1, "a", "one", "c3"))).answer is Answer.NO
    assert differ(told(ONE, first, again)).answer is Answer.YES


def test_a_key_that_is_out_of_order_is_found() -> None:
    order = checks.keys_are_in_order
    one, two = take(1, 1, "a", "one"), take(2, 1, "a", "two")
    assert order(told(two, one)).answer is Answer.NO
    assert order(told(one, two)).answer is Answer.YES
    assert order(told(take(2, 1, "b", "two"), one)).answer is Answer.YES
    assert order(told(take(2, 1, "", "two"), take(1, 1, "", "one"))).answer is Answer.YES


def test_the_explorer_finds_the_acknowledgement_before_the_disk_in_three_choices() -> None:
    found = explore_instance(small.LAZY)
    assert found.answer is Answer.NO
    assert found.counter_example is not None
    assert len(found.counter_example) == 3, "the lab's page says three choices"


@pytest.mark.parametrize("name", CHECKS)
def test_each_promise_breaks_where_answers_do_not_wait_for_the_disk(name: str) -> None:
    broken = 0
    for seed in range(40):
        scene = WORLDS.rehearsal("lazy", seed=seed, recorded=False)
        scene.work()
        broken += scene.verdicts()[name].answer is Answer.NO
    assert broken > 0


def test_the_demonstration_shows_what_times_cost_and_what_is_lost() -> None:
    report = demo(7)
    times, sync = (part for part in report.parts if isinstance(part, Table))
    deliveries = [int(str(row[1])) for row in times.rows]
    assert deliveries[0] > 45, "too short a visibility time: work is done twice"
    assert deliveries[-1] <= 41
    durable, *lazy = sync.rows
    assert durable[1] == durable[2]
    assert all(int(str(row[2])) < int(str(row[1])) for row in lazy)
    said = " ".join(part.text for part in report.parts if isinstance(part, Text))
    assert "(4, 1, 'k', 'poison')" in said
    assert [part.result for part in report.parts if isinstance(part, Judged)] == ["yes", "no"]


def served(saved: dict[Any, object] | None = None) -> tuple[Server, dict[Any, object]]:
    """A broker that serves programs from outside, and its disk."""
    disk = dict(saved or {})
    node = Server("n1", ())
    node.step(Start(0, dict(disk)))
    return node, disk


def ask(node: Server, disk: dict[Any, object], operation: object) -> Any:
    """What such a program is told; the disk has then what was saved."""
    effects = node.step(Invoke(0, 1, operation))
    for effect in effects:
        if isinstance(effect, Save):
            disk[effect.key] = effect.value
        elif isinstance(effect, Forget):
            disk.pop(effect.key, None)
    [ended] = effects_of(Return, effects)
    return ended.outcome.value


def test_an_id_is_known_over_a_crash_until_many_newer_ones_have_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("stage2_communication.queue.served.MOST_IDS", 2)
    node, disk = served()
    assert ask(node, disk, ServePublish("jobs", "one", "a")) == (1, False)
    assert ask(node, disk, ServePublish("jobs", "one", "a")) == (1, True)
    assert ask(node, disk, ServePublish("jobs", "two", "")) == (2, False)
    assert ask(node, disk, ServePublish("jobs", "three", "")) == (3, False), "no id is none"
    assert ask(node, disk, ServePublish("jobs", "four", "b")) == (4, False)
    node, disk = served(disk)
    assert ask(node, disk, ServePublish("jobs", "one", "a")) == (1, True)
    assert ask(node, disk, ServePublish("jobs", "five", "c")) == (5, False)
    assert ask(node, disk, ServePublish("jobs", "one", "a")) == (6, False), "the oldest is gone"
    assert len([key for key in disk if isinstance(key, tuple) and key[0] == "answer"]) == 2


def test_programs_from_outside_have_the_same_leases() -> None:
    node, disk = served()
    ask(node, disk, ServePublish("jobs", "one", ""))
    [one] = ask(node, disk, ServeFetch("jobs", "worker", 5))
    assert (one.sequence, one.attempt, one.text) == (1, 1, "one")
    assert ask(node, disk, ServeExtend(1, 1)) is True
    assert ask(node, disk, ServeNack(1, 1)) is True
    assert ask(node, disk, ServeExtend(1, 1)) is False, "it is in line"
    assert ask(node, disk, ServeNack(1, 1)) is False
    [again] = ask(node, disk, ServeFetch("jobs", "other", 5))
    assert ask(node, disk, ServeCount("jobs")) == (1, 1)
    assert ask(node, disk, ServeAck(1, 1)) is False
    assert ask(node, disk, ServeAck(1, again.attempt)) is True
    assert ask(node, disk, ServeCount("jobs")) == (0, 1)
    assert ("message", 1) not in disk


def test_a_batch_ends_where_it_would_be_too_large_for_one_message() -> None:
    node, disk = served()
    texts = ["\x80" * 600_000, "a" * 1_200_000, "b" * 100_001, "c", "d" * 3_000_000]
    for text in texts:
        ask(node, disk, ServePublish("jobs", text, ""))
    fetch = ServeFetch("jobs", "worker", 5)
    assert [each.sequence for each in ask(node, disk, fetch)] == [1, 2], "2,400,000 as UTF-8"
    assert ask(node, disk, ServeCount("jobs")) == (5, 5), "the third one waits on"
    assert ("delivered", 3) not in disk
    node.prefetch = 9
    [batch] = effects_of(Send, node.step(Receive(0, "c1", Fetch(1, "jobs", 5))))
    assert [each.sequence for each in batch.message.deliveries] == [3, 4]
    assert [each.sequence for each in ask(node, disk, fetch)] == [5], "alone it may be larger"


def test_the_labs_own_client_is_told_that_a_message_is_too_large() -> None:
    client = QueueClient("c1", ("n1",))
    room = MOST_BYTES - len("jobskey")
    for text in ("a" * room, "\x80" * (room // 2)):
        assert effects_of(Send, client.step(Invoke(0, 1, Post("jobs", "key", text))))
        client = QueueClient("c1", ("n1",))
    for text in ("a" * (room + 1), "\x80" * (room // 2 + 1)):
        [ended] = effects_of(Return, client.step(Invoke(0, 1, Post("jobs", "key", text))))
        assert isinstance(ended.outcome, Failed)
        assert "at most 1048576 bytes" in ended.outcome.reason
