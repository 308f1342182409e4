"""The docs site, built once for all tests and served to a browser as ``lab docs`` serves it."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from common.course.base.course import ROOT
from common.course.verbs.documenting import SITE, serving

LOCK = ROOT / "out" / "docs.lock"
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync")
BUILD_SECONDS = 1200
"""After so long it hangs. How long it takes is no test: the machine may be busy, or slow."""


def built() -> Path:
    """The site's folder; several processes may ask at once, and one builds."""
    LOCK.parent.mkdir(exist_ok=True)
    with LOCK.open("w") as lock:
        flock(lock, LOCK_EX)
        done = subprocess.run(
            [sys.executable, "-m", "docs.making"], cwd=ROOT, check=False, capture_output=True,
            text=True, timeout=BUILD_SECONDS,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    return ROOT / SITE


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve the site; gives its address."""
    server = serving(0, folder)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Visit:
    """A page in a browser, with everything that it asked for and complained about."""

    def __init__(self, browser: Any, address: str, **options: Any) -> None:
        options.setdefault("reduced_motion", "reduce")
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.address = address
        self.complaints: list[str] = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.page.on("request", self._asked)
        self.page.on("response", self._answered)

    def __enter__(self) -> "Visit":
        return self

    def __exit__(self, *error: object) -> None:
        self.context.close()

    def go(self, path: str = "") -> Any:
        """Open a page of the site; returns Playwright's page."""
        self.page.goto(self.address + path)
        return self.page

    def _heard(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{self.page.url}: {message.text}")

    def _asked(self, request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https") and not request.url.startswith(self.address):
            self.complaints.append(f"{self.page.url} asks {parts.netloc} for something")

    def _answered(self, response: Any) -> None:
        if response.status >= 400:
            self.complaints.append(f"{self.page.url}: {response.url} is {response.status}")
