"""Measures round trips through the TCP echo; runs inside a node of the cluster.

Prints one line of JSON, because its reader sits outside: of a container, a network namespace
or a whole virtual machine.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence

from common.values.errors import LabError
from common.values.units import MS, SECOND
from stage1_foundations.echo.client import Backoff, Connection, EchoClient, NoAnswer
from stage1_foundations.echo.frames import encode_frame
from stage1_foundations.echo.server import reason

LONGEST_US = 30 * SECOND
"""A round trip that takes longer ends the measurement: the network is broken, not slow."""


async def measure(host: str, port: int, count: int, connections: int) -> list[int]:
    """Time ``count`` round trips, one after another on each of some connections.

    Args:
        host: where the server listens.
        port: where the server listens.
        count: how many round trips to time, over all connections together.
        connections: how many connections to time them on, side by side.

    Returns:
        The times in microseconds.

    Raises:
        NoAnswer: the server cannot be reached, or stopped to answer.
    """
    times: list[int] = []

    async def one_connection(share: int) -> None:
        connection = await Connection.open(host, port)
        try:
            for number in range(share):
                frame = encode_frame(b"%d" % number)
                started = time.perf_counter_ns()
                async with asyncio.timeout(LONGEST_US / SECOND):
                    await connection.ask(frame)
                times.append((time.perf_counter_ns() - started) // 1000)
        finally:
            connection.drop()

    shares = [len(range(first, count, connections)) for first in range(connections)]
    try:
        await asyncio.gather(*map(one_connection, shares))
    except OSError as error:
        raise NoAnswer(
            f"the measurement at {host}:{port} ended after {len(times)} of {count} round trips: "
            f"{reason(error)}"
        ) from None
    return times


async def ask(host: str, port: int, patience: int) -> str:
    """Ask for one echo: the way in which the operation ends, ``ok`` or ``unknown``.

    Args:
        host: where the server listens.
        port: where the server listens.
        patience: how long each of three attempts may take to connect, and then to answer, in
            microseconds.
    """
    backoff = Backoff(attempts=3, base=20 * MS, cap=40 * MS)
    client = EchoClient(
        host, port, connect_timeout=patience, answer_timeout=patience, backoff=backoff
    )
    try:
        await client.request(b"are you there?")
    except NoAnswer:
        return "unknown"
    finally:
        client.drop()
    return "ok"


async def ask_all(hosts: Sequence[str], port: int, patience: int) -> list[str]:
    """Ask several servers at the same time; how each operation ends, in the order of ``hosts``."""
    return await asyncio.gather(*(ask(host, port, patience) for host in hosts))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m stage1_foundations.netem.probe")
    commands = parser.add_subparsers(dest="command", required=True)
    measuring = commands.add_parser("measure", help="print the times of many round trips")
    asking = commands.add_parser("ask", help="print how an echo of each ends: ok or unknown")
    for command in (measuring, asking):
        command.add_argument("--port", type=int, required=True)
    measuring.add_argument("host")
    asking.add_argument("hosts", nargs="+", metavar="host")
    measuring.add_argument("--count", type=int, default=200)
    measuring.add_argument("--connections", type=int, default=10)
    asking.add_argument("--patience", type=int, default=SECOND, metavar="MICROSECONDS")
    given = parser.parse_args(arguments)
    try:
        if given.command == "measure":
            times = asyncio.run(measure(given.host, given.port, given.count, given.connections))
            print(json.dumps(times))
        else:
            print(json.dumps(asyncio.run(ask_all(given.hosts, given.port, given.patience))))
    except LabError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
