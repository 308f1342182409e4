"""Our NATS front as a program that is called as ``nats-server`` is: what nats-py's own tests start.

    python -m tests.support.nats_server -p 4222 -m 8222 -a 127.0.0.1

Core NATS alone, with no broker behind it, and what those tests ask of ``/varz`` and ``/connz``.
"""

import argparse
import asyncio
import json
import sys
from dataclasses import asdict

from stage2_communication.queue.front.facade import NatsServer


async def serve(host: str, port: int, monitor: int, login: tuple[str, str] | None) -> None:
    """Serve until somebody ends this process."""
    server = NatsServer(host, port, "queue", lambda line: print(line, file=sys.stderr), login)
    exchange = server.exchange
    await server.listen()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = await reader.readuntil(b"\r\n\r\n")
        told: dict[str, object] = asdict(exchange.counts)
        if line.startswith(b"GET /connz"):
            names = [name for name, _ in exchange.interest.subscriptions]
            told["connections"] = [
                {"cid": id, "subscriptions": names.count(id), **asdict(each.counts)}
                for id, each in exchange.connections.items()
            ]
        body = json.dumps(told).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        writer.write(f"{head}\r\nConnection: close\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    if monitor:
        await asyncio.start_server(answer, host, monitor)
    await asyncio.Event().wait()


def main() -> None:
    """Read the command line as nats-server would."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-a", default="127.0.0.1")
    parser.add_argument("-p", type=int, default=4222)
    parser.add_argument("-m", type=int, default=0)
    parser.add_argument("--user", default="")
    parser.add_argument("--pass", default="", dest="password")
    known, others = parser.parse_known_args()
    login = (known.user, known.password) if known.user else None
    if others:
        print(f"not served here, and passed over: {' '.join(others)}", file=sys.stderr)
    asyncio.run(serve(known.a, known.p, known.m, login))


if __name__ == "__main__":
    main()
