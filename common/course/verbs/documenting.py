"""``lab docs``: the docs site, built if it is not, and shown to this machine alone."""

import subprocess
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import click
from click.exceptions import Exit

from common.course.base.course import ROOT
from common.course.base.output import Output
from common.values.errors import BadInput, MissingTool

PORT = 8000
HERE = "127.0.0.1"
MAKER = "docs.making"
SITE = "out/site"


class Files(SimpleHTTPRequestHandler):
    """Serves files without a line for each; browsers ask again whether a file is still the same."""

    extensions_map = {
        **SimpleHTTPRequestHandler.extensions_map,
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
        ".ics": "text/calendar",
    }

    def end_headers(self) -> None:
        """Say with each file that it may have changed when it is asked for again."""
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """Serves on when a browser leaves in the middle of a file, and says nothing of it."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Tell what went wrong, unless only the reader went away."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


@click.option("--port", type=int, default=PORT, show_default=True, help="Where it is served.")
def docs(port: int) -> None:
    """Build the docs site if something changed, and show it until Ctrl-C."""
    output = Output()
    server = serving(port, ROOT / SITE)
    with server:
        _build(output)
        output.line(f"open  http://{HERE}:{server.server_port}/    (Ctrl-C ends it)")
        server.serve_forever()


def serving(port: int, folder: Path) -> ThreadingHTTPServer:
    """A server of a folder's files, for programs on this machine alone.

    Raises:
        BadInput: the port cannot be used; the text says why.
    """
    try:
        return Server((HERE, port), partial(Files, directory=str(folder)))
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or str(error).rstrip(".")
        raise BadInput(
            f"the docs cannot be served on port {port}: {why}; name another one with --port, "
            "or --port 0 for any that is free"
        ) from None


def _build(output: Output) -> None:
    """Build the site, in a process of its own, since its maker stands above this command.

    Raises:
        MissingTool: this installation of the course has no sources of the docs.
        Exit: it could not be built; the maker has said why.
    """
    if not (ROOT / "docs" / "making").is_dir():
        raise MissingTool(
            f"{ROOT} has no sources of the docs: run lab docs in a checkout of the course"
        )
    output.say("[dim]building the docs, if something changed ...[/]")
    done = subprocess.run([sys.executable, "-m", MAKER], cwd=ROOT, check=False)
    if done.returncode:
        raise Exit(done.returncode)
