"""How long a frame takes while a page of 20,000 events is scrubbed, in headless Chromium.

Three ways: dragged from the beginning to the end, jumped about, and moved on by a few events. The
figures are milliseconds from the pointer's movement to the end of the frame that shows it; at 60
frames a second a frame takes 16.7 ms, and 95 % are to stay under 50. There is no peer.
"""

import tempfile
from pathlib import Path

from _bench import peer, program, report
from _scrubbing import FLAGS, scrubbed

from common.trace.viewer.page import MAX_EVENTS, build_page
from tests.support.viewer_traces import chatter


def main() -> None:
    """Make the page, scrub it in the three ways, and report medians and 95th percentiles."""
    figures: dict[str, float] = {}
    sync_playwright = peer("playwright.sync_api", "browser").sync_playwright
    chromium = program("chromium", "chromium")
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        path = Path(scratch) / "long.html"
        path.write_text(build_page(chatter(MAX_EVENTS), "a long run"), "utf-8")
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(path.as_uri())
        for way in ("dragged", "jumped", "moved"):
            figures |= scrubbed(page, way)
        browser.close()
    report("viewer", figures, {}, __doc__ or "")


if __name__ == "__main__":
    main()
