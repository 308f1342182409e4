"""The gallery of recorded runs: each with a small picture, a sentence and a verdict."""

from pathlib import Path

import pytest

from common.course.base.output import folder, write_trace
from common.course.verbs.gallery import runs, write_gallery
from tests.support.viewer_traces import election


@pytest.fixture
def out(tmp_path: Path) -> Path:
    write_trace(folder(tmp_path / "demo" / "raft"), "led", "A leader", "".join(election()))
    return tmp_path


def test_a_run_is_shown_with_its_lanes_messages_and_worst_verdict(out: Path) -> None:
    text = write_gallery(out).read_text("utf-8")
    [run] = runs(out)
    assert 'href="demo/raft/led.html"' in text
    assert text.count('class="lane"') == len(run.meta["nodes"]) + len(run.meta["clients"])
    assert 'class="recv"' in text
    assert run.verdicts
    assert run.verdicts[0]["sentence"] in text


def test_what_people_typed_is_no_html(out: Path) -> None:
    write_trace(out, "a<b>", "x", "".join(election()).replace("raft", "<script>"))
    text = write_gallery(out).read_text("utf-8")
    assert "<script>" not in text
    assert "a&lt;b&gt;" in text


def test_a_torn_trace_and_one_without_a_picture_are_left_out(out: Path) -> None:
    write_trace(out, "torn", "x", "".join(election()))
    (out / "torn.jsonl").write_text('{"kind": "meta", "la')
    (out / "alone.jsonl").write_text("".join(election()))
    assert [Path(run.page).stem for run in runs(out)] == ["led"]


def test_without_runs_there_is_an_empty_page(tmp_path: Path) -> None:
    assert "<li>" not in write_gallery(tmp_path).read_text("utf-8")
