"""The command line of the TCP echo.

::

    python -m stage1_foundations.echo.tcp serve --port 7007
    python -m stage1_foundations.echo.tcp send --port 7007 "hello" "world"
    python -m stage1_foundations.echo.tcp send --port 7007 < lines.txt
"""

import argparse
import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import Sequence

from common.values.errors import LabError
from common.values.units import SECOND
from stage1_foundations.echo.client import EchoClient
from stage1_foundations.echo.server import EchoServer

DEFAULT_PORT = 7007


async def serve(host: str, port: int, idle_timeout: int) -> None:
    """Serve until the process is asked to stop (Ctrl-C or SIGTERM), then stop with grace."""
    server = EchoServer(host, port, idle_timeout=idle_timeout)
    await server.start()
    asked_to_stop = asyncio.Event()
    with contextlib.suppress(NotImplementedError):  # Windows: there Ctrl-C ends it without grace
        for name in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(name, asked_to_stop.set)
    print("listening on {}:{}".format(*server.address), flush=True)
    await asked_to_stop.wait()
    print(f"stopping, {len(server.connections)} clients are connected", flush=True)
    await server.stop()


async def send(host: str, port: int, texts: Sequence[str]) -> None:
    """Print the echo of each text; without texts, that of each line of the standard input."""
    client = EchoClient(host, port)
    try:
        if texts:
            for text in texts:
                print((await client.request(text.encode())).decode())
        else:
            lines = [line.rstrip("\n").encode() for line in sys.stdin]
            for answer in await client.echo_all(lines):
                print(answer.decode())
    finally:
        client.drop()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: those after the program's name; the process's own by default.

    Returns:
        The exit code: 0, or that of the error whose sentence was printed.
    """
    parser = argparse.ArgumentParser(prog="python -m stage1_foundations.echo.tcp")
    commands = parser.add_subparsers(dest="command", required=True)
    serving = commands.add_parser("serve", help="listen, and send back what comes")
    sending = commands.add_parser("send", help="send texts, or the lines of the input")
    for command in (serving, sending):
        command.add_argument("--host", default="127.0.0.1", help="(default: %(default)s)")
        command.add_argument("--port", type=_port, default=DEFAULT_PORT, help="(%(default)s)")
    serving.add_argument("--idle", type=float, default=60, metavar="SECONDS", help="(%(default)s)")
    sending.add_argument("texts", nargs="*", metavar="TEXT")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        if given.command == "serve":
            asyncio.run(serve(given.host, given.port, round(given.idle * SECOND)))
        else:
            asyncio.run(send(given.host, given.port, given.texts))
    except LabError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 2**16):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: write a number, 0 to 65535")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
