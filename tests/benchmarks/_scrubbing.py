"""How long frames of the viewer take, in headless Chromium."""

from typing import Any

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync")
MOVES = 240

SCRUB = """async ([way, moves]) => {
  const range = document.querySelector("input[type=range]");
  const last = Number(range.max);
  const places = {
    dragged: (i) => (last * i) / moves,
    jumped: (i) => (i * 7919 * 37) % last,
    moved: (i) => last / 2 + 3 * i,
  };
  const took = [];
  for (let i = 0; i < moves; i++) {
    await new Promise(requestAnimationFrame);
    const begun = performance.now();
    range.value = Math.round(places[way](i));
    range.dispatchEvent(new Event("input", { bubbles: true }));
    await new Promise(requestAnimationFrame); // the viewer draws in this frame, before us or after
    const { port1, port2 } = new MessageChannel();
    await new Promise((done) => ((port1.onmessage = done), port2.postMessage(0))); // it is painted
    took.push(performance.now() - begun);
  }
  return took.sort((a, b) => a - b);
}"""


def scrubbed(page: Any, way: str) -> dict[str, float]:
    """Scrub the viewer of a page; the median and the 95th percentile of what a frame takes.

    Args:
        page: Playwright's, with one viewer.
        way: ``dragged`` from the beginning to the end, ``jumped`` about, ``moved`` by a few events.
    """
    took = page.evaluate(SCRUB, [way, MOVES])
    return {f"{way}_median_ms": took[MOVES // 2], f"{way}_95_percent_ms": took[MOVES * 95 // 100]}
