"""``lab docs``: the site is served to this machine, and a port that is taken is a sentence."""

import socket
import urllib.request
from pathlib import Path

import pytest

from common.course.command import run
from common.course.verbs.documenting import Files, serving
from tests.support.docs_site import served


def test_files_are_served_with_the_types_that_browsers_want(tmp_path: Path) -> None:
    (tmp_path / "worker.mjs").write_text("export {};")
    with served(tmp_path) as address, urllib.request.urlopen(f"{address}worker.mjs") as answer:
        assert answer.headers["Content-Type"] == "text/javascript"
        assert answer.headers["Cache-Control"] == "no-cache"
    assert Files.extensions_map[".wasm"] == "application/wasm"


@pytest.mark.parametrize("port", ["taken", "70000"])
def test_a_port_that_cannot_be_used_is_one_sentence(
    port: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        number = str(other.getsockname()[1]) if port == "taken" else port
        assert run(["docs", "--port", number]) == 3
    said = capsys.readouterr().err
    assert f"the docs cannot be served on port {number}: " in said
    assert "--port 0" in said


def test_a_port_is_free_again_when_the_server_ends(tmp_path: Path) -> None:
    with serving(0, tmp_path) as first:
        port = first.server_port
    with serving(port, tmp_path) as second:
        assert second.server_port == port


def test_nothing_is_said_of_a_reader_who_leaves_in_the_middle_of_a_file(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "large.bin").write_bytes(bytes(32 << 20))
    (tmp_path / "small.txt").write_text("here")
    with served(tmp_path) as address:
        port = int(address.rstrip("/").rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as reader:
            reader.sendall(b"GET /large.bin HTTP/1.0\r\n\r\n")
            assert reader.recv(1 << 10)
        with urllib.request.urlopen(f"{address}small.txt") as answer:
            assert answer.read() == b"here"
    assert capfd.readouterr().err == ""
