"""Makes the pictures of README and the lab pages from real runs: ``make pictures``.

    python docs/pictures.py              all of them (some minutes)
    python docs/pictures.py log cap      these only

Each is the viewer's page of a demo's trace, at the event that the text talks about, taken by
headless Chromium; charts are drawn by the demo itself. Demos are seeded, so the pictures change
only when the course does.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from docs.making.scenes import SCENES

HERE = Path(__file__).parent
IMAGES = HERE / "images"
WIDTH, HEIGHT = 1480, 860
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync")

CHARTS = {
    "link-goodput": ("link", "link-loss"),
    "netem": ("netem", "round-trips"),
    "kv-balance": ("kv", "kv-balance"),
    "kv-moved": ("kv", "kv-moved"),
    "serialization-evolution": ("serialization", "serialization-evolution"),
}
"""By picture: the lab, and the name of the chart."""

STUDIES = {
    "swim-detectors": "stage5_fault_tolerance.swim.plot_detectors",
    "swim-growth": "stage5_fault_tolerance.swim.plot",
    "kademlia-churn": "bonus_overlays.kademlia.plot_churn",
    "kademlia-hops": "bonus_overlays.kademlia.plot",
    "kademlia-topologies": "bonus_overlays.kademlia.plot_topologies",
    "mapreduce-timeline": "stage6_compute.mapreduce.plot",
    "gossip-residue": "stage2_communication.gossip.plot",
    "gossip-delay": "stage2_communication.gossip.plot_delay",
    "rpc-cost": "stage2_communication.rpc.plot",
    "serialization-speed": "stage2_communication.serialization.plot_sizes",
}
"""By picture: the module that makes it, given a file: what takes too long for a demo."""


def wanted() -> set[str]:
    """The names of the pictures to make; ends the program if one is unknown."""
    known = [*SCENES, *CHARTS, *STUDIES]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", nargs="*", help="a picture; all of them unless given")
    names = parser.parse_args().name
    if unknown := sorted(set(names) - set(known)):
        parser.error(f"there is no picture {', '.join(unknown)}: there are {', '.join(known)}")
    return set(names or known)


def main() -> None:
    """Run the demos and take the pictures."""
    chosen = wanted()
    scenes = {name: scene for name, scene in SCENES.items() if name in chosen}
    charts = {name: chart for name, chart in CHARTS.items() if name in chosen}
    studies = {name: module for name, module in STUDIES.items() if name in chosen}
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        out = Path(scratch)
        for lab in sorted({scene[0] for scene in [*scenes.values(), *charts.values()]}):
            command = [sys.executable, "-m", "common.course.command", "demo", lab, "--json"]
            subprocess.run([*command, "--out", str(out)], check=True, stdout=subprocess.DEVNULL)
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        for name, (lab, trace, event) in scenes.items():
            page.goto(f"file://{out}/demo/{lab}/{trace}.html#event={event}")
            page.reload()
            page.wait_for_timeout(500)
            page.screenshot(path=IMAGES / f"{name}.png")
        for name, (lab, chart) in charts.items():
            (IMAGES / f"{name}.svg").write_bytes((out / f"demo/{lab}/{chart}.svg").read_bytes())
        for name, module in studies.items():
            study = [sys.executable, "-m", module, f"{IMAGES / name}.svg"]
            subprocess.run(study, check=True, stdout=subprocess.DEVNULL)
        browser.close()


if __name__ == "__main__":
    main()
