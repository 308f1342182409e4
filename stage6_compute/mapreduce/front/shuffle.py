"""The shuffle: the output of maps stays at its worker, and reduces fetch it by HTTP (OSDI'04, 3.1).

``GET /JOB/ATTEMPT/PARTITION`` with the cluster's token answers with the piece. A reduce at the same
worker reads the file itself.
"""

import http.client
import http.server
import secrets
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

from stage6_compute.mapreduce.front.blocks import read_blocks
from stage6_compute.mapreduce.front.problems import PieceLost

PATIENCE_SECONDS = 10.0
"""A worker that does not answer for so long is not reachable."""


class Piece(NamedTuple):
    """Where a reduce finds the output of a map."""

    map: int
    attempt: int
    worker: str
    host: str
    port: int


class ShuffleServer(http.server.ThreadingHTTPServer):
    """Serves the pieces of one worker.

    Args:
        address: where to listen.
        directory: where the pieces are.
        token: what those who ask have to know.

    Raises:
        OSError: the address is taken.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], directory: Path, token: str) -> None:
        self.directory = directory
        self.token = token
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Somebody went away in the middle of an answer: that is for them to say."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    server: ShuffleServer

    def do_GET(self) -> None:
        """Answer with a piece."""
        parts = self.path.strip("/").split("/")
        if not secrets.compare_digest(self.headers.get("Authorization", ""), self.server.token):
            self.send_error(HTTPStatus.UNAUTHORIZED)
        elif len(parts) != 3 or not all(part.isdecimal() for part in parts):
            self.send_error(HTTPStatus.BAD_REQUEST)
        else:
            try:
                with open(self.server.directory.joinpath(*parts), "rb") as piece:
                    self.send_response(HTTPStatus.OK)
                    self.send_header("Content-Length", str(piece.seek(0, 2)))
                    self.end_headers()
                    self.wfile.flush()
                    piece.seek(0)
                    self.connection.sendfile(piece)
            except FileNotFoundError:
                self.send_error(HTTPStatus.NOT_FOUND)

    def log_message(self, format: str, *args: Any) -> None:
        """Nobody reads of each piece."""


class Fetcher:
    """Reads pieces, with one connection for each worker.

    Args:
        me: the worker that this is.
        directory: where its own pieces are.
        token: the cluster's.
    """

    def __init__(self, me: str, directory: Path, token: str) -> None:
        self._me = me
        self._directory = directory
        self._token = token
        self._connections: dict[tuple[str, int], http.client.HTTPConnection] = {}

    def read(self, job: int, piece: Piece, partition: int) -> Iterator[tuple[list[Any], list[Any]]]:
        """The pairs of a piece, block by block.

        Raises:
            PieceLost: it is not there, or damaged.
            OSError: the worker cannot be reached.
        """
        path = f"{job}/{piece.attempt}/{partition}"
        if piece.worker == self._me:
            try:
                with open(self._directory / path, "rb") as file:
                    yield from read_blocks(file)
            except FileNotFoundError:
                raise PieceLost("it is not there") from None
            return
        where = (piece.host, piece.port)
        if where not in self._connections:
            made = http.client.HTTPConnection(*where, timeout=PATIENCE_SECONDS)
            self._connections[where] = made
        connection = self._connections[where]
        try:
            connection.request("GET", f"/{path}", headers={"Authorization": self._token})
            answer = connection.getresponse()
            if answer.status != HTTPStatus.OK:
                raise PieceLost(f"its worker says {answer.status} {answer.reason}")
            yield from read_blocks(answer)
        except http.client.HTTPException as error:
            raise PieceLost(f"its worker answers {error!r}") from None

    def close(self) -> None:
        """Close all connections."""
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()


def of_same_worker(pieces: Sequence[Piece], lost: Piece) -> list[Piece]:
    """All pieces that are where a lost one is."""
    return [piece for piece in pieces if piece.worker == lost.worker]
