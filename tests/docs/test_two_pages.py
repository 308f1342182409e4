"""One text in two pages of headless Chromium: each page is a replica of the lab ``crdt``."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from common.course.base.course import Course
from docs.making import bundle
from tests.support.playground import served

pytestmark = [pytest.mark.needs("browser", "npm"), pytest.mark.proof]

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
LONG = 90_000
"""Milliseconds: a busy machine takes that long to start Python."""

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Text</title>
<link rel="icon" href="data:,"></head><body><div class="together" data-lab="crdt"></div>
<script type="module">import("./assets/playground/mount.mjs");</script></body></html>
"""


class Person:
    """Somebody with the text open in a page."""

    def __init__(self, context: Any, address: str) -> None:
        self.page = context.new_page()
        self.page.set_default_timeout(LONG)
        self.complaints: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(f"{address}/text.html")
        self.button("Make this page a copy").click()
        self.page.wait_for_selector(".pg-together:enabled")

    def button(self, name: str) -> Any:
        return self.page.get_by_role("button", name=name, exact=True)

    def see(self, text: str) -> None:
        shows = "(text) => document.querySelector('.pg-together').value === text"
        self.page.wait_for_function(shows, arg=text)

    def hear(self, sentence: str) -> None:
        says = "(text) => document.querySelector('.pg-status').textContent.includes(text)"
        self.page.wait_for_function(says, arg=sentence)

    def type(self, at: int, text: str) -> None:
        put = "(at) => document.querySelector('.pg-together').setSelectionRange(at, at)"
        self.page.focus(".pg-together")
        self.page.evaluate(put, at)
        self.page.keyboard.type(text)


def test_two_pages_edit_one_text_and_meet_again_after_a_cut(tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    bundle.write(tmp_path, Course(), ["crdt"])
    (tmp_path / "text.html").write_text(PAGE, encoding="utf-8")
    with served(tmp_path) as address, sync_playwright() as playwright:
        program = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        context = browser.new_context()
        ann, bob = Person(context, address), Person(context, address)
        ann.hear("Other pages that have it open: 1.")
        ann.type(0, "buy tea")
        bob.see("buy tea")
        bob.button("Cut this page off").click()
        bob.hear("hears nobody")
        bob.type(3, " hot")
        ann.type(7, " \U0001f375 and eggs")
        bob.see("buy hot tea")
        ann.see("buy tea \U0001f375 and eggs")
        bob.button("Cut this page off").click()
        for person in (ann, bob):
            person.see("buy hot tea \U0001f375 and eggs")
        bob.page.close()
        eve = Person(context, address)
        eve.see("buy hot tea \U0001f375 and eggs")
        eve.page.focus(".pg-together")
        eve.page.keyboard.press("Control+a")
        eve.page.keyboard.press("Delete")
        ann.see("")
        assert [*ann.complaints, *bob.complaints, *eve.complaints] == []
        browser.close()
