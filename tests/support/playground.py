"""The playground on CPython, and as files that a browser may load from a server of our own."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

LIMIT_SECONDS = 120


class Asking:
    """A process that answers what a page would ask, on the files that a page would have.

    Args:
        folder: where the course was unpacked, as in the browser.
    """

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-I", "-c", _SAYS, str(folder), str(folder / "work")]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )

    def ask(self, lab: str, files: dict[str, str] | None = None, **what: Any) -> tuple[Any, str]:
        """Ask a question; returns the facts, and the trace if one follows."""
        asked, answers = self._process.stdin, self._process.stdout
        assert asked is not None
        assert answers is not None
        print(json.dumps({"lab": lab, "files": files or {}, **what}), file=asked, flush=True)
        facts = json.loads(answers.readline())
        trace = ""
        for line in iter(answers.readline, "\n"):
            assert line, "the process has ended"
            trace += line
        return facts, trace

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=LIMIT_SECONDS)


_SAYS = (
    "import sys; sys.dont_write_bytecode = True; sys.path.insert(0, sys.argv[1]); "
    "from common.browser.__main__ import main; main()"
)


class _Quiet(SimpleHTTPRequestHandler):
    """Says nothing of what it serves."""

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a folder, for as long as the block runs."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
