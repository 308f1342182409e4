"""How long a playground takes to its first run and to later ones, in headless Chromium.

    python tests/benchmarks/playground.py [--json]

The page is that of the lab echo, served from this machine. ``first_run_s`` goes from the click on
Run, on a page that nobody has touched, to the picture: Python is fetched, compiled and started, the
lab is run. Bound: 5 s. ``later_run_ms`` is the median of runs with other seeds, each of about two
thousand messages (``later_run_messages``), from the click on Run to the picture, by the clock of
the page: Python has run the lab, judged it and hashed its trace, which has come to the page, and
what is in view is drawn, with the verdict. (Labels further down are placed while the page is idle.)
Bound: 200 ms. ``later_run_painted_ms`` is the time until the browser has painted that as well.
Then the last run is scrubbed, as in ``viewer``: at 60 frames a second a frame takes 16.7 ms. There
is no peer.
"""

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from _bench import peer, program, report
from _scrubbing import FLAGS, scrubbed

from common.course.base.course import Course
from docs.making import bundle
from tests.support.playground import served

LAB = "echo"
STARTS = 3
LATER = 7
RAN = "() => document.querySelector('.playground').dataset.sha256"

LATER_RUN = """async () => {
  const place = document.querySelector(".playground");
  delete place.dataset.sha256;
  const shown = new Promise((done) => {
    const look = () => place.dataset.sha256 && done(performance.now());
    new MutationObserver(look).observe(place, { attributeFilter: ["data-sha256"] });
  });
  const asked = performance.now();
  place.querySelector(".pg-bar .pg-main").click();
  const drawn = await shown;
  await new Promise(requestAnimationFrame);
  const { port1, port2 } = new MessageChannel();
  await new Promise((done) => ((port1.onmessage = done), port2.postMessage(0))); // it is painted
  return [drawn - asked, performance.now() - asked, Number(place.dataset.messages)];
}"""


def main() -> None:
    """Make the page, run it, and report."""
    sync_playwright = peer("playwright.sync_api", "browser").sync_playwright
    chromium = program("chromium", "chromium")
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        bundle.write(Path(scratch), Course(), [LAB])
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        with served(Path(scratch)) as address:
            first = []
            for _ in range(STARTS):
                page = browser.new_page(viewport={"width": 1440, "height": 900})
                first.append(first_run(page, address))
            figures = {"first_run_s": statistics.median(first), **later_runs(page)}
            figures |= scrubbed(page, "dragged") | scrubbed(page, "jumped")
        browser.close()
    report("playground", figures, {}, __doc__ or "")


def first_run(page: Any, address: str) -> float:
    """Seconds from the click to the picture, on a page of its own context."""
    page.goto(f"{address}/?lab={LAB}")
    page.wait_for_selector(".stv-svg")
    began = time.perf_counter()
    page.evaluate("document.querySelector('.pg-bar .pg-main').click()")  # no pointer warms it up
    page.wait_for_function(RAN, timeout=120_000)
    return time.perf_counter() - began


def later_runs(page: Any) -> dict[str, float]:
    """Milliseconds of runs of two thousand messages, and how many messages there are."""
    page.get_by_label("Operations per client").fill("500")
    page.get_by_label("Virtual time, ms").fill("30000")
    runs = []
    for seed in range(1, LATER + 2):
        page.get_by_label("Seed", exact=True).fill(str(seed))
        runs.append(page.evaluate(LATER_RUN))
    drawn, painted, messages = zip(*runs[1:], strict=True)
    return {
        "later_run_ms": statistics.median(drawn),
        "later_run_painted_ms": statistics.median(painted),
        "later_run_messages": statistics.median(messages),
    }


if __name__ == "__main__":
    main()
