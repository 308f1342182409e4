"""The playground in headless Chromium, as a learner uses it: run, change, stop, share, solve."""

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from common.browser.running import Settings, set_up
from common.course.base.course import ROOT, Course
from common.course.base.declared import worlds_of
from docs.making import bundle
from docs.making.vendor import unpack_npm
from tests.support.playground import served
from tests.support.viewer_page import unmarked

pytestmark = [pytest.mark.needs("browser", "npm"), pytest.mark.slow]

COURSE = Course()
LABS = ("echo", "cap")
FRAMES = "stage1_foundations/echo/frames.py"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
LONG = 90_000
"""Milliseconds: a busy machine takes that long to start Python."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("playground")
    bundle.write(folder, COURSE, LABS)
    (folder / "zh").mkdir()
    chinese = (folder / "index.html").read_text("utf-8").replace('lang="en"', 'lang="zh"')
    chinese = chinese.replace("<head>", '<head><base href="/">')
    # As pages of the site do, it gives the titles of lab and part.
    titled = '<div class="playground" data-title="一个寄存器" data-part="一个副本"'
    chinese = chinese.replace('<div class="playground"', titled)
    (folder / "zh" / "index.html").write_text(chinese, "utf-8")
    with served(folder) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        program = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


class Page:
    """A playground, with what it asked for and complained about."""

    def __init__(self, browser: Any, address: str, lab: str, hash: str = "", **options: Any):
        options.setdefault("viewport", {"width": 1280, "height": 1000})
        self.context = browser.new_context(reduced_motion="reduce", **options)
        self.page = self.context.new_page()
        self.page.set_default_timeout(LONG)
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.context.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(f"{address}/?lab={lab}{hash}")
        self.page.wait_for_selector(".stv-svg", state="attached")

    def status(self) -> str:
        return str(self.page.text_content(".pg-status"))

    def text(self, selector: str) -> str:
        return str(self.page.text_content(selector))

    def button(self, name: str) -> Any:
        return self.page.get_by_role("button", name=name, exact=True)

    def settle(self) -> None:
        """Wait until what was asked for is answered."""
        self.page.wait_for_function("() => document.querySelector('.pg-bar .pg-main').disabled")
        self.page.wait_for_function("() => !document.querySelector('.pg-bar .pg-main').disabled")

    def run(self) -> str:
        """Run, and give the hash of the trace; "" where there is none."""
        self.page.evaluate("delete document.querySelector('.playground').dataset.sha256")
        self.button("Run").click()
        self.page.wait_for_function(
            "() => !document.querySelector('.pg-bar .pg-main').disabled"
            " && !document.querySelector('.pg-status').textContent.endsWith('...')"
        )
        return str(self.page.evaluate("document.querySelector('.playground').dataset.sha256 || ''"))

    def write(self, text: str) -> None:
        self.page.get_by_role("tab", name="Code").click()
        self.page.fill(".pg-area", text)

    def code(self) -> str:
        return str(self.page.input_value(".pg-area"))

    def close(self) -> None:
        assert self.complaints == []
        self.context.close()


@pytest.fixture(scope="module")
def shared(browser: Any, address: str) -> Iterator[Page]:
    page = Page(browser, address, "echo")
    yield page
    page.close()


@pytest.fixture
def page(shared: Page) -> Iterator[Page]:
    """A page that several tests use, one after the other: Python takes seconds to start in it."""
    yield shared
    assert shared.complaints == []


@pytest.fixture
def fresh(browser: Any, address: str) -> Iterator[Page]:
    """A page of a test's own."""
    page = Page(browser, address, "echo")
    yield page
    page.close()


def test_a_run_leaves_the_same_trace_as_cpython_and_asks_nobody_else(
    page: Page, address: str
) -> None:
    from hashlib import sha256

    assert "recorded when the site was built" in page.status()
    for seed in (7, 8):
        page.page.get_by_label("Seed", exact=True).fill(str(seed))
        page.page.get_by_label("Loss, %").fill("20")
        page.button("Nothing").click()
        worlds = worlds_of(COURSE.lab("echo"))
        scene = set_up(worlds, Settings(seed=seed, loss=0.2))
        scene.run(Settings().until)
        for name, check in scene.checks.items():
            scene.judged(name, check(scene.history))
        assert page.run() == sha256(scene.lines.encode()).hexdigest()
        assert "every answer has the text of its question: holds" in page.status()
    outside = [url for url in page.requests if not url.startswith((address, "data:", "blob:"))]
    assert outside == []


def test_faults_are_clicked_together_and_happen(page: Page) -> None:
    page.button("Nothing").click()
    page.page.get_by_label("What", exact=True).select_option("cut")
    page.page.get_by_label("Node", exact=True).select_option("n2")
    page.page.get_by_label("At, ms").fill("100")
    page.button("Add").click()
    page.page.get_by_label("What", exact=True).select_option("heal")
    page.page.get_by_label("At, ms").fill("600")
    page.button("Add").click()
    page.page.get_by_label("What", exact=True).select_option("crash")
    page.page.get_by_label("At, ms").fill("300")
    page.button("Add").click()
    chips = page.page.locator(".pg-chips li").all_text_contents()
    assert [chip.rpartition(" ")[0] for chip in chips] == [
        "100 ms partition n2 | n1, n3, c1, c2",
        "300 ms crash n2",
        "600 ms heal",
    ]
    page.run()
    assert page.page.locator(".stv-ticks .partition").count() == 1
    page.button("Remove: 300 ms crash n2").click()
    assert page.page.locator(".pg-chips li").count() == 2


def test_changed_code_runs_and_a_mistake_is_a_sentence_that_leads_to_its_line(page: Page) -> None:
    page.page.get_by_role("tab", name="Code").click()
    page.page.get_by_label("File", exact=True).select_option("stage1_foundations/echo/node.py")
    right = page.code()
    answer = "self.send(sender, Pong(ping.number, ping.text))"
    page.write(right.replace(answer, "self.send(sender,, 1)"))
    page.run()
    line = right[: right.index(answer)].count("\n") + 1
    assert "invalid syntax" in page.status()
    assert page.page.locator(".pg-status .pg-place").text_content() == f"node.py:{line}"
    assert f"{line}" in str(page.page.text_content(".pg-wrong"))
    page.write(right.replace(answer, "self.send(sender, Pong(ping.number, 'lies'))"))
    assert page.run()
    assert "violated" in page.status()
    assert page.page.locator(".stv-verdict.stv-no").count() == 1
    page.page.get_by_role("tab", name="Code").click()
    page.button("Undo all changes").click()
    assert page.code() == right


def test_a_loop_without_end_is_stopped_and_the_next_run_works(page: Page) -> None:
    page.page.get_by_role("tab", name="Code").click()
    page.page.get_by_label("File", exact=True).select_option("stage1_foundations/echo/node.py")
    right = page.code()
    page.write(right.replace("self.send(sender, Pong", "while True: pass\n        (sender, Pong"))
    page.button("Run").click()
    page.page.wait_for_function(
        "() => document.querySelector('.pg-status').textContent === 'Running ...'"
    )
    page.button("Stop").click()
    assert "Stopped" in page.status()
    page.write(right)
    assert page.run()


def test_a_link_brings_the_exact_run_and_code_waits_for_the_reader(
    fresh: Page, browser: Any, address: str
) -> None:
    page = fresh
    page.page.get_by_label("Seed", exact=True).fill("12")
    page.page.get_by_label("Nodes", exact=True).select_option("2")
    page.button("Nothing").click()
    wanted = page.run()
    page.button("Copy a link to this run").click()
    page.page.wait_for_function("() => location.hash.startsWith('#run=')")
    other = Page(browser, address, "echo", page.page.evaluate("location.hash"))
    other.page.wait_for_function("document.querySelector('.playground').dataset.sha256")
    assert other.page.evaluate("document.querySelector('.playground').dataset.sha256") == wanted
    other.close()
    page.page.get_by_role("tab", name="Code").click()
    page.page.get_by_label("File", exact=True).select_option("stage1_foundations/echo/node.py")
    page.write(page.code().replace("Pong(ping.number, ping.text)", "Pong(ping.number, 'no')"))
    wanted = page.run()
    before = page.page.evaluate("location.hash")
    page.button("Copy a link to this run").click()
    page.page.wait_for_function("(before) => location.hash !== before", arg=before)
    other = Page(browser, address, "echo", page.page.evaluate("location.hash"))
    assert "Look at it, then press Run" in other.status()
    assert "Pong(ping.number, 'no')" in other.code()
    assert other.run() == wanted
    other.close()


def test_damaged_links_are_told(browser: Any, address: str) -> None:
    page = Page(browser, address, "echo", "#run=abc")
    page.page.wait_for_selector(".pg-problem")
    assert "This link is damaged" in page.status()
    page.close()


def test_a_part_is_solved_in_the_page_and_taken_along(fresh: Page, tmp_path: Path) -> None:
    page = fresh
    page.page.get_by_role("tab", name="Code").click()
    page.page.get_by_label("Which code").select_option("exercise")
    page.button("Test").click()
    page.settle()
    assert "0 / 16 points" in str(page.page.text_content(".pg-score"))
    assert page.page.locator(".pg-why").first.text_content() == (
        "this is not written yet (in encode_frame) frames.py:37"
    )
    page.page.get_by_role("button", name="Hint 1/3: encode_frame").click()
    assert "How does the other side know" in str(page.page.text_content(".pg-hints"))
    page.write((ROOT / FRAMES).read_text(encoding="utf-8"))
    page.button("Test").click()
    page.settle()
    assert "16 / 16 points" in str(page.page.text_content(".pg-score"))
    page.page.reload()
    page.page.get_by_role("tab", name="Code").click()
    assert "16 / 16 points" in str(page.page.text_content(".pg-score")), "it is kept"
    with page.page.expect_download() as download:
        page.button("Export as a workspace").click()
    download.value.save_as(tmp_path / "work.zip")
    with zipfile.ZipFile(tmp_path / "work.zip") as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path)
    lab = [sys.executable, "-m", "common.course.command"]
    asked = subprocess.run(
        [*lab, "test", "echo", "--part", "frames", "--json"],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )  # fmt: skip
    assert json.loads(asked.stdout.splitlines()[-1])["earned"] == 16, asked.stdout + asked.stderr
    state = json.loads((tmp_path / "work/.lab/progress.json").read_text())["labs"]["echo"]
    assert state["part"] == "frames"
    assert state["hints"] == {"encode_frame": 1}


def test_why_shows_the_run_that_fails(browser: Any, address: str) -> None:
    page = Page(browser, address, "cap")
    page.page.get_by_role("tab", name="Code").click()
    page.page.get_by_label("Which code").select_option("exercise")
    right = (ROOT / "stage1_foundations/cap/available.py").read_text(encoding="utf-8")
    page.page.get_by_label("File", exact=True).select_option(label="available.py")
    page.write(right.replace("gossip.held.tag > self.held.tag", "True"))
    page.button("Test").click()
    page.settle()
    page.page.get_by_role("button", name="Why? Sessions").click()
    page.page.wait_for_selector(".pg-story")
    assert "✗" in str(page.page.text_content(".pg-story"))
    page.button("Show the run").first.click()
    assert page.text(".stv h1") == "Sessions"
    assert page.page.locator(".stv-verdict.stv-no").count() == 1
    page.close()


def test_everything_is_reached_with_the_keyboard(page: Page) -> None:
    press = page.page.keyboard.press
    page.page.evaluate("delete document.querySelector('.playground').dataset.sha256")
    page.button("Run").focus()
    press("Enter")
    page.page.wait_for_function("document.querySelector('.playground').dataset.sha256")
    page.page.get_by_role("tab", name="Picture").focus()
    press("ArrowRight")
    assert page.page.evaluate("document.activeElement.textContent") == "Code"
    page.page.focus(".pg-area")
    press("Control+Home")
    press("Tab")
    assert page.code().startswith('    """Echo') or page.code().startswith("    ")
    press("Shift+Tab")
    assert not page.code().startswith("    ")
    press("Escape")
    press("Tab")
    assert page.page.evaluate("document.activeElement.className") != "pg-area", "no trap"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_to_complain_about(
    browser: Any, address: str, tmp_path: Path, scheme: str
) -> None:
    packed = ["npm", "pack", "axe-core@4.11.0", "--silent"]
    subprocess.run(packed, cwd=tmp_path, check=True, capture_output=True, timeout=60)
    unpack_npm(next(tmp_path.glob("*.tgz")), tmp_path)
    page = Page(browser, address, "cap", color_scheme=scheme)
    page.page.add_script_tag(path=tmp_path / "package" / "axe.min.js")
    page.page.add_style_tag(content=":root { color-scheme: light dark }")
    looks = "async () => (await axe.run('.playground')).violations"
    for open_it in ("Picture", "Code", "exercise"):
        if open_it == "exercise":
            page.page.get_by_label("Which code").select_option("exercise")
        else:
            page.page.get_by_role("tab", name=open_it).click()
        found = page.page.evaluate(looks)
        assert [(each["id"], each["nodes"][0]["html"]) for each in found] == [], open_it
    page.close()


def test_it_fits_the_width_of_a_phone(browser: Any, address: str) -> None:
    page = Page(browser, address, "cap", viewport={"width": 390, "height": 800})
    for tab in ("Picture", "Code"):
        page.page.get_by_role("tab", name=tab).click()
        width = page.page.evaluate("document.querySelector('.playground').scrollWidth")
        assert width <= 390
    page.close()


def test_on_a_chinese_page_what_the_lab_says_in_english_is_marked_as_english(
    browser: Any, address: str
) -> None:
    page = Page(browser, f"{address}/zh", "cap")
    page.button("运行").click()
    page.page.wait_for_function("document.querySelector('.playground').dataset.sha256")
    assert "成立" in page.status()
    assert page.page.locator(".pg-status [lang=en]").count() > 0
    page.page.get_by_role("tab", name="代码").click()
    page.page.get_by_label("使用哪份代码").select_option("exercise")
    page.page.get_by_role("button", name="提示").first.click()
    page.page.locator(".pg-outcome").get_by_role("button", name="测试").click()
    page.page.wait_for_selector(".pg-why")
    page.page.wait_for_function("!document.querySelector('.pg-outcome .pg-main').disabled")
    assert unmarked(page.page, ".playground") == []
    page.close()
