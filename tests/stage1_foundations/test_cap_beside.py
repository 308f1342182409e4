"""What stands beside the lab ``cap``: what the explorer finds, what the demonstration shows."""

from dataclasses import replace

from common.check.explorer import Answer, Bounds, explore_instance
from common.values.report import Judged, Table, Trace
from stage1_foundations.cap.demo import demo
from stage1_foundations.cap.small import WITHOUT_WRITE_BACK


def test_the_explorer_finds_the_read_that_goes_back_in_time() -> None:
    found = explore_instance(WITHOUT_WRITE_BACK)
    assert found.answer is Answer.NO
    assert found.counter_example is not None
    assert len(found.counter_example) == 14, "the lab's page says fourteen choices"


def test_ordered_links_hide_the_missing_write_back_until_a_message_is_lost() -> None:
    """The lab's page asks why: on its way to the reader an answer follows the update."""
    ordered = replace(WITHOUT_WRITE_BACK, network="ordered")
    assert explore_instance(ordered).answer is Answer.YES
    lossy = replace(ordered, bounds=Bounds(timers=0, losses=1))
    assert explore_instance(lossy).answer is Answer.NO


def test_the_demonstration_shows_what_each_register_gives_up() -> None:
    report = demo(7)
    tables = {part.title: part for part in report.parts if isinstance(part, Table)}
    rows = {row[0]: row[1:] for row in tables["What each gives up"].rows}
    assert rows["linearizable so far"] == ("yes", "yes", "yes", "yes", "no", "no")
    assert rows["session guarantees so far"] == ("yes",) * 6
    assert rows["replicas agree at its end"] == ("yes", "no", "yes", "yes", "no", "yes")
    assert rows["answered ok, c1"] == ("4 of 4", "0 of 3", "9 of 9", "4 of 4", "3 of 3", "9 of 9")
    told = [row[4] for row in tables["An acknowledged write, lost"].rows]
    assert told == ["ok", "ok", "ok", "'left'", "'right'", "'left'", "'left'"]
    verdicts = [part.result for part in report.parts if isinstance(part, Judged)]
    assert verdicts == ["no", "yes", "no"]
    names = [part.name for part in report.parts if isinstance(part, Trace)]
    assert names == ["cap-broken", "cap-consistent", "cap-available"]


def test_the_demonstration_is_the_same_every_time() -> None:
    assert demo(3) == demo(3)
