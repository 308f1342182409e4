"""The built site in headless Chromium: offline, by keyboard, on a phone, in both languages."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest

from tests.support.docs_site import FLAGS, Visit, built, served

pytestmark = pytest.mark.needs("browser", "docs", "npm")

AXE_PAGES = ("", "labs/raft/", "labs/link/", "roadmap/", "plans/six-months/")
"""One of each kind; the stage pages and the playground have tests of their own beside this."""

PHONE = {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def site() -> Path:
    return built()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        program = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    with served(site) as address:
        yield address


def pages(site: Path) -> list[str]:
    """The addresses of all pages, relative to the site."""
    found = sorted(path.relative_to(site).parent.as_posix() for path in site.rglob("index.html"))
    return ["" if path == "." else f"{path}/" for path in found]


def stage_page(site: Path) -> str:
    return next((page for page in pages(site) if page.startswith("stages/")), "roadmap/")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", [*AXE_PAGES, "stage"])
def test_axe_finds_nothing(
    browser: Any, address: str, site: Path, axe: str, path: str, scheme: str
) -> None:
    """With all runs of a page, and its playground; in the dark on a phone, where tables scroll."""
    size = PHONE if scheme == "dark" else {"width": 1280, "height": 900}
    with Visit(browser, address, color_scheme=scheme, viewport=size) as visit:
        page = visit.go(stage_page(site) if path == "stage" else path)
        for place in page.locator("figure.run, .playground").all():
            place.scroll_into_view_if_needed()
            place.locator(".stv-svg").wait_for()
        page.evaluate(axe)
        found = page.evaluate("axe.run({resultTypes: ['violations']})")
        told = [
            f"{each['id']}: {node['target']}: {node['failureSummary']}"
            for each in found["violations"]
            for node in each["nodes"]
        ]
        assert told == []
        assert visit.complaints == []


@pytest.fixture(scope="module")
def axe() -> str:
    from docs.making.vendor import FromNpm, vendored

    sha256 = "e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745"
    folder = vendored(FromNpm("axe-core", "4.14.1", sha256, "MPL-2.0"))
    return (folder / "package" / "axe.min.js").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("path", "typed", "where"),
    [
        ("", "quorum", r"/(?!zh/)"),
        ("zh/", "选举", r"/zh/"),
        ("zh/", "一致性", r"/zh/"),
        ("zh/labs/raft/", "raft", r"."),
    ],
)
def test_what_is_typed_is_found(
    browser: Any, address: str, path: str, typed: str, where: str
) -> None:
    with Visit(browser, address) as visit:
        page = visit.go(path)
        page.locator(".md-search__input").click()
        page.locator(".md-search__input").press_sequentially(typed)
        page.locator(".md-search__input").press("Shift")  # Chinese is put in, not pressed
        page.wait_for_selector(".md-search-result__item a")
        links = page.locator(".md-search-result__link")
        urls = [links.nth(number).get_attribute("href") for number in range(links.count())]
        assert any(re.search(where, url or "") for url in urls), urls
        assert typed.casefold() in page.locator(".md-search-result__list").inner_text().casefold()
        assert visit.complaints == []


def test_the_keyboard_alone_leads_past_the_navigation_and_ticks_what_is_done(
    browser: Any, address: str
) -> None:
    with Visit(browser, address) as visit:
        page = visit.go("plans/six-months/")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.matches('.md-skip')")
        page.locator("[data-tick]").first.focus()
        page.keyboard.press("Space")
        assert page.locator("[data-tick]").first.is_checked()
        page.reload()
        assert page.locator("[data-tick]").first.is_checked()
        assert page.locator(".plan-head output").inner_text() != "0 %"
        page.get_by_role("button", name="Forget all ticks").press("Enter")
        assert page.locator(".plan-head output").inner_text() == "0 %"


def test_the_calendar_begins_on_the_monday_that_was_chosen(browser: Any, address: str) -> None:
    with Visit(browser, address) as visit:
        page = visit.go("plans/six-months/")
        page.locator("[type=date]").fill("2027-09-06")
        with page.expect_download() as coming:
            page.get_by_role("link", name="Download the calendar").click()
        text = Path(coming.value.path()).read_text(encoding="utf-8")
        begins = re.findall(r"DTSTART;VALUE=DATE:(\d+)", text)
        assert begins[:2] == ["20270906", "20270913"]


@pytest.mark.parametrize(
    "path",
    ["", "labs/raft/", "roadmap/", "plans/six-months/", "museum/", "tables/benchmarks/"],
)
def test_on_a_phone_nothing_sticks_out(browser: Any, address: str, path: str) -> None:
    with Visit(browser, address, viewport=PHONE) as visit:
        page = visit.go(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_home_plays_a_run_unless_the_reader_wants_no_motion(browser: Any, address: str) -> None:
    at = "document.querySelector('.stv [role=status], .stv output')?.textContent"
    with Visit(browser, address, reduced_motion="no-preference") as visit:
        page = visit.go()
        page.wait_for_selector(".stv-svg")
        before = page.evaluate(at)
        page.wait_for_function(f"({at}) !== {before!r}")
        assert visit.complaints == []


@pytest.mark.parametrize(
    ("path", "legend", "keys"),
    [("labs/raft/", "Legend", "space plays"), ("zh/labs/raft/", "图例", "空格播放")],
)
def test_the_viewer_speaks_the_language_of_its_page(
    browser: Any, address: str, path: str, legend: str, keys: str
) -> None:
    with Visit(browser, address) as visit:
        page = visit.go(path)
        page.locator("figure.run").first.scroll_into_view_if_needed()
        page.wait_for_selector(".stv-svg")
        assert page.locator(".stv-legend summary").first.inner_text() == legend
        assert keys in (page.locator(".stv-keys").first.text_content() or "")
        alone = page.locator("a[href*='run.html?trace=']").first.get_attribute("href")
        page.goto(urljoin(page.url, alone))
        page.wait_for_selector(".stv-svg")
        assert page.locator(".stv-legend summary").inner_text() == legend
        assert visit.complaints == []


@pytest.mark.proof
def test_every_page_loads_offline_and_all_its_links_lead_somewhere(
    browser: Any, address: str, site: Path
) -> None:
    with Visit(browser, address) as visit:
        linked: dict[str, str] = {}
        for path in pages(site):
            if path.startswith("zh/code/"):  # the same as in English
                continue
            page = visit.go(path)
            for link in page.eval_on_selector_all("a[href]", "all => all.map(a => a.href)"):
                if link.startswith(address):
                    linked.setdefault(link, path)
        assert visit.complaints == []
    lost = [f"{link} in {page}" for link, page in linked.items() if not leads(link, address, site)]
    assert lost == []


def leads(link: str, address: str, site: Path) -> bool:
    """Whether a link within the site leads to a file, and to a place in it."""
    path, _, anchor = link.removeprefix(address).partition("#")
    file = site / path.partition("?")[0]
    file = file / "index.html" if file.is_dir() else file
    if not file.is_file():
        return False
    if not anchor or file.suffix != ".html" or anchor.startswith("__"):
        return True
    return f'id="{anchor}"' in file.read_text(encoding="utf-8")


def test_beside_a_run_there_is_room_for_its_lanes_and_for_what_is_said_of_it(
    browser: Any, address: str
) -> None:
    """On a laptop, in a column of text: a run, one with long names, and the playground's."""
    width = "(e => e.getBoundingClientRect().width)"
    with Visit(browser, address, viewport={"width": 1280, "height": 900}) as visit:
        for path, place in (
            ("labs/etcd/", ".run-place"),
            ("labs/kademlia/", ".run-place"),
            ("labs/echo/", ".playground"),
        ):
            page = visit.go(path)
            page.locator(place).first.scroll_into_view_if_needed()
            page.wait_for_selector(f"{place} .stv-svg")
            viewer = page.locator(f"{place} .stv").first
            whole = viewer.evaluate(width)
            assert viewer.locator(".stv-panel").evaluate(width) > 0.9 * whole
            for said in viewer.locator(".stv-verdict > span").all():
                assert said.evaluate(width) > 0.3 * whole
            if path == "labs/kademlia/":
                assert viewer.locator(".stv-scroller").evaluate("e => e.scrollLeft") > 0, "n13"


def test_a_line_of_code_is_seen_whole_on_a_laptop(browser: Any, address: str, site: Path) -> None:
    with Visit(browser, address, viewport={"width": 1280, "height": 900}) as visit:
        page = visit.go("labs/raft/")
        assert page.evaluate("""() => {
            const code = document.querySelector('.md-typeset pre > code');
            code.textContent = 'x'.repeat(100);
            return code.scrollWidth <= code.clientWidth;
        }""")
