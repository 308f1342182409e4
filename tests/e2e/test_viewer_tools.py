"""The tools of the viewer in a real browser: filter, search, legend, logs; and small screens."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from common.contract.shown import shown_log
from common.trace.format import Meta
from common.trace.viewer.page import build_page, script
from common.values.faults import Crash
from common.values.history import Ok
from tests.e2e.test_viewer import FLAGS
from tests.support.viewer_page import Page
from tests.support.viewer_traces import Append, Script, chatter, election

pytestmark = pytest.mark.needs("browser")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield browser
        browser.close()


def opened(browser: Any, folder: Path, lines: list[str], **options: Any) -> Page:
    path = folder / "page.html"
    path.write_text(build_page(lines, "a run"), "utf-8")
    return Page(browser, path, **options)


def test_messages_of_a_type_can_be_left_out(browser: Any, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, election(), viewport={"width": 1280, "height": 1700})
    before = page.count(".wire"), page.count(".mark")
    page.click(".stv-messages summary")
    page.click(".stv-messages input[value=RequestVote]")
    assert page.count(".wire") == before[0] - 4, "four requests were sent"
    assert page.count(".mark") == before[1] - 2, "two time-outs did nothing but send them"
    page.click(".stv-messages button:text('none')")
    assert page.count(".wire") == 0
    assert 0 < page.count(".mark") < before[1]
    page.press("Home", *["ArrowRight"] * 3)
    assert page.text(".stv-sentence") == "n1 receives Vote from n2", "it was elected by that"
    page.click(".stv-messages button:text('all')")
    assert (page.count(".wire"), page.count(".mark")) == before
    assert page.complaints == []
    page.context.close()


def test_the_search_finds_events_by_what_they_say_and_hold(browser: Any, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, election())
    page.press("Home", "/")
    page.page.keyboard.type("ELECTED")
    page.page.keyboard.press("Enter")
    page.settle()
    assert page.text(".stv-sentence") == "n1: elected"
    page.page.keyboard.press("Enter")
    page.settle()
    assert page.text(".stv-sentence") == "n3: elected"
    page.page.keyboard.press("Shift+Enter")
    page.settle()
    assert page.text(".stv-sentence") == "n1: elected"
    page.page.fill(".stv-search", "entry x=4")
    page.page.keyboard.press("Enter")
    page.settle()
    assert page.text(".stv-sentence") == "n1 sends Append to n2"
    page.context.close()


def test_the_legend_says_what_the_signs_mean(browser: Any, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, election())
    page.click(".stv-legend summary")
    assert page.page.is_visible("text=a message that is lost")
    page.page.mouse.click(500, 500)
    assert not page.page.is_visible("text=a message that is lost")
    page.context.close()


def logs() -> list[str]:
    s = Script(Meta("raft", ("n1", "n2")))
    s.start("n1", role="leader", log=shown_log("term", [(1, 1), (3, 2)], 3, 2))
    s.start("n2", role="follower", log=shown_log("term", [(1, 1)], 1, 1))
    s.at(5)
    number = s.send("n1", "n2", Append(3, "x"))
    s.at(9)
    later = shown_log("term", [(1, 1), (3, 2)], 2, 1)
    s.receive("n2", "n1", number, Append(3, "x"), log=later)
    s.at(10)
    s.fault(Crash(s.now, "n1"))
    return s.lines


def test_a_log_that_a_node_declares_is_drawn_as_boxes(browser: Any, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, logs())
    page.press("Home", "ArrowRight")
    rows = ".stv-logs tbody tr"
    assert page.page.locator(rows).all_text_contents() == ["n1133", "n21"]
    assert page.count(f"{rows}:first-child .stv-open") == 1, "entry 3 is not committed"
    page.press("End")
    assert page.page.locator(rows).all_text_contents() == ["n1133", "n213"]
    assert page.count(".stv-gone") == 1, "n1 is down"
    assert "log" not in page.page.locator(".stv-states dt").all_text_contents()
    page.context.close()


def test_an_answer_that_is_nothing_is_told_as_one(browser: Any, tmp_path: Path) -> None:
    s = Script(Meta("cap", ("n1",), ("c1",)))
    asked = s.call("c1", "read", "x")
    s.at(3)
    s.end("c1", asked, Ok(None))
    page = opened(browser, tmp_path, s.lines)
    page.press("End")
    assert page.text(".stv-sentence") == "c1's read ends: ok nothing"
    page.context.close()


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        (b"key-3", "key-3"),
        ("Größe".encode(), "Größe"),
        (b"", '""'),
        (b"two\nlines", "0x74776f0a6c696e6573"),
        (b"\xff\x00", "0xff00"),
        (b"x" * 199 + "ä".encode(), "x" * 12),
    ],
)
def test_bytes_that_can_be_read_are_shown_as_text(
    browser: Any, tmp_path: Path, key: bytes, shown: str
) -> None:
    s = Script(Meta("kv", ("n1",), ("c1",)))
    s.call("c1", "get", key)
    page = opened(browser, tmp_path, s.lines)
    page.press("End")
    assert page.text(".stv-sentence").startswith(f"c1 asks for get({shown[:12]}")
    page.context.close()


LABELS = """([lines, look]) => {
  const measure = (text) => 6.4 * text.length;
  return ["steps", "time"].map((mode) => {
    const place = layOut(readTrace(lines), { width: 900, mode, zoom: 1, measure });
    for (let y = 0; look && y < place.height; y += look) place.index.labels(y, y + 700);
    const labels = [...place.index.labels(-100, place.height + 100)];
    return labels.map(({ id, ...label }) => JSON.stringify(label)).sort();
  });
}"""


def test_labels_that_are_placed_as_one_scrolls_stand_where_all_at_once_would_put_them(
    browser: Any,
) -> None:
    page = browser.new_page()
    page.add_script_tag(content=script(exported=False))
    for lines in (election(), chatter(400)):
        at_once = page.evaluate(LABELS, [lines, 0])
        assert min(map(len, at_once)) > len(lines) / 4
        for look in (90, 1100):
            assert page.evaluate(LABELS, [lines, look]) == at_once
    page.close()


def test_nine_lanes_fit_on_a_screen_of_1440(browser: Any, tmp_path: Path) -> None:
    size = {"width": 1440, "height": 900}
    page = opened(browser, tmp_path, chatter(60, nodes=9), viewport=size)
    wide = "node => [node.scrollWidth, node.clientWidth]"
    inside, outside = page.page.eval_on_selector(".stv-scroller", wide)
    assert inside <= outside
    page.context.close()


@pytest.mark.parametrize("size", [(390, 844), (360, 640)])
def test_a_phone_keeps_half_of_its_height_for_the_diagram(
    browser: Any, tmp_path: Path, size: tuple[int, int]
) -> None:
    width, height = size
    page = opened(browser, tmp_path, election(), viewport={"width": width, "height": height})
    tall = page.page.eval_on_selector(".stv-scroller", "node => node.clientHeight")
    assert tall >= height / 2
    assert page.page.evaluate("document.documentElement.scrollWidth") <= width
    page.context.close()
