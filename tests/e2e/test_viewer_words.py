"""What the viewer says, and where: in both languages, at the line of the current time, first."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from common.trace.viewer.page import build_page
from tests.e2e.test_viewer import FLAGS
from tests.support.viewer_page import Page, unmarked
from tests.support.viewer_traces import election

pytestmark = pytest.mark.needs("browser")

HAN = re.compile(r"[\u4e00-\u9fff]")
TIME = r"[\d.]+\u202f(?:s|ms|µs)"
KEYS = {"PgUp", "PgDn", "Home", "End", "Esc", "Enter", "m", "c", "d"}
"""Names on keys, which are the same everywhere."""

OWN_WORDS = """() => {
  const said = [];
  for (const node of document.querySelectorAll(".stv button, .stv summary, .stv-keys, .stv-menu p,"
      + " .stv-clock, .stv th[scope=col], .stv-facts span, .stv-event h2"))
    said.push(node.textContent);
  for (const node of document.querySelectorAll(".stv, .stv *"))
    for (const name of ["title", "aria-label", "placeholder"])
      if (node.hasAttribute(name)) said.push(node.getAttribute(name));
  return said.map((text) => text.trim()).filter((text) => /\\p{L}/u.test(text));
}"""
"""What the viewer says by itself, whatever the run is."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield browser
        browser.close()


def crash(lines: list[str]) -> int:
    """The number of the event at which a node crashes."""
    events = sorted(map(json.loads, lines[1:]), key=lambda event: int(event["t"]))
    return 1 + next(i for i, event in enumerate(events) if event["kind"] == "crash")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    english = build_page(election(), "Raft")
    (folder / "en.html").write_text(english, "utf-8")
    for language in ("zh", "zh-Hans"):
        chinese = english.replace('<html lang="en">', f'<html lang="{language}">')
        (folder / f"{language}.html").write_text(chinese, "utf-8")
    return folder


@pytest.mark.parametrize("language", ["zh", "zh-Hans"])
def test_on_a_chinese_page_all_its_own_words_are_chinese(
    browser: Any, folder: Path, language: str
) -> None:
    page = Page(browser, folder / f"{language}.html", viewport={"width": 1280, "height": 1700})
    page.click(".stv-table summary")
    said = page.page.evaluate(OWN_WORDS)
    assert len(said) > 50
    for text in said:
        others = set(re.findall("[A-Za-z]+", re.sub(TIME, "", text))) - KEYS
        assert not others, text
        assert HAN.search(text) or re.fullmatch(TIME, text), text
    page.press("Escape")
    assert page.text(".stv-clock") == "整次运行"
    words = page.page.locator(".stv-svg text").all_text_contents()
    for word in (
        "已崩溃",
        "已暂停",
        "网络恢复",
        "丢失",
        "被隔离",
        "成功",
        "失败: no value",
        "elected",
    ):
        assert word in words, f"{word}: a node's own words stay as they are"
    page.page.goto(page.page.url.partition("#")[0] + f"#event={crash(election())}")
    page.settle()
    assert page.text(".stv-sentence") == "n1 崩溃"
    assert page.text(".stv-card em") == "已崩溃"
    assert page.complaints == []
    page.context.close()


def test_on_an_english_page_none_of_its_words_is_chinese(browser: Any, folder: Path) -> None:
    page = Page(browser, folder / "en.html")
    page.click(".stv-table summary")
    assert not HAN.search(" ".join(page.page.evaluate(OWN_WORDS)))
    assert not HAN.search(page.page.locator(".stv").inner_text())
    page.context.close()


def test_the_word_at_the_line_of_the_current_time_is_not_crossed_by_it(
    browser: Any, folder: Path
) -> None:
    page = Page(browser, folder / "en.html", f"#event={crash(election())}")
    above = page.page.evaluate(
        """() => [...document.querySelector(".stv-svg > .now").children].map(
            (node) => (node.textContent || node.classList[0]).trim())"""
    )
    line, circle = above.index("line"), above.index("current")
    for word in ("340\u202fms", "crashed"):
        assert line < above.index(word) - 1 < circle
        assert above[above.index(word) - 1] == "ground", "it stands on a ground of its own"
    page.press("Escape")
    assert page.count(".stv-svg > .now *") == 0
    assert page.count(".stv-svg > .labels .crash") == 1, "it is back where it was"
    page.context.close()


def test_at_its_crash_a_node_is_the_first_in_the_panel_and_clients_are_the_last(
    browser: Any, folder: Path
) -> None:
    page = Page(browser, folder / "en.html", f"#event={crash(election())}")
    names = ".stv-card:not(.stv-logs) h3"
    cards = [each.partition("crashed")[0] for each in page.page.locator(names).all_text_contents()]
    assert cards == ["n1", "n2", "n3", "c1"]
    page.press("Home")
    assert page.page.locator(names).all_text_contents() == ["n1", "n2", "n3", "c1"]
    page.context.close()


def test_on_a_chinese_page_what_checks_and_nodes_say_in_english_is_marked_as_english(
    browser: Any, folder: Path
) -> None:
    page = Page(browser, folder / "zh.html", viewport={"width": 1280, "height": 1700})
    verdict = page.page.locator(".stv-verdict")
    (property, sentence) = verdict.locator("[lang=en]").all_text_contents()
    assert property == "linearizable"
    assert " " in sentence
    own = str(verdict.text_content()).replace(property, "").replace(sentence, "")
    assert "被违反" in own
    assert "检查的原话" in own
    page.click(".stv-table summary")
    page.press("End")
    assert page.page.get_attribute(".stv-sentence", "lang") == "en", "a verdict is the last event"
    assert unmarked(page.page, ".stv") == []
    page.context.close()


@pytest.mark.parametrize(
    ("language", "first", "second"),
    [("en", "3 nodes", "1 client"), ("zh", "3 个节点", "1 个客户端")],
)
def test_nodes_and_clients_are_counted_apart(
    browser: Any, folder: Path, language: str, first: str, second: str
) -> None:
    page = Page(browser, folder / f"{language}.html")
    facts = page.page.locator(".stv-facts span").all_text_contents()
    assert [first, second] == facts[2:4]
    named = page.page.get_attribute(".stv-svg", "aria-label")
    assert first in str(named)
    assert second in str(named)
    page.context.close()
