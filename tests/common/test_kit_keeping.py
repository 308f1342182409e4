"""What a report keeps of the recorded run of a failure: most of all, the failure."""

import json
from pathlib import Path
from typing import Any

from common.course.kit.keeping import trace_to_keep
from common.course.kit.page import MAX_EVENTS
from common.trace.format import to_line
from common.trace.viewer.page import in_page
from tests.common.test_viewer_shorten import beats, verdict

META = {"kind": "meta", "schema": 1, "lab": "x", "nodes": ["n1", "n2"], "clients": []}


def recorded(path: Path, events: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in (META, *events)), encoding="utf-8")
    return path


def read(kept: str) -> tuple[dict[str, Any], dict[int, dict[str, Any]]]:
    """The header, and the events by their numbers."""
    header, *events = map(json.loads, kept.splitlines())
    return header, {each["n"]: each for each in events}


def test_a_short_trace_is_kept_as_it_is(tmp_path: Path) -> None:
    path = recorded(tmp_path / "run.jsonl", beats(50))
    assert trace_to_keep(path) == path.read_text("utf-8")


def test_of_a_long_trace_the_end_and_what_is_blamed_are_kept(tmp_path: Path) -> None:
    events = [*beats(5_000), verdict(9_000_000, at=2_500_200)]
    kept = trace_to_keep(recorded(tmp_path / "run.jsonl", events), most=100_000)
    assert len(kept) - kept.count("\n") <= 100_000
    header, by_number = read(kept)
    assert header["events"] == len(events)
    assert header["shown"] == len(by_number) > 500
    assert by_number[len(events)]["kind"] == "verdict", "the failure is at the end"
    assert set(range(1, 40)) | set(range(4_980, 5_020)) <= set(by_number)


def test_a_page_that_shortens_it_once_more_says_the_same_numbers(tmp_path: Path) -> None:
    events = [*beats(3 * MAX_EVENTS), verdict(1, at=2_500_200)]
    kept = trace_to_keep(recorded(tmp_path / "run.jsonl", events), most=600_000)
    assert len(kept.splitlines()) > MAX_EVENTS, "so the page shortens it"
    header, by_number = read(in_page(kept.splitlines(), MAX_EVENTS))
    assert header["events"] == len(events)
    assert header["shown"] == len(by_number) <= MAX_EVENTS
    for number, event in by_number.items():
        assert event["t"] == events[number - 1]["t"]
        assert event["kind"] == events[number - 1]["kind"]
    assert len(events) in by_number


def test_of_a_trace_that_is_too_long_to_be_read_both_ends_are_looked_at(tmp_path: Path) -> None:
    events = [*beats(5_000), verdict(9_000_000)]
    path = recorded(tmp_path / "run.jsonl", events)
    header, by_number = read(trace_to_keep(path, most=50_000, read=200_000))
    assert header["events"] == len(events)
    assert {1, len(events) - 1, len(events)} <= set(by_number)
    for number, event in by_number.items():
        assert event["t"] == events[number - 1]["t"]


def test_a_line_that_is_not_whole_is_left_out(tmp_path: Path) -> None:
    path = recorded(tmp_path / "run.jsonl", beats(5))
    path.write_text(path.read_text("utf-8") + '{"t":17,"no', encoding="utf-8")
    assert trace_to_keep(path).count("\n") == 11
    path.write_text('{"kind":"me', encoding="utf-8")
    assert trace_to_keep(path) == ""


def test_events_of_any_length_are_kept_within_the_bound(tmp_path: Path) -> None:
    events = [
        event | {"body": "x" * (20_000 if n % 40 == 0 else 0)} for n, event in enumerate(beats(500))
    ]
    kept = trace_to_keep(recorded(tmp_path / "run.jsonl", events), most=50_000)
    assert 0 < len(kept) - kept.count("\n") <= 50_000


def test_line_ends_of_other_alphabets_end_no_line(tmp_path: Path) -> None:
    text = "a\u2028b\x85c\x1cd\u2029e"
    noted = {"kind": "note", "t": 1, "node": "n1", "text": text, "fields": {text: text}}
    path = tmp_path / "run.jsonl"
    path.write_text("".join(map(to_line, (META, noted))), encoding="utf-8")
    assert len(path.read_text("utf-8").splitlines()) == 2, "for all who read it by lines"
    _, by_line = map(json.loads, trace_to_keep(path).splitlines())
    assert by_line == noted
    foreign = json.dumps(noted, ensure_ascii=False)
    path.write_text(f"{json.dumps(META)}\n{foreign}\n", encoding="utf-8")
    assert json.loads(trace_to_keep(path).split("\n")[1]) == noted, "a trace of somebody else's"
