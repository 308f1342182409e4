"""The space-time viewer in a real browser: headless Chromium, a page opened from a file."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from common.trace.viewer.page import build_page, script, style
from docs.making.vendor import unpack_npm
from tests.support.viewer_page import Page
from tests.support.viewer_traces import chatter, election, twins

pytestmark = pytest.mark.needs("browser")

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
MAX_ELEMENTS = 2_000
"""A windowed picture holds what is in view, however long the run is."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        program = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    (folder / "election.html").write_text(build_page(election(), "Raft: a deposed leader"), "utf-8")
    (folder / "long.html").write_text(build_page(chatter(2_000), "Gossip"), "utf-8")
    return folder


@pytest.fixture
def page(browser: Any, folder: Path) -> Iterator[Page]:
    page = Page(browser, folder / "election.html")
    yield page
    assert page.complaints == []
    page.context.close()


def test_the_page_opens_from_a_file_and_asks_for_nothing_else(page: Page) -> None:
    assert [url.partition(":")[0] for url in page.requests if not url.startswith("data:")] == [
        "file"
    ]
    assert page.text("h1") == "Raft: a deposed leader"
    assert page.count(".stv-head") == 4


def test_everything_that_happened_is_in_the_picture(browser: Any, folder: Path) -> None:
    size = {"width": 1280, "height": 1700}
    page = Page(browser, folder / "election.html", viewport=size)
    assert page.count(".wire.recv") == 12
    assert page.count(".wire.again") == 1
    assert page.count(".wire.drop .cross") == 5
    assert page.count(".wire.open") == 1
    assert page.count(".trouble.crash") == page.count(".trouble.pause") == 1
    assert page.count(".partition .block") == 2
    assert [page.count(f".bar.{outcome}") for outcome in ("ok", "info", "fail")] == [1, 1, 1]
    words = page.page.locator(".stv-svg text").all_text_contents()
    for word in (
        "lost",
        "cut off",
        "crashed",
        "paused",
        "healed",
        "elected",
        "ok",
        "failed: no value",
    ):
        assert word in words
    assert any(word.startswith("partition") for word in words)
    page.context.close()


def test_a_message_comes_from_the_half_of_a_node_that_sent_it(browser: Any, tmp_path: Path) -> None:
    (tmp_path / "twins.html").write_text(build_page(twins(), "Twins"), "utf-8")
    page = Page(browser, tmp_path / "twins.html", viewport={"width": 1600, "height": 1200})
    lanes = page.page.locator(".stv-head").all_text_contents()
    colours = page.page.eval_on_selector_all(
        ".wire.recv", "wires => wires.map((wire) => wire.style.getPropertyValue('--c'))"
    )
    page.context.close()
    assert lanes[2:4] == ["n1", "n1'"]
    assert [colours.count(f"var(--n{lane})") for lane in (0, 1)] == [2, 3], "each has its colour"


def test_labels_do_not_overlap(browser: Any, folder: Path) -> None:
    for name in ("election.html", "long.html"):
        page = Page(browser, folder / name, viewport={"width": 1280, "height": 1700})
        overlaps = page.page.evaluate(
            """() => {
              const level = [...document.querySelectorAll(".stv-svg text:not([transform])")];
              const boxes = level.map((node) => [node.textContent, node.getBoundingClientRect()]);
              return boxes.flatMap(([a, p], i) => boxes.slice(i + 1)
                .filter(([, q]) => p.left < q.right - 1 && p.right > q.left + 1
                  && p.top < q.bottom - 4 && p.bottom > q.top + 4)
                .map(([b]) => `${a} / ${b}`));
            }"""
        )
        assert overlaps == []
        page.context.close()


def test_stepping_back_restores_the_same_picture(page: Page) -> None:
    page.press("Home", *["ArrowRight"] * 9)
    before = page.picture()
    page.press(*["ArrowRight"] * 25)
    assert page.picture() != before
    page.press(*["ArrowLeft"] * 25)
    assert page.picture() == before


def test_keys_work_as_soon_as_the_page_is_there(browser: Any, folder: Path) -> None:
    page = Page(browser, folder / "election.html")
    page.page.keyboard.press("Home")
    page.settle()
    assert "event 1 of 63" in page.text(".stv-event h2")
    page.context.close()


def test_the_keyboard_reaches_everything(page: Page) -> None:
    page.press("Escape")
    assert page.text(".stv-clock") == "whole run"
    page.press("Home")
    assert "event 1 of 63" in page.text(".stv-event h2")
    page.press("ArrowDown", "ArrowRight", "ArrowUp")
    assert "event 2 of 63" in page.text(".stv-event h2")
    page.press("PageDown")
    assert "event 12 of 63" in page.text(".stv-event h2")
    page.press("End")
    assert "event 63 of 63" in page.text(".stv-event h2")
    page.press("m")
    assert page.page.get_attribute(".stv-time", "aria-pressed") == "true"
    page.press("Escape")
    assert page.text(".stv-clock") == "whole run"


def test_the_state_of_every_node_is_that_at_the_current_event(page: Page) -> None:
    page.press("Home")
    assert "candidate" not in page.text(".stv-states")
    page.press("ArrowRight", "ArrowRight", "ArrowRight")
    assert page.text(".stv-own h3") == "n1"
    assert "candidate" in page.text(".stv-own .changed >> nth=0")
    page.press("End", *["ArrowLeft"] * 15)
    assert "crashed" in page.text(".stv-states")


def test_the_current_event_is_spoken(page: Page) -> None:
    page.press("Home", *["ArrowRight"] * 3)
    assert "n1's timer ElectionTimeout fires" in page.text("[aria-live]")


def test_play_moves_on_and_stops_at_the_end(browser: Any, folder: Path) -> None:
    page = Page(browser, folder / "election.html", reduced_motion="no-preference")
    page.page.select_option(".stv-speed", "8")
    page.press("End", *["ArrowLeft"] * 6)
    page.page.click(".stv-play")
    assert page.page.get_attribute(".stv-play", "aria-label") == "Pause"
    page.page.wait_for_selector('.stv-play[aria-label="Play"]', timeout=10_000)
    page.settle()
    assert "event 63 of 63" in page.text(".stv-event h2")
    assert page.complaints == []
    page.context.close()


def test_a_link_leads_to_an_event_and_the_verdict_to_its_own(browser: Any, folder: Path) -> None:
    page = Page(browser, folder / "election.html", hash="#event=12")
    assert "event 12 of 63" in page.text(".stv-event h2")
    assert page.count("[data-relation=past]") == 0
    page.click(".stv-verdict button")
    assert "c1's read ends: failed: no value" in page.text(".stv-sentence")
    page.context.close()


def test_the_page_opens_at_what_a_verdict_blames_with_its_causes_lit(
    browser: Any, folder: Path
) -> None:
    page = Page(browser, folder / "election.html")
    assert "c1's read ends: failed: no value" in page.text(".stv-sentence")
    assert page.count(".calls .outline") == 1, "the operation is outlined"
    relations = page.page.eval_on_selector_all(
        ".mark", "marks => marks.map((mark) => mark.dataset.relation)"
    )
    assert {"self", "past", "apart"} <= set(relations)
    page.press("ArrowLeft")
    assert page.count("[data-relation=past]") == 0, "the next step shows everything alike again"
    page.context.close()


def test_hovering_tells_what_a_message_and_a_step_are(page: Page) -> None:
    page.press("Home")
    middle = page.page.evaluate(
        """() => {
          const line = document.querySelector(".wire.recv .line");
          const at = line.getPointAtLength(line.getTotalLength() / 2);
          const box = document.querySelector(".stv-svg").getBoundingClientRect();
          return [box.left + at.x, box.top + at.y];
        }"""
    )
    page.page.mouse.move(*middle)
    assert "RequestVote" in page.text(".stv-tip")
    assert "arrived, 7.2\u202fms" in page.text(".stv-tip")
    assert page.count(".wire.hot") == 1


def test_causality_fades_what_is_concurrent(page: Page) -> None:
    page.press("Home", *["ArrowRight"] * 20, "c")
    assert page.page.get_attribute(".stv-cause", "aria-pressed") == "true"
    relations = page.page.evaluate(
        "() => [...document.querySelectorAll('.mark')].map((node) => node.dataset.relation)"
    )
    assert {"past", "self"} <= set(relations)
    page.press("c")
    assert page.count("[data-relation=past]") == 0


def test_a_long_run_holds_few_elements_while_it_is_scrubbed(browser: Any, folder: Path) -> None:
    page = Page(browser, folder / "long.html")
    most = page.page.evaluate(
        """async () => {
          const range = document.querySelector("input[type=range]");
          let most = 0;
          for (let i = 0; i <= 60; i++) {
            range.value = Math.round(range.max * i / 60);
            range.dispatchEvent(new Event("input", { bubbles: true }));
            await new Promise(requestAnimationFrame);
            most = Math.max(most, document.querySelectorAll("*").length);
          }
          return most;
        }"""
    )
    assert 100 < most < MAX_ELEMENTS
    page.settle()
    assert page.count(".mark") > 5
    assert page.complaints == []
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_follows_the_colours_of_the_system_and_its_button(
    browser: Any, folder: Path, scheme: str
) -> None:
    page = Page(browser, folder / "election.html", color_scheme=scheme)
    ground = "() => getComputedStyle(document.querySelector('.stv')).backgroundColor"
    colours = {"light": "rgb(255, 255, 255)", "dark": "rgb(18, 22, 31)"}
    assert page.page.evaluate(ground) == colours[scheme]
    page.click(".stv-theme")
    assert page.page.evaluate(ground) == colours["dark" if scheme == "light" else "light"]
    page.context.close()


def test_reduced_motion_hides_play_and_keeps_stepping(browser: Any, folder: Path) -> None:
    page = Page(browser, folder / "election.html")
    assert not page.page.is_visible(".stv-play")
    page.press("Escape")
    page.click(".stv-forward")
    assert "event 1 of 63" in page.text(".stv-event h2")
    page.context.close()


def test_print_shows_the_whole_run_in_full_ink_without_controls(page: Page) -> None:
    page.press("Home")
    page.page.emulate_media(media="print")
    page.page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    page.settle()
    assert page.count(".wire") == 19
    for hidden in (".veil", ".stv > footer", ".stv-tools", ".stv-map"):
        found = page.page.locator(hidden)
        assert found.count() == 0 or not found.first.is_visible()
    page.page.evaluate("() => dispatchEvent(new Event('afterprint'))")
    page.page.emulate_media(media="screen")
    page.settle()
    assert "event 1 of 63" in page.text(".stv-event h2")


def test_of_a_long_run_the_part_in_view_is_printed_and_printing_ends(
    browser: Any, folder: Path
) -> None:
    page = Page(browser, folder / "long.html")
    page.press("End")
    pages = page.page.pdf().count(b"/Type /Page\n")
    page.settle()
    assert 1 <= pages <= 3
    assert "event 4004 of 4004" in page.text(".stv-event h2"), "and the screen is as it was"
    page.context.close()


def test_the_table_says_everything_in_words(page: Page) -> None:
    page.click(".stv-table summary")
    assert page.count("tbody tr") == 63
    assert "n1's message to n2 is lost: partition" in page.text("tbody")


def test_a_narrow_screen_keeps_the_picture(browser: Any, folder: Path) -> None:
    page = Page(browser, folder / "election.html", viewport={"width": 390, "height": 800})
    wide = page.page.evaluate("() => document.documentElement.scrollWidth")
    assert wide <= 390
    assert page.count(".mark") > 5
    page.context.close()


def test_markup_in_a_trace_stays_text(browser: Any, tmp_path: Path) -> None:
    lines = election()
    attack = "</script><script>document.title='broken'</script><img src=x onerror=alert(1)>"
    note = {"t": 1, "node": "n1", "kind": "note", "text": attack, "fields": {}}
    lines.insert(2, json.dumps(note))
    path = tmp_path / "attack.html"
    path.write_text(build_page(lines, f"A {attack}"), "utf-8")
    page = Page(browser, path)
    assert page.page.title() == f"A {attack}"
    assert page.text("h1") == f"A {attack}"
    assert page.count("img") == 0
    assert page.complaints == []
    page.context.close()


def test_an_empty_run_and_a_damaged_one_are_shown_without_a_crash(
    browser: Any, tmp_path: Path
) -> None:
    empty, damaged = tmp_path / "empty.html", tmp_path / "damaged.html"
    empty.write_text(build_page(election()[:1], "Nothing"), "utf-8")
    damaged.write_text(build_page(["{}"], "Damaged"), "utf-8")
    page = Page(browser, empty)
    page.press("ArrowRight", "End", "Home", "m", "c")
    assert page.complaints == []
    page.page.goto(damaged.as_uri())
    assert page.text("[role=alert]").startswith("This trace cannot be shown: this is not a trace")
    page.context.close()


def test_another_page_can_mount_the_viewer_as_a_module(browser: Any, tmp_path: Path) -> None:
    inline = script(exported=False) + "globalThis.mount = mount;"
    body = f"<style>{style()}</style><div id=a></div><div id=b></div>"
    body += f"<script type=module>{inline}</script>"
    (tmp_path / "docs.html").write_text(f"<meta charset=utf-8><link rel=icon href=data:,>{body}")
    page = browser.new_page()
    page.goto((tmp_path / "docs.html").as_uri())
    for place in "ab":
        page.evaluate(f"(text) => {{ {place}.viewer = mount({place}, text) }}", "".join(election()))
    assert page.locator(".stv").count() == 2
    page.evaluate("() => a.viewer.destroy()")
    assert page.locator(".stv").count() == 1
    page.close()


@pytest.mark.needs("npm")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_to_complain_about(
    browser: Any, folder: Path, tmp_path: Path, scheme: str
) -> None:
    packed = ["npm", "pack", "axe-core@4.11.0", "--silent"]
    subprocess.run(packed, cwd=tmp_path, check=True, capture_output=True, timeout=60)
    unpack_npm(next(tmp_path.glob("*.tgz")), tmp_path)
    page = Page(browser, folder / "election.html", color_scheme=scheme)
    page.press("Home", *["ArrowRight"] * 9)
    page.click(".stv-table summary")
    page.page.add_script_tag(path=tmp_path / "package" / "axe.min.js")
    found = page.page.evaluate("async () => (await axe.run()).violations")
    assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []
    page.context.close()
