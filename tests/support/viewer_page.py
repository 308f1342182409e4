"""A page of the viewer in a browser, as a person uses it."""

from pathlib import Path
from typing import Any

_UNMARKED = """(place) => {
  const found = [];
  const walker = document.createTreeWalker(document.querySelector(place), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const { data, parentElement } = walker.currentNode;
    const isShown = !parentElement.closest("svg, .pg-editor"); // one image; code
    const isPhrase = /[A-Za-z]+(?: [A-Za-z]+){2}/.test(data);
    const isChinese = parentElement.closest("[lang]").lang.startsWith("zh");
    if (isShown && isPhrase && isChinese) found.push(data);
  }
  return found;
}"""


def unmarked(page: Any, place: str) -> list[str]:
    """What is in English on a page in Chinese, and is not said to be: screen readers misread it.

    Args:
        page: Playwright's.
        place: the selector of the part to look at.
    """
    found: list[str] = page.evaluate(_UNMARKED, place)
    return found


class Page:
    """A page that shows a trace, with everything that it asked for or complained about."""

    def __init__(self, browser: Any, path: Path, hash: str = "", **options: Any) -> None:
        options.setdefault("viewport", {"width": 1280, "height": 900})
        options.setdefault("reduced_motion", "reduce")  # nothing glides, so nothing to wait for
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri() + hash)
        self.settle()

    def settle(self) -> None:
        """Wait until what was asked for is drawn: a glide, a smooth scroll, two frames."""
        self.page.evaluate(
            """async () => {
              const scroller = document.querySelector(".stv-scroller");
              const look = () => document.querySelector(".stv-svg").innerHTML + scroller.scrollTop;
              const frame = () => new Promise(requestAnimationFrame);
              for (let still = 0, last = null, frames = 0; still < 2 && frames < 600; frames++) {
                await frame();
                still = look() === last ? still + 1 : 0;
                last = look();
              }
            }"""
        )

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.locator(".stv-scroller").press(key)
        self.settle()

    def click(self, selector: str) -> None:
        self.page.click(selector)
        self.settle()

    def text(self, selector: str) -> str:
        return str(self.page.text_content(selector))

    def count(self, selector: str) -> int:
        return int(self.page.locator(selector).count())

    def picture(self) -> str:
        """Everything that is drawn and said, without the order in which it was made."""
        parts: list[str] = self.page.evaluate(
            """() => [...document.querySelectorAll(".stv-svg > g > *, .veil, .stv-panel")]
                .map((node) => node.outerHTML).sort()"""
        )
        return "\n".join(parts)
